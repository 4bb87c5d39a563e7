"""Goal hits counted by another goal than a workflow's own: who enters, and what comes of it, stays what it was."""

from tests.semantics.cases import (
    Interpret,
    Result,
    Row,
    action,
    at,
    case,
    condition,
    ends_of,
    event,
    minutes,
    send,
    tag,
    trigger,
    wait,
    workflow,
)

BUY, VISIT = trigger("buy"), trigger("visit")


def hits(found: Result) -> list[tuple[float | None, float | None]]:
    """When the entry was and when it hit the goal, in minutes."""
    rows = sorted(found.goal_hits, key=lambda one: (one["entered_at"], one["at"]))
    return [(minutes(one["entered_at"]), minutes(one["at"])) for one in rows]


def counted(by: Row, *steps: Row, **given: object) -> Row:
    return {**workflow(*steps, **given), "counted": by}


def test_the_other_goal_counts_and_its_own_ends_the_run(interpret: Interpret) -> None:
    events = [event("go", at()), event("visit", at(5)), event("buy", at(9)), event("visit", at(11))]
    found = interpret(case(counted(VISIT, wait("1h"), goal=BUY), *events))
    assert hits(found) == [(0, 5), (0, 11)]
    assert ends_of(found) == [("w", 0, "converted", 9)]


def test_a_longer_window_and_a_shorter_one(interpret: Interpret) -> None:
    events = [event("go", at()), *(event("buy", at(one)) for one in (5, 59, 61))]
    for holdout in (0, 1):
        steps = {"goal": BUY | {"window": "1h"}, "holdout": holdout}
        longer = interpret(case(counted(BUY | {"window": "2h"}, send(), **steps), *events))
        assert hits(longer) == [(0, 5), (0, 59), (0, 61)]
        shorter = interpret(case(counted(BUY | {"window": "10m"}, send(), **steps), *events))
        assert hits(shorter) == [(0, 5)]


def test_had_it_been_the_goal_ann_would_have_entered_again(interpret: Interpret) -> None:
    events = [event("go", at()), event("visit", at(5)), event("go", at(7)), event("visit", at(9))]
    assert hits(interpret(case(counted(VISIT, wait("1h")), *events))) == [(0, 5), (0, 9)]
    assert hits(interpret(case(workflow(wait("1h"), goal=VISIT), *events))) == [(0, 5), (7, 9)]


def test_what_steps_did_is_what_conditions_see(interpret: Interpret) -> None:
    keen = trigger("buy", when=[condition("tags", "contains", "keen")])
    steps = (wait("10m"), tag("keen"))
    events = [event("go", at()), event("buy", at(5)), event("buy", at(15))]
    assert hits(interpret(case(counted(keen, *steps, goal=VISIT), *events))) == [(0, 15)]


def test_it_refers_to_what_started_the_entry(interpret: Interpret) -> None:
    own = trigger("buy", order={"from": "event.order"})
    events = [event("go", at(), properties={"order": 7})]
    events += [event("buy", at(5 + one), properties={"order": one}) for one in (6, 7)]
    for holdout in (0, 1):
        assert hits(interpret(case(counted(own, send(), holdout=holdout), *events))) == [(0, 12)]


def test_crons_patterns_and_follow_ups_count_where_no_workflow_looked_for_them(interpret: Interpret) -> None:
    events = [event("go", at()), event("buy", at(20)), event("buy", at(30))]
    daily = trigger(type="time_based", cron="0 9 * * *") | {"window": "2d"}
    for holdout in (0, 1):
        assert hits(interpret(case(counted(daily, send(), holdout=holdout), *events))) == [
            (0, 540),
            (0, 1980),
        ]
    twice = {"pattern": "sequence", "events": [{"type": "buy", "min_count": 2}]}
    by_pattern = {"type": "pattern", "config": {"pattern": "twice"}, "conditions": []}
    assert hits(interpret(case(counted(by_pattern, send()), *events, patterns={"twice": twice}))) == [(0, 30)]
    tagged = trigger("add_tag", "workflow_action", tag="keen")
    assert hits(interpret(case(counted(tagged, tag("keen")), *events))) == [(0, 0)]


def test_one_that_asks_of_the_execution_has_none(interpret: Interpret) -> None:
    asks = trigger("buy", when=[condition("execution.decision", "equals", "yes")])
    split = action("random_split", weights={"yes": 1})
    events = [event("go", at()), event("buy", at(5))]
    assert not interpret(case(counted(asks, split, wait("1h"), goal=BUY), *events)).goal_hits
