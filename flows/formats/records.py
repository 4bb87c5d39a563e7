"""CSV files as a stream of Arrow tables: strict RFC 4180, bounded memory, no cell with text of another record."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from flows.errors import InputError
from flows.formats.blocks import BOM, in_batches, texts_between, whole_numbers
from flows.formats.decompressed import Bytes
from flows.formats.marks import Marks, marks
from flows.formats.shapes import Source
from transforms.columns.arrays import Bools, Ints

BLOCK_BYTES = 4 * 1024**2
FIRST_BYTES = 256 * 1024
SHORT_LINE = 8
HEAD_BYTES = 1000
MEND = (
    "Nothing of the file was loaded, because a lost quote mixes records: mend that line, and deliver it again"
)


@dataclass
class _Place:
    """Where reading stands.

    Attributes:
        line: the line of the first byte that is looked at.
        skip: how many records are still header.
        began: of a first record that is too long to be kept, the line it began on.
        head: its first bytes; what is carried has only its end.
        opened: the line on which the quote opened in which it stands.
    """

    line: int
    skip: int
    began: int = 0
    head: bytes = b""
    opened: int = 0

    def line_of(self, found: Marks, position: int) -> int:
        """The line of a byte."""
        if self.head and position == 0:
            return self.opened
        return self.line + int(np.searchsorted(found.breaks, position))


def record_blocks(data: Bytes, source: Source, line_bytes: int) -> Iterator[pa.Table]:
    """The records of a CSV file, without its header and without blank ones.

    Args:
        data: The file's bytes.
        source: Its delimiter, its columns (`""` for one without a name), how many records are header.
        line_bytes: How long a record may be.

    Yields:
        Tables `line` (where the record starts, from 1), `row` (its text as it stands in the file), `fault`
        (`bad_csv: …`, `line_too_long`, `encoding`, or null), `cells` (a list of texts; null if faulty).
        At least one table.

    Raises:
        InputError: a quote is nowhere closed, or stands where none may: what follows it may belong to any record.
    """
    place, carry, yielded = _Place(1, source.header_records), data.read(len(BOM)).removeprefix(BOM), False
    size = min(BLOCK_BYTES, FIRST_BYTES)
    while block := data.read(size):
        carry = _without_blank_lines(carry + block, place)
        found = _looked_through(source, carry, place, whole=False)
        if found.ends.size:
            table = _table(carry, found, source, line_bytes, place)
            if len(table):
                yielded = True
                yield table
        # Every line takes memory of its own, so of short ones fewer bytes are looked at together.
        size = BLOCK_BYTES if found.breaks.size * SHORT_LINE < len(block) else min(BLOCK_BYTES, FIRST_BYTES)
        carry = _carried(carry, found, source, line_bytes, place)
    if carry and not carry.endswith((b"\n", b"\r")):
        carry += b"\n"
    if carry or not yielded:
        yield _table(carry, _looked_through(source, carry, place, whole=True), source, line_bytes, place)


def _without_blank_lines(text: bytes, place: _Place) -> bytes:
    """A piece of the file, of blank lines only the last line end, which may be the half of one."""
    if place.head or text.strip(b"\r\n"):
        return text
    rest = text[-2:] if text.endswith(b"\r\n") else text[-1:]
    passed = text[: len(text) - len(rest)]
    place.line += passed.count(b"\n") + passed.count(b"\r") - passed.count(b"\r\n")
    return rest


def _looked_through(source: Source, text: bytes, place: _Place, *, whole: bool) -> Marks:
    """The marks of a piece of the file.

    Raises:
        InputError: naming the line on which the quote opened that stands where none may, or is never closed.
    """
    found = marks(text, source.delimiter, whole=whole)
    if stray := found.stray:
        line, opened = (place.line_of(found, at) for at in (stray.at, stray.opened))
        if stray.at == stray.opened:
            raise InputError(
                f"{source.path}: line {line}: a quote (\") stands within a cell that doesn't begin with one. Cells "
                f"with quotes are written in quotes, and quotes within them doubled. {MEND}"
            )
        after = text[stray.at + 1 :][:4].decode("utf-8", errors="replace")[0]
        raise InputError(
            f'{source.path}: line {opened}: the quote (") that opens there is closed on line {line} before '
            f"{after!r}, where only a delimiter or a line end may stand: one is lost, or isn't doubled. {MEND}"
        )
    if whole and found.is_open:
        line = place.line_of(found, found.opened or 0)
        raise InputError(
            f'{source.path}: line {line}: the quote (") that opens there is never closed. {MEND}'
        )
    return found


def _carried(text: bytes, found: Marks, source: Source, line_bytes: int, place: _Place) -> bytes:
    """What belongs to the next records; of one that is too long already, what ends as it does."""
    start = int(found.ends[-1]) + 1 if found.ends.size else 0
    rest = text[start:]
    begins, ends = place.line_of(found, start), place.line_of(found, len(text) - 1)
    opened = place.line_of(found, found.opened or 0)
    if start:
        place.line, place.head = begins, b""
    if len(rest) <= line_bytes + 3:
        return rest
    if not place.head:
        place.head, place.began = rest[:HEAD_BYTES], place.line
    place.line, place.opened = ends, opened
    within = found.is_open != text.endswith(b'"')
    blanks = b" " * line_bytes
    return (b'"' + blanks if within else blanks + source.delimiter.encode()) + text[-1:]


def _table(text: bytes, found: Marks, source: Source, line_bytes: int, place: _Place) -> pa.Table:
    """The records that end in a piece of the file, but for the header and blank ones."""
    stops = found.ends + 1
    starts = np.append(0, stops)[:-1]
    lines = place.line + np.searchsorted(found.breaks, starts)
    text, rows, broken = _decoded(text, starts, stops)
    cells, reach = _cells(text, found)
    last = np.searchsorted(found.separators, found.ends)
    faults = _faults(source, reach, last, broken, stops - starts > line_bytes + 2)
    # Arrow's functions take as long to import as a small file takes to read: asked only where there is something.
    faulty = faults.is_valid() if faults.null_count < len(faults) else None
    held = pa.ListArray.from_arrays(
        whole_numbers(np.append(0, last + 1).astype(np.int32)), cells, mask=faulty
    )
    if place.head and lines.size:
        lines[0] = place.began
        rows = pa.concat_arrays([pa.array([place.head.decode("utf-8", errors="replace")]), rows[1:]])
    kept = pa.table({"line": whole_numbers(lines), "row": rows, "fault": faults, "cells": held})
    if (blank := _blank(reach, last, rows)).any():
        kept = kept.filter(pa.array(~blank))
    header, place.skip = place.skip, max(place.skip - len(kept), 0)
    return in_batches(kept.slice(header))


def _decoded(text: bytes, starts: Ints, stops: Ints) -> tuple[bytes, pa.Array, Bools]:
    """Text that is UTF-8 all through, its records as they stand, and which of them weren't UTF-8."""
    broken, offsets = np.zeros(stops.size, bool), np.append(0, stops)
    rows = texts_between(text, offsets)
    if rows is not None:
        return text, rows, broken
    octets = np.frombuffer(text, np.uint8)
    foreign = np.flatnonzero(octets[: offsets[-1]] >= 0x80)
    record = np.searchsorted(stops, foreign, side="right")
    for one in np.unique(record):
        broken[one] = not _is_utf8(text[starts[one] : stops[one]])
    given = [
        text[start:stop].decode("utf-8", errors="replace") for start, stop in zip(starts, stops, strict=True)
    ]
    readable = octets.copy()
    readable[foreign[broken[record]]] = ord("?")
    return readable.tobytes(), pa.array(given, pa.string()), broken


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _cells(text: bytes, found: Marks) -> tuple[pa.Array, Ints]:
    """All cells one after the other, without what stands around them; where each begins, and the last one ends."""
    octets = np.frombuffer(text, np.uint8)[: found.ends[-1] + 1 if found.ends.size else 0]
    kept = np.ones(octets.size, bool)
    kept[found.dropped] = False
    reach = np.append(0, found.separators - np.searchsorted(found.dropped, found.separators))
    cells = texts_between(octets[kept].tobytes(), reach)
    assert cells is not None, "delimiters and quotes are ASCII, so without them UTF-8 stays UTF-8"
    return cells, reach


def _faults(source: Source, reach: Ints, last: Ints, broken: Bools, long: Bools) -> pa.Array:
    """Why a record can't be used; null where it can."""
    width, counts = len(source.columns), np.diff(last, prepend=-1)
    nameless = _nameless(source, reach, last, counts)
    if not (nameless.any() or broken.any() or long.any() or (counts != width).any()):
        return pa.nulls(last.size, pa.string())
    judged = pl.DataFrame({"long": long, "broken": broken, "cells": counts, "nameless": nameless})
    fault = (
        pl.when("long")
        .then(pl.lit("line_too_long"))
        .when("broken")
        .then(pl.lit("encoding"))
        .when(pl.col("cells") != width)
        .then(pl.format("bad_csv: {} cells, {} columns", "cells", pl.lit(width)))
        .when(pl.col("nameless") > 0)
        .then(pl.format("bad_csv: column {} has no name, but holds text", "nameless"))
    )
    return judged.select(fault.alias("fault")).to_series().to_arrow().cast(pa.string())


def _nameless(source: Source, reach: Ints, last: Ints, counts: Ints) -> Ints:
    """The number, from 1, of a column without a name that holds text in a record; 0 where none does."""
    width, found = len(source.columns), np.zeros(last.size, np.int64)
    whole = counts == width
    for place in (number for number, name in enumerate(source.columns) if not name):
        cell = np.where(whole, last - width + 1 + place, 0)
        found[whole & (reach[cell + 1] > reach[cell])] = place + 1
    return found


def _blank(reach: Ints, last: Ints, rows: pa.Array) -> Bools:
    """Whether a record has no text in any cell, or is a line of blanks."""
    blank: Bools = np.diff(reach[last + 1], prepend=0) == 0
    alone = np.diff(last, prepend=-1) == 1
    if alone.any():
        blank |= alone & (pl.Series(rows, dtype=pl.String).str.strip_chars() == "").to_numpy()
    return blank
