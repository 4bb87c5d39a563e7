"""Pending messages and webhook requests: in the state file until they are settled, then in the ledger for good."""

from datetime import datetime

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
Place = tuple[int, str]
"""A place in the order in which what is pending was decided: an instant in µs since 1970, an id."""
START: Place = (-(2**63), "")
PENDING, UNKNOWN, FAILED = "pending", "unknown", "failed"
"""What has these statuses stays here: until it is handed over, an answer is known, it can't be tried again any more."""
_WAITING = (
    "select fields from pending where kind = $kind and (at, id) > ($at, $id) order by at, id limit $most"
)


def add_pending(con: DuckDBPyConnection, state: StateFile) -> int:
    """Keep what a tick has decided to hand over, inside the transaction; how many messages and requests."""
    return sum(_add(con, state, table) for table in KEYS)


def bring_in_pending(
    con: DuckDBPyConnection, state: StateFile, table: str, most: int, after: Place = START
) -> Place | None:
    """Let the table hold what is pending, the oldest first, with its customers and the suppressions that concern them.

    Args:
        con: the tables.
        state: the state file.
        table: `messages` or `webhooks`.
        most: how many rows at most.
        after: only what comes later than this.

    Returns:
        The last row's place; None if there is none.
    """
    pending = read_pending(con, state, table, most, after)
    bring_in(con, state, pending["customer_id"])
    bring_in_suppressions(con, state, pending["customer_id"])
    if pending.is_empty():
        return None
    ((at, name),) = pending.select(pl.col("at").dt.epoch("us"), KEYS[table]).tail(1).rows()
    return int(at), str(name)


def read_pending(
    con: DuckDBPyConnection, state: StateFile, table: str, most: int = -1, after: Place = START
) -> pl.DataFrame:
    """Let the table hold what is pending, the oldest first, `most` rows of it (-1: all) after a place: these rows."""
    pending = decoded(con, state, table, most, after)
    con.execute(f"truncate {table}")
    if len(pending):
        append(con, table, pending)
    return pending


def decoded(
    con: DuckDBPyConnection, state: StateFile, table: str, most: int = -1, after: Place = START
) -> pl.DataFrame:
    """What is pending, the oldest first, `most` rows of it (-1: all) after a place, with the table's columns."""
    schema = _schema(con, table)
    found = state.query(_WAITING, kind=table, most=most, at=after[0], id=after[1])
    texts = pl.DataFrame(found, schema={"fields": pl.String}, orient="row")
    stored = pl.Struct({name: pl.Int64 if kind == INSTANT else kind for name, kind in schema.items()})
    rows = texts.select(pl.col("fields").str.json_decode(stored)).unnest("fields")
    return rows.select(pl.col(name).cast(kind) for name, kind in schema.items())


def is_pending(state: StateFile) -> bool:
    """Whether anything waits to be handed over."""
    return bool(state.query("select 1 from pending limit 1"))


def settle(
    con: DuckDBPyConnection,
    state: StateFile,
    ledger: Ledger,
    table: str,
    results: pl.DataFrame,
    open_since: datetime | None = None,
) -> dict[str, int]:
    """Note what became of some of what the table holds: from now on it is part of the ledger.

    What is `pending` again or `unknown`, and what has failed and is no older than `open_since`, stays here with that
    status.

    Args:
        con: the tables, after `read_pending`.
        state: the state file.
        ledger: where it goes.
        table: `messages` or `webhooks`.
        results: its id, `status`, and other columns of the table that are known now.
        open_since: None: what has failed is settled.

    Returns:
        How many rows have become what they weren't before, by status.
    """
    key, number = KEYS[table], state.commit + 1
    before = frame(con, f"from {table}").join(results.select(key, became="status"), on=key)
    before = before.with_columns(stays=_stays(open_since)).filter(
        ~pl.col("stays") | (pl.col("became") != pl.col("status"))
    )
    after = before.drop(one for one in results.columns if one != key).join(results, on=key)
    if after.is_empty():
        return {}
    columns = [one for one in _schema(con, table) if one != "trigger_properties"]
    became = after.filter(~pl.col("stays")).select(columns)
    with state.transaction(), shown(con, became=became):
        name_files(state, ledger.write(con, table, "from became", (number, number)))
        ids = became.select(pl.lit(table), pl.col("at").dt.epoch("us"), key)
        state.write("delete from pending where kind = ? and at = ? and id = ?", ids.iter_rows())
        _keep(state, table, after.filter("stays").drop("stays", "became"))
        if table == "messages":
            _add_sums(con, state, before.select(columns), after.select(columns))
        state.note("commit", number)
    changed = before.filter((pl.col("became") != pl.col("status")) & (pl.col("became") != PENDING))
    return dict(changed["became"].value_counts().iter_rows())


def _stays(open_since: datetime | None) -> pl.Expr:
    is_open = pl.lit(value=False) if open_since is None else pl.col("at") >= open_since
    return pl.col("became").is_in([PENDING, UNKNOWN]) | ((pl.col("became") == FAILED) & is_open)


def _keep(state: StateFile, table: str, rows: pl.DataFrame) -> None:
    kept = rows.select(
        _fields(), pl.lit(table).alias("kind"), pl.col("at").dt.epoch("us"), pl.col(KEYS[table])
    )
    state.write("update pending set fields = ? where kind = ? and at = ? and id = ?", kept.iter_rows())


def _add_sums(con: DuckDBPyConnection, state: StateFile, before: pl.DataFrame, after: pl.DataFrame) -> None:
    """Messages are counted as what became of them."""
    executions, steps = (frame(con, f"from {name} limit 0") for name in ("executions", "steps"))
    with shown(con, program_steps=pl.DataFrame(schema=PROGRAM_STEPS)):
        changed = count_changes(con, Counted(executions, steps, before), Counted(executions, steps, after))
        add_sums(state, changed)


def _add(con: DuckDBPyConnection, state: StateFile, table: str) -> int:
    query = (
        f"select {table}.*, loaded.key from {table} join loaded using (customer_id) where status = 'pending'"
    )
    added = 0
    # A first run over a long history has millions, of about 1 kB each.
    for rows in streamed(con, query).collect_batches():
        kept = rows.select(
            pl.lit(table).alias("kind"),
            pl.col("at").dt.epoch("us"),
            pl.col(KEYS[table]).alias("id"),
            "key",
            "tick_id",
            _fields(),
        )
        state.write("insert into pending values (?, ?, ?, ?, ?, ?)", kept.iter_rows())
        added += len(rows)
    return added


def _fields() -> pl.Expr:
    """All columns but the customer's key as one JSON object, instants in µs since 1970."""
    others = cs.exclude("key")
    return (
        pl.struct(others - cs.datetime(), cs.datetime().dt.epoch("us")).struct.json_encode().alias("fields")
    )


def _schema(con: DuckDBPyConnection, table: str) -> Schema:
    return dict(frame(con, f"from {table} limit 0").schema)
