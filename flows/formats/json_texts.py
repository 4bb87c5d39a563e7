"""JSON objects one after the other, over many lines or in an array, as a stream of Arrow tables in bounded memory."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from flows.errors import InputError
from flows.formats.blocks import BOM, in_batches
from flows.formats.decompressed import Bytes
from flows.formats.json_heads import DECODER, after_gap

BLOCK_BYTES = 4 * 1024**2
BLOCK_ROWS = 50_000
NEXT_ON_LINE = re.compile(r"\}[ \t]*,?[ \t]*(?=[{\]])")
"""Where a value may end on its line, if it can't be read."""
ARRAY_OF_OBJECTS = re.compile(r"\[\s*[{\]]")
Value = tuple[int, str, str | None]
"""Line, text and fault of a value."""


def value_blocks(data: Bytes, line_bytes: int) -> Iterator[pa.Table]:
    """The values of a JSON text, each element of an array apart.

    Yields:
        Tables `line` (where the value begins, from 1), `text` (as it stands in the file), `fault` (`not_json`,
        `line_too_long`, `encoding`, or null). At least one table.

    Raises:
        InputError: an array isn't closed, so the file isn't whole.
    """
    rows, size, yielded = list[Value](), 0, False
    for value in values(_Window(data, line_bytes)):
        rows.append(value)
        size += len(value[1])
        if len(rows) >= BLOCK_ROWS or size > BLOCK_BYTES:
            yield _table(rows)
            rows, size, yielded = [], 0, True
    if rows or not yielded:
        yield _table(rows)


@dataclass
class _Window:
    """The part of a text that is looked at."""

    data: Bytes
    most: int
    text: str = ""
    place: int = 0
    line: int = 1
    ended: bool = False
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("surrogateescape")
    )

    def __post_init__(self) -> None:
        self.text = self.decoder.decode(self.data.read(len(BOM)).removeprefix(BOM))

    def more(self) -> bool:
        """Read on, and forget what was looked at; whether there was more."""
        block = self.data.read(BLOCK_BYTES)
        self.ended = not block
        self.text = self.text[self.place :] + self.decoder.decode(block, self.ended)
        self.place = 0
        return not self.ended

    def go(self, place: int) -> None:
        """Look at what comes from `place` on."""
        self.line += self.text.count("\n", self.place, place)
        self.place = place

    def fill(self) -> None:
        """Make the longest value that is allowed fit."""
        while not self.ended and len(self.text) - self.place <= 2 * self.most:
            self.more()

    def begins(self, pattern: re.Pattern[str]) -> bool:
        """Whether what is looked at begins so."""
        self.fill()
        return pattern.match(self.text, self.place) is not None

    def skip(self) -> bool:
        """Go to where a value begins; whether there is one."""
        while True:
            self.go(after_gap(self.text, self.place))
            if self.place < len(self.text):
                return True
            if self.ended or not self.more():
                return False


def values(window: _Window) -> Iterator[Value]:
    """The values of a window, from its place to the end of the file.

    Raises:
        InputError: the array that the file is isn't closed. One behind other values spoils no more than its own row.
    """
    opened, is_first = 0, True
    while window.skip():
        mark = window.text[window.place]
        if mark == "[" and not opened and (is_first or window.begins(ARRAY_OF_OBJECTS)):
            opened = window.line
            window.go(window.place + 1)
        elif mark == "]" and opened:
            opened = 0
            window.go(window.place + 1)
        else:
            yield _value(window)
            is_first = is_first and opened > 0
    if opened and not is_first:
        yield opened, "[", "not_json"
    elif opened:
        raise InputError(
            f"{window.data.path}: line {opened}: the JSON array that begins there is never closed; the file is "
            "damaged or incomplete. Nothing of it was loaded: deliver it again, whole"
        )


def _value(window: _Window) -> Value:
    window.fill()
    line, start = window.line, window.place
    try:
        end = DECODER.raw_decode(window.text, start)[1]
    except (ValueError, RecursionError):
        return _unreadable(window, line)
    text = window.text[start:end]
    window.go(end)
    if len(text) > window.most:
        return line, text, "line_too_long"
    if not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text):
        return line, _readable(text), "encoding"
    return line, text, None


def _unreadable(window: _Window, line: int) -> Value:
    """What can't be read, up to where the next value seems to begin: in its line, or a line indented no further."""
    before = window.text.rfind("\n", 0, window.place) + 1
    lead = window.text[before : window.place]
    indent = len(lead) if not lead.strip() else 0
    next_line = re.compile(rf"\n[ \t]{{0,{indent}}}(?=[{{\]\[])")
    kept, fault = window.text[window.place :][: window.most + 1], "not_json"
    while (end := _next_value(window, next_line)) is None:
        if window.ended:
            end = len(window.text)
            break
        # So much is kept that the beginning of the next value isn't cut.
        window.go(max(window.place, len(window.text) - indent - 2))
        window.more()
        fault = "line_too_long"
    if fault == "not_json":
        kept = window.text[window.place : end].rstrip()
    window.go(end)
    return line, _readable(kept), "line_too_long" if len(kept) > window.most else fault


def _next_value(window: _Window, next_line: re.Pattern[str]) -> int | None:
    line_end = window.text.find("\n", window.place)
    within = NEXT_ON_LINE.search(
        window.text, window.place + 1, line_end if line_end >= 0 else len(window.text)
    )
    if within:
        return within.end()
    found = next_line.search(window.text, window.place + 1)
    return found.end() if found else None


def _readable(text: str) -> str:
    return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")


def _table(rows: list[Value]) -> pa.Table:
    kinds = {"line": pa.int64(), "text": pa.string(), "fault": pa.string()}
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    return in_batches(
        pa.table(
            {
                name: pa.array(column, kind)
                for (name, kind), column in zip(kinds.items(), columns, strict=True)
            }
        )
    )
