"""Pending messages and webhook requests: in the state file until they are settled, then in the ledger for good."""

import polars as pl
import polars.selectors as cs
from duckdb import DuckDBPyConnection

from flows.store.ledger import Ledger, name_files
from flows.store.state_file import StateFile
from flows.store.sums import Counted, add_sums, count_changes
from flows.store.suppressions import bring_in_suppressions
from flows.store.tables import PROGRAM_STEPS
from flows.store.work import bring_in
from flows.warehouse import append, frame, shown, streamed
from transforms.tables.frames import INSTANT, Schema

KEYS = {"messages": "message_id", "webhooks": "webhook_id"}
"""The tables of what is handed over, and the columns of their ids."""
_WAITING = "select fields from pending where kind = $kind order by at, id limit $most"


def add_pending(con: DuckDBPyConnection, state: StateFile) -> int:
    """Keep what a tick has decided to hand over, inside the transaction; how many messages and requests."""
    return sum(_add(con, state, table) for table in KEYS)


def bring_in_pending(con: DuckDBPyConnection, state: StateFile, table: str, most: int) -> int:
    """Let the table hold what is pending, the oldest first, with its customers and the suppressions that concern them.

    Returns:
        How many rows these are.
    """
    customers = read_pending(con, state, table, most)
    bring_in(con, state, customers)
    bring_in_suppressions(con, state, customers)
    return len(customers)


def read_pending(con: DuckDBPyConnection, state: StateFile, table: str, most: int = -1) -> pl.Series:
    """Let the table hold what is pending, the oldest first, `most` rows of it (-1: all); whose that is."""
    pending = decoded(con, state, table, most)
    con.execute(f"truncate {table}")
    if len(pending):
        append(con, table, pending)
    return pending["customer_id"]


def decoded(con: DuckDBPyConnection, state: StateFile, table: str, most: int = -1) -> pl.DataFrame:
    """What is pending, the oldest first, `most` rows of it (-1: all), with the table's columns."""
    schema = _schema(con, table)
    texts = pl.DataFrame(
        state.query(_WAITING, kind=table, most=most), schema={"fields": pl.String}, orient="row"
    )
    stored = pl.Struct({name: pl.Int64 if kind == INSTANT else kind for name, kind in schema.items()})
    rows = texts.select(pl.col("fields").str.json_decode(stored)).unnest("fields")
    return rows.select(pl.col(name).cast(kind) for name, kind in schema.items())


def is_pending(state: StateFile) -> bool:
    """Whether anything waits to be handed over."""
    return bool(state.query("select 1 from pending limit 1"))


def settle(
    con: DuckDBPyConnection, state: StateFile, ledger: Ledger, table: str, results: pl.DataFrame
) -> None:
    """Note what became of some of what the table holds: from now on it is part of the ledger.

    Args:
        con: the tables, after `read_pending`.
        state: the state file.
        ledger: where it goes.
        table: `messages` or `webhooks`.
        results: its id, `status`, `status_reason`, `sent_at`.
    """
    key, number = KEYS[table], state.commit + 1
    rows = frame(con, f"from {table}").drop("status", "status_reason", "sent_at").join(results, on=key)
    if rows.is_empty():
        return
    became = rows.select(one for one in _schema(con, table) if one != "trigger_properties")
    with state.transaction(), shown(con, became=became):
        name_files(state, ledger.write(con, table, "from became", (number, number)))
        ids = rows.select(pl.lit(table), pl.col("at").dt.epoch("us"), key)
        state.write("delete from pending where kind = ? and at = ? and id = ?", ids.iter_rows())
        if table == "messages":
            _add_sums(con, state, became)
        state.note("commit", number)


def _add_sums(con: DuckDBPyConnection, state: StateFile, became: pl.DataFrame) -> None:
    """Messages that were pending are counted as what became of them."""
    executions, steps = (frame(con, f"from {name} limit 0") for name in ("executions", "steps"))
    before = Counted(executions, steps, became.with_columns(status=pl.lit("pending")))
    after = Counted(executions, steps, became)
    with shown(con, program_steps=pl.DataFrame(schema=PROGRAM_STEPS)):
        add_sums(state, count_changes(con, before, after))


def _add(con: DuckDBPyConnection, state: StateFile, table: str) -> int:
    query = (
        f"select {table}.*, loaded.key from {table} join loaded using (customer_id) where status = 'pending'"
    )
    added = 0
    # A first run over a long history has millions, of about 1 kB each.
    for rows in streamed(con, query).collect_batches():
        plain = rows.with_columns(cs.datetime().dt.epoch("us"))
        kept = plain.select(
            pl.lit(table).alias("kind"),
            "at",
            pl.col(KEYS[table]).alias("id"),
            "key",
            "tick_id",
            fields=pl.struct(pl.exclude("key")).struct.json_encode(),
        )
        state.write("insert into pending values (?, ?, ?, ?, ?, ?)", kept.iter_rows())
        added += len(rows)
    return added


def _schema(con: DuckDBPyConnection, table: str) -> Schema:
    return dict(frame(con, f"from {table} limit 0").schema)
