"""§6: entry, re-entry, holdout and branches; §12: identity."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from tests.semantics.cases import (
    Interpret,
    Row,
    at,
    case,
    condition,
    customer,
    ends_of,
    event,
    messages_of,
    refusals_of,
    runs_of,
    send,
    tag,
    tags_of,
    trigger,
    wait,
    workflow,
)


def test_refused_while_running(interpret: Interpret) -> None:
    found = interpret(case(workflow(wait("1h")), event("go", at()), event("go", at(30))))
    assert ends_of(found) == [("w", 0, "completed", 60)]
    assert refusals_of(found) == [("w", 30, "running")]


def test_an_event_at_the_completion_still_finds_it_running(interpret: Interpret) -> None:
    found = interpret(case(workflow(wait("1h")), event("go", at()), event("go", at(60))))
    assert refusals_of(found) == [("w", 60, "running")]


def test_reenters_when_not_running(interpret: Interpret) -> None:
    found = interpret(case(workflow(wait("1h")), event("go", at()), event("go", at(61))))
    assert ends_of(found) == [("w", 0, "completed", 60), ("w", 61, "completed", 121)]


def test_two_events_of_one_instant_enter_once(interpret: Interpret) -> None:
    found = interpret(case(workflow(), event("go", at()), event("go", at(), event_id="other")))
    assert ends_of(found) == [("w", 0, "completed", 0)]
    assert refusals_of(found) == [("w", 0, "running")]


def test_reentry_once(interpret: Interpret) -> None:
    steps = workflow(reentry={"policy": "once"})
    found = interpret(case(steps, event("go", at()), event("go", at(days=5))))
    assert len(found.executions) == 1
    assert refusals_of(found) == [("w", 7200, "reentry_once")]


@pytest.mark.parametrize("spelled", [{"seconds": 3600}, {"duration": "1h"}, {"duration": 3600}])
def test_reentry_after_counts_from_the_last_entry(interpret: Interpret, spelled: Row) -> None:
    steps = workflow(wait("30m"), reentry={"policy": "after", **spelled})
    found = interpret(case(steps, *(event("go", at(minute)) for minute in (0, 59, 60, 100, 120))))
    assert [row[1] for row in ends_of(found)] == [0, 60, 120]
    assert refusals_of(found) == [("w", 59, "reentry_after"), ("w", 100, "reentry_after")]


def test_a_refused_entry_does_not_count_as_an_entry(interpret: Interpret) -> None:
    steps = workflow(reentry={"policy": "after", "duration": "1h"})
    found = interpret(case(steps, *(event("go", at(minute)) for minute in (0, 40, 80))))
    assert [row[1] for row in ends_of(found)] == [0, 80]


def test_running_is_checked_before_reentry(interpret: Interpret) -> None:
    steps = workflow(wait("1d"), reentry={"policy": "once"})
    found = interpret(case(steps, event("go", at()), event("go", at(1))))
    assert refusals_of(found) == [("w", 1, "running")]


def test_held_out_is_recorded_and_silent(interpret: Interpret) -> None:
    heard = workflow(tag("heard"), workflow_id="v", on={"type": "workflow_action", "config": {}})
    steps = workflow(send(), holdout=1, branches=[{"name": "b", "conditions": [], "actions": [send()]}])
    found = interpret(case([steps, heard], event("go", at(3))))
    assert runs_of(found) == [("w", 3, "b", "held_out", 3)]
    assert (found.steps, found.messages, tags_of(found)) == ([], [], [])


def test_held_out_entries_count_for_reentry(interpret: Interpret) -> None:
    go = [event("go", at(minute)) for minute in (0, 5)]
    again = interpret(case(workflow(holdout=1), *go))
    assert ends_of(again) == [("w", 0, "held_out", 0), ("w", 5, "held_out", 5)]
    once = interpret(case(workflow(holdout=1, reentry={"policy": "once"}), *go))
    assert refusals_of(once) == [("w", 5, "reentry_once")]


def test_held_out_twice_at_one_instant_is_refused(interpret: Interpret) -> None:
    found = interpret(case(workflow(holdout=1), event("go", at()), event("go", at(), event_id="other")))
    assert refusals_of(found) == [("w", 0, "same_instant")]


def test_holdout_goes_by_the_stable_bucket(interpret: Interpret) -> None:
    people = [f"c{number}" for number in range(40)]
    found = interpret(
        case(
            workflow(holdout=0.3),
            *(event("go", at(), person) for person in people),
            customers=[customer(person) for person in people],
        )
    )

    def bucket(person: str) -> float:
        digest = hashlib.sha256(f"holdout|w|{person}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    held_out = {row["customer_id"] for row in found.executions if row["status"] == "held_out"}
    assert held_out == {person for person in people if bucket(person) < 0.3}
    assert 0 < len(held_out) < 40


def test_the_first_branch_that_holds_else_default(interpret: Interpret) -> None:
    def branch(name: str, least: float) -> Row:
        when = [condition("score", "greater_than", least)]
        return {"name": name, "conditions": when, "actions": [tag(name)]}

    steps = workflow(tag("own"), branches=[branch("high", 10), branch("some", 1), branch("also", 0)])
    for score, name, left in [(11, "high", "high"), (5, "some", "some"), (0, "default", "own")]:
        found = interpret(case(steps, event("go", at()), customers=[customer(score=score)]))
        assert [row[2] for row in runs_of(found)] == [name]
        assert tags_of(found) == [left]


def test_a_branch_without_conditions_always_holds(interpret: Interpret) -> None:
    steps = workflow(branches=[{"name": "all", "conditions": [], "actions": []}])
    assert runs_of(interpret(case(steps, event("go", at())))) == [("w", 0, "all", "completed", 0)]


def test_branch_conditions_see_the_starting_event(interpret: Interpret) -> None:
    red = {"name": "red", "conditions": [condition("event.color", "equals", "red")], "actions": []}
    steps = workflow(branches=[red])
    found = interpret(case(steps, event("go", at(), properties={"color": "red"})))
    assert [row[2] for row in runs_of(found)] == ["red"]


def test_customers_do_not_touch_each_other(interpret: Interpret) -> None:
    steps = workflow(tag("t", when=[condition("plan", "equals", "pro")]), goal=trigger("buy"))
    people = [customer("ann", plan="pro"), customer("bob")]
    found = interpret(case(steps, event("go", at()), event("go", at(), "bob"), customers=people))
    assert tags_of(found, "ann") == ["t"]
    assert tags_of(found, "bob") == []


def test_ids_are_hashes_of_the_facts(interpret: Interpret) -> None:
    entered = datetime(2026, 3, 2, 7, 30, 0, 123456, tzinfo=UTC)
    found = interpret(case(workflow(send()), event("go", entered)))
    count = (entered - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    execution_id = hashlib.sha256(f"w|ann|{count}".encode()).hexdigest()[:32]
    message_id = hashlib.sha256(f"{execution_id}|0".encode()).hexdigest()[:32]
    assert [row["execution_id"] for row in found.executions] == [execution_id]
    assert [row["message_id"] for row in found.messages] == [message_id]
    assert [row["execution_id"] for row in found.steps] == [execution_id]


def test_still_running_at_the_end(interpret: Interpret) -> None:
    found = interpret(case(workflow(wait("1h"), send()), event("go", at()), end=at(59)))
    assert ends_of(found) == [("w", 0, "running", None)]
    assert messages_of(found) == []


def test_a_step_due_at_the_end_is_done(interpret: Interpret) -> None:
    found = interpret(case(workflow(wait("1h"), send()), event("go", at()), end=at(60)))
    assert ends_of(found) == [("w", 0, "completed", 60)]
