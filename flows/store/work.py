"""The tables of a tick, in memory: the rows of the customers that something may happen to, and what becomes of them.

They have the names and columns of the tables that people know, so that a statement means the same in both places. In a
tick they hold the customers that were brought in, read from their documents; `put_back.py` writes what has changed.
"""

from collections.abc import Sequence

import polars as pl
from duckdb import DuckDBPyConnection

from flows.store.documents import TABLES, unpack
from flows.store.history_amounts import sets_made, waiting_amounts
from flows.store.placing import Given, nobody, place, placed_at
from flows.store.state_file import StateFile
from flows.store.tables import WATCHED_KEYS
from flows.warehouse import append, frame, run_sql, shown, sql_names

_BROUGHT_IN = ("loaded", "entries", "sends", "executions_before", "schedule_alarms_before")
_INNER = (*_BROUGHT_IN, "watched_keys")
_AT_ONCE = 250_000


def make_tables(con: DuckDBPyConnection) -> None:
    """Make the tables, empty."""
    for name in (*sql_names("store/schema"), "store/work/tables.sql", *sql_names("store/macros")):
        run_sql(con, name)


def tables() -> list[str]:
    """The names of the tables that people know and a tick has."""
    return [name.rpartition("/")[2].removesuffix(".sql") for name in sql_names("store/schema")]


def forget_all(con: DuckDBPyConnection) -> None:
    """Empty the tables."""
    con.execute(";".join(f"truncate {name}" for name in (*tables(), *_INNER)))


def are_empty(con: DuckDBPyConnection) -> bool:
    """Whether none of the tables has a row: nobody was brought in, and nothing happened."""
    some = " or ".join(f"exists(from {name})" for name in (*tables(), *_BROUGHT_IN))
    ((found,),) = con.execute(f"select {some}").fetchall()
    return not found


def bring_in(con: DuckDBPyConnection, state: StateFile, customers: pl.Series) -> None:
    """Bring in some customers, those apart who are there already; who isn't known gets a place."""
    asked = customers.drop_nulls().unique()
    there = frame(con, "select customer_id from loaded").to_series() if _is_any(con) else asked.clear()
    missing = asked.filter(~asked.is_in(there.implode())) if len(there) else asked
    for some in missing.to_frame("customer_id").iter_slices(_AT_ONCE):
        _add(con, state, place(state, some["customer_id"], given_keys(con)))


def given_keys(con: DuckDBPyConnection) -> Given:
    """Which of some keys were given to customers who were brought in, and have no document yet."""

    def among(keys: pl.Series) -> pl.Series:
        with shown(con, asked_keys=keys.to_frame("key")):
            new = "select key from loaded semi join asked_keys using (key) where doc is null"
            return frame(con, new).to_series()

    return among if _is_any(con) else nobody


def bring_in_keys(con: DuckDBPyConnection, state: StateFile, keys: Sequence[int]) -> None:
    """As `bring_in`, by the places of their documents."""
    there = set(frame(con, "select key from loaded").to_series()) if _is_any(con) else set()
    missing = sorted(set(keys) - there)
    for first in range(0, len(missing), _AT_ONCE):
        _add(con, state, placed_at(state, missing[first : first + _AT_ONCE]))


def watch(con: DuckDBPyConnection, state: StateFile) -> None:
    """Let `watched_keys` be what the state file notes now."""
    con.execute("truncate watched_keys")
    append(
        con, "watched_keys", state.frame("select number, kind, key, tracked from watched_keys", WATCHED_KEYS)
    )


def add_history(con: DuckDBPyConnection, state: StateFile, sets: int) -> None:
    """Give those who were brought in amounts made from history since; they have the first `sets` sets of them."""
    _add_history(con, state, frame(con, "select customer_id, $sets::bigint as sets from loaded", sets=sets))


def _add(con: DuckDBPyConnection, state: StateFile, placed: pl.DataFrame) -> None:
    append(con, "loaded", placed)
    documents = placed.filter(pl.col("doc").is_not_null())
    if documents.is_empty():
        return
    found = unpack(documents)
    paused = [name for (name,) in state.query("select workflow_id from paused")]
    status = pl.when(pl.col("workflow_id").is_in(paused)).then(pl.lit("paused")).otherwise(pl.lit("running"))
    found["executions"] = found["executions"].with_columns(status=status)
    found |= {f"{name}_before": found[name] for name in ("executions", "schedule_alarms")}
    found["schedule_alarms"] = _named(con, found["schedule_alarms"])
    for name in (*TABLES, "executions_before", "schedule_alarms_before"):
        if len(found[name]):
            append(con, name, found[name])
    _add_history(con, state, found["sets"])


def _add_history(con: DuckDBPyConnection, state: StateFile, sets: pl.DataFrame) -> None:
    """Add the amounts of sets that documents don't have yet.

    Args:
        con: the tables.
        state: where the amounts wait.
        sets: `customer_id`, and how many sets are in the document.
    """
    behind = sets.filter(pl.col("sets") < sets_made(state))
    if behind.is_empty():
        return
    with_more = waiting_amounts(state, behind)
    if with_more.is_empty():
        return
    own = frame(con, "from window_amounts").join(
        with_more.select("customer_id").unique(), on="customer_id", how="semi"
    )
    both = pl.concat([own, with_more]).group_by("customer_id", maintain_order=True)
    merged = both.agg(pl.col("keys", "amounts").list.explode())
    with shown(con, merged=merged):
        con.execute("delete from window_amounts where customer_id in (select customer_id from merged)")
    append(con, "window_amounts", merged)


def _named(con: DuckDBPyConnection, alarms: pl.DataFrame) -> pl.DataFrame:
    """Alarms of schedules that are still kept track of, by their keys; documents have the numbers of these."""
    if alarms.is_empty():
        return alarms
    numbers = frame(
        con, "select number::varchar as number, key from watched_keys where kind = 'alarm' and tracked"
    )
    return alarms.rename({"key": "number"}).join(numbers, on="number").select(alarms.columns)


def _is_any(con: DuckDBPyConnection) -> bool:
    return bool(con.execute("from loaded limit 1").fetchall())
