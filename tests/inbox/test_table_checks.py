"""The border checks accept what they describe and name what they don't; a run's borders do check."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from flows.backtest.bucket import BACKTESTED
from transforms.engine.lanes.memory import STATUSES
from transforms.tables import checks
from transforms.tables.checks import Table, check, check_columns
from transforms.tables.frames import CANONICAL_CUSTOMERS, CANONICAL_EVENTS, INSTANT, Schema

T = datetime(2026, 3, 1, tzinfo=UTC)
HASH = "0123456789abcdef" * 2
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
PROFILE = {"customer_id": "c", "attributes": '{"a":\n1}', "tags": ["a"]}
PLACE = {"execution_id": HASH, "workflow_id": "w", "customer_id": "c", "entered_at": T, "step": "0", "at": T}
GOOD: dict[str, dict[str, Any]] = {
    "executions": EXECUTION,
    "goal_hits": {**{name: one for name, one in PLACE.items() if name != "step"}, "event_id": None},
    "steps": {**PLACE, "branch": "default", "action_type": "wait", "outcome": "done"},
    "messages": {**PLACE, "message_id": HASH, "template_id": "t"},
    "webhooks": {**PLACE, "url": "https://example.com"},
    "profiles": PROFILE,
}


def rows(table: Table, **changes: Any) -> pl.DataFrame:
    return pl.DataFrame([{**GOOD[table.name], **changes}], schema=table.columns)


@pytest.mark.parametrize("table", BACKTESTED, ids=lambda table: table.name)
def test_a_good_table_passes_also_without_rows_and_with_more_columns(table: Table) -> None:
    good = rows(table)
    assert check(table, good).equals(good)
    assert check(table, good.clear()).is_empty()
    check(table, good.with_columns(extra=1))


@pytest.mark.parametrize(
    ("table", "changes", "named"),
    [
        (checks.EXECUTIONS, {"status": "gone"}, "status: one of running, .*: 'gone'"),
        (checks.EXECUTIONS, {"execution_id": "short"}, "execution_id: 32 hexadecimal digits: 'short'"),
        (checks.EXECUTIONS, {"execution_id": HASH + "\n"}, "execution_id: .*"),
        (checks.GOAL_HITS, {"execution_id": "short"}, "execution_id: 32 hexadecimal digits: 'short'"),
        (checks.STEPS, {"branch": None}, "branch: not null: null"),
        (checks.MESSAGES, {"message_id": HASH.upper()}, "message_id: .*"),
        (checks.PROFILES, {"attributes": "[1]"}, r"attributes: a JSON object: '\[1\]'"),
    ],
)
def test_a_fault_is_named(table: Table, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=rf"^not a table of {table.name}:\n  {named}$"):
        check(table, rows(table, **changes))


def test_a_key_is_unique() -> None:
    for table in (checks.EXECUTIONS, checks.MESSAGES, checks.PROFILES):
        with pytest.raises(ValueError, match=r"_id: unique: '"):
            check(table, pl.concat([rows(table)] * 2))


@pytest.mark.parametrize("columns", [CANONICAL_EVENTS, CANONICAL_CUSTOMERS], ids=["events", "customers"])
def test_names_and_types_are_exact(columns: Schema) -> None:
    found = pl.Schema(columns)
    check_columns("these", columns, {**found, "extra": pl.Int8()})
    instant = next(name for name, kind in columns.items() if kind == INSTANT)
    for wrong in (
        pl.Datetime("us"),
        pl.Datetime("ms", "UTC"),
        pl.Datetime("us", "Europe/Berlin"),
        pl.String(),
    ):
        with pytest.raises(ValueError, match=rf"^not a table of these:\n  {instant}: Datetime.*: "):
            check_columns("these", columns, {**found, instant: wrong})
    found.pop("customer_id")
    with pytest.raises(ValueError, match=r"customer_id: String: missing"):
        check_columns("these", columns, found)


def test_lists_are_of_what_they_should_be() -> None:
    found = pl.Schema({**CANONICAL_CUSTOMERS, "tags": pl.List(pl.Int64)})
    with pytest.raises(ValueError, match=r"tags: List\(String\): List\(Int64\)"):
        check_columns("customers", CANONICAL_CUSTOMERS, found)


def test_the_statuses_are_those_of_the_engine() -> None:
    assert set(STATUSES) == set(checks.STATUSES)
