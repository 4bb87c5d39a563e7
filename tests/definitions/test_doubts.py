"""What `onward validate` doubts without any data: every sentence, and what is left alone."""

from typing import Any

import pytest

from tests.semantics.cases import Row, action, condition, tag, trigger, wait, workflow
from transforms.definitions.workflow import Workflow
from transforms.lint.doubts import doubts


def doubted(*workflows: Row) -> list[str]:
    return list(doubts([Workflow.model_validate(one) for one in workflows]))


def asks(*given: Row) -> Row:
    return workflow(tag("t", when=given))


def negated(*given: Row) -> Row:
    return {"not": list(given)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (condition("age", "less_than", 18), "less_than 18 also holds for everybody without 'age'"),
        (
            condition("event.total", "less_than", 0.5),
            "less_than 0.5 also holds for everybody without 'event.total'",
        ),
        (condition("debt", "greater_than", -1), "greater_than -1 also holds for everybody without 'debt'"),
        (
            condition("events.buy.days_since", "less_than", 7),
            "less_than 7 also holds for everybody without 'events.buy.days_since'",
        ),
        (
            negated(condition("age", "greater_than", 18)),
            "not greater_than 18 also holds for everybody without 'age'",
        ),
        (negated(condition("age", "at_most", 18)), "not at_most 18 also holds for everybody without 'age'"),
        (
            {"any": [negated({"all": [condition("age", "greater_than", 18)]})]},
            "not greater_than 18 also holds for everybody without 'age'",
        ),
    ],
)
def test_comparisons_that_hold_for_null(given: Row, said: str) -> None:
    (only,) = doubted(asks(given))
    assert said in only
    assert f"{{attribute: {said.split(chr(39))[1]}, operator: exists}}" in only


@pytest.mark.parametrize(
    "given",
    [
        [condition("age", "less_than", 0)],
        [condition("age", "less_than", "b")],
        [condition("age", "at_most", 18)],
        [condition("age", "greater_than", 18)],
        [condition("age", "less_than", 18), condition("age", "exists")],
        [negated(negated(condition("age", "greater_than", 18)))],
        [negated(condition("age", "less_than", 18))],
        [condition("events.buy.count.7d", "less_than", 2)],
        [condition("pattern.p.score", "less_than", 2)],
        [negated(condition("seen", "within_last", "30d"))],
    ],
)
def test_comparisons_that_are_as_they_look(given: list[Row]) -> None:
    assert doubted(asks(*given)) == []


def awaits(**given: Any) -> Row:
    return action("wait_for_event", type="attribute_change", **given)


STATE: Row = {"attribute": "plan", "new_value": "pro"}


def test_a_wait_for_a_state_that_may_hold_already() -> None:
    said = (
        "waits for a change of 'plan'; a customer who is in that state already waits {}. Branch first (branch_decision "
        "on plan, the wait in the path of those who aren't), and give a timeout"
    )
    assert doubted(workflow(awaits(event=STATE))) == [
        f"w: actions[0].config.event: {said.format('for ever')}"
    ]
    assert doubted(workflow(awaits(event=STATE, timeout="7d"))) == [
        f"w: actions[0].config.event: {said.format('7d in vain')}"
    ]


def test_a_wait_behind_a_branch_is_what_was_advised() -> None:
    criteria = {"is_pro": condition("plan", "equals", "pro")}
    paths = {"default": [awaits(event=STATE, timeout="7d")]}
    assert doubted(workflow(action("branch_decision", criteria=criteria, paths=paths))) == []
    own = awaits(event=STATE, when=[condition("plan", "not_equals", "pro")])
    assert doubted(workflow(own)) == []
    assert doubted(workflow(awaits(event={"attribute": "plan"}))) == []


def test_a_wait_for_a_date_that_may_have_passed() -> None:
    date: Row = {"attribute": "renews", "offset": "-3d"}
    (only,) = doubted(workflow(action("wait_for_event", type="time_based", event=date)))
    assert only == (
        "w: actions[0].config.event: waits for a date in 'renews' without a timeout; where it has passed or isn't "
        "there, the execution waits for ever. Branch first (branch_decision on renews), and give a timeout"
    )
    assert doubted(workflow(action("wait_for_event", type="time_based", event=date, timeout="30d"))) == []


def test_a_pause_between_entries_that_is_over_before_the_execution() -> None:
    def again(duration: str, *steps: Row, **given: Any) -> list[str]:
        return doubted(workflow(*steps, reentry={"policy": "after", "duration": duration}, **given))

    assert again("7d", wait("14d")) == [
        "w: reentry: after 7d holds nobody back: it counts from the entry, and who is in the workflow can't enter; an "
        "execution lasts at least 14d. Give a longer duration, or leave reentry out"
    ]
    assert len(again("0s")) == 1
    assert again("15d", wait("14d")) == []
    assert again("7d", wait("14d"), goal=trigger("buy")) == []
    assert again("7d", action("end_workflow"), wait("14d")) == []
