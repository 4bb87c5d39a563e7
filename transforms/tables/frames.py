"""The columns of every table that crosses a border, each declared once: name → Polars type."""

import polars as pl

INSTANT = pl.Datetime("us", "UTC")
EVENT_PREFIX = "event."

Schema = dict[str, pl.DataType | type[pl.DataType]]


def chosen(columns: Schema, *names: str) -> Schema:
    """Some of a table's columns, in the order named."""
    return {name: columns[name] for name in names}


CANONICAL_EVENTS: Schema = {
    "event_id": pl.String,
    "customer_id": pl.String,
    "ts": INSTANT,
    "type": pl.String,
    "name": pl.String,
    "value": pl.Float64,
    "properties": pl.String,
    "attributes": pl.String,
    "received_at": INSTANT,
}
CANONICAL_CUSTOMERS: Schema = {
    "customer_id": pl.String,
    "email": pl.String,
    "created_at": INSTANT,
    "attributes": pl.String,
    "tags": pl.List(pl.String),
    "timezone": pl.String,
}
OUTCOMES: Schema = dict.fromkeys(("customer_id", "group", "outcome", "value", "before"), pl.String)
"""The columns of an experiment's file, as text; the last two may be missing."""
CUSTOMERS: Schema = {
    "customer_id": pl.String,
    "known": pl.Boolean,
    "created_at": INSTANT,
    "since": INSTANT,
}
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
    "variant": pl.String,
}
_EXECUTION = chosen(EXECUTIONS, "execution_id", "workflow_id", "customer_id", "entered_at")
ENTRIES: Schema = {
    **chosen(EXECUTIONS, "workflow_id", "version", "customer_id", "entered_at"),
    "properties": pl.String,
}
GOAL_HITS: Schema = {**_EXECUTION, "at": INSTANT, "event_id": pl.String}
CONSIDERED: Schema = {
    "workflow_id": pl.String,
    "version": pl.String,
    "place": pl.String,
    "condition": pl.String,
    "facts": pl.Int64,
}
SENDS: Schema = {
    "customer_id": pl.String,
    "at": INSTANT,
    "channel": pl.String,
    "message_class": pl.String,
}
_ACTING: Schema = {**chosen(CANONICAL_EVENTS, "event_id", "customer_id", "ts"), "at": INSTANT}
INTRODUCTIONS: Schema = {**_ACTING, "created_at": INSTANT}
INTRODUCED: Schema = chosen(INTRODUCTIONS, "customer_id", "created_at", "at", "ts", "event_id")
EVENTS: Schema = {**_ACTING, **chosen(CANONICAL_EVENTS, "type", "name", "properties")}
BEHAVIORS: Schema = {
    **_ACTING,
    **chosen(CANONICAL_EVENTS, "name", "value"),
    "acts": pl.Boolean,
    "fresh": pl.Boolean,
}
AMOUNTS: Schema = {"customer_id": pl.String, "key": pl.String, "amount": pl.Int64}
ALARMS: Schema = {"customer_id": pl.String, "key": pl.String, "value": pl.String, "at": INSTANT}
WRITES: Schema = {**_ACTING, "ordinal": pl.Int64, "attribute": pl.String, "value": pl.String}
STEPS: Schema = {
    **_EXECUTION,
    "branch": pl.String,
    "step": pl.String,
    "action_type": pl.String,
    "at": INSTANT,
    "outcome": pl.String,
}
MESSAGES: Schema = {
    "message_id": pl.String,
    **_EXECUTION,
    "step": pl.String,
    "at": INSTANT,
    "template_id": pl.String,
}
WEBHOOKS: Schema = {**_EXECUTION, "step": pl.String, "at": INSTANT, "url": pl.String}
PROFILES: Schema = chosen(CANONICAL_CUSTOMERS, "customer_id", "attributes", "tags")
SUMS: Schema = {
    "name": pl.String,
    "parts": pl.String,
    "n": pl.Int64,
    "total": pl.Decimal(38, 0),
    "first": INSTANT,
    "last": INSTANT,
}
