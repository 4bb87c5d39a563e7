"""§11: the gates of a send, and their edges."""

from datetime import timedelta

import pytest

from tests.semantics.cases import (
    Interpret,
    Row,
    action,
    at,
    case,
    changed,
    customer,
    ends_of,
    event,
    messages_of,
    outcomes_of,
    send,
    steps_of,
    tag,
    tags_of,
    wait,
    workflow,
)

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("attributes", "outcome"),
    [
        ({}, "done"),
        ({"email_consent": True}, "done"),
        ({"email_consent": False}, "suppressed:consent"),
        ({"email_consent": "false"}, "suppressed:consent"),
        ({"email_consent": 0}, "suppressed:consent"),
        ({"email_consent": 0.0}, "suppressed:consent"),
        ({"email_consent": "unsubscribed"}, "suppressed:consent"),
        ({"email_consent": " Opted out "}, "suppressed:consent"),
        ({"email_consent": "OPT-OUT"}, "suppressed:consent"),
        ({"email_consent": 2}, "done"),
        ({"email_consent": "  "}, "done"),
        ({"email_consent": "maybe"}, "done"),
        ({"email_consent": [False]}, "done"),
        ({"email_consent": ""}, "done"),
        ({"email_consent": None}, "done"),
        ({"subscription_status": "unsubscribed"}, "suppressed:consent"),
        ({"subscription_status": "Unsubscribed"}, "suppressed:consent"),
        ({"subscription_status": False}, "suppressed:consent"),
        ({"subscription_status": "never subscribed"}, "suppressed:consent"),
        ({"subscription_status": "subscribed", "email_consent": False}, "suppressed:consent"),
    ],
)
def test_consent(interpret: Interpret, attributes: Row, outcome: str) -> None:
    found = interpret(case(workflow(send()), event("go", at()), customers=[customer(**attributes)]))
    assert outcomes_of(found) == [(0, "0", outcome)]
    assert len(found.messages) == (outcome == "done")


def test_a_suppressed_send_does_not_stop_the_execution(interpret: Interpret) -> None:
    steps = workflow(send(), tag("after"))
    found = interpret(case(steps, event("go", at()), customers=[customer(email_consent=False)]))
    assert tags_of(found) == ["after"]
    assert ends_of(found) == [("w", 0, "completed", 0)]


def test_consent_is_read_when_it_is_sent(interpret: Interpret) -> None:
    steps = workflow(send(), wait("1h"), send(), wait("1h"), send())
    withdrawn = changed("email_consent", False, at(60))
    given = changed("email_consent", True, at(90))
    found = interpret(case(steps, event("go", at()), withdrawn, given))
    assert [row[1] for row in messages_of(found)] == [0, 120]


def test_a_cap_counts_up_to_its_number(interpret: Interpret) -> None:
    found = interpret(case(workflow(send("a"), send("b"), send("c")), event("go", at()), caps=[(2, HOUR)]))
    assert [outcome for *_, outcome in outcomes_of(found)] == ["done", "done", "suppressed:frequency_cap"]


def test_a_window_leaves_out_what_is_exactly_its_length_ago(interpret: Interpret) -> None:
    for seconds, outcome in [(3600, "done"), (3599.999999, "suppressed:frequency_cap")]:
        steps = workflow(send(), wait(seconds), send())
        found = interpret(case(steps, event("go", at()), caps=[(1, HOUR)]))
        assert outcomes_of(found)[-1][2] == outcome


def test_suppressed_messages_do_not_count(interpret: Interpret) -> None:
    steps = workflow(send(), wait("40m"), send(), wait("40m"), send())
    found = interpret(case(steps, event("go", at()), caps=[(1, HOUR)]))
    assert [row[1] for row in messages_of(found)] == [0, 80]


def test_a_cap_is_over_all_workflows_and_per_customer(interpret: Interpret) -> None:
    steps = [workflow(send(), workflow_id=id_) for id_ in ("b", "a")]
    found = interpret(
        case(
            steps,
            event("go", at()),
            event("go", at(), "bob"),
            customers=[customer("ann"), customer("bob")],
            caps=[(1, HOUR)],
        )
    )
    once = [("a", 0, "0", "done"), ("b", 0, "0", "suppressed:frequency_cap")]
    assert steps_of(found) == once + once


def test_every_cap_must_leave_room(interpret: Interpret) -> None:
    steps = workflow(send(), wait("2h"), send(), wait("2h"), send())
    found = interpret(case(steps, event("go", at()), caps=[(1, HOUR), (2, timedelta(days=1))]))
    assert [row[1] for row in messages_of(found)] == [0, 120]
    assert outcomes_of(found)[-1][2] == "suppressed:frequency_cap"


def test_a_cap_of_none_lets_nothing_pass(interpret: Interpret) -> None:
    found = interpret(case(workflow(send()), event("go", at()), caps=[(0, HOUR)]))
    assert outcomes_of(found) == [(0, "0", "suppressed:frequency_cap")]


def test_consent_is_the_first_gate(interpret: Interpret) -> None:
    people = [customer(email_consent=False)]
    found = interpret(case(workflow(send()), event("go", at()), customers=people, caps=[(0, HOUR)]))
    assert outcomes_of(found) == [(0, "0", "suppressed:consent")]


def test_transactional_passes_the_gates_and_is_not_counted(interpret: Interpret) -> None:
    receipt = workflow(send("receipt"), workflow_id="a", transactional=True)
    news = workflow(send("news"), workflow_id="b")
    shut = interpret(
        case([receipt, news], event("go", at()), customers=[customer(email_consent=False)], caps=[(0, HOUR)])
    )
    assert messages_of(shut) == [("a", 0, "0", "receipt")]
    counted = interpret(case([receipt, news], event("go", at()), caps=[(1, HOUR)]))
    assert messages_of(counted) == [("a", 0, "0", "receipt"), ("b", 0, "0", "news")]


def test_webhooks_have_no_gate(interpret: Interpret) -> None:
    steps = workflow(action("trigger_webhook", url="https://example.com"))
    people = [customer(email_consent=False)]
    found = interpret(case(steps, event("go", at()), customers=people, caps=[(0, HOUR)]))
    assert len(found.webhooks) == 1
