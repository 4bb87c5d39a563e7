"""§5: every operator on every kind of value, and what a condition can look up."""

import pytest

from tests.semantics.cases import (
    Interpret,
    Json,
    Row,
    action,
    at,
    case,
    changed,
    condition,
    customer,
    event,
    outcomes_of,
    tag,
    tags_of,
    trigger,
    workflow,
)

EQUALS = [
    ("pro", "pro", True),
    ("pro", "Pro", False),
    (3, 3.0, True),
    (3.0, 3, True),
    ("3", 3, False),
    (True, True, True),
    (True, 1, False),
    (0, False, False),
    ("true", True, False),
    (None, None, False),
    (None, 0, False),
    ("", None, False),
    ([1, "a"], [1.0, "a"], True),
    ([1, "a"], ["a", 1], False),
    ([True], [1], False),
    ([None], [None], True),
    (2**53 + 1, 2**53, False),
    (2**53 + 1, 2.0**53, False),
    (2**53, 2.0**53, True),
    (10**25 + 1, 1e25, False),
    ([2**53 + 1], [2**53], False),
    ({"k": 3, "a": []}, {"a": [], "k": 3.0}, True),
    ({"k": 1}, {"k": True}, False),
]

OTHERS = [
    ("greater_than", 4, 3, True),
    ("greater_than", 3.0, 3, False),
    ("greater_than", None, -1, True),
    ("greater_than", None, 0, False),
    ("greater_than", "b", "a", True),
    ("greater_than", "a", "B", True),
    ("greater_than", "10", "9", False),
    ("greater_than", "é", "z", True),
    ("greater_than", "4", 3, False),
    ("greater_than", True, 0, False),
    ("greater_than", 5, "3", False),
    ("greater_than", None, "", False),
    ("greater_than", [2], 1, False),
    ("greater_than", 5, None, False),
    ("greater_than", 2**53 + 1, 2**53, True),
    ("greater_than", 2**53, 2.0**53, False),
    ("greater_than", -(10**25), -(10**25) - 1, True),
    ("less_than", 10**24 - 1, 10**24, True),
    ("less_than", -2.5, 0, True),
    ("less_than", None, 1, True),
    ("less_than", None, 0, False),
    ("less_than", "a", "b", True),
    ("less_than", "", "a", True),
    ("less_than", None, "a", False),
    ("less_than", False, 1, False),
    ("less_than", 1, True, False),
    ("contains", ["a", 3], 3.0, True),
    ("contains", ["a", 3], "3", False),
    ("contains", [True], 1, False),
    ("contains", [None], None, False),
    ("contains", [[1]], [1.0], True),
    ("contains", [], "", False),
    ("contains", "premium", "rem", True),
    ("contains", "premium", "Rem", False),
    ("contains", "anything", "", True),
    ("contains", None, "", True),
    ("contains", None, "a", False),
    ("contains", "abc", None, True),
    ("contains", 3.0, ".0", False),
    ("contains", 13.0, "13", True),
    ("contains", -2.5, 2.5, True),
    ("contains", 120, 2, True),
    ("contains", 1e17, "000000000", True),
    ("contains", True, "ru", True),
    ("contains", "it is false", False, True),
    ("contains", {"b": 1.0, "a": None}, '{"a":null,"b":1}', True),
    ("in_list", 3, ["3", 3.0], True),
    ("in_list", True, [1, "true"], False),
    ("in_list", None, [None, ""], False),
    ("in_list", "pro", [], False),
    ("in_list", [1], [[1.0], 2], True),
    ("exists", False, None, True),
    ("exists", "", None, True),
    ("exists", [], True, True),
    ("exists", None, True, False),
    ("exists", None, False, True),
    ("exists", 0, False, False),
]


def holds(interpret: Interpret, have: Json, operator: str, value: Json) -> bool:
    """Whether a customer whose attribute is `have` passes a step with the condition."""
    steps = workflow(tag("hit", when=[condition("have", operator, value)]))
    result = interpret(case(steps, event("go", at()), customers=[customer(have=have)]))
    assert [outcome for *_, outcome in outcomes_of(result)] in (["done"], ["skipped"])
    return tags_of(result) == ["hit"]


@pytest.mark.parametrize(("have", "value", "expected"), EQUALS)
def test_equals_and_not_equals_are_opposites(
    interpret: Interpret, have: Json, value: Json, expected: bool
) -> None:
    assert holds(interpret, have, "equals", value) is expected
    assert holds(interpret, have, "not_equals", value) is not expected


@pytest.mark.parametrize(("operator", "have", "value", "expected"), OTHERS)
def test_operator(interpret: Interpret, operator: str, have: Json, value: Json, expected: bool) -> None:
    assert holds(interpret, have, operator, value) is expected


def test_a_list_of_conditions_is_an_and(interpret: Interpret) -> None:
    both = [condition("plan", "equals", "pro"), condition("score", "greater_than", 2)]
    steps = workflow(tag("hit", when=both))
    for score, expected in [(3, ["hit"]), (2, [])]:
        found = interpret(case(steps, event("go", at()), customers=[customer(plan="pro", score=score)]))
        assert tags_of(found) == expected


def test_an_attribute_that_nobody_has_is_null(interpret: Interpret) -> None:
    steps = workflow(tag("hit", when=[condition("nowhere", "not_equals", "x")]))
    assert tags_of(interpret(case(steps, event("go", at())))) == ["hit"]


def test_tags_are_a_sorted_list(interpret: Interpret) -> None:
    steps = workflow(
        tag("a"),
        tag("equal", when=[condition("tags", "equals", ["a", "b"])]),
        tag("has", when=[condition("tags", "contains", "b")]),
        tag("part", when=[condition("tags", "contains", "equ")]),
        tag("more", when=[condition("tags", "greater_than", 0)]),
    )
    found = interpret(case(steps, event("go", at()), customers=[customer(tags=["b"])]))
    assert tags_of(found) == ["a", "b", "equal", "has"]


def test_no_tags_are_an_empty_list_that_exists(interpret: Interpret) -> None:
    steps = workflow(
        tag("x", when=[condition("tags", "exists"), condition("tags", "equals", [])]),
    )
    assert tags_of(interpret(case(steps, event("go", at())))) == ["x"]


def test_event_properties_are_those_of_the_fact_that_started_the_execution(interpret: Interpret) -> None:
    steps = workflow(
        action("wait_for_event", event={"action": "buy"}),
        tag("red", when=[condition("event.color", "equals", "red")]),
        tag("blue", when=[condition("event.color", "equals", "blue")]),
    )
    go = event("go", at(), properties={"color": "red"})
    buy = event("buy", at(5), properties={"color": "blue"})
    assert tags_of(interpret(case(steps, go, buy))) == ["red"]


def test_goal_conditions_see_the_fact_at_hand(interpret: Interpret) -> None:
    goal = trigger("buy", when=[condition("event.color", "equals", "blue")])
    steps = workflow(action("wait", duration="1d"), goal=goal)
    go = event("go", at(), properties={"color": "blue"})
    found = interpret(
        case(
            steps,
            go,
            event("buy", at(5), properties={"color": "red"}),
            event("buy", at(6), properties={"color": "blue"}),
        )
    )
    assert [(row["status"], row["ended_at"]) for row in found.executions] == [("converted", at(6))]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"value": 5.0}, True),
        ({"value": 1.0}, False),
        ({"value": 1.0, "properties": {"value": 5}}, True),
        ({"value": 5.0, "properties": {"value": 1}}, False),
        ({"value": 5.0, "properties": {"value": None}}, True),
        ({}, False),
    ],
)
def test_event_value_is_the_property_else_the_column(
    interpret: Interpret, given: Row, expected: bool
) -> None:
    steps = workflow(tag("hit", when=[condition("event.value", "greater_than", 3)]))
    assert tags_of(interpret(case(steps, event("go", at(), **given)))) == (["hit"] if expected else [])


def test_decision_is_the_last_one_taken(interpret: Interpret) -> None:
    steps = workflow(
        tag("none", when=[condition("execution.decision", "exists")]),
        action("branch_decision", criteria={"yes": []}),
        tag("yes", when=[condition("execution.decision", "equals", "yes")]),
        action("random_split", weights={"only": 1}),
        tag("only", when=[condition("execution.decision", "equals", "only")]),
        action("wait_for_event", event={"action": "never"}, timeout=0),
        tag("timeout", when=[condition("execution.decision", "equals", "timeout")]),
    )
    assert tags_of(interpret(case(steps, event("go", at())))) == ["only", "timeout", "yes"]


def test_decision_in_an_exit_is_the_executions_own(interpret: Interpret) -> None:
    decided = condition("execution.decision", "equals", "yes")
    steps = workflow(
        action("wait", duration="1h"),
        action("branch_decision", criteria={"yes": []}),
        action("wait", duration="1h"),
        exit_on=[trigger("buy", when=[decided])],
    )
    found = interpret(case(steps, event("go", at()), event("buy", at(30)), event("buy", at(90))))
    assert [(row["status"], row["ended_at"]) for row in found.executions] == [("exited", at(90))]


def test_an_events_own_updates_are_visible_to_its_conditions(interpret: Interpret) -> None:
    entry = trigger("plan", "attribute_change", when=[condition("plan", "equals", "pro")])
    carried = trigger("go", when=[condition("score", "equals", 7)])
    found = interpret(
        case(
            [workflow(tag("a"), on=entry), workflow(tag("b"), workflow_id="v", on=carried)],
            changed("plan", "pro", at()),
            event("go", at(1), attributes={"score": 7}),
        )
    )
    assert tags_of(found) == ["a", "b"]
