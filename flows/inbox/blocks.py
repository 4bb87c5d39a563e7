"""Text files as a stream of Arrow tables: bounded memory, a line number for every row, no fault fatal."""

import csv
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from flows.inbox.shapes import Bytes

BLOCK_BYTES = 32 * 1024**2
BLOCK_RECORDS = 100_000
BOM = b"\xef\xbb\xbf"


def line_blocks(data: Bytes, line_bytes: int) -> Iterator[pa.Table]:
    """The lines of a text file.

    Yields:
        Tables `line` (from 1), `text` (with its line end), `fault` (`line_too_long`, `encoding`, or null).
        At least one table.
    """
    first = 1
    for block in _whole_lines(data, line_bytes):
        ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n")) + 1
        offsets = np.concatenate([[0], ends]).astype(np.int32)
        texts = _texts(block, offsets)
        faults = np.full(len(ends), None, dtype=object)
        if texts is None:
            texts, broken = _repaired(block)
            faults[broken] = "encoding"
        faults[np.diff(offsets) - 1 > line_bytes] = "line_too_long"
        lines = np.arange(first, first + len(ends), dtype=np.int64)
        first += len(ends)
        yield _sliced(pa.table({"line": lines, "text": texts, "fault": pa.array(faults, pa.string())}))


def record_blocks(data: Bytes, width: int, delimiter: str, line_bytes: int) -> Iterator[pa.Table]:
    """The records of a CSV file, without its header.

    Args:
        data: The file's bytes.
        width: How many columns its header has.
        delimiter: What stands between cells.
        line_bytes: How long a record may be.

    Yields:
        Tables `line` (where the record starts, from 1), `row` (a faulty record's cells as a JSON list, else
        null), `fault` (`bad_csv: …`, `line_too_long`, `encoding`, or null), `cells` (a list of texts; null if faulty).
        At least one table.
    """
    records = _records(data, delimiter, line_bytes)
    next(records, None)
    block = list(islice(records, BLOCK_RECORDS))
    while True:
        faults = [_record_fault(cells, fault, width, line_bytes) for _, cells, fault in block]
        kept = [None if fault else cells for (_, cells, _), fault in zip(block, faults, strict=True)]
        rows = [_quoted(cells) if fault else None for (_, cells, _), fault in zip(block, faults, strict=True)]
        yield _sliced(
            pa.table(
                {
                    "line": pa.array([line for line, _, _ in block], pa.int64()),
                    "row": pa.array(rows, pa.string()),
                    "fault": pa.array(faults, pa.string()),
                    "cells": pa.array(kept, pa.list_(pa.string())),
                }
            )
        )
        block = list(islice(records, BLOCK_RECORDS))
        if not block:
            return


def _whole_lines(data: Bytes, line_bytes: int) -> Iterator[bytes]:
    """Blocks that end with a line end. Of an over-long line only so much is kept that it stays over-long."""
    carry, yielded = b"", False
    head = data.read(len(BOM)).removeprefix(BOM)
    while block := head + data.read(BLOCK_BYTES):
        block, head = carry + block, b""
        cut = block.rfind(b"\n") + 1
        carry = block[cut:][: line_bytes + 1]
        if cut:
            yielded = True
            yield block[:cut]
    if carry or not yielded:
        yield carry + b"\n"


def _texts(block: bytes, offsets: np.ndarray[Any, Any]) -> pa.Array | None:
    """The lines of a block as text without copying them; None where some aren't UTF-8."""
    texts = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(block))
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


def _sliced(table: pa.Table, parts: int = 4) -> pa.Table:
    """The same table in several batches, which DuckDB reads in parallel."""
    size = max(1, -(-len(table) // parts))
    return pa.Table.from_batches(table.combine_chunks().to_batches(max_chunksize=size), table.schema)


def _records(data: Bytes, delimiter: str, line_bytes: int) -> Iterator[tuple[int, list[str], str | None]]:
    """Line, cells and fault of each record that isn't blank; undecodable bytes as lone surrogates."""
    reader = csv.reader(_text_lines(data, line_bytes), delimiter=delimiter)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, [], f"bad_csv: {error}"
            continue
        if any(cells):
            yield line, cells, None


def _text_lines(data: Bytes, line_bytes: int) -> Iterator[str]:
    for block in _whole_lines(data, line_bytes):
        text = block.decode("utf-8", errors="surrogateescape")
        yield from (line + "\n" for line in text.removesuffix("\n").split("\n"))


def _record_fault(cells: list[str], fault: str | None, width: int, line_bytes: int) -> str | None:
    if fault:
        return fault
    if sum(map(len, cells)) > line_bytes:
        return "line_too_long"
    if len(cells) != width:
        return f"bad_csv: {len(cells)} cells, {width} columns"
    if not "".join(cells).isascii() and any("\ud800" <= c <= "\udfff" for c in "".join(cells)):
        return "encoding"
    return None


def _quoted(cells: list[str]) -> str:
    text = json.dumps(cells, ensure_ascii=False)
    return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
