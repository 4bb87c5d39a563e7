"""What lies in the inbox: files that were not looked into yet, and what can be none of its files."""

import os
import re
import stat
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path
from typing import TYPE_CHECKING

from flows.errors import InputError
from flows.files import printable
from flows.settings import Settings
from flows.store.state_file import StateFile
from flows.warehouse import sql_text

if TYPE_CHECKING:
    from flows.formats.shapes import Kind

KINDS: tuple["Kind", ...] = ("customers", "events")
REFUSED = "refused"
GONE = "gone"
KEEPERS = (".gitkeep", ".gitignore", ".keep")
"""Files that keep a folder in version control: nobody wants to hear of them."""
NO_DELIVERY = (
    *(".*", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "~$*", "*~"),
    *("*.part", "*.partial", "*.filepart", "*.tmp", "*.temp", "*.crdownload", "*.opdownload", "*.download"),
    *("*.swp", "*.swx", "*.lock", "*.reason.txt"),
)
"""What operating systems, browsers, editors and Onward itself leave lying, by name in lower case."""
_NO_DELIVERY = re.compile("|".join(map(translate, NO_DELIVERY)))


@dataclass(frozen=True)
class WaitingFile:
    """A file of the inbox that wasn't looked into yet, as it is now.

    Attributes:
        name: its name as text that no other name has, its bytes UTF-8 or not.
        size: in bytes.
        changed_ns: when it changed last, as the operating system says.
    """

    kind: "Kind"
    path: Path
    name: str
    size: int
    changed_ns: int

    @property
    def stamp(self) -> tuple[str, str, int, int]:
        """What tells it from another one, and from itself once it has changed."""
        return self.kind, self.name, self.size, self.changed_ns


@dataclass(frozen=True)
class Arrivals:
    """What the inbox holds.

    Attributes:
        waiting: files to look into, customers first, in name order.
        passed_over: what can be no file of it, in words.
        gone: kind and name of what was there, and is no more.
    """

    waiting: list[WaitingFile]
    passed_over: list[str]
    gone: list[tuple[str, str]]


def look_in(state: StateFile | None, settings: Settings) -> Arrivals:
    """The inbox as it is. A file is looked into once: one of the same name, size and time of change isn't waiting.

    Args:
        state: notes what was looked into; None: nothing was yet.
        settings: where the inbox lies.

    Raises:
        InputError: the inbox is no folder.
        OSError: a folder can't be read.
    """
    if settings.inbox.exists() and not settings.inbox.is_dir():
        raise InputError(
            f"{settings.inbox}: is no folder. Files to load lie in its folders events and customers: move this away, "
            "make them, and run again"
        )
    noted = state.rows("inbox/intake/files_read.sql") if state else []
    there = [_found(kind, path) for kind in KINDS for path in _entries(settings.inbox / kind)]
    files = [one for one in there if isinstance(one, WaitingFile)]
    read, names = {tuple(stamp) for *stamp, _ in noted}, {(one.kind, one.name) for one in files}
    gone = [
        (kind, name) for kind, name, *_, content in noted if (kind, name) not in names and content != GONE
    ]
    return Arrivals(
        [one for one in files if one.stamp not in read],
        [*_beside(settings.inbox), *(one for one in there if isinstance(one, str))],
        gone,
    )


def note_files(
    state: StateFile, files: Sequence[tuple[WaitingFile, str | None]], gone: Sequence[tuple[str, str]]
) -> None:
    """Remember which files were looked into, with the hashes of their contents, and which are gone.

    To be called inside the transaction that loads them.
    """
    for statement in ("forget_gone", "keep_gone"):
        state.write(sql_text(f"inbox/intake/{statement}.sql"), gone)
    state.write(sql_text("inbox/intake/note_file.sql"), [(*one.stamp, content) for one, content in files])


@contextmanager
def readable(path: Path) -> Generator[Path]:
    """The path, or a link to it where its name has a backslash or bytes that aren't UTF-8, which DuckDB can't open.

    Raises:
        InputError: as in the block, which names the file and not the link.
    """
    name = printable(path.name).replace("\\", "_")
    if name == path.name:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="onward-") as folder:
        link = Path(folder) / name
        link.symlink_to(path.absolute())
        try:
            yield link
        except InputError as error:
            raise InputError(str(error).replace(str(link), printable(str(path)))) from error


def _entries(folder: Path) -> list[Path]:
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in there if path.name not in KEEPERS]


def _beside(inbox: Path) -> Iterator[str]:
    """What lies in the inbox itself, where nothing is read."""
    for path in _entries(inbox):
        if path.name not in (*KINDS, REFUSED):
            yield f"{printable(path.name)} (lies beside the folders events and customers: move it into one)"
        elif not path.is_dir():
            yield f"{printable(path.name)} (is no folder)"


def _found(kind: "Kind", path: Path) -> "WaitingFile | str | None":
    """A file to look into, or why it is none; nothing if it has gone meanwhile."""
    name = f"{kind}/{printable(path.name)}"
    if _NO_DELIVERY.match(path.name.lower()):
        return name
    try:
        there = path.stat()
    except OSError as error:
        gone = not os.path.lexists(path)
        return None if gone else f"{name} (a link that leads nowhere: {os.strerror(error.errno or 0)})"
    if not stat.S_ISREG(there.st_mode):
        return f"{name} ({_sort(there.st_mode)})"
    return WaitingFile(kind, path, _distinct_name(path), there.st_size, there.st_ctime_ns)


def _sort(mode: int) -> str:
    return "a folder" if stat.S_ISDIR(mode) else "a socket, pipe or device"


def _distinct_name(path: Path) -> str:
    """The name as text that no other name has, its bytes UTF-8 or not."""
    return path.name.encode("utf-8", errors="backslashreplace").decode()
