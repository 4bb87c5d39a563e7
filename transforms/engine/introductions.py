"""Customers whom events make known: from which instant on, and since when they are customers (semantics.md §4)."""

import polars as pl

from transforms.engine.state import Facts, State
from transforms.tables.frames import CUSTOMERS, INTRODUCED, chosen

_CUSTOMER = "customer_id"
_ORDER = ["at", "ts", "event_id"]


def introduced_by(state: State, facts: Facts) -> pl.DataFrame:
    """Those whom the facts make known (`frames.INTRODUCED`): each by the first event that can.

    Args:
        state: before the tick; who has a file's row, or was made known before, stays as they are.
        facts: what comes in the tick.
    """
    if facts.introductions.is_empty():
        return pl.DataFrame(schema=INTRODUCED)
    known = state.customers.filter("known")
    told = facts.introductions.join(known, on=_CUSTOMER, how="anti", maintain_order="left")
    first = told.sort(_ORDER).unique(_CUSTOMER, keep="first", maintain_order=True)
    return first.with_columns(created_at=pl.min_horizontal("created_at", "at")).select(*INTRODUCED)


def with_introduced(state: State, introduced: pl.DataFrame) -> State:
    """The state in which they are known; `since` says from when on, as long as the tick lasts."""
    if introduced.is_empty():
        return state
    others = state.customers.join(introduced, on=_CUSTOMER, how="anti", maintain_order="left")
    new = introduced.select(_CUSTOMER, "created_at", known=True, since="at").select(*CUSTOMERS)
    return State(**{**vars(state), "customers": pl.concat([others, new])})


def settled(customers: pl.DataFrame) -> pl.DataFrame:
    """The customers after the tick: what acts later comes after they became known."""
    return customers.with_columns(since=pl.lit(None, CUSTOMERS["since"]))


def too_early(events: pl.DataFrame, introduced: pl.DataFrame) -> pl.Series:
    """Whether an event acts at the instant at which its customer becomes known, but before the event that does it."""
    if introduced.is_empty():
        return pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(events))
    names = chosen(INTRODUCED, "at", "ts", "event_id")
    first = introduced.select(_CUSTOMER, *(pl.col(name).alias(f"first_{name}") for name in names))
    found = events.join(first, on=_CUSTOMER, how="left", maintain_order="left")
    earlier = pl.col("ts") < pl.col("first_ts")
    tied = (pl.col("ts") == pl.col("first_ts")) & (pl.col("event_id") < pl.col("first_event_id"))
    return (
        found.select((pl.col("at") == pl.col("first_at")) & (earlier | tied))
        .to_series()
        .fill_null(value=False)
    )
