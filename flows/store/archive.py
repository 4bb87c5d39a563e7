"""The archive under `state/archive/`: loaded rows and each tick's manifest, enough to decide everything again.

`events/` and `customers/` hold one immutable Parquet file per batch, `quarantine/` the batch's bad rows,
`workflows/` each version's definition, `ticks/` what every tick that loaded or changed something started from.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter

from flows.errors import OnwardError
from flows.files import write_text
from flows.settings import Settings
from transforms.definitions.workflow import Workflow, stored_workflow

SEMANTICS = 2
"""The version of the rules by which files are read and ticks decided (docs/semantics.md)."""


@dataclass(frozen=True)
class Batch:
    """One loaded file: a row of the `batches` table.

    Attributes:
        archive: the Parquet file's name within `archive/<kind>/`.
        latest: the latest `ts` of its events; null for customers or without rows.
        earliest: the earliest likewise; null also for batches of version 0.1.
        text_columns: of a CSV file, the columns that it showed to be text.
        semantics: the version of the rules by which its rows were read.
        anonymous: how many of its events have only an anonymous id.
    """

    batch_id: int
    kind: str
    file: str
    content_hash: str
    shape: str
    rows: int
    duplicates: int
    quarantined: int
    loaded_at: datetime
    archive: str
    latest: datetime | None
    earliest: datetime | None = None
    text_columns: list[str] = field(default_factory=list)
    semantics: int = 1
    anonymous: int = 0


def _padded(cap: Any) -> Any:
    """Manifests of version 0.1 have caps without a channel and a class."""
    return (*cap, None, None) if isinstance(cap, list | tuple) and len(cap) == 2 else cap


_Cap = Annotated[tuple[int, timedelta, str | None, str | None], BeforeValidator(_padded)]


@dataclass(frozen=True)
class Manifest:
    """What a tick started from: with the archive, its decisions can be computed again.

    Attributes:
        workflows: (workflow_id, version) of every current workflow, active or not.
        frequency_caps: (messages, window, channel, message_class) each.
        max_lateness: the setting then.
        patterns: as `rules.written_patterns` writes them.
        send_times: as `rules.written_send_times` writes them.
        timezone: the setting then.
        unreadable: the ids of workflows whose files had faults.
        semantics: the version of the rules; manifests of before there were several don't say it.
    """

    tick_id: int
    previous: datetime | None
    now: datetime
    batches: list[Batch]
    workflows: list[tuple[str, str]]
    frequency_caps: list[_Cap]
    max_lateness: timedelta
    unreadable: list[str] = field(default_factory=list)
    patterns: dict[str, Any] = field(default_factory=dict)
    send_times: dict[str, Any] = field(default_factory=dict)
    timezone: str = "UTC"
    semantics: int = 1


class ArchiveError(OnwardError):
    """A file of the archive that is needed is gone or damaged."""

    def __init__(self, file: Path) -> None:
        self.file, self.what = file, "is damaged" if file.exists() else "is gone"
        super().__init__(
            f"{file}: {self.what}, and is needed to decide again what came in then. Nothing has changed: put it back "
            "from a backup of the archive, and run again"
        )


_MANIFEST = TypeAdapter(Manifest)
_PARQUET = b"PAR1"
_CLOCK = TypeAdapter(tuple[int, datetime])


def archive_folder(settings: Settings) -> Path:
    """The root of the archive."""
    return settings.state / "archive"


def manifest_file(settings: Settings, tick_id: int) -> Path:
    """Where a tick's manifest lies, if it has one."""
    return _manifests(settings) / f"{tick_id:08d}.json"


def write_manifest(settings: Settings, manifest: Manifest) -> None:
    """Keep a tick's manifest; a repeated tick replaces its own."""
    write_text(manifest_file(settings, manifest.tick_id), _MANIFEST.dump_json(manifest, indent=1).decode())


def manifests_after(settings: Settings, tick_id: int) -> Iterator[Manifest]:
    """The manifests of later ticks, in order.

    Raises:
        ArchiveError: one can't be read.
    """
    folder = _manifests(settings)
    for name in sorted(one for one in _manifest_names(folder) if one > f"{tick_id:08d}.json"):
        yield _manifest(folder / name)


def manifests_stamp(settings: Settings) -> str:
    """What is another text whenever a manifest has come or gone: to list a year's 105,000 takes each run longer."""
    folder = _manifests(settings)
    return str(folder.stat().st_mtime_ns) if folder.exists() else ""


def last_manifest(settings: Settings, tick_id: int) -> Manifest | None:
    """The latest manifest of a tick up to `tick_id`.

    Raises:
        ArchiveError: it can't be read.
    """
    folder = _manifests(settings)
    name = max((one for one in _manifest_names(folder) if one <= f"{tick_id:08d}.json"), default=None)
    return _manifest(folder / name) if name else None


def _manifest(file: Path) -> Manifest:
    with _needed(file):
        return _MANIFEST.validate_json(file.read_bytes())


@contextmanager
def _needed(file: Path) -> Generator[None]:
    """Name the file if the block can't read it.

    Raises:
        ArchiveError: it is gone, or doesn't hold what it should.
    """
    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        raise ArchiveError(file) from error


def _manifests(settings: Settings) -> Path:
    return archive_folder(settings) / "ticks"


def _manifest_names(folder: Path) -> list[str]:
    # As text, because paths of a year's 105,000 take five times as long.
    return [one for one in os.listdir(folder) if one.endswith(".json")] if folder.exists() else []  # noqa: PTH208


def write_clock(settings: Settings, tick_id: int, now: datetime) -> None:
    """Note how far ticks have come, also those that found nothing and have no manifest."""
    write_text(_clock_file(settings), _CLOCK.dump_json((tick_id, now)).decode())


def read_clock(settings: Settings) -> tuple[int, datetime] | None:
    """The last tick's number and end, as far as noted.

    Raises:
        ArchiveError: the note can't be read.
    """
    file = _clock_file(settings)
    with _needed(file):
        return _CLOCK.validate_json(file.read_bytes()) if file.exists() else None


def _clock_file(settings: Settings) -> Path:
    return archive_folder(settings) / "clock.json"


def archived_workflow(settings: Settings, version: str) -> Workflow:
    """A version's definition as the archive has it.

    Raises:
        ArchiveError: it is gone or damaged.
    """
    file = _definition_file(settings, version)
    with _needed(file):
        return stored_workflow(file.read_bytes())


def archived_file(settings: Settings, kind: str, name: str, size: int | None = None) -> Path:
    """An archived Parquet file, after a look whether it is there, and whole as far as its size and its ends tell.

    Raises:
        ArchiveError: it isn't.
    """
    file = archive_folder(settings) / kind / name
    if not (file.exists() and size in (None, file.stat().st_size) and _has_both_ends(file)):
        raise ArchiveError(file)
    return file


def _has_both_ends(file: Path) -> bool:
    with file.open("rb") as data:
        first = data.read(len(_PARQUET))
        data.seek(-min(len(_PARQUET), file.stat().st_size), os.SEEK_END)
        return first == data.read() == _PARQUET


def keep_definition(settings: Settings, version: str, definition: str) -> None:
    """Keep a workflow version's definition (JSON)."""
    file = _definition_file(settings, version)
    if not file.exists():
        write_text(file, definition)


def _definition_file(settings: Settings, version: str) -> Path:
    return archive_folder(settings) / "workflows" / f"{version}.json"
