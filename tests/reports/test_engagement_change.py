"""What customers do before and during a workflow: literal rows, and against plain Python."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reports.asked import asked_tables
from tests.runs import house, person
from tests.semantics.cases import at, event, wait, workflow

NOW = at(days=40)


def test_rates_before_and_during(tmp_path: Path) -> None:
    """Ann: one event in the four weeks before, three in the week during; Bob came to be when he entered."""
    home = house(tmp_path, workflow(wait("7d")))
    home.customers("people", person("ann"), person("bob", created_at=at(days=30)))
    clicked = {"properties": {"message_id": "m"}}
    home.events(
        "1",
        *(event("look", at(days=day), event_id=f"look {day}") for day in (1, 2, 12, 30, 31, 33, 37, 39)),
        event("go", at(days=30)), event("go", at(days=30), "bob"), event("look", at(days=31), "bob"),
        event("Email Opened", at(days=36), **clicked), event("Email Delivered", at(days=35), **clicked),
        event("Email Opened", at(days=35), properties={"message_id": "m", "machine": True}),
    )  # fmt: skip
    home.tick(NOW)
    assert home.rows("from report_engagement_change") == [
        ("w", 1, 1, 4.0, 1.0, 1, 3, 0.25, 3.0, 1100.0, 0, 1, 0.0, 1.0, None)
    ]


days = st.integers(0, 40)


def test_counts_are_those_of_plain_python() -> None:
    with asked_tables() as tables:

        @settings(max_examples=15, deadline=None)
        @given(
            st.lists(st.tuples(st.integers(0, 2), days, st.integers(0, 20)), min_size=1, max_size=6),
            st.lists(st.tuples(st.integers(0, 2), days, st.booleans()), max_size=20),
        )
        def compare(passes: list[tuple[int, int, int]], happened: list[tuple[int, int, bool]]) -> None:
            found = tables.answer(
                "report_engagement_change",
                executions=[_execution(number, *one) for number, one in enumerate(passes)],
                events=[_event(number, *one) for number, one in enumerate(happened)],
                batches=[{"batch_id": 1, "kind": "events", "earliest": at(days=5)}],
                ticks=[{"tick_id": 1, "now": NOW}],
            )
            spans = [
                (who, at(days=max(day - 28, 5)), at(days=day), min(at(days=day + length), NOW))
                for who, day, length in passes
            ]
            counted = [one for one in spans if one[1] < one[2] < one[3]]
            assert [(*row[1:3], row[5], row[6], row[10], row[11]) for row in found] == _counts(
                counted, happened
            )
            for row in found:
                assert abs(row[3] - sum((one[2] - one[1]) / timedelta(weeks=1) for one in counted)) < 1e-9
                assert abs(row[4] - sum((one[3] - one[2]) / timedelta(weeks=1) for one in counted)) < 1e-9

        compare()


def _execution(number: int, who: int, day: int, length: int) -> dict[str, Any]:
    ended = at(days=day + length)
    shared = {
        "execution_id": f"x{number}",
        "workflow_id": "w",
        "customer_id": f"c{who}",
        "entered_at": at(days=day),
    }
    return {
        **shared,
        "status": "running" if ended > NOW else "completed",
        "ended_at": None if ended > NOW else ended,
    }


def _event(number: int, who: int, day: int, clicks: bool) -> dict[str, Any]:
    name = "Email Link Clicked" if clicks else "look"
    shared = {"customer_id": f"c{who}", "ts": at(days=day), "type": "behavioral", "properties": "{}"}
    return {"event_id": f"e{number}", "name": name, **shared}


def _counts(
    spans: list[tuple[int, datetime, datetime, datetime]], happened: list[tuple[int, int, bool]]
) -> list[tuple[int, ...]]:
    if not spans:
        return []
    found = [0, 0, 0, 0]
    for who, since, entered, until in spans:
        for whose, day, clicks in happened:
            if whose == who:
                found[2 * clicks] += since < at(days=day) < entered
                found[2 * clicks + 1] += entered < at(days=day) <= until
    return [(len(spans), len({one[0] for one in spans}), *found)]
