"""Time to the goal as a curve: literal rows, and against plain Python."""

from collections.abc import Generator
from datetime import datetime, timedelta
from math import ceil, sqrt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reports.asked import Tables, asked_tables
from tests.runs import house, person
from tests.semantics.cases import Row, at, event, wait, workflow

NOW = at(days=10)
WINDOW = 4 * 86_400
VERSION = {
    "version": "1",
    "workflow_id": "w",
    "definition": '{"goal": {"type": "behavioral", "config": {"action": "buy"}, "window": 345600}}',
}


@pytest.fixture(scope="module")
def tables() -> Generator[Tables]:
    with asked_tables() as opened:
        yield opened


def test_whoever_is_still_at_risk_is_censored(tmp_path: Path) -> None:
    """Ann buys after 21 minutes, Bob hasn't within 100; who is held out has a curve of her own."""
    goal = {"type": "behavioral", "config": {"action": "buy"}, "window": "2d"}
    home = house(tmp_path, workflow(wait("1h"), goal=goal), workflow(goal=goal, holdout=1, workflow_id="v"))
    home.customers("people", person("ann"), person("bob"))
    home.events("1", event("go", at(5)), event("go", at(6), "bob"), event("buy", at(25.5)))
    home.tick(at(106))
    assert home.rows("select * exclude (survival, standard_error) from report_survival") == [
        *(("v", "held_out", 0, 2, 0, 0), ("v", "held_out", 1260, 2, 1, 0), ("v", "held_out", 7200, 1, 0, 1)),
        *(("w", "treated", 0, 2, 0, 0), ("w", "treated", 1260, 2, 1, 0), ("w", "treated", 7200, 1, 0, 1)),
    ]
    of_w = "select survival, standard_error from report_survival where workflow_id = 'w'"
    assert home.rows(of_w) == [(1.0, 0.0), (0.5, sqrt(0.125)), (0.5, sqrt(0.125))]


def entry(number: int, entered: datetime, customer: str = "ann") -> Row:
    return {
        "execution_id": f"x{number}", "workflow_id": "w", "version": "1", "customer_id": customer,
        "entered_at": entered, "status": "completed",
    }  # fmt: skip


def test_the_goal_counts_for_the_latest_entry(tables: Tables) -> None:
    """Nobody can hit for the first entry once there is a second; the third's window is over."""
    entries = [entry(1, at()), entry(2, at(days=1)), entry(3, at(days=2), "bob")]
    hit = {
        "execution_id": "x2",
        "workflow_id": "w",
        "customer_id": "ann",
        "entered_at": at(),
        "at": at(days=3),
    }
    found = tables.answer(
        "report_survival",
        executions=entries, goal_hits=[hit], workflow_versions=[VERSION], ticks=[{"tick_id": 1, "now": NOW}],
    )  # fmt: skip
    assert [row[2:7] for row in found] == [
        *((0, 3, 0, 0, 1.0), (86_400, 3, 0, 1, 1.0), (172_800, 2, 1, 0, 0.5), (345_600, 1, 0, 1, 0.5))
    ]


def test_nobody_is_left(tables: Tables) -> None:
    hit = {"execution_id": "x1", "workflow_id": "w", "customer_id": "ann", "entered_at": at(), "at": at()}
    found = tables.answer(
        "report_survival",
        executions=[entry(1, at())], goal_hits=[hit], workflow_versions=[VERSION], ticks=[{"tick_id": 1, "now": NOW}],
    )  # fmt: skip
    assert found == [("w", "treated", 0, 1, 1, 0, 0.0, None)]


minutes = st.one_of(st.integers(0, 90), st.integers(0, 30 * 60), st.integers(0, 8 * 1440))


def test_the_curve_is_that_of_plain_python() -> None:
    with asked_tables() as tables:

        @settings(max_examples=15, deadline=None)
        @given(st.lists(st.tuples(st.integers(0, 9), st.none() | minutes), min_size=1, max_size=12))
        def compare(passes: list[tuple[int, int | None]]) -> None:
            entries, hits, times = _passes(passes)
            found = tables.answer(
                "report_survival",
                executions=entries, goal_hits=hits, workflow_versions=[VERSION], ticks=[{"tick_id": 1, "now": NOW}],
            )  # fmt: skip
            expected = _curve(times)
            assert [row[2:6] for row in found] == [row[:4] for row in expected]
            for (*_, survival, error), (*_, share, deviation) in zip(found, expected, strict=True):
                assert survival == pytest.approx(share)
                assert error == (deviation if deviation is None else pytest.approx(deviation))

        compare()


def _passes(passes: list[tuple[int, int | None]]) -> tuple[list[Row], list[Row], list[tuple[int, bool]]]:
    """Executions, goal hits, and how long each was seen, and whether that ended with a hit."""
    entries, hits, times = [], [], []
    for number, (day, after) in enumerate(passes):
        entered, end = at(days=day), min(NOW, at(days=day) + timedelta(seconds=WINDOW))
        is_hit = after is not None and entered + timedelta(minutes=after) <= end
        entries.append(entry(number, entered, f"c{number}"))
        until = entered + timedelta(minutes=after or 0) if is_hit else end
        if is_hit:
            shared = {"workflow_id": "w", "customer_id": f"c{number}", "entered_at": entered}
            # Later hits of the same entry don't count.
            hits += [{"execution_id": f"x{number}", "at": one, **shared} for one in (until, end)]
        times.append((_rounded((until - entered).total_seconds()), is_hit))
    return entries, hits, times


def _rounded(seconds: float) -> int:
    unit = 60 if seconds <= 3600 else 3600 if seconds <= 86_400 else 86_400
    return ceil(seconds / unit) * unit


def _curve(times: list[tuple[int, bool]]) -> list[tuple[int, int, int, int, float, float | None]]:
    rows: list[tuple[int, int, int, int, float, float | None]] = []
    share, greenwood = 1.0, 0.0
    for when in sorted({0, *(time for time, _ in times)}):
        at_risk = sum(time >= when for time, _ in times)
        hits = times.count((when, True))
        share *= 1 - hits / at_risk
        greenwood += hits / (at_risk * (at_risk - hits)) if at_risk > hits else 0.0
        error = share * sqrt(greenwood) if share else None
        rows.append((when, at_risk, hits, times.count((when, False)), share, error))
    return rows
