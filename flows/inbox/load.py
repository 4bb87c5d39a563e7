"""Loading: a file → `recognise` → `stage` → good rows without duplicates, bad rows with their reasons.

Nothing here writes to a lasting table: the tick archives and commits what was staged.
"""

from dataclasses import dataclass

import duckdb

from flows.files import content_hash
from flows.inbox.shapes import Source, recognise
from flows.inbox.staging import Staged, drop, stage
from flows.queries import quoted

__all__ = ["Distinct", "Source", "Staged", "content_hash", "deduplicated", "latest", "recognise", "stage"]


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
