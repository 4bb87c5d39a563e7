"""Small JSON files of one kind staged together: what is alike is read at once, and each row says its file and line."""

import io
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from flows.formats.blocks import BOM, in_batches, line_blocks, line_numbers, whole_numbers
from flows.formats.shapes import Source
from flows.formats.staging import ROWS, blocks_of, drop, prepare, shaped
from flows.formats.streams import put_blocks, put_lines
from flows.settings import Limits
from flows.warehouse import add_rows, quoted
from transforms.columns.arrays import Ints

LINES = 2**32
"""In `line`, the place of a file among the texts counts so much."""

Text: TypeAlias = bytes | pa.Table
"""The lines of an NDJSON file, or the values of other JSON."""


def read_text(source: Source, held: bytes, limits: Limits, most: int) -> Text | None:
    """A JSON file, to be staged together with others; None if it has more than `most` bytes decompressed.

    Args:
        source: what the file is.
        held: its bytes as they lie on disk.
        limits: what one file may hold.
        most: bytes.

    Raises:
        InputError: the file as a whole can't be loaded.
    """
    if source.format != "ndjson":
        return _values(source, held, limits, most)
    data = source.bytes(limits.decompressed_bytes, held)
    text = data.read(most + 1)
    if len(text) > most or data.read(1):
        return None
    text = text.removeprefix(BOM)
    return text if text.endswith(b"\n") else text + b"\n"


def _values(source: Source, held: bytes, limits: Limits, most: int) -> pa.Table | None:
    blocks, size = list[pa.Table](), 0
    for block in blocks_of(source, limits, held):
        blocks.append(block)
        size += block.nbytes
        if size > most:
            return None
    return pa.concat_tables(blocks)


def stage_together(
    con: DuckDBPyConnection, texts: Sequence[tuple[Source, Text]], table: str, limits: Limits
) -> None:
    """Read JSON files of one kind into the temporary table `table`, as `stage` does.

    The line of a row is the file's place among the texts (from 0), times `LINES`, and its line within the file.
    """
    for number, places in enumerate(_alike(texts)):
        source = texts[places[0]][0]
        prepare(con, source, limits)
        query = shaped(source, ROWS[source.format])
        blocks = partial(_united, [texts[place][1] for place in places], np.array(places, np.int64), limits)
        part = f"{table}_{number}" if number else table
        if source.format == "ndjson":
            put_lines(con, part, query, blocks)
        else:
            put_blocks(con, part, query, blocks())
        if number:
            add_rows(con, table, f"from {quoted(part)}")
            drop(con, part)


def _alike(texts: Sequence[tuple[Source, Text]]) -> list[list[int]]:
    """The places of the texts that are read in one way, together."""
    found: dict[tuple[str, str], list[int]] = {}
    for number, (source, _) in enumerate(texts):
        found.setdefault((source.format, source.shape), []).append(number)
    return list(found.values())


def _united(texts: list[Text], numbers: Ints, limits: Limits) -> Iterator[pa.Table]:
    """The lines or values of texts that are alike, numbered by file and line."""
    tables = [one for one in texts if isinstance(one, pa.Table)]
    if tables:
        rows = pa.concat_tables(tables)
        places = np.repeat(numbers, [len(one) for one in tables])
        yield in_batches(_numbered(rows, line_numbers(rows) + places * LINES))
        return
    lines = [one for one in texts if isinstance(one, bytes)]
    ends = np.cumsum([one.count(b"\n") for one in lines])
    for block in line_blocks(io.BytesIO(b"".join(lines)), limits.line_bytes):
        line = line_numbers(block)
        file = np.searchsorted(ends, line, side="left")
        before = np.concatenate([[0], ends])[file]
        yield in_batches(_numbered(block, line - before + numbers[file] * LINES))


def _numbered(rows: pa.Table, line: Ints) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index("line"), "line", whole_numbers(line))
