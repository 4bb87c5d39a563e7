"""Rows that share a key: two events with one id are one event, of a customer's rows the last counts.

That nothing repeats is shown by 64-bit hashes of the keys alone; only where hashes meet are the keys compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import polars as pl

from flows.inbox.canonical import KEYS, ROW, Part
from flows.inbox.shapes import Kind
from flows.inbox.staging import drop
from flows.warehouse import quoted
from transforms.columns.arrays import Ints

_RANGE = 32_000_000  # hashes compared at once: bounds memory


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
    ordered = pl.concat(some).collect().sort("source", "line", descending=kind == "customers")
    return ordered.filter(~pl.col(key).is_first_distinct()).select("part", ROW)


def _without(number: int, part: Part, extra: pl.DataFrame) -> Part:
    rows: Ints = extra.filter(pl.col("part") == number)[ROW].to_numpy().astype(np.int64)
    return part.leave_out(rows) if rows.size else part


@dataclass(frozen=True)
class Distinct:
    """A temporary view of good rows, each key once, and how many good rows it leaves out."""

    relation: str
    duplicates: int


def deduplicated(con: duckdb.DuckDBPyConnection, table: str, known: str | None = None) -> Distinct:
    """The good events of a staged table, the first of each `event_id` (two with one id are one event).

    Ids are compared by hash first and exactly only where hashes meet, so that memory holds 8 bytes per event
    and a file without duplicates is passed through.

    Args:
        con: The connection that staged the table.
        table: What `stage` made.
        known: A relation with a column `event_id`: events loaded before, left out too.

    Returns:
        The view `<table>_distinct` with the columns of `table`.
    """
    return _distinct(con, table, "event_id", "min", known)


def latest(con: duckdb.DuckDBPyConnection, table: str) -> Distinct:
    """The good customers of a staged table, the last row of each `customer_id` (an upsert)."""
    return _distinct(con, table, "customer_id", "max", None)


def _distinct(con: duckdb.DuckDBPyConnection, table: str, key: str, keep: str, known: str | None) -> Distinct:
    good = f"(select * from {quoted(table)} where reason is null)"
    view, repeated, seen = (f"{table}_{suffix}" for suffix in ("distinct", "repeated", "seen"))
    for relation in (view, repeated, seen):
        drop(con, relation)
    _find_repeated(con, good, repeated, key, keep)
    _find_seen(con, good, seen, key, known)
    conditions = ["reason is null"]
    if dropped := _total(
        con, f"select sum(n - 1) from {quoted(repeated)} anti join {quoted(seen)} using ({key})"
    ):
        conditions.append(
            f"not exists (select 1 from {quoted(repeated)} as r "
            f"where r.{key} = t.{key} and r.kept <> t.batch_order)"
        )
    if again := _total(con, f"select sum(n) from {quoted(seen)}"):
        conditions.append(f"not exists (select 1 from {quoted(seen)} as s where s.{key} = t.{key})")
    query = f"select * from {quoted(table)} as t where {' and '.join(conditions)}"
    con.execute(f"create temp view {quoted(view)} as {query}")
    return Distinct(view, dropped + again)


def _find_repeated(con: duckdb.DuckDBPyConnection, good: str, table: str, key: str, keep: str) -> None:
    """Put the keys that occur more than once into `table`, with how often and the row to keep."""
    con.execute(f"""
        create temp table {quoted(table)} as
        with meeting as (select hash({key}) as h from {good} group by h having count(*) > 1)
        select {key}, count(*) as n, {keep}(batch_order) as kept from {good}
        where hash({key}) in (select h from meeting)
        group by {key} having count(*) > 1
    """)


def _find_seen(con: duckdb.DuckDBPyConnection, good: str, table: str, key: str, known: str | None) -> None:
    """Put the keys that `known` has too into `table`, with how many rows have them."""
    among = f"{key} in (select {key} from {quoted(known)})" if known else "false"
    con.execute(f"""
        create temp table {quoted(table)} as
        select {key}, count(*) as n from {good} where {among} group by {key}
    """)


def _total(con: duckdb.DuckDBPyConnection, query: str) -> int:
    ((total,),) = con.execute(query).fetchall()
    return int(total or 0)
