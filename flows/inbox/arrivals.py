"""What lies in the inbox: files that were not looked into yet, and what can be none of its files."""

import os
import stat
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.files import printable
from flows.settings import Settings
from flows.warehouse import append, run_sql

if TYPE_CHECKING:
    from flows.inbox.shapes import Kind

KINDS: tuple["Kind", ...] = ("customers", "events")
REFUSED = "refused"
KEEPERS = (".gitkeep", ".gitignore", ".keep")
"""Files that keep a folder in version control: nobody wants to hear of them."""
NO_DELIVERY = (
    *(".*", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "~$*", "*~"),
    *("*.part", "*.partial", "*.filepart", "*.tmp", "*.temp", "*.crdownload", "*.opdownload", "*.download"),
    *("*.swp", "*.swx", "*.lock", "*.reason.txt"),
)
"""What operating systems, browsers, editors and Onward itself leave lying, by name in lower case."""


@dataclass(frozen=True)
class WaitingFile:
    """A file of the inbox that wasn't looked into yet, as it is now.

    Attributes:
        stamp: what tells it from another one, and from itself once it has changed: a row of `inbox_files`.
    """

    kind: "Kind"
    path: Path
    stamp: tuple[str, str, int, int]


@dataclass(frozen=True)
class Arrivals:
    """What the inbox holds: files to look into, customers first, in name order; and what is passed over, in words."""

    waiting: list[WaitingFile]
    passed_over: list[str]


def look_in(con: DuckDBPyConnection, settings: Settings) -> Arrivals:
    """The inbox as it is. A file is looked into once: one of the same name, size and time of change isn't waiting.

    Raises:
        OSError: a folder can't be read.
    """
    read = set(run_sql(con, "inbox/intake/files_read.sql").fetchall())
    there = [_found(kind, path) for kind in KINDS for path in _entries(settings.inbox / kind)]
    files = [one for one in there if isinstance(one, WaitingFile) and one.stamp not in read]
    return Arrivals(files, [*_beside(settings.inbox), *(one for one in there if isinstance(one, str))])


def note_files(con: DuckDBPyConnection, files: list[WaitingFile]) -> None:
    """Remember that these were looked into, inside the caller's transaction."""
    if files:
        columns = ("kind", "file", "bytes", "changed_ns")
        append(con, "inbox_files", pl.DataFrame([one.stamp for one in files], schema=columns, orient="row"))


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
    if any(fnmatch(path.name.lower(), pattern) for pattern in NO_DELIVERY):
        return name
    try:
        there = path.stat()
    except OSError as error:
        gone = not os.path.lexists(path)
        return None if gone else f"{name} (a link that leads nowhere: {os.strerror(error.errno or 0)})"
    if not stat.S_ISREG(there.st_mode):
        return f"{name} ({_sort(there.st_mode)})"
    return WaitingFile(kind, path, (kind, _distinct_name(path), there.st_size, there.st_ctime_ns))


def _sort(mode: int) -> str:
    return "a folder" if stat.S_ISDIR(mode) else "a socket, pipe or device"


def _distinct_name(path: Path) -> str:
    """The name as text that no other name has, its bytes UTF-8 or not."""
    return path.name.encode("utf-8", errors="backslashreplace").decode()
