"""§1 and §4 on the oracle itself: any ticks decide the same, and what late and future events do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.compare import assert_same
from tests.engine.strategies import cases, tick_boundaries
from tests.oracle.interpreter import decide, decide_ticks
from tests.semantics.cases import (
    Case,
    Result,
    Row,
    action,
    at,
    attributes_of,
    case,
    changed,
    condition,
    customer,
    ends_of,
    event,
    outcomes_of,
    tag,
    tags_of,
    trigger,
    wait,
    workflow,
)


def in_time(found: Case, boundaries: list[datetime]) -> list[tuple[datetime, list[Row]]]:
    """The case's events, each in the tick that covers it; what comes after the end in the last."""
    dealt: list[tuple[datetime, list[Row]]] = [(now, []) for now in boundaries]
    for row in unique(found.events):
        tick = next((events for now, events in dealt if row["ts"] <= now), dealt[-1][1])
        tick.append(row)
    return dealt


def unique(events: list[Row]) -> list[Row]:
    """The first of each id: which one comes first is another question than what ticks decide."""
    return list({row["event_id"]: row for row in reversed(events)}.values())


@given(st.data(), cases())
def test_many_ticks_decide_what_one_does(data: st.DataObject, found: Case) -> None:
    # Crons begin in the first tick: with its first event, or with its end.
    began = found.start or min((event["ts"] for event in found.events), default=found.end)
    boundaries = [now for now in data.draw(tick_boundaries(found)) if now >= began]
    ticked = decide_ticks(found, in_time(found, boundaries), max_future=timedelta.max)
    assert_same(decide(found), ticked)


@given(cases())
def test_shuffled_is_sorted_and_apart_is_together(found: Case) -> None:
    whole = decide(replace(found, events=unique(found.events)))
    assert_same(whole, decide(replace(found, events=sorted(unique(found.events), key=str))))
    parts = [apart(found, row["customer_id"]) for row in found.customers]
    for customer_id, part in parts:
        assert [row for row in whole.steps if row["customer_id"] == customer_id] == part.steps


def apart(found: Case, customer_id: str) -> tuple[str, Result]:
    """One customer's share of the case, decided alone; cron schedules begin with everybody's first event."""
    rows = [row for row in found.customers if row["customer_id"] == customer_id]
    events = [row for row in unique(found.events) if row["customer_id"] == customer_id]
    first = min((row["ts"] for row in found.events), default=found.end)
    strange = event("first", first, "nobody", type="external_event")
    return customer_id, decide(replace(found, customers=rows, events=[strange, *events]))


def ticks(
    *loads: tuple[datetime, list[Row]], workflows: Row | Sequence[Row] = (), **given: timedelta
) -> Result:
    """The result of the ticks for the customer `ann`."""
    listed = [workflows] if isinstance(workflows, dict) else list(workflows)
    return decide_ticks(case(listed), list(loads), **given)


def test_a_late_event_acts_where_its_tick_starts() -> None:
    late = event("go", at(10))
    found = ticks((at(60), []), (at(120), [late]), workflows=workflow(wait("1h"), tag("t")))
    assert outcomes_of(found) == [(60, "0", "done"), (120, "1", "done")]
    assert ends_of(found) == [("w", 60, "completed", 120)]
    assert found.counts["late"] == 1


def test_an_event_at_the_end_of_the_last_tick_is_late() -> None:
    found = ticks((at(60), []), (at(120), [event("go", at(60))]), workflows=workflow())
    assert found.counts["late"] == 1


def test_late_events_go_by_their_own_time_then_id() -> None:
    """Only the first of them enters; its branch tells which one it was."""

    def go(minute: int, event_id: str) -> Row:
        return event("go", at(minute), event_id=event_id, properties={"id": event_id})

    named = [
        {"name": id_, "conditions": [condition("event.id", "equals", id_)], "actions": []} for id_ in "abc"
    ]
    late = [go(20, "a"), go(10, "c"), go(10, "b")]
    found = ticks((at(60), []), (at(120), late), workflows=workflow(branches=named))
    assert [row["branch"] for row in found.executions] == ["b"]
    assert [row["reason"] for row in found.refusals] == ["running", "running"]


def test_a_late_write_loses_to_a_later_one() -> None:
    steps = workflow(tag("heard"), on=trigger("plan", "attribute_change"))
    found = ticks(
        (at(60), [event("view", at(30), attributes={"plan": "new", "score": 1})]),
        (at(120), [event("view", at(10), attributes={"plan": "old", "flag": 2}, event_id="late")]),
        workflows=steps | {"reentry": {"policy": "once"}},
    )
    assert attributes_of(found) == {"plan": "new", "score": 1, "flag": 2}
    assert found.refusals == []


def test_a_late_write_loses_to_a_removal_and_to_an_equal_value() -> None:
    first = [changed("gone", None, at(30)), changed("same", 1, at(40))]
    late = [changed("gone", 1, at(10)), changed("same", 2, at(10))]
    assert attributes_of(ticks((at(60), first), (at(120), late))) == {"same": 1}


def test_a_late_write_of_the_same_time_wins() -> None:
    late = changed("plan", "late", at(30), event_id="late")
    found = ticks((at(60), [changed("plan", "first", at(30))]), (at(120), [late]))
    assert attributes_of(found) == {"plan": "late"}


def test_a_late_change_that_lost_is_still_a_fact() -> None:
    steps = workflow(tag("heard"), on=trigger("plan", "attribute_change", new_value="old"))
    found = ticks(
        (at(60), [changed("plan", "new", at(30))]),
        (at(120), [changed("plan", "old", at(10))]),
        workflows=steps,
    )
    assert (tags_of(found), attributes_of(found)) == (["heard"], {"plan": "new"})


@pytest.mark.parametrize(("minute", "entered"), [(0, 1), (-1, 0)])
def test_too_late_updates_the_profile_only(minute: int, entered: int) -> None:
    late = event("go", at(minute), attributes={"plan": "pro"})
    found = ticks((at(60), []), (at(90), [late]), workflows=workflow(), max_lateness=timedelta(hours=1))
    assert len(found.executions) == entered
    assert attributes_of(found) == {"plan": "pro"}
    assert found.counts.get("too_late", 0) == 1 - entered


def test_future_events_act_when_their_time_comes() -> None:
    ahead = event("go", at(90))
    found = ticks((at(60), [ahead]), (at(80), []), (at(120), [ahead]), workflows=workflow())
    assert ends_of(found) == [("w", 90, "completed", 90)]


def test_too_far_ahead_is_refused_and_may_be_loaded_again() -> None:
    ahead = event("go", at(130))
    limit = timedelta(minutes=60)
    found = ticks(
        (at(60), [ahead]), (at(120), [ahead]), (at(180), []), workflows=workflow(), max_future=limit
    )
    assert ends_of(found) == [("w", 130, "completed", 130)]
    assert found.counts["future"] == 1


def test_a_late_event_meets_what_the_steps_before_it_did() -> None:
    """At the instant where the tick starts, all due steps up to there are done."""
    sees = workflow(tag("seen", when=[condition("tags", "contains", "done")]), workflow_id="a", on="late")
    steps = workflow(wait("1h"), tag("done"))
    found = ticks((at(60), [event("go", at())]), (at(120), [event("late", at(5))]), workflows=[steps, sees])
    assert tags_of(found) == ["done", "seen"]


def test_a_customer_created_meanwhile_is_known_to_a_late_event() -> None:
    person = customer(created_at=at(30))
    found = decide_ticks(
        case(workflow(), customers=[person]), [(at(60), []), (at(120), [event("go", at(10))])]
    )
    assert ends_of(found) == [("w", 60, "completed", 60)]
    assert found.counts["unknown_customer"] == 0


def test_a_paused_workflow_takes_no_steps_while_its_clocks_run() -> None:
    """What fell due meanwhile acts where the resuming tick starts; what comes due later, in time."""
    steps = workflow(wait("1h"), tag("a"), wait("2h"), tag("b"))
    paused = {"w"}
    loads = [(at(30), [event("go", at())]), (at(90), [], paused), (at(100), [], paused)]
    assert ends_of(decide_ticks(case(steps), loads)) == [("w", 0, "paused", None)]
    found = decide_ticks(case(steps), [*loads, (at(600), [])])
    assert outcomes_of(found) == [
        (0, "0", "done"),
        (100, "1", "done"),
        (100, "2", "done"),
        (220, "3", "done"),
    ]
    running = decide_ticks(case(steps), [*loads[:1], (at(50), [], paused), (at(600), [])])
    assert [row[0] for row in outcomes_of(running)] == [0, 60, 60, 180]


def test_a_paused_workflow_takes_no_entries_but_goals_and_awaited_events_count() -> None:
    awaited = action("wait_for_event", event={"action": "buy"}, timeout="1d")
    steps = workflow(awaited, tag("t"), goal={**trigger("win"), "exit": False})
    happened = [event("buy", at(40)), event("win", at(45)), event("go", at(50), "bob")]
    loads = [(at(30), [event("go", at())]), (at(60), happened, {"w"}), (at(90), [])]
    found = decide_ticks(case(steps, customers=[customer(), customer("bob")]), loads)
    assert outcomes_of(found) == [(0, "0", "waiting"), (40, "0", "event"), (60, "1", "done")]
    assert ends_of(found) == [("w", 0, "completed", 60)]
    assert found.executions[0]["converted_at"] == at(45)
    assert found.refusals == []
