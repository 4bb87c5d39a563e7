"""What the week's report tells, with rows worked out by hand, and days held against plain Python."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.answers.weeks import by_workflow, messages_by_day, week_of, where_left, where_waiting

WEEKS = pl.DataFrame(
    [
        ("a", "entries", 12, 10, 20.0),
        ("a", "completions", 0, 4, -100.0),
        ("a", "conversions", 3, 0, None),
        ("a", "messages", 7, 7, 0.0),
        ("idle", "entries", 0, 0, None),
        ("past", "messages", 0, 5, -100.0),
        ("long", "entries", 0, 0, None),
    ],
    ["workflow_id", "measure", "last_week", "week_before", "change"],
    orient="row",
)
SUMMARY = pl.DataFrame({"workflow_id": ["past", "idle", "a", "long"], "active": [0, 0, 2, 9]})
DROP_OFF = pl.DataFrame(
    [
        ("a", "default", "0", "send_email", "hello", 100, 0, 0, 0, 0),
        ("a", "default", "1", "wait", "2d", 100, 40, 10, 15, 5),
        ("a", "vip", "0", "wait", "1d", 8, 8, 0, 0, 0),
        ("b", "default", "0", "wait", None, 50, 0, 30, 0, 0),
    ],
    [
        *("workflow_id", "branch", "step", "action_type", "label", "entered", "waiting_here"),
        *("left_here_converted", "left_here_exited", "left_here_failed"),
    ],
    orient="row",
)


@pytest.mark.parametrize(
    ("instant", "zone", "week"),
    [
        (datetime(2026, 3, 2, 7, tzinfo=UTC), "UTC", "2026-W10"),
        (datetime(2026, 3, 1, 23, 30, tzinfo=UTC), "UTC", "2026-W09"),
        (datetime(2026, 3, 1, 23, 30, tzinfo=UTC), "Europe/Berlin", "2026-W10"),
        (datetime(2027, 1, 3, tzinfo=UTC), "UTC", "2026-W53"),
    ],
)
def test_a_week_is_that_of_the_zone_s_clocks(instant: datetime, zone: str, week: str) -> None:
    assert week_of(instant, zone) == week


def test_workflows_that_did_nothing_are_left_out() -> None:
    found = by_workflow(WEEKS, SUMMARY)
    assert found.columns == [
        *("workflow_id", "entries", "entries_change", "completions", "completions_change"),
        *("conversions", "conversions_change", "messages", "messages_change", "active"),
    ]
    assert found.rows() == [
        ("a", 12, 20.0, 0, -100.0, 3, None, 7, 0.0, 2),
        ("long", 0, None, None, None, None, None, None, None, 9),
        ("past", None, None, None, None, None, None, 0, -100.0, 0),
    ]


def test_where_customers_left_and_wait_the_most_first() -> None:
    assert where_left(DROP_OFF, 5).rows() == [
        ("a", "default", "1", "wait", "2d", 100, 30, 10, 30.0),
        ("b", "default", "0", "wait", None, 50, 30, 30, 60.0),
    ]
    assert where_left(DROP_OFF, 1)["workflow_id"].to_list() == ["a"]
    assert where_waiting(DROP_OFF, 5).select("workflow_id", "branch", "waiting").rows() == [
        ("a", "default", 40),
        ("a", "vip", 8),
    ]


@given(
    st.lists(st.tuples(st.dates(date(2026, 1, 20), date(2026, 3, 10)), st.integers(0, 1000)), max_size=30),
    st.integers(1, 28),
)
def test_days_without_messages_are_among_them(rows: list[tuple[date, int]], days: int) -> None:
    until = date(2026, 3, 2)
    daily = pl.DataFrame(rows, {"day": pl.Date, "accepted": pl.Int64}, orient="row")
    every = [until - timedelta(days=back) for back in reversed(range(days))]
    assert messages_by_day(daily, until, days).rows() == [
        (day, sum(n for at, n in rows if at == day)) for day in every
    ]
