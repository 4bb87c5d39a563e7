"""Pandera schemas of the tables that cross a border: what comes in, and what a backtest hands out.

Importing pandera takes more than a second, so nothing imports this module at its own top: whoever checks a
border imports it there. On a LazyFrame pandera checks only names and types, so collected frames are given.
"""

from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

Instant = Annotated[pl.Datetime, "us", "UTC"]

EVENT_TYPES = ["behavioral", "attribute_change", "external_event", "time_based"]
STATUSES = ["running", "completed", "converted", "exited", "failed", "held_out", "paused"]
OBJECT = r"^\{(?s:.*)\}$"
HASH = r"^[0-9a-f]{32}$"


class Table(pa.DataFrameModel):
    """A table at a border: columns of exactly the stated types, further ones allowed."""


class Events(Table):
    """Canonical events (semantics.md §4): one row per event."""

    event_id: str = pa.Field(str_length={"min_value": 1})
    customer_id: str = pa.Field(str_length={"min_value": 1})
    ts: Instant
    type: str = pa.Field(isin=EVENT_TYPES)
    name: str
    value: float = pa.Field(nullable=True)
    properties: str = pa.Field(str_matches=OBJECT)
    attributes: str = pa.Field(nullable=True, str_matches=OBJECT)
    received_at: Instant = pa.Field(nullable=True)


class Customers(Table):
    """Canonical customers: one row per customer."""

    customer_id: str = pa.Field(unique=True, str_length={"min_value": 1})
    email: str = pa.Field(nullable=True)
    created_at: Instant = pa.Field(nullable=True)
    attributes: str = pa.Field(str_matches=OBJECT)
    tags: pl.List = pa.Field(dtype_kwargs={"inner": pl.String})
    timezone: str = pa.Field(nullable=True)


class Executions(Table):
    """One row per execution; `branch` is null for a held-out one, `ended_at` while it runs."""

    execution_id: str = pa.Field(unique=True, str_matches=HASH)
    workflow_id: str
    customer_id: str
    entered_at: Instant
    branch: str = pa.Field(nullable=True)
    status: str = pa.Field(isin=STATUSES)
    ended_at: Instant = pa.Field(nullable=True)
    converted_at: Instant = pa.Field(nullable=True)


class Steps(Table):
    """One row per logged outcome of a step."""

    execution_id: str = pa.Field(str_matches=HASH)
    workflow_id: str
    customer_id: str
    entered_at: Instant
    branch: str
    step: str
    action_type: str
    at: Instant
    outcome: str


class Messages(Table):
    """One row per accepted message."""

    message_id: str = pa.Field(unique=True, str_matches=HASH)
    execution_id: str = pa.Field(str_matches=HASH)
    workflow_id: str
    customer_id: str
    entered_at: Instant
    step: str
    at: Instant
    template_id: str = pa.Field(nullable=True)


class Webhooks(Table):
    """One row per queued webhook request."""

    execution_id: str = pa.Field(str_matches=HASH)
    workflow_id: str
    customer_id: str
    entered_at: Instant
    step: str
    at: Instant
    url: str


class Profiles(Table):
    """One row per customer, as of the end: attributes as a JSON object, tags sorted."""

    customer_id: str = pa.Field(unique=True, str_length={"min_value": 1})
    attributes: str = pa.Field(str_matches=OBJECT)
    tags: pl.List = pa.Field(dtype_kwargs={"inner": pl.String})


def check(table: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` if it is a `table`.

    Raises:
        ValueError: naming the table and up to five faults: column, what is allowed, a value given.
    """
    try:
        return table.validate(frame, lazy=True)
    except SchemaErrors as error:
        faults = error.failure_cases.unique(["column", "check"], keep="first", maintain_order=True).head(5)
        lines = faults.select(
            pl.format(
                "  {}: {}: {}", *(pl.col(c).fill_null("-") for c in ("column", "check", "failure_case"))
            )
        )
        raise ValueError("\n".join([f"not a table of {table.__name__}:", *lines.to_series()])) from error
