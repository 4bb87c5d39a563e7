"""§4: profile updates, unknown customers, duplicates, history, and events after the end."""

import pytest

from tests.semantics.cases import (
    Interpret,
    action,
    at,
    attributes_of,
    case,
    changed,
    condition,
    customer,
    ends_of,
    event,
    tag,
    tags_of,
    trigger,
    wait,
    workflow,
)


def test_an_attribute_change_sets_and_null_removes(interpret: Interpret) -> None:
    found = interpret(
        case(
            [],
            changed("plan", "pro", at()),
            changed("gone", None, at(1)),
            event("lost", at(2), type="attribute_change", properties={"old_value": 1}),
            customers=[customer(gone=1, lost=1, kept=[1])],
        )
    )
    assert attributes_of(found) == {"plan": "pro", "kept": [1]}


def test_carried_attributes_of_any_event_are_applied(interpret: Interpret) -> None:
    crm = event("crm", at(), type="external_event", attributes={"a": 1, "b": None})
    assert attributes_of(interpret(case([], crm, customers=[customer(b=2, c=3)]))) == {"a": 1, "c": 3}


def test_an_attribute_change_comes_before_its_own_attributes(interpret: Interpret) -> None:
    both = changed("plan", "first", at(), attributes={"plan": "second"})
    steps = workflow(tag("heard"), on=trigger("plan", "attribute_change", old_value="first"))
    found = interpret(case(steps, both))
    assert attributes_of(found) == {"plan": "second"}
    assert tags_of(found) == ["heard"]


def test_an_attribute_change_event_causes_no_second_fact(interpret: Interpret) -> None:
    steps = workflow(wait("1d"), on=trigger("plan", "attribute_change"))
    found = interpret(case(steps, changed("plan", "pro", at())))
    assert ends_of(found) == [("w", 0, "completed", 1440)]
    assert found.refusals == []


def test_a_customer_without_a_row_sees_no_triggers(interpret: Interpret) -> None:
    steps = workflow(tag("in"))
    found = interpret(
        case(steps, event("go", at(), "zoe", attributes={"plan": "pro"}), event("any", at(1), "zoe"))
    )
    assert found.executions == []
    assert attributes_of(found, "zoe") == {"plan": "pro"}
    assert found.counts["unknown_customer"] == 2


def test_a_customer_is_known_from_created_at_on(interpret: Interpret) -> None:
    people = [customer(created_at=at(10))]
    early = event("go", at(10).replace(minute=9), attributes={"plan": "pro"})
    seen = workflow(tag("in", when=[condition("plan", "equals", "pro")]))
    found = interpret(case(seen, early, event("go", at(10)), customers=people))
    assert ends_of(found) == [("w", 10, "completed", 10)]
    assert tags_of(found) == ["in"]
    assert found.counts["unknown_customer"] == 1


def test_follow_ups_of_an_unknown_customer_trigger_nothing(interpret: Interpret) -> None:
    steps = workflow(tag("in"), on=trigger("plan", "attribute_change"))
    found = interpret(
        case(steps, event("view", at(), attributes={"plan": 1}), customers=[customer(created_at=at(1))])
    )
    assert found.executions == []


def test_the_first_of_two_events_with_one_id_stays(interpret: Interpret) -> None:
    first = changed("plan", "first", at(5), event_id="same")
    second = changed("plan", "second", at(9), event_id="same")
    assert attributes_of(interpret(case([], first, second))) == {"plan": "first"}
    assert attributes_of(interpret(case([], second, first))) == {"plan": "second"}


def test_the_order_of_the_file_does_not_matter(interpret: Interpret) -> None:
    events = [event("go", at()), changed("plan", "pro", at(30)), changed("plan", "free", at(90))]
    steps = workflow(wait("1h"), tag("pro", when=[condition("plan", "equals", "pro")]))
    for order in (events, events[::-1]):
        assert tags_of(interpret(case(steps, *order))) == ["pro"]


@pytest.mark.parametrize(("minute", "entered"), [(60, 1), (61, 0)])
def test_events_after_the_end_are_ignored(interpret: Interpret, minute: int, entered: int) -> None:
    late = event("go", at(minute), attributes={"plan": "pro"})
    found = interpret(case(workflow(tag("in")), late, event("go", at(61), "zoe", event_id="z"), end=at(60)))
    assert len(found.executions) == entered
    assert attributes_of(found) == ({"plan": "pro"} if entered else {})
    assert found.counts["unknown_customer"] == 0


def test_history_builds_profiles_and_triggers_nothing(interpret: Interpret) -> None:
    steps = [workflow(wait("1h")), workflow(workflow_id="v", on=trigger("plan", "attribute_change"))]
    before = event("go", at(59), attributes={"plan": "pro"})
    found = interpret(case(steps, before, changed("plan", "free", at(58)), start=at(60)))
    assert found.executions == []
    assert attributes_of(found) == {"plan": "pro"}
    assert ends_of(interpret(case(steps, event("go", at(60)), start=at(60)))) == [("w", 60, "completed", 120)]


def test_history_of_an_unknown_customer_is_not_counted(interpret: Interpret) -> None:
    found = interpret(case(workflow(), event("go", at(), "zoe"), start=at(60)))
    assert found.counts["unknown_customer"] == 0


def test_a_profile_change_reaches_a_running_execution(interpret: Interpret) -> None:
    steps = workflow(
        action("wait_for_event", event={"attribute": "plan"}, type="attribute_change"),
        tag("pro", when=[condition("plan", "equals", "pro")]),
    )
    found = interpret(case(steps, event("go", at()), event("view", at(5), attributes={"plan": "pro"})))
    assert tags_of(found) == ["pro"]


def test_nothing_in_nothing_out(interpret: Interpret) -> None:
    found = interpret(case([], customers=[]))
    assert (found.executions, found.steps, found.messages, found.profiles) == ([], [], [], {})
    assert interpret(case(workflow(tag("t")))).executions == []


def test_a_value_that_is_only_spelled_now_is_set_but_no_change(interpret: Interpret) -> None:
    told = workflow(tag("told"), on=trigger("zip", "attribute_change"), workflow_id="t")
    text = workflow(tag("text", when=[condition("zip", "equals", "8003")]), on="go")
    back = workflow(tag("back"), on=trigger("flag", "attribute_change"), workflow_id="b")
    people = [customer(zip=8003, flag="true")]
    found = interpret(
        case(
            [told, text, back],
            event("set", at(), attributes={"zip": "8003"}),
            event("go", at(1)),
            event("set", at(2), attributes={"flag": True}),
            customers=people,
        )
    )
    assert tags_of(found) == ["back", "text"]


def test_other_spellings_are_changes(interpret: Interpret) -> None:
    told = workflow(action("update_attribute", attribute="n", value="3.0"), tag("t"), on="go")
    sees = workflow(tag("told"), on=trigger("n", "attribute_change"), workflow_id="v")
    assert tags_of(interpret(case([told, sees], event("go", at()), customers=[customer(n=3)]))) == [
        "t",
        "told",
    ]
    same = workflow(action("update_attribute", attribute="n", value="true"), tag("t"), on="go")
    assert tags_of(interpret(case([same, sees], event("go", at()), customers=[customer(n=True)]))) == ["t"]
