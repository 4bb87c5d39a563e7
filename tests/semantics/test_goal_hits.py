"""§10, goal hits: what counts for a goal beyond the run, and for whom nothing ran."""

import pytest

from tests.semantics.cases import (
    Interpret,
    Result,
    action,
    at,
    case,
    condition,
    customer,
    event,
    minutes,
    send,
    tag,
    trigger,
    wait,
    workflow,
)

BUY = trigger("buy")


def hits(found: Result) -> list[tuple[float | None, float | None]]:
    """When the entry was and when it hit its goal, in minutes."""
    rows = sorted(found.goal_hits, key=lambda one: (one["entered_at"], one["at"]))
    return [(minutes(one["entered_at"]), minutes(one["at"])) for one in rows]


def test_hits_go_on_after_the_end_and_are_many(interpret: Interpret) -> None:
    events = [event("go", at()), *(event("buy", at(one)) for one in (5, 60, 2000))]
    found = interpret(case(workflow(send(), goal=BUY), *events))
    assert hits(found) == [(0, 5), (0, 60), (0, 2000)]
    assert found.executions[0]["status"] == "completed"
    (first, *_) = sorted(found.goal_hits, key=lambda one: one["at"])
    assert first["execution_id"] == found.executions[0]["execution_id"]
    assert first["event_id"] == events[1]["event_id"]


def test_a_hit_at_the_instant_of_the_entry(interpret: Interpret) -> None:
    for holdout in (0, 1):
        events = [event("go", at()), event("buy", at(), event_id="z")]
        assert hits(interpret(case(workflow(send(), goal=BUY, holdout=holdout), *events))) == [(0, 0)]


def test_held_out_customers_hit_too(interpret: Interpret) -> None:
    found = interpret(case(workflow(send(), holdout=1, goal=BUY), event("go", at()), event("buy", at(5))))
    assert hits(found) == [(0, 5)]
    assert found.executions[0]["converted_at"] is None


def test_a_window_ends_with_its_last_instant(interpret: Interpret) -> None:
    goal = BUY | {"window": "1h"}
    events = [event("go", at()), event("buy", at(60)), event("buy", at(60.001))]
    assert hits(interpret(case(workflow(send(), goal=goal), *events))) == [(0, 60)]
    thirty = [event("go", at()), event("buy", at(days=30)), event("buy", at(1, days=30))]
    assert hits(interpret(case(workflow(send(), goal=BUY), *thirty, end=at(days=40)))) == [(0, 43200)]


def test_what_starts_an_entry_is_a_hit_of_the_one_before(interpret: Interpret) -> None:
    found = interpret(case(workflow(send(), goal=trigger("go")), event("go", at()), event("go", at(9))))
    assert hits(found) == [(0, 9)]
    held = workflow(send(), holdout=1, goal=trigger("go"))
    assert hits(interpret(case(held, event("go", at()), event("go", at(9))))) == [(0, 9)]


def test_only_the_latest_entry_counts(interpret: Interpret) -> None:
    events = [event("go", at()), event("go", at(10)), event("buy", at(20))]
    assert hits(interpret(case(workflow(send(), goal=BUY), *events))) == [(10, 20)]


@pytest.mark.parametrize("holdout", [0, 1])
def test_a_goal_refers_to_what_started_the_entry(interpret: Interpret, holdout: int) -> None:
    goal = trigger("buy", order={"from": "event.order"})
    events = [event("go", at(), properties={"order": 7})]
    events += [event("buy", at(5 + i), properties={"order": order}) for i, order in enumerate((6, 7, None))]
    found = interpret(case(workflow(send(), goal=goal, holdout=holdout), *events))
    assert hits(found) == [(0, 6)]


def test_conditions_are_of_the_customer_at_that_instant(interpret: Interpret) -> None:
    goal = trigger("buy", when=[condition("tags", "contains", "keen")])
    steps = workflow(wait("10m"), tag("keen"), goal=goal)
    events = [event("go", at()), event("buy", at(5)), event("buy", at(15))]
    assert hits(interpret(case(steps, *events))) == [(0, 15)]


def test_a_goal_that_asks_of_the_execution_has_no_hits(interpret: Interpret) -> None:
    goal = trigger("buy", when=[{"any": [condition("execution.decision", "equals", "yes")]}])
    split = action("random_split", weights={"yes": 1})
    found = interpret(case(workflow(split, wait("1h"), goal=goal), event("go", at()), event("buy", at(5))))
    assert found.executions[0]["status"] == "converted"
    assert not found.goal_hits


def test_hits_by_follow_ups_and_schedules_have_no_event(interpret: Interpret) -> None:
    tagged = trigger("add_tag", "workflow_action", tag="keen")
    (hit,) = interpret(case(workflow(tag("keen"), goal=tagged), event("go", at()))).goal_hits
    assert hit["at"] == at()
    assert hit["event_id"] is None
    daily = trigger(type="time_based", cron="0 9 * * *") | {"window": "2d"}
    for holdout in (0, 1):
        rung = interpret(
            case(workflow(send(), goal=daily, holdout=holdout), event("go", at()), end=at(days=5))
        )
        assert hits(rung) == [(0, 540), (0, 1980)]


def test_a_goal_that_does_not_end_the_execution_is_hit_as_often_as_it_comes(interpret: Interpret) -> None:
    steps = workflow(wait("1h"), goal=BUY | {"exit": False})
    events = [event("go", at()), event("buy", at(5)), event("buy", at(6))]
    found = interpret(case(steps, *events))
    assert hits(found) == [(0, 5), (0, 6)]
    assert found.executions[0]["converted_at"] == at(5)


def test_nobody_hits_before_an_entry_or_without_one(interpret: Interpret) -> None:
    events = [event("buy", at()), event("go", at(1)), event("buy", at(2), "bob")]
    found = interpret(case(workflow(send(), goal=BUY), *events, customers=[customer(), customer("bob")]))
    assert not found.goal_hits
