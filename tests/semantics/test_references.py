"""§6, §9: `{from: event.x}`, a property of the fact that started the execution."""

import pytest

from tests.semantics.cases import (
    Interpret,
    Json,
    Row,
    action,
    at,
    attributes_of,
    case,
    changed,
    condition,
    event,
    outcomes_of,
    runs_of,
    tag,
    tags_of,
    trigger,
    workflow,
)

ORDER: Row = {"from": "event.order_id"}


def test_a_wait_for_the_same_order(interpret: Interpret) -> None:
    steps = workflow(
        action("wait_for_event", event={"action": "ship", "order_id": ORDER}, timeout="1d"), on="order"
    )
    found = interpret(
        case(
            steps,
            event("order", at(), properties={"order_id": "A"}),
            event("ship", at(5), properties={"order_id": "B"}),
            event("ship", at(6)),
            event("ship", at(7), properties={"order_id": "A"}),
        )
    )
    assert outcomes_of(found) == [(0, "0", "waiting"), (7, "0", "event")]


@pytest.mark.parametrize("where", ["goal", "exit_on"])
def test_goals_and_exits(interpret: Interpret, where: str) -> None:
    same = trigger("pay", **{"data.order": ORDER})
    given = {"goal": same} if where == "goal" else {"exit_on": [same]}
    found = interpret(
        case(
            workflow(action("wait", duration="1d"), on="order", **given),
            event("order", at(), properties={"order_id": 7}),
            event("pay", at(5), properties={"data": {"order": 8}}),
            event("pay", at(6), properties={"data": {"order": 7.0}}),
        )
    )
    assert runs_of(found)[0][3:] == ("converted" if where == "goal" else "exited", 6)


@pytest.mark.parametrize(
    ("key", "start", "have", "expected"),
    [
        ("x", None, None, "timeout"),
        ("x", "3", 3, "timeout"),
        ("x", {"k": [1]}, {"k": [1.0]}, "event"),
        ("minimum_x", 3, 3.0, "event"),
        ("minimum_x", 3, 2.5, "timeout"),
        ("minimum_x", "3", 5, "timeout"),
        ("minimum_x", None, 5, "timeout"),
        ("maximum_x", 3, -1, "event"),
        ("maximum_x", 3, "1", "timeout"),
        ("crosses_above", 3, 3, "event"),
    ],
)
def test_keys_of_a_wait(interpret: Interpret, key: str, start: Json, have: Json, expected: str) -> None:
    steps = workflow(action("wait_for_event", event={"action": "b", key: {"from": "event.s"}}, timeout="1h"))
    going = event("go", at(), properties={"s": start})
    coming = event("b", at(1), properties={"x": have, "crosses_above": have})
    assert outcomes_of(interpret(case(steps, going, coming)))[-1][2] == expected


def test_names_of_facts(interpret: Interpret) -> None:
    def awaits(workflow_id: str, type_: str, key: str) -> Row:
        wait = action("wait_for_event", type=type_, event={key: {"from": "event.name"}}, timeout="1d")
        return workflow(wait, workflow_id=workflow_id, on=trigger("go", kind=workflow_id))

    found = interpret(
        case(
            [
                awaits("a", "behavioral", "action"),
                awaits("b", "attribute_change", "attribute"),
                awaits("c", "workflow_action", "action"),
                workflow(tag("t"), workflow_id="z", on="tags"),
            ],
            event("go", at(), properties={"kind": "a", "name": 'b"uy'}),
            event("go", at(0.1), properties={"kind": "b", "name": "plan"}),
            event("go", at(0.2), properties={"kind": "c", "name": "add_tag"}),
            event("buy", at(1)),
            event('b"uy', at(2), attributes={"score": 3}),
            event("set", at(3), attributes={"plan": "x"}),
            event("tags", at(4)),
        )
    )
    ends = {row["workflow_id"]: row["at"] for row in found.steps if row["outcome"] == "event"}
    assert ends == {"a": at(2), "b": at(3), "c": at(4)}


def test_a_value_that_crosses_one_of_the_start(interpret: Interpret) -> None:
    crossed = trigger("score", "attribute_change", crosses_above={"from": "event.limit"})
    found = interpret(
        case(
            workflow(action("wait", duration="1d"), goal=crossed),
            event("go", at(), properties={"limit": -1}),
            changed("score", 5, at(1)),
            changed("score", -2, at(2), old=5),
            changed("score", -0.5, at(3), old=-2),
        )
    )
    assert runs_of(found) == [("w", 0, "default", "converted", 3)]


def test_an_attribute_from_the_start(interpret: Interpret) -> None:
    def update(attribute: str, name: str) -> Row:
        return action("update_attribute", attribute=attribute, value={"from": f"event.{name}"})

    steps = workflow(
        update("last", "order.id"), update("gone", "nothing"), update("home", "order"),
        tag("inside", when=[condition("home.id", "equals", 7)]),
    )  # fmt: skip
    on_change = workflow(tag("told"), workflow_id="v", on=trigger("last", "attribute_change", new_value=7))
    going = event("go", at(), properties={"order": {"id": 7}}, attributes={"gone": "x"})
    found = interpret(case([steps, on_change], going))
    assert attributes_of(found) == {"last": 7, "home": {"id": 7}}
    assert tags_of(found) == ["inside", "told"]


def test_a_zone_from_the_start(interpret: Interpret) -> None:
    moves = workflow(
        action("update_attribute", attribute="timezone", value={"from": "event.place.zone"}), workflow_id="a"
    )
    nine = trigger(type="time_based", cron="0 9 * * *", timezone="customer")
    found = interpret(
        case(
            [moves, workflow(tag("t"), on=nine)],
            event("go", at(), properties={"place": {"zone": "America/New_York"}}),
            end=at(days=1),
        )
    )
    assert [row[:2] for row in runs_of(found)] == [("a", 0), ("w", 14 * 60)]
