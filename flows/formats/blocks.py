"""Text files as a stream of Arrow tables: bounded memory, a line number for every row, no fault fatal."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from flows.formats.json_heads import values_on
from transforms.columns.arrays import Bools, Ints

BLOCK_BYTES = 2 * 1024**2
"""So much is read at once: more takes longer, because the memory of larger blocks is new each time."""
PIECE_BYTES = 1024**2
WINDOW_BYTES = 256 * 1024
"""So much is looked through for line ends at once, because it stays in the processor's cache."""
SHORT_LINE = 8
BATCH_ROWS = 8192
BOM = b"\xef\xbb\xbf"
NOT_BLANK = re.compile(rb"\S")


class Readable(Protocol):
    """Bytes from anywhere, some at a time."""

    def read(self, size: int, /) -> bytes:
        """The next `size` bytes at most; none at the end."""
        ...


def line_blocks(data: Readable, line_bytes: int) -> Iterator[pa.Table]:
    """The lines of a text file.

    Yields:
        Tables `line` (from 1), `text` (with its line end), `fault` (`line_too_long`, `encoding`, or null).
        At least one table.
    """
    for first, block, ends in _whole_lines(data, line_bytes):
        offsets = np.concatenate([[0], ends])
        texts, faults = texts_between(block, offsets), pa.nulls(len(ends), pa.string())
        if texts is None:
            texts, faults = _repaired(bytes(block))
        faults = _with_long(faults, np.diff(offsets) - 1 > line_bytes)
        lines = np.arange(first, first + len(ends), dtype=np.int64)
        yield in_batches(pa.table({"line": whole_numbers(lines), "text": texts, "fault": faults}))


def _with_long(faults: pa.Array, is_long: Bools) -> pa.Array:
    """The faults of lines, some of which are too long."""
    if not is_long.any():
        return faults
    each = zip(faults.to_pylist(), is_long, strict=True)
    return pa.array(["line_too_long" if long else fault for fault, long in each], pa.string())


def line_numbers(rows: pa.Table) -> Ints:
    """The column `line`; `to_numpy` would import pandas."""
    parts = [
        np.frombuffer(part.buffers()[1], np.int64)[part.offset :][: len(part)] for part in rows["line"].chunks
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def values_apart(blocks: Iterable[pa.Table], numbers: Ints) -> Iterator[pa.Table]:
    """Of blocks of lines those of these numbers, each value on one apart."""
    for block in blocks:
        lines = line_numbers(block)
        wanted = np.flatnonzero(np.isin(lines, numbers))
        if wanted.size:
            texts = block["text"].take(whole_numbers(wanted)).to_pylist()
            values = [values_on(text) for text in texts]
            columns = {
                "line": whole_numbers(np.repeat(lines[wanted], [len(some) for some in values])),
                "text": pa.array([one for some in values for one in some], pa.string()),
            }
            yield pa.table(columns | {"fault": pa.nulls(len(columns["text"]), pa.string())})


def _whole_lines(data: Readable, line_bytes: int) -> Iterator[tuple[int, memoryview, Ints]]:
    """Blocks that end with a line end: the number of the first line, the text, and where in it each line ends.

    None is blank, if there are several. Of an over-long line only so much is kept that it stays over-long. Blocks are
    large, so that none is copied without need.
    """
    carry, yielded, line = data.read(len(BOM)).removeprefix(BOM), False, 1
    while more := data.read(BLOCK_BYTES):
        block = memoryview(carry + more)
        ends = _line_ends(block)
        cut = int(ends[-1]) if ends.size else 0
        carry = bytes(block[cut : cut + line_bytes + 1])
        for first, piece, piece_ends in _pieces(block[:cut], ends):
            if NOT_BLANK.search(piece):
                yielded = True
                yield line + first, piece, piece_ends
        line += len(ends)
    if carry or not yielded:
        rest = memoryview(carry.removesuffix(b"\n") + b"\n")
        yield line if carry else 1, rest, _line_ends(rest)


def whole_numbers(values: np.ndarray[Any, Any]) -> pa.Array:
    """The numbers as Arrow's; its own way imports pandas, which takes longer than to load a small file."""
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def _line_ends(block: memoryview) -> Ints:
    """Where lines end in a block: the places after their line feeds."""
    octets = np.frombuffer(block, dtype=np.uint8)
    starts = range(0, len(octets), WINDOW_BYTES)
    found = [np.flatnonzero(octets[at : at + WINDOW_BYTES] == ord("\n")) + (at + 1) for at in starts]
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _pieces(block: memoryview, ends: Ints) -> Iterator[tuple[int, memoryview, Ints]]:
    """A block of many short lines in pieces, because every line takes memory of its own: each with its first line."""
    size = len(block) if len(ends) * SHORT_LINE < len(block) else PIECE_BYTES
    start, first = 0, 0
    while first < len(ends):
        after = min(int(np.searchsorted(ends, start + size)) + 1, len(ends))
        end = int(ends[after - 1])
        yield first, block[start:end], ends[first:after] - start
        start, first = end, after


def texts_between(block: bytes | memoryview, offsets: np.ndarray[Any, Any]) -> pa.Array | None:
    """What lies between the offsets in a block, as text without copying it; None where some isn't UTF-8."""
    places = pa.py_buffer(offsets.astype(np.int32))
    texts = pa.StringArray.from_buffers(len(offsets) - 1, places, pa.py_buffer(block))
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return None
    return texts


def _repaired(block: bytes) -> tuple[pa.Array, pa.Array]:
    """The lines with what isn't UTF-8 replaced, and the fault of each that needed it."""
    lines = block.split(b"\n")[:-1]
    texts = [line.decode("utf-8", errors="replace") for line in lines]
    faults = [None if text.encode() == line else "encoding" for text, line in zip(texts, lines, strict=True)]
    return pa.array(texts, pa.string()), pa.array(faults, pa.string())


def in_batches(table: pa.Table) -> pa.Table:
    """The same table in at most four batches, which DuckDB reads in parallel; small ones would take longer."""
    size = max(BATCH_ROWS, -(-len(table) // 4))
    return pa.Table.from_batches(table.combine_chunks().to_batches(max_chunksize=size), table.schema)
