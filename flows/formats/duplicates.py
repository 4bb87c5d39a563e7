"""Rows that share a key: two events with one id are one event, of a customer's rows the last counts.

The rule has two forms, for speed: one for files that are read where they lie (`distinct`), one for tables that DuckDB
has staged (`deduplicated`). That nothing repeats is shown by 64-bit hashes of the keys alone; only where hashes meet
are the keys compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from duckdb import DuckDBPyConnection

from flows.formats.canonical import KEYS, ROW, Part
from flows.formats.shapes import Kind
from flows.warehouse import assign, count, make_table, make_view, quoted, shown, sql_text
from transforms.columns.arrays import Ints

_RANGE = 32_000_000  # hashes compared at once: bounds memory


def _last_counts(kind: Kind) -> bool:
    """Of rows that share a key: whether the last one counts, or the first."""
    return kind == "customers"


def distinct(parts: Sequence[Part], kind: Kind) -> tuple[tuple[Part, ...], int]:
    """The parts without repeated rows, and how many of these there were.

    Of events the first loaded stays, of customers the last: in the order of sources, then of lines.
    """
    meeting = _meeting_hashes(parts, KEYS[kind])
    if meeting.is_empty():
        return tuple(parts), 0
    extra = _repeated(parts, kind, meeting)
    return tuple(_without(number, part, extra) for number, part in enumerate(parts)), len(extra)


def _meeting_hashes(parts: Sequence[Part], key: str) -> pl.Series:
    """The hashes that more than one row has."""
    ranges = 1 + sum(part.rows for part in parts) // _RANGE
    found = [pl.Series("hash", [], pl.UInt64)]
    for number in range(ranges):
        hashes = pl.concat([_hashes(part, key, number, ranges) for part in parts]) if parts else found[0]
        if hashes.n_unique() < len(hashes):
            found.append(hashes.filter(hashes.is_duplicated()).unique())
    return pl.concat(found)


def _hashes(part: Part, key: str, number: int, ranges: int) -> pl.Series:
    rows = part.scan().select(hash=pl.col(key).hash())
    if ranges > 1:
        rows = rows.filter(pl.col("hash") // (2**64 // ranges + 1) == number)
    return rows.collect().to_series()


def _repeated(parts: Sequence[Part], kind: Kind, meeting: pl.Series) -> pl.DataFrame:
    """The rows to leave out: `part` (its place among the parts) and the row of its file."""
    key = KEYS[kind]
    some = [
        part.scan()
        .filter(pl.col(key).hash().is_in(meeting.implode()))
        .select(key, "line", ROW, part=pl.lit(number), source=pl.lit(part.source))
        for number, part in enumerate(parts)
    ]
    ordered = pl.concat(some).collect().sort("source", "line", ROW, descending=_last_counts(kind))
    return ordered.filter(~pl.col(key).is_first_distinct()).select("part", ROW)


def _without(number: int, part: Part, extra: pl.DataFrame) -> Part:
    rows: Ints = extra.filter(pl.col("part") == number)[ROW].to_numpy().astype(np.int64)
    return part.leave_out(rows) if rows.size else part


@dataclass(frozen=True)
class Distinct:
    """A temporary view of good rows, each key once, and how many good rows it leaves out."""

    relation: str
    duplicates: int


def deduplicated(
    con: DuckDBPyConnection, table: str, kind: Kind, before: pl.Series | None = None
) -> Distinct:
    """The good rows of a staged table, each key once.

    Args:
        con: The connection that staged the table.
        table: What `stage` made, and `batch_order`: the place of each row.
        kind: What its rows are.
        before: Keys of rows loaded before, which don't count again.

    Returns:
        The view `<table>_distinct` with the columns of `table`; a table without duplicates is passed through.
    """
    view, left_out = f"{table}_distinct", f"{table}_left_out"
    _find_left_out(con, table, left_out, kind, pl.Series([], dtype=pl.String) if before is None else before)
    duplicates = count(con, quoted(left_out))
    counting = f"anti join {quoted(left_out)} using (batch_order)" if duplicates else ""
    make_view(con, view, f"select * from {quoted(table)} {counting} where reason is null")
    return Distinct(view, duplicates)


def _find_left_out(con: DuckDBPyConnection, table: str, left_out: str, kind: Kind, before: pl.Series) -> None:
    good = f"select {KEYS[kind]} as key, batch_order from {quoted(table)} where reason is null"
    make_view(con, "good_keys", good)
    assign(con, "boolean", last_counts=_last_counts(kind))
    with shown(con, keys_before=before.to_frame("key")):
        make_table(con, left_out, sql_text("formats/duplicates/left_out.sql"))
