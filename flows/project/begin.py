"""`onward init`: a folder with a workflow, its template and test, settings and sample data, which work at once."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

from flows.errors import InputError
from flows.files import write_text

FILES: Mapping[str, str] = {
    "onward.toml": "onward.toml",
    ".gitignore": "gitignore.txt",
    "data/workflows/welcome.yaml": "workflow.yaml",
    "data/templates/welcome.txt.j2": "template.txt.j2",
    "data/tests/welcome.yaml": "test.yaml",
    "data/inbox/customers/sample.csv": "customers.csv",
    "data/inbox/events/sample.ndjson": "events.ndjson",
}
"""Path in the project → the file of `flows/project/files/` that is put there."""
_AGO = re.compile(r"\{minutes_ago:([0-9]+)\}")


def begin_project(folder: Path, now: datetime, beside: Iterable[str] = ()) -> list[Path]:
    """Write a project's files into a folder, which is made if it isn't there; the files written.

    Args:
        folder: where to.
        now: the present: sample events are of the hour before it, so that a run still sends what comes of them.
        beside: paths of the project that will be written by others, and may not be there either.

    Raises:
        InputError: one of the files is there already, or the folder is none; nothing was written.
    """
    _check(folder, [*FILES, *beside])
    written = []
    for path, source in FILES.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(
            file, _dated(files("flows.project").joinpath("files", source).read_text(encoding="utf-8"), now)
        )
        written.append(file)
    return written


def _check(folder: Path, paths: list[str]) -> None:
    above = [folder, *(folder / one for path in paths for one in Path(path).parents)]
    if blocking := [one for one in above if one.exists() and not one.is_dir()]:
        raise InputError(
            f"{blocking[0]}: is a file, where a folder should be; name another folder: onward init DIR"
        )
    if there := [path for path in paths if (folder / path).exists() or (folder / path).is_symlink()]:
        raise InputError(
            f"{folder}: has {', '.join(there)} already, and nothing is replaced; name another folder: onward init DIR"
        )


def _dated(text: str, now: datetime) -> str:
    """The text with the instants that it gives by their distance from now."""
    return _AGO.sub(lambda found: f"{now - timedelta(minutes=int(found[1])):%Y-%m-%dT%H:%M:%SZ}", text)
