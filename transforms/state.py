"""The engine's state between two ticks, as frames (design: current state is what the ledger folds to)."""

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

INSTANT = pl.Datetime("us", "UTC")
EVENT_PREFIX = "event."

Schema = dict[str, pl.DataType | type[pl.DataType]]

CUSTOMERS: Schema = {"customer_id": pl.String, "known": pl.Boolean, "created_at": INSTANT}
ATTRIBUTES: Schema = {"customer_id": pl.String, "attribute": pl.String, "value": pl.String, "set_at": INSTANT}
TAGS: Schema = {"customer_id": pl.String, "tag": pl.String}
TRIGGER: Schema = {
    "trigger_type": pl.String,
    "trigger_name": pl.String,
    "trigger_event_id": pl.String,
    "trigger_properties": pl.String,
}
EXECUTIONS: Schema = {
    "execution_id": pl.String,
    "workflow_id": pl.String,
    "version": pl.String,
    "customer_id": pl.String,
    "entered_at": INSTANT,
    "branch": pl.String,
    "status": pl.String,
    "ended_at": INSTANT,
    "converted_at": INSTANT,
    **TRIGGER,
    "step": pl.String,
    "phase": pl.String,
    "due_at": INSTANT,
    "decision": pl.String,
}
ENTRIES: Schema = {"workflow_id": pl.String, "customer_id": pl.String, "entered_at": INSTANT}
SENDS: Schema = {"customer_id": pl.String, "at": INSTANT}
EVENTS: Schema = {
    "event_id": pl.String,
    "customer_id": pl.String,
    "ts": INSTANT,
    "at": INSTANT,
    "type": pl.String,
    "name": pl.String,
    "properties": pl.String,
}
BEHAVIORS: Schema = {
    "event_id": pl.String,
    "customer_id": pl.String,
    "ts": INSTANT,
    "at": INSTANT,
    "name": pl.String,
    "value": pl.Float64,
    "seen": pl.Boolean,
    "fresh": pl.Boolean,
}
AMOUNTS: Schema = {"customer_id": pl.String, "key": pl.String, "amount": pl.Int64}
ALARMS: Schema = {"customer_id": pl.String, "key": pl.String, "at": INSTANT}
WRITES: Schema = {
    "event_id": pl.String,
    "customer_id": pl.String,
    "ts": INSTANT,
    "at": INSTANT,
    "ordinal": pl.Int64,
    "attribute": pl.String,
    "value": pl.String,
}


@dataclass(frozen=True)
class State:
    """What a tick starts from.

    Attributes:
        customers: one row per customer: is there a profile row (`known`), and since when (`created_at`, null: always).
        attributes: one row per customer and attribute: value as JSON text (null: removed) and the instant it was set at
            (null: before all time).
        tags: one row per customer and tag.
        executions: one row per *running* or *paused* execution, with one column `event.X` (JSON text) per property X of
            the starting fact that some workflow reads; missing columns count as null.
        entries: one row per workflow and customer: the last entry, held out or not.
        sends: one row per accepted message that counts for frequency caps, at least those within the longest window.
    """

    customers: pl.DataFrame
    attributes: pl.DataFrame
    tags: pl.DataFrame
    executions: pl.DataFrame
    entries: pl.DataFrame
    sends: pl.DataFrame


@dataclass(frozen=True)
class Cap:
    """At most `messages` in any window of length `window` (semantics.md §11)."""

    messages: int
    window: timedelta


def empty_state() -> State:
    """A state without customers, as before the first load."""
    schemas = (CUSTOMERS, ATTRIBUTES, TAGS, EXECUTIONS, ENTRIES, SENDS)
    return State(*(pl.DataFrame(schema=schema) for schema in schemas))
