"""An NDJSON file that grows by whole blocks of lines and holds each id once, whatever moment a process dies."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from flows.files import flush

_CHUNK = 1 << 20


class Journal:
    """Lines that begin with `{"<key>": "<id>"`, appended in one write per hand-over and flushed to disk.

    There is one writer (the run's lock). A line torn by a crash is cut off before the next hand-over.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self._start = f'{{"{key}": "'.encode()

    def append_once(self, lines: Mapping[str, str], *, search_all: bool = False) -> None:
        """Append the lines (JSON texts by id) whose id isn't there yet.

        A hand-over cut short by a crash is the last thing in the file, so its end is searched; the whole file
        only with `search_all`.

        Raises:
            OSError: the file can't be written.
        """
        created = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b", buffering=0) as file:
            size = _cut_torn_line(file.fileno())
            length = sum(len(line) + 1 for line in lines.values())
            there = self._ids(file.fileno(), 0 if search_all else max(0, size - 4 * length - _CHUNK), size)
            block = "".join(f"{line}\n" for name, line in lines.items() if name not in there).encode()
            while block:
                block = block[file.write(block) :]
            os.fsync(file.fileno())
        if created:
            flush(self.path.parent)

    def _ids(self, handle: int, start: int, size: int) -> set[str]:
        found: set[str] = set()
        rest = b""
        for position in range(start, size, _CHUNK):
            *whole, rest = (rest + os.pread(handle, _CHUNK, position)).split(b"\n")
            found.update(self._read_ids(whole))
        return found

    def _read_ids(self, lines: Iterable[bytes]) -> Iterable[str]:
        skip = len(self._start)
        return (
            line[skip : line.index(b'"', skip)].decode() for line in lines if line.startswith(self._start)
        )


def _cut_torn_line(handle: int) -> int:
    """Cut what follows the last line break; the size that remains."""
    size = end = os.fstat(handle).st_size
    while end > 0:
        start = max(0, end - _CHUNK)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(handle, end)
    return end
