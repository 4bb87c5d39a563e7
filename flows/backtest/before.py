"""What the engine is given of customers whose rows are all at hand: their facts, and the state before these."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import polars as pl
from duckdb import DuckDBPyConnection

from flows.decide.facts import Incoming, json_path, read_facts
from flows.decide.macros import make_macros as make_decide_macros
from flows.formats.non_finite import make_non_finite
from flows.warehouse import assign, read_sql, run_sql, shown
from transforms.engine.fold import fold_attributes
from transforms.engine.state import State, empty_state
from transforms.program.model import Program


@contextmanager
def bucket_shown(
    con: DuckDBPyConnection, events: pl.DataFrame, customers: pl.DataFrame, start: datetime | None
) -> Generator[None]:
    """Let queries in the block read a bucket's rows: its events that are read whole, and its customers.

    Args:
        con: a connection in UTC.
        events: `partition.EVENT_COLUMNS`.
        customers: `partition.CUSTOMER_COLUMNS`.
        start: events before it are history; None: there is none.
    """
    make_non_finite(con)
    make_decide_macros(con)
    assign(con, "timestamptz", backtest_start=start or "-infinity")
    with shown(con, bucket_files=events, bucket_customers=customers):
        run_sql(con, "backtest/bucket_events.sql")
        yield


def read_incoming(con: DuckDBPyConnection, program: Program, *, unread: bool) -> Incoming:
    """What the events of the bucket shown bring, but its behaviors; also updates that no workflow sees, if `unread`."""
    return read_facts(con, "bucket_events", "bucket_customers", program, behaviors=False, unread=unread)


def state_before(con: DuckDBPyConnection, program: Program, incoming: Incoming, *, every: bool) -> State:
    """The state before the start of the customers of the bucket shown.

    Args:
        con: where the bucket is shown.
        program: the compiled workflows.
        incoming: what its events bring.
        every: whether attributes that no workflow sees are in it too.
    """
    attributes = fold_attributes(_attributes(con, program, every=every), incoming.profile_only)
    return replace(
        empty_state(),
        customers=read_sql(con, "backtest/customers.sql"),
        attributes=attributes,
        tags=read_sql(con, "backtest/tags.sql"),
    )


def _attributes(con: DuckDBPyConnection, program: Program, *, every: bool) -> pl.DataFrame:
    if every:
        run_sql(con, "backtest/given_attributes.sql")
        return read_sql(con, "backtest/every_attribute.sql")
    paths = list(map(json_path, program.attributes))
    return read_sql(con, "backtest/attributes.sql", attributes=list(program.attributes), paths=paths)
