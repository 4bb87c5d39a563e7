"""The columns of every table that crosses a border, each declared once: name → Polars type."""

import polars as pl

INSTANT = pl.Datetime("us", "UTC")
EVENT_PREFIX = "event."


Schema = dict[str, pl.DataType | type[pl.DataType]]
CUSTOMERS: Schema = {
    "customer_id": pl.String,
    "known": pl.Boolean,
    "created_at": INSTANT,
    "timezone": pl.String,
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
}
ENTRIES: Schema = {"workflow_id": pl.String, "customer_id": pl.String, "entered_at": INSTANT}
SENDS: Schema = {
    "customer_id": pl.String,
    "at": INSTANT,
    "channel": pl.String,
    "message_class": pl.String,
}
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
    "acts": pl.Boolean,
    "fresh": pl.Boolean,
}
AMOUNTS: Schema = {"customer_id": pl.String, "key": pl.String, "amount": pl.Int64}
ALARMS: Schema = {"customer_id": pl.String, "key": pl.String, "value": pl.String, "at": INSTANT}
WRITES: Schema = {
    "event_id": pl.String,
    "customer_id": pl.String,
    "ts": INSTANT,
    "at": INSTANT,
    "ordinal": pl.Int64,
    "attribute": pl.String,
    "value": pl.String,
}
