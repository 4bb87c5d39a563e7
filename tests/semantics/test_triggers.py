"""§6: what each trigger type and each key of its config matches."""

import pytest

from tests.semantics.cases import (
    Interpret,
    Row,
    action,
    at,
    case,
    changed,
    condition,
    customer,
    ends_of,
    event,
    send,
    steps_of,
    tag,
    tags_of,
    trigger,
    wait,
    workflow,
)


def enters(interpret: Interpret, on: Row, *events: Row) -> bool:
    """Whether the events lead to an entry of a workflow with the trigger."""
    return bool(interpret(case(workflow(tag("in"), on=on), *events)).executions)


@pytest.mark.parametrize(
    ("type_", "key"),
    [
        ("behavioral", "action"),
        ("attribute_change", "attribute"),
        ("external_event", "source"),
        ("time_based", "trigger_time"),
    ],
)
def test_own_key_is_the_events_name(interpret: Interpret, type_: str, key: str) -> None:
    on = {"type": type_, "config": {key: "this"}}
    assert enters(interpret, on, event("this", at(), type=type_))
    assert not enters(interpret, on, event("that", at(), type=type_))
    other = "external_event" if type_ == "behavioral" else "behavioral"
    assert not enters(interpret, on, event("this", at(), type=other))


def test_without_own_key_every_name_of_the_type_matches(interpret: Interpret) -> None:
    assert enters(
        interpret, {"type": "external_event", "config": {}}, event("any", at(), type="external_event")
    )
    assert not enters(interpret, {"type": "external_event", "config": {}}, event("any", at()))


@pytest.mark.parametrize(
    ("config", "properties", "expected"),
    [
        ({"minimum_cart_value": 50}, {"cart_value": 50}, True),
        ({"minimum_cart_value": 50}, {"cart_value": 49.99}, False),
        ({"minimum_cart_value": 50}, {}, False),
        ({"minimum_cart_value": 0}, {"cart_value": None}, False),
        ({"minimum_cart_value": 50}, {"cart_value": "60"}, False),
        ({"minimum_cart_value": 0}, {"cart_value": True}, False),
        ({"maximum_cart_value": 50}, {"cart_value": 50.0}, True),
        ({"maximum_cart_value": 50}, {"cart_value": 51}, False),
        ({"maximum_cart_value": 50}, {}, False),
        ({"minimum_a": 1, "maximum_a": 3}, {"a": 2}, True),
        ({"minimum_a": 1, "maximum_a": 3}, {"a": 4}, False),
        ({"color": "red"}, {"color": "red"}, True),
        ({"color": "red"}, {"color": "blue"}, False),
        ({"color": "red"}, {}, False),
        ({"count": 3}, {"count": 3.0}, True),
        ({"count": 3}, {"count": "3"}, False),
        ({"first": True}, {"first": 1}, False),
        ({"first": True}, {"first": True}, True),
    ],
)
def test_other_keys(interpret: Interpret, config: Row, properties: Row, expected: bool) -> None:
    assert enters(interpret, trigger("go", **config), event("go", at(), properties=properties)) is expected


def test_minimum_value_reads_the_value_column(interpret: Interpret) -> None:
    assert enters(interpret, trigger("go", minimum_value=10), event("go", at(), value=10.0))
    assert not enters(interpret, trigger("go", minimum_value=10), event("go", at(), value=9.0))
    assert not enters(interpret, trigger("go", minimum_value=10), event("go", at()))


def test_attribute_change_compares_old_and_new(interpret: Interpret) -> None:
    on = trigger("plan", "attribute_change", old_value="free", new_value="pro")
    assert enters(interpret, on, changed("plan", "pro", at(), old="free"))
    assert not enters(interpret, on, changed("plan", "pro", at(), old="trial"))


def test_an_attribute_change_event_fires_even_when_nothing_changed(interpret: Interpret) -> None:
    steps = workflow(tag("in"), on=trigger("plan", "attribute_change"))
    found = interpret(case(steps, changed("plan", "pro", at()), customers=[customer(plan="pro")]))
    assert tags_of(found) == ["in"]


def test_carried_attributes_fire_only_on_real_changes(interpret: Interpret) -> None:
    steps = workflow(tag("in"), on=trigger("score", "attribute_change"))
    people = [customer(score=3)]
    for spelled in (3.0, "3"):
        same = event("view", at(), attributes={"score": spelled})
        assert interpret(case(steps, same, customers=people)).executions == []
    for new in (True, "3.0", None, [3]):
        other = event("view", at(), attributes={"score": new})
        assert tags_of(interpret(case(steps, other, customers=people))) == ["in"]


def test_null_to_null_is_no_change(interpret: Interpret) -> None:
    steps = workflow(tag("in"), on=trigger("score", "attribute_change"))
    assert interpret(case(steps, event("view", at(), attributes={"score": None}))).executions == []


def test_a_carried_change_has_old_and_new_value(interpret: Interpret) -> None:
    on = trigger("score", "attribute_change", old_value=1, minimum_new_value=2)
    steps = workflow(tag("in"), on=on)
    found = interpret(
        case(steps, event("view", at(), attributes={"score": 2}), customers=[customer(score=1)])
    )
    assert tags_of(found) == ["in"]


def test_update_attribute_fires_on_a_real_change_only(interpret: Interpret) -> None:
    sets = workflow(action("update_attribute", attribute="plan", value="pro"))
    heard = workflow(tag("heard"), workflow_id="v", on=trigger("plan", "attribute_change", new_value="pro"))
    assert tags_of(interpret(case([sets, heard], event("go", at())))) == ["heard"]
    assert tags_of(interpret(case([sets, heard], event("go", at()), customers=[customer(plan="pro")]))) == []


@pytest.mark.parametrize(
    ("emits", "config"),
    [
        ([], {"action": "started"}),
        ([], {"action": "completed"}),
        ([send("m1")], {"action": "send_email"}),
        ([send("m1")], {"action": "send_email", "template_id": "m1", "workflow_id": "w"}),
        ([tag("t")], {"action": "add_tag", "tag": "t"}),
        ([action("remove_tag", tag="t")], {"action": "remove_tag", "tag": "t"}),
        ([action("trigger_webhook", url="https://example.com")], {"action": "trigger_webhook"}),
        ([wait("500000w")], {"action": "failed"}),
    ],
)
def test_workflow_action_facts(interpret: Interpret, emits: list[Row], config: Row) -> None:
    heard = workflow(
        action("update_attribute", attribute="heard", value=True),
        workflow_id="v",
        on={"type": "workflow_action", "config": config},
    )
    found = interpret(case([workflow(*emits), heard], event("go", at(5))))
    assert steps_of(found)[: len(found.steps) - len(emits)] == [("v", 5, "0", "done")]


@pytest.mark.parametrize(
    "config",
    [
        {"action": "send_email", "template_id": "m2"},
        {"action": "send_email", "workflow_id": "other"},
        {"action": "converted"},
        {"action": "add_tag"},
    ],
)
def test_workflow_action_facts_that_differ(interpret: Interpret, config: Row) -> None:
    heard = workflow(tag("heard"), workflow_id="v", on={"type": "workflow_action", "config": config})
    assert tags_of(interpret(case([workflow(send("m1")), heard], event("go", at())))) == []


def test_converted_and_exited_are_heard(interpret: Interpret) -> None:
    def heard(name: str) -> Row:
        return workflow(tag(name), workflow_id=name, on=trigger(name, "workflow_action"))

    converts = workflow(wait("1d"), goal=trigger("buy"))
    leaves = workflow(wait("1d"), workflow_id="x", exit_on=[trigger("buy")])
    found = interpret(
        case([converts, leaves, heard("converted"), heard("exited")], event("go", at()), event("buy", at(1)))
    )
    assert tags_of(found) == ["converted", "exited"]


@pytest.mark.parametrize("gate", [{"email_consent": False}, {}])
def test_neither_a_skipped_nor_a_suppressed_step_is_heard(interpret: Interpret, gate: Row) -> None:
    when = [] if gate else [condition("nowhere", "exists")]
    heard = workflow(tag("heard"), workflow_id="v", on=trigger("send_email", "workflow_action"))
    found = interpret(
        case([workflow(send(when=when)), heard], event("go", at()), customers=[customer(**gate)])
    )
    assert tags_of(found) == []


def test_tag_facts_come_even_when_nothing_changed(interpret: Interpret) -> None:
    steps = workflow(tag("t"), action("remove_tag", tag="gone"))
    heard = [
        workflow(tag(name), workflow_id=name, on=trigger(name, "workflow_action", workflow_id="w"))
        for name in ("add_tag", "remove_tag")
    ]
    found = interpret(case([steps, *heard], event("go", at()), customers=[customer(tags=["t"])]))
    assert tags_of(found) == ["add_tag", "remove_tag", "t"]


def test_the_first_trigger_that_holds_is_enough(interpret: Interpret) -> None:
    never = trigger("go", when=[condition("nowhere", "exists")])
    found = interpret(case(workflow(tag("in"), on=[never, trigger("go"), trigger("go")]), event("go", at())))
    assert ends_of(found) == [("w", 0, "completed", 0)]
    assert found.refusals == []


def test_an_inactive_workflow_is_not_entered(interpret: Interpret) -> None:
    found = interpret(case(workflow(tag("in"), is_active=False), event("go", at())))
    assert (found.executions, found.refusals) == ([], [])


def test_goals_and_exits_have_own_keys_too(interpret: Interpret) -> None:
    """Facts that another workflow hears are not taken for one's own."""
    steps = workflow(wait("1h"), goal=trigger("buy"), exit_on=[trigger("leave")])
    other = workflow(workflow_id="v", on="view")
    found = interpret(case([steps, other], event("go", at()), event("view", at(5))))
    assert ends_of(found) == [("v", 5, "completed", 5), ("w", 0, "completed", 60)]
