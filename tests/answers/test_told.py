"""Each kind of sentence, literally."""

from datetime import timedelta

import pytest

from tests.answers.told import told
from tests.semantics.cases import (
    Row,
    action,
    at,
    case,
    changed,
    condition,
    customer,
    event,
    send,
    tag,
    trigger,
    wait,
    workflow,
)

GO = event("go", at(0), event_id="e1")
ENTERED = "2026-03-02 00:00:00Z entered Workflow w (w), version 1, by behavioral go, event e1"
BUY = event("buy", at(60), event_id="e2")


def after_entry(*lines: str) -> list[str]:
    """What is told of a customer who enters by `GO`, then these lines."""
    return [
        "2026-03-02 00:00:00Z behavioral go, event e1",
        ENTERED,
        "  trigger 1: it has no conditions",
        *lines,
    ]


def test_an_entry_names_each_condition_with_the_value_it_saw_and_when_that_was_set() -> None:
    asks = trigger("go", minimum_amount=50, when=[condition("plan", "equals", "pro")])
    branch = {"name": "big", "conditions": [condition("event.amount", "greater_than", 100)], "actions": []}
    went = event("go", at(5), event_id="e1", properties={"amount": 60})
    set_before = changed("plan", "pro", at(1), event_id="e0")
    assert told(case(workflow(on=asks, branches=[branch], holdout=0.25), set_before, went)) == [
        '2026-03-02 00:01:00Z attribute_change plan, event e0: {"old_value": null, "new_value": "pro"}',
        '2026-03-02 00:05:00Z behavioral go, event e1: {"amount": 60}',
        "2026-03-02 00:05:00Z entered Workflow w (w), version 1, by behavioral go, event e1",
        "  trigger 1: holds: event.amount at least 50 (event.amount was 60)",
        '  trigger 1: holds: plan equals "pro" (plan was "pro", set 2026-03-02 00:01:00Z)',
        "  branch big fails: event.amount greater than 100 (event.amount was 60)",
        "  branch taken: default",
        "  holdout: drew 0.5511, not below 0.25",
        "2026-03-02 00:05:00Z w: completed",
    ]


def test_somebody_held_out_and_a_goal_hit() -> None:
    assert told(case(workflow(send(), holdout=1, goal=trigger("buy")), GO, BUY)) == [
        "2026-03-02 00:00:00Z behavioral go, event e1",
        "2026-03-02 00:00:00Z held out of Workflow w (w), version 1, by behavioral go, event e1",
        "  trigger 1: it has no conditions",
        "  holdout: drew 0.5511, below 1",
        "2026-03-02 01:00:00Z behavioral buy, event e2",
        "2026-03-02 01:00:00Z w: goal hit, held out, by event e2",
    ]


def test_steps_with_their_conditions_criteria_draws_and_waits() -> None:
    steps = [
        tag("x", when=[condition("plan", "exists")]),
        wait("30m"),
        action("branch_decision", criteria={"yes": [condition("tags", "contains", "vip")]}),
        action("random_split", weights={"a": 1, "b": 1}),
        action("wait_for_event", event={"action": "buy"}, timeout="1d"),
        action("wait_for_event", event={"action": "buy"}, timeout="1h"),
    ]
    ann = customer(tags=["new"])
    assert told(case(workflow(*steps), GO, BUY, customers=[ann])) == after_entry(
        "2026-03-02 00:00:00Z w, step 0, add_tag x: skipped, because of its conditions",
        "  condition fails: plan exists (plan was missing)",
        "2026-03-02 00:00:00Z w, step 1, wait 30m: waits until 2026-03-02 00:30:00Z",
        "2026-03-02 00:30:00Z w, step 2, branch_decision yes, default: takes default",
        '  criterion yes fails: tags contains "vip" (tags was ["new"])',
        "2026-03-02 00:30:00Z w, step 3, random_split a 50%, b 50%: takes a",
        "  drew 0.2870 of a 50%, b 50%",
        "2026-03-02 00:30:00Z w, step 4, wait_for_event action buy or 1d: waits, until 2026-03-03 00:30:00Z at most",
        "2026-03-02 01:00:00Z behavioral buy, event e2",
        "2026-03-02 01:00:00Z w, step 4, wait_for_event action buy or 1d: the event came",
        "2026-03-02 01:00:00Z w, step 5, wait_for_event action buy or 1h: waits, until 2026-03-02 02:00:00Z at most",
        "2026-03-02 02:00:00Z w, step 5, wait_for_event action buy or 1h: its time-out came first",
        "2026-03-02 02:00:00Z w: completed",
    )


QUIET: Row = {"quiet_hours": {"start": "21:00", "end": "08:00", "timezone": "UTC"}}
SHUT: Row = {"send_window": {"start": "09:00", "end": "10:00", "days": ["tue"], "timezone": "UTC"}}


@pytest.mark.parametrize(
    ("given", "own", "said"),
    [
        (
            {"customers": [customer(email_consent="no")]},
            {},
            'not sent: the customer\'s consent says no (email_consent was "no")',
        ),
        (
            {"caps": [(0, timedelta(days=7))]},
            {},
            "not sent: a frequency cap was full (0 messages in 7d)",
        ),
        ({}, QUIET, "put off by its quiet hours until 2026-03-02 08:00:00Z"),
        ({}, SHUT, "put off by its send window until 2026-03-03 09:00:00Z"),
    ],
)
def test_a_refused_send_says_which_gate_and_what_it_saw(given: Row, own: Row, said: str) -> None:
    lines = told(case(workflow(send(), **own), GO, **given))
    assert f"2026-03-02 00:00:00Z w, step 0, send_email hello: {said}" in lines


def test_a_message_and_a_request_say_what_became_of_them() -> None:
    hook = action("trigger_webhook", url="https://example.com/x")
    _, _, _, _, message, _, request, _ = told(case(workflow(send(), hook), GO))
    assert message == "  message 03e2c7bcceff85a41faf605fbc30ea19: sent"
    assert request.endswith(" to https://example.com/x: sent")


def test_a_goal_ends_it_or_not_and_is_hit_later() -> None:
    first, later = BUY, event("buy", at(200), event_id="e3")
    ends = workflow(action("wait_for_event", event={"action": "x"}), goal=trigger("buy"))
    assert told(case(ends, GO, first))[-1] == (
        "2026-03-02 01:00:00Z w: reached its goal, which ends it, by behavioral buy, event e2"
    )
    goes_on = workflow(wait("2h"), goal={**trigger("buy"), "exit": False})
    assert [one for one in told(case(goes_on, GO, first, later)) if "goal" in one] == [
        "2026-03-02 01:00:00Z w: reached its goal, by behavioral buy, event e2",
        "2026-03-02 03:20:00Z w: goal hit, after its end, by event e3",
    ]


def test_an_exit_says_which_and_by_which_fact() -> None:
    leaves = [trigger("no"), trigger("stop", color="red")]
    stop = event("stop", at(60), event_id="e2", properties={"color": "red"})
    assert told(case(workflow(wait("5d"), exit_on=leaves), GO, stop))[-1] == (
        "2026-03-02 01:00:00Z w: left by exit_on, number 2, by behavioral stop, event e2"
    )


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "it was running already"),
        ({"reentry": {"policy": "once"}}, "it was entered before, and its re-entry policy is once"),
        (
            {"reentry": {"policy": "after", "duration": "1d"}},
            "its last entry was too short a time ago for its re-entry policy",
        ),
    ],
)
def test_a_refused_entry_says_why(given: Row, why: str) -> None:
    steps = [] if given else [wait("5d")]
    lines = told(case(workflow(*steps, **given), GO, event("go", at(60), event_id="e2")))
    assert f"2026-03-02 01:00:00Z not entered Workflow w (w), by behavioral go, event e2: {why}" in lines


def test_a_failure_says_why() -> None:
    assert told(case(workflow(wait("500000w")), GO)) == after_entry(
        "2026-03-02 00:00:00Z w, step 0, wait 3500000d: failed: it would go on after the end of the calendar",
        "2026-03-02 00:00:00Z w: failed",
    )


def test_what_another_workflow_starts_comes_after_what_started_it() -> None:
    starts = trigger("send_email", "workflow_action", workflow_id="a")
    both = [workflow(send(), workflow_id="a"), workflow(workflow_id="b", on=starts)]
    assert told(case(both, GO))[-4:] == [
        "2026-03-02 00:00:00Z a: completed",
        "2026-03-02 00:00:00Z entered Workflow b (b), version 1, by workflow_action send_email",
        '  trigger 1: holds: event.workflow_id equals "a" (event.workflow_id was "a")',
        "2026-03-02 00:00:00Z b: completed",
    ]


VIEWS = event("view", at(0)), event("view", at(60))
KEEN = {"type": "pattern", "config": {"pattern": "keen"}}


def keen(kind: str, *terms: Row) -> Row:
    return {"patterns": {"keen": {"pattern": kind, "events": list(terms)}}}


def test_a_pattern_names_the_events_that_made_it_true() -> None:
    twice = {"type": "view", "min_count": 2, "time_window": "7d"}
    never = {"type": "buy", "max_count": 0, "time_window": "7d"}
    assert told(case(workflow(on=KEEN), *VIEWS, **keen("sequence", twice, never)))[:4] == [
        "2026-03-02 01:00:00Z pattern keen",
        "2026-03-02 01:00:00Z entered Workflow w (w), version 1, by pattern keen",
        "  trigger 1: view: 2 events in 7d (2026-03-02 00:00:00Z, 2026-03-02 01:00:00Z)",
        "  trigger 1: buy: 0 events in 7d",
    ]


def test_an_ordered_pattern_names_its_chain() -> None:
    chain = {"type": "view"}, {"type": "buy", "within": "1h"}
    happened = *VIEWS, event("buy", at(100)), event("buy", at(300))
    assert told(case(workflow(on=KEEN), *happened, **keen("ordered", *chain)))[2:4] == [
        "  trigger 1: view: 1 event (2026-03-02 01:00:00Z)",
        "  trigger 1: buy: 1 event (2026-03-02 01:40:00Z)",
    ]


def test_a_windowed_count_names_the_events_it_counts() -> None:
    asks = [
        condition("events.view.count.1d", "at_least", 2),
        condition("events.view.days_since", "at_most", 1),
    ]
    went = event("go", at(240), event_id="e1")
    assert told(case(workflow(on=trigger("go", when=asks)), *VIEWS, went))[2:6] == [
        "  trigger 1: holds: events.view.count.1d at least 2 (events.view.count.1d was 2)",
        "  trigger 1:   view: 2 events in 1d (2026-03-02 00:00:00Z, 2026-03-02 01:00:00Z)",
        "  trigger 1: holds: events.view.days_since at most 1 (events.view.days_since was 0.125)",
        "  trigger 1:   view: 1 event (2026-03-02 01:00:00Z)",
    ]


def test_never_entered_names_all_that_failed_at_the_fact_that_came_nearest() -> None:
    asks = [condition("plan", "equals", "pro"), condition("event.amount", "greater_than", 9)]
    near, far, newest = (
        event("go", at(minute), event_id=f"e{minute}", properties={"amount": amount})
        for minute, amount in ((1, 10), (2, 3), (3, 11))
    )
    lines = told(case(workflow(on=trigger("go", when=asks)), near, far, newest))
    assert lines[3:] == [
        "Workflow w (w): nearest came behavioral go, event e3, 2026-03-02 00:03:00Z, trigger 1; "
        "1 thing stood against it",
        '  trigger 1: fails: plan equals "pro" (plan was missing)',
        "  trigger 1: holds: event.amount greater than 9 (event.amount was 11)",
    ]


def test_never_entered_because_unknown_and_not_there_yet() -> None:
    ann = customer(created_at=at(60))
    assert told(case(workflow(), GO, customers=[ann]), since=at(30))[-4:] == [
        "Workflow w (w): nearest came behavioral go, event e1, 2026-03-02 00:00:00Z, trigger 1; "
        "2 things stood against it",
        "  fails: the customer wasn't known before 2026-03-02 01:00:00Z",
        "  fails: this version wasn't there before 2026-03-02 00:30:00Z",
        "  trigger 1: it has no conditions",
    ]


def test_never_entered_by_a_cron() -> None:
    cron = {
        "type": "time_based",
        "config": {"cron": "0 9 * * *"},
        "conditions": [condition("plan", "exists")],
    }
    assert told(case(workflow(on=cron), event("x", at(0)), end=at(days=2)))[-2:] == [
        "Workflow w (w): nearest came time_based 0 9 * * *, 2026-03-03 09:00:00Z, trigger 1; 1 thing stood against it",
        "  trigger 1: fails: plan exists (plan was missing)",
    ]


@pytest.mark.parametrize("activity", [False, "draft"])
def test_nobody_enters_what_is_not_active(activity: bool | str) -> None:
    asleep = case(workflow(is_active=activity), GO)
    assert told(asleep) == []
    assert told(asleep, workflow_id="w") == ["Workflow w (w): nobody enters it: it isn't active (is_active)"]


def test_what_is_still_running_says_so() -> None:
    assert told(case(workflow(wait("300d")), GO))[3] == "  it is still running"


def test_nothing_that_it_looks_for_ever_happened() -> None:
    dated = {"type": "time_based", "config": {"attribute": "ends", "offset": "-1d"}}
    waits = [trigger("go"), KEEN, dated, {"type": "external_event", "config": {}}]
    assert told(case(workflow(on=waits), **keen("ordered", {"type": "view"}))) == [
        "Workflow w (w): nothing of type behavioral named go ever happened; pattern keen never turned true; "
        "no schedule ends ever fired; nothing of type external_event ever happened"
    ]


def test_a_late_event_says_when_it_happened() -> None:
    late = event("go", at(0), event_id="e1", at=at(90))
    assert told(case(workflow(), late))[0] == (
        "2026-03-02 01:30:00Z behavioral go, event e1 (late: it happened 2026-03-02 00:00:00Z)"
    )
