"""Text files as a stream of Arrow tables: bounded memory, a line number for every row, no fault fatal."""

import re
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from flows.inbox.json_heads import values_on

BLOCK_BYTES = 32 * 1024**2
PIECE_BYTES = 1024**2
SHORT_LINE = 8
BOM = b"\xef\xbb\xbf"
TOGETHER = re.compile(rb"\}[ \t]*,?[ \t]*\{")
"""Where one object may end and another begin on a line; within a string it means nothing."""


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
    for first, block in _whole_lines(data, line_bytes):
        ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n")) + 1
        offsets = np.concatenate([[0], ends])
        texts = texts_between(block, offsets)
        faults = np.full(len(ends), None, dtype=object)
        if texts is None:
            texts, broken = _repaired(block)
            faults[broken] = "encoding"
        faults[np.diff(offsets) - 1 > line_bytes] = "line_too_long"
        lines = np.arange(first, first + len(ends), dtype=np.int64)
        table = pa.table({"line": lines, "text": texts, "fault": pa.array(faults, pa.string())})
        yield in_batches(_apart(table) if TOGETHER.search(block) else table)


def _apart(table: pa.Table) -> pa.Table:
    """The lines, each object apart where several stand on one."""
    lines, texts, faults = (table[name].to_pylist() for name in table.column_names)
    parts = [
        values_on(text) if fault is None and TOGETHER.search(text.encode()) else [text]
        for text, fault in zip(texts, faults, strict=True)
    ]
    times = [len(some) for some in parts]
    columns = {
        "line": pa.array(np.repeat(lines, times), pa.int64()),
        "text": pa.array([one for some in parts for one in some], pa.string()),
        "fault": pa.array(np.repeat(np.array(faults, dtype=object), times), pa.string()),
    }
    return pa.table(columns)


def _whole_lines(data: Readable, line_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Blocks that end with a line end, with the number of their first line; none is blank, if there are several.

    Of an over-long line only so much is kept that it stays over-long.
    """
    carry, yielded, line = b"", False, 1
    head = data.read(len(BOM)).removeprefix(BOM)
    while block := head + data.read(BLOCK_BYTES):
        block, head = carry + block, b""
        cut = block.rfind(b"\n") + 1
        carry = block[cut:][: line_bytes + 1]
        for piece in _pieces(block[:cut]):
            if piece.strip():
                yielded = True
                yield line, piece
            line += piece.count(b"\n")
    if carry or not yielded:
        yield line if carry else 1, carry + b"\n"


def _pieces(block: bytes) -> Iterator[bytes]:
    """A block of many short lines in pieces, because every line takes memory of its own."""
    size = len(block) if block.count(b"\n") * SHORT_LINE < len(block) else PIECE_BYTES
    start = 0
    while start < len(block):
        end = block.find(b"\n", start + size - 1) + 1 or len(block)
        yield block[start:end]
        start = end


def texts_between(block: bytes, offsets: np.ndarray[Any, Any]) -> pa.Array | None:
    """What lies between the offsets in a block, as text without copying it; None where some isn't UTF-8."""
    places = pa.py_buffer(offsets.astype(np.int32))
    texts = pa.StringArray.from_buffers(len(offsets) - 1, places, pa.py_buffer(block))
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return None
    return texts


def _repaired(block: bytes) -> tuple[pa.Array, np.ndarray[Any, Any]]:
    """The lines with what isn't UTF-8 replaced, and in which lines that was needed."""
    lines = block.split(b"\n")[:-1]
    texts = [line.decode("utf-8", errors="replace") for line in lines]
    broken = np.array([text.encode() != line for text, line in zip(texts, lines, strict=True)])
    return pa.array(texts, pa.string()), broken


def in_batches(table: pa.Table, parts: int = 4) -> pa.Table:
    """The same table in several batches, which DuckDB reads in parallel."""
    size = max(1, -(-len(table) // parts))
    return pa.Table.from_batches(table.combine_chunks().to_batches(max_chunksize=size), table.schema)
