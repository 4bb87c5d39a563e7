"""The border schemas accept what they describe and name what they don't."""

from datetime import UTC, datetime

import polars as pl
import pytest

from transforms.tables import checks as schemas

INSTANT = pl.Datetime("us", "UTC")
T = datetime(2026, 3, 1, tzinfo=UTC)
HASH = "0123456789abcdef" * 2
EVENT = {
    "event_id": "e",
    "customer_id": "c",
    "ts": T,
    "type": "behavioral",
    "name": "visit",
    "value": None,
    "properties": '{"a":\n1}',
    "attributes": None,
    "received_at": None,
}
EVENT_TYPES = {"ts": INSTANT, "received_at": INSTANT, "value": pl.Float64, "attributes": pl.String}
EXECUTION = {
    "execution_id": HASH,
    "workflow_id": "w",
    "customer_id": "c",
    "entered_at": T,
    "branch": None,
    "status": "held_out",
    "ended_at": T,
    "converted_at": None,
}
EXECUTION_TYPES = {"branch": pl.String, "entered_at": INSTANT, "ended_at": INSTANT, "converted_at": INSTANT}
PROFILE = {"customer_id": "c", "attributes": "{}", "tags": ["a"]}
CUSTOMER = {**PROFILE, "email": None, "created_at": None, "timezone": None}
CUSTOMER_TYPES = {"email": pl.String, "created_at": INSTANT, "timezone": pl.String}
PLACE = {"execution_id": HASH, "workflow_id": "w", "customer_id": "c", "entered_at": T, "step": "0", "at": T}
PLACE_TYPES = {"entered_at": INSTANT, "at": INSTANT}
STEP = {**PLACE, "branch": "default", "action_type": "wait", "outcome": "done"}
GOOD = {
    schemas.Events: (EVENT, EVENT_TYPES),
    schemas.Customers: (CUSTOMER, CUSTOMER_TYPES),
    schemas.Executions: (EXECUTION, EXECUTION_TYPES),
    schemas.Steps: (STEP, {**PLACE_TYPES, "branch": pl.String}),
    schemas.Messages: ({**PLACE, "message_id": HASH, "template_id": "t"}, PLACE_TYPES),
    schemas.Webhooks: ({**PLACE, "url": "https://example.com"}, PLACE_TYPES),
    schemas.Profiles: (PROFILE, {}),
}


def frame(table, **changes):
    row, types = GOOD[table]
    return pl.DataFrame([{**row, **changes}], schema_overrides=types)


@pytest.mark.parametrize("table", GOOD, ids=lambda table: table.__name__)
def test_a_good_table_passes_also_without_rows_and_with_more_columns(table):
    good = frame(table)
    assert schemas.check(table, good).equals(good)
    assert schemas.check(table, good.clear()).is_empty()
    schemas.check(table, good.with_columns(extra=1))


@pytest.mark.parametrize(
    ("table", "changes", "named"),
    [
        (schemas.Events, {"type": "odd"}, "type"),
        (schemas.Events, {"customer_id": ""}, "customer_id"),
        (schemas.Events, {"properties": "[1]"}, "properties"),
        (schemas.Executions, {"status": "gone"}, "status"),
        (schemas.Executions, {"execution_id": "short"}, "execution_id"),
        (schemas.Steps, {"branch": None}, "branch"),
        (schemas.Profiles, {"tags": [1]}, "tags"),
    ],
)
def test_a_fault_is_named(table, changes, named):
    with pytest.raises(ValueError, match=rf"not a table of {table.__name__}:\n  {named}: .*"):
        schemas.check(table, frame(table, **changes))


def test_types_are_exact():
    naive = frame(schemas.Events).with_columns(pl.col("ts").dt.replace_time_zone(None))
    with pytest.raises(ValueError, match=r"ts: .*Datetime"):
        schemas.check(schemas.Events, naive)
    with pytest.raises(ValueError, match="value"):
        schemas.check(schemas.Events, frame(schemas.Events).drop("value"))
    twice = pl.concat([frame(schemas.Profiles)] * 2)
    with pytest.raises(ValueError, match=r"customer_id: .*unique"):
        schemas.check(schemas.Profiles, twice)
