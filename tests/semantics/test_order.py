"""§3: the order of facts at one instant, and §10: what wins a tie."""

from typing import Any

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
    customer,
    ends_of,
    event,
    messages_of,
    outcomes_of,
    refusals_of,
    send,
    tag,
    tags_of,
    trigger,
    wait,
    workflow,
)


def sets(attribute: str, value: Json, **given: Any) -> Row:
    """An `update_attribute` action."""
    return action("update_attribute", attribute=attribute, value=value, **given)


def test_an_exit_wins_the_tie_with_a_send(interpret: Interpret) -> None:
    steps = workflow(wait("1h"), send(), exit_on=[trigger("buy")])
    found = interpret(case(steps, event("go", at()), event("buy", at(60))))
    assert ends_of(found) == [("w", 0, "exited", 60)]
    assert messages_of(found) == []


def test_a_microsecond_later_the_send_is_out(interpret: Interpret) -> None:
    steps = workflow(wait("1h"), send(), wait("1h"), exit_on=[trigger("buy")])
    found = interpret(case(steps, event("go", at()), event("buy", at(60).replace(microsecond=1))))
    assert messages_of(found) == [("w", 60, "1", "hello")]
    assert [row["status"] for row in found.executions] == ["exited"]


def test_events_of_one_instant_go_by_id(interpret: Interpret) -> None:
    first = changed("plan", "a", at(), event_id="e10")
    second = changed("plan", "b", at(), event_id="e2")
    for order in ([first, second], [second, first]):
        assert attributes_of(interpret(case([], *order))) == {"plan": "b"}


def test_an_event_comes_before_the_follow_ups_of_another(interpret: Interpret) -> None:
    """The second event's update is in place when the first one's follow-up is judged."""
    heard = trigger("started", "workflow_action", when=[condition("late", "equals", True)])
    steps = [workflow(tag("w")), workflow(tag("heard"), workflow_id="v", on=heard)]
    second = event("view", at(), event_id="z", attributes={"late": True})
    found = interpret(case(steps, event("go", at(), event_id="a"), second))
    assert tags_of(found) == ["heard", "w"]


def test_a_first_step_comes_after_all_events_of_its_instant(interpret: Interpret) -> None:
    steps = workflow(tag("seen", when=[condition("plan", "equals", "pro")]))
    second = changed("plan", "pro", at(), event_id="z")
    assert tags_of(interpret(case(steps, event("go", at(), event_id="a"), second))) == ["seen"]


def test_follow_ups_are_first_in_first_out(interpret: Interpret) -> None:
    """a and b change in name order; what a's change starts is queued behind b's change."""
    watch = [
        workflow(tag("a"), workflow_id="wa", on=trigger("a", "attribute_change")),
        workflow(
            tag("b-before"),
            workflow_id="wb",
            on=trigger("b", "attribute_change"),
            exit_on=[trigger("started", "workflow_action", workflow_id="wa")],
        ),
    ]
    found = interpret(case(watch, event("view", at(), attributes={"b": 1, "a": 1})))
    assert ends_of(found) == [("wa", 0, "completed", 0), ("wb", 0, "exited", 0)]


def test_follow_up_comes_before_the_next_step(interpret: Interpret) -> None:
    """The tag's fact ends the execution before its next step at the same instant."""
    leave = trigger("add_tag", "workflow_action", tag="t")
    steps = workflow(tag("t"), send(), exit_on=[leave])
    found = interpret(case(steps, event("go", at(3))))
    assert outcomes_of(found) == [(3, "0", "done")]
    assert ends_of(found) == [("w", 3, "exited", 3)]


def test_follow_up_comes_before_completion(interpret: Interpret) -> None:
    steps = workflow(send(), goal=trigger("send_email", "workflow_action"))
    assert ends_of(interpret(case(steps, event("go", at(3))))) == [("w", 3, "converted", 3)]


def test_follow_up_of_one_workflow_comes_before_the_step_of_another(interpret: Interpret) -> None:
    """Both steps are due at minute 60; w1's change is heard by w9 before w2 acts."""
    first = workflow(wait("1h"), sets("plan", "pro"), workflow_id="w1")
    second = workflow(wait("1h"), send(), workflow_id="w2", exit_on=[trigger("plan", "attribute_change")])
    found = interpret(case([first, second], event("go", at())))
    assert ends_of(found) == [("w1", 0, "completed", 60), ("w2", 0, "exited", 60)]


def test_steps_of_one_instant_go_by_workflow_id(interpret: Interpret) -> None:
    """The code points decide, so w10 comes before w2; it runs all its steps of the instant first."""
    steps = [
        workflow(
            wait("1h"), sets(f"from_{id_}", 1), sets("order", id_), sets(f"last_{id_}", 1), workflow_id=id_
        )
        for id_ in ("w2", "w10")
    ]
    check = workflow(
        tag("w10-whole", when=[condition("last_w10", "exists")]),
        workflow_id="x",
        on=trigger("from_w2", "attribute_change"),
    )
    found = interpret(case([*steps, check], event("go", at())))
    assert attributes_of(found)["order"] == "w2"
    # x starts while w2 is between its steps, but is due after it: w10 has long been through.
    assert tags_of(found) == ["w10-whole"]


def test_a_lower_workflow_id_started_in_between_goes_first(interpret: Interpret) -> None:
    """After w2's first step, w1 starts on its follow-up, is due at once and precedes w2's next step."""
    steps = workflow(tag("t"), sets("plan", "from w2"), workflow_id="w2")
    cuts_in = workflow(sets("plan", "from w1"), workflow_id="w1", on=trigger("add_tag", "workflow_action"))
    assert attributes_of(interpret(case([steps, cuts_in], event("go", at())))) == {"plan": "from w2"}
    other = workflow(sets("plan", "from w3"), workflow_id="w3", on=trigger("add_tag", "workflow_action"))
    assert attributes_of(interpret(case([steps, other], event("go", at())))) == {"plan": "from w3"}


def test_executions_react_before_triggers(interpret: Interpret) -> None:
    """The event ends the first execution and, being no longer in, the customer enters again."""
    steps = workflow(wait("1d"), exit_on=[trigger("go")])
    found = interpret(case(steps, event("go", at()), event("go", at(5))))
    assert ends_of(found) == [("w", 0, "exited", 5), ("w", 5, "completed", 5 + 1440)]


def test_an_execution_ignores_the_fact_that_started_it(interpret: Interpret) -> None:
    steps = workflow(wait("1h"), goal=trigger("go"), exit_on=[trigger("go")])
    assert ends_of(interpret(case(steps, event("go", at())))) == [("w", 0, "completed", 60)]


def test_an_execution_sees_its_own_started(interpret: Interpret) -> None:
    steps = workflow(send(), exit_on=[trigger("started", "workflow_action", workflow_id="w")])
    found = interpret(case(steps, event("go", at())))
    assert ends_of(found) == [("w", 0, "exited", 0)]
    assert messages_of(found) == []


def test_goal_wins_over_exit_and_wait(interpret: Interpret) -> None:
    listens = action("wait_for_event", event={"action": "buy"}, timeout="1d")
    steps = workflow(listens, send(), goal=trigger("buy"), exit_on=[trigger("buy")])
    found = interpret(case(steps, event("go", at()), event("buy", at(5))))
    assert ends_of(found) == [("w", 0, "converted", 5)]
    assert outcomes_of(found) == [(0, "0", "waiting")]


def test_exit_wins_over_wait(interpret: Interpret) -> None:
    steps = workflow(action("wait_for_event", event={"action": "buy"}), exit_on=[trigger("buy")])
    found = interpret(case(steps, event("go", at()), event("buy", at(5))))
    assert ends_of(found) == [("w", 0, "exited", 5)]


def test_goal_without_exit_goes_on_to_the_wait(interpret: Interpret) -> None:
    listens = action("wait_for_event", event={"action": "buy"}, timeout="1d")
    steps = workflow(listens, send(), goal=trigger("buy") | {"exit": False})
    found = interpret(case(steps, event("go", at()), event("buy", at(5))))
    assert ends_of(found) == [("w", 0, "completed", 5)]
    assert found.executions[0]["converted_at"] == at(5)
    assert outcomes_of(found) == [(0, "0", "waiting"), (5, "0", "event"), (5, "1", "done")]


def test_goal_without_exit_converts_once(interpret: Interpret) -> None:
    steps = workflow(wait("1h"), goal=trigger("buy") | {"exit": False})
    heard = workflow(tag("t"), workflow_id="v", on=trigger("converted", "workflow_action"))
    found = interpret(case([steps, heard], event("go", at()), event("buy", at(5)), event("buy", at(6))))
    assert ends_of(found) == [("v", 5, "completed", 5), ("w", 0, "completed", 60)]
    assert [row["converted_at"] for row in found.executions if row["workflow_id"] == "w"] == [at(5)]


def test_goal_without_exit_may_exit_at_the_same_fact(interpret: Interpret) -> None:
    steps = workflow(wait("1h"), goal=trigger("buy") | {"exit": False}, exit_on=[trigger("buy")])
    found = interpret(case(steps, event("go", at()), event("buy", at(5))))
    assert ends_of(found) == [("w", 0, "exited", 5)]
    assert found.executions[0]["converted_at"] == at(5)


def test_an_awaited_event_wins_the_tie_with_the_time_out(interpret: Interpret) -> None:
    steps = workflow(action("wait_for_event", event={"action": "buy"}, timeout="1h"))
    for minute, outcome in [(60, "event"), (61, "timeout")]:
        found = interpret(case(steps, event("go", at()), event("buy", at(minute))))
        assert outcomes_of(found) == [(0, "0", "waiting"), (60, "0", outcome)]


def test_chains_are_bounded_by_one_entry_per_instant(interpret: Interpret) -> None:
    steps = workflow(tag("t"), on=[trigger("go"), trigger("completed", "workflow_action")])
    found = interpret(case(steps, event("go", at())))
    assert ends_of(found) == [("w", 0, "completed", 0)]
    assert refusals_of(found) == [("w", 0, "same_instant")]


def test_two_workflows_cannot_start_each_other_for_ever(interpret: Interpret) -> None:
    one = workflow(
        workflow_id="a", on=[trigger("go"), trigger("completed", "workflow_action", workflow_id="b")]
    )
    two = workflow(workflow_id="b", on=trigger("completed", "workflow_action", workflow_id="a"))
    found = interpret(case([one, two], event("go", at())))
    assert ends_of(found) == [("a", 0, "completed", 0), ("b", 0, "completed", 0)]
    assert refusals_of(found) == [("a", 0, "same_instant")]


def test_a_chain_through_time_goes_on(interpret: Interpret) -> None:
    steps = workflow(wait("1d"), on=[trigger("go"), trigger("completed", "workflow_action")])
    found = interpret(case(steps, event("go", at()), end=at(days=3)))
    assert ends_of(found) == [
        ("w", 0, "completed", 1440),
        ("w", 1440, "completed", 2880),
        ("w", 2880, "completed", 4320),
        ("w", 4320, "running", None),
    ]


def test_workflows_start_in_id_order_on_one_fact(interpret: Interpret) -> None:
    """b's `started` is behind a's in the queue, so c starts on a's."""
    both = [workflow(workflow_id=id_) for id_ in ("b", "a")]
    check = workflow(
        tag("a-first", when=[condition("event.workflow_id", "equals", "a")]),
        workflow_id="c",
        on=trigger("started", "workflow_action"),
    )
    found = interpret(case([*both, check], event("go", at()), customers=[customer()]))
    assert tags_of(found) == ["a-first"]


def first_to(name: str, workflow_id: str) -> Row:
    """A workflow that tags the customer if the first fact `name` comes from the other workflow."""
    first = condition("event.workflow_id", "equals", workflow_id)
    once = {"policy": "once"}
    steps = tag(f"{workflow_id} first", when=[first])
    return workflow(steps, workflow_id="z", on=trigger(name, "workflow_action"), reentry=once)


def test_executions_react_in_workflow_id_order(interpret: Interpret) -> None:
    both = [workflow(wait("1d"), workflow_id=id_, exit_on=[trigger("buy")]) for id_ in ("w2", "w10")]
    found = interpret(case([*both, first_to("exited", "w10")], event("go", at()), event("buy", at(5))))
    assert tags_of(found) == ["w10 first"]


def test_carried_attributes_change_in_name_order(interpret: Interpret) -> None:
    watch = [
        workflow(workflow_id="w1", on=trigger("b", "attribute_change")),
        workflow(workflow_id="w2", on=trigger("a", "attribute_change")),
    ]
    carried = event("view", at(), attributes={"b": 1, "a": 1})
    assert tags_of(interpret(case([*watch, first_to("started", "w2")], carried))) == ["w2 first"]
