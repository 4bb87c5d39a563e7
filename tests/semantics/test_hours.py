"""§11: quiet hours and send windows, priority, and caps by channel and message class."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.semantics.cases import (
    Interpret,
    Result,
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
    tag,
    wait,
    workflow,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHT = {"start": "21:00", "end": "08:00"}
OFFICE = {"start": "09:00", "end": "17:00", "days": ["mon", "tue", "wed", "thu", "fri"]}


def sent(found: Result) -> list[str]:
    """When messages were accepted."""
    return sorted(f"{row['at']:%m-%d %H:%M}" for row in found.messages)


def go(text: str) -> Row:
    """The event `go` at an instant written as `2026-03-02 21:00`."""
    return event("go", datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("minute", "outcomes"),
    [
        (0, [(0, "0", "deferred:quiet_hours"), (480, "0", "done")]),
        (479.999, [(479.999, "0", "deferred:quiet_hours"), (480, "0", "done")]),
        (480, [(480, "0", "done")]),
        (1259, [(1259, "0", "done")]),
        (1260, [(1260, "0", "deferred:quiet_hours"), (1920, "0", "done")]),
    ],
)
def test_quiet_hours_hold_a_send_back(
    interpret: Interpret, minute: float, outcomes: list[tuple[float, str, str]]
) -> None:
    found = interpret(case(workflow(send()), event("go", at(minute)), quiet_hours=NIGHT))
    assert outcomes_of(found) == outcomes


def test_the_execution_waits_with_the_send(interpret: Interpret) -> None:
    steps = workflow(send(), tag("t"))
    found = interpret(case(steps, event("go", at()), quiet_hours=NIGHT))
    assert outcomes_of(found)[-1] == (480, "1", "done")
    assert ends_of(found) == [("w", 0, "completed", 480)]


def test_quiet_hours_within_a_day(interpret: Interpret) -> None:
    noon = {"start": "12:00", "end": "13:30"}
    for minute, expected in [(719, 719), (720, 810), (809, 810), (810, 810)]:
        found = interpret(case(workflow(send()), event("go", at(minute)), quiet_hours=noon))
        assert [row[1] for row in messages_of(found)] == [expected]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-03-02 08:00", "03-02 09:00"),
        ("2026-03-02 16:59", "03-02 16:59"),
        ("2026-03-02 17:00", "03-03 09:00"),
        ("2026-03-06 17:00", "03-09 09:00"),
        ("2026-03-07 12:00", "03-09 09:00"),
    ],
)
def test_a_send_window_on_working_days(interpret: Interpret, start: str, expected: str) -> None:
    found = interpret(case(workflow(send()), go(start), send_window=OFFICE))
    assert sent(found) == [expected]
    first = outcomes_of(found)[0][2]
    assert first == ("done" if start.endswith(expected) else "deferred:send_window")


def test_a_window_over_midnight_belongs_to_the_day_it_starts_on(interpret: Interpret) -> None:
    monday = {"start": "22:00", "end": "02:00", "days": ["mon"]}
    cases = [
        ("2026-03-02 01:00", "03-02 22:00"),
        ("2026-03-03 01:59", "03-03 01:59"),
        ("2026-03-03 02:00", "03-09 22:00"),
    ]
    for start, expected in cases:
        assert sent(interpret(case(workflow(send()), go(start), send_window=monday, end=at(days=20)))) == [
            expected
        ]


def test_both_must_allow(interpret: Interpret) -> None:
    """The first allowed instant is that of both; what shuts first names the outcome."""
    window = {"start": "06:00", "end": "09:00"}
    found = interpret(case(workflow(send()), event("go", at()), quiet_hours=NIGHT, send_window=window))
    assert outcomes_of(found) == [(0, "0", "deferred:quiet_hours"), (480, "0", "done")]
    found = interpret(case(workflow(send()), event("go", at(9 * 60)), quiet_hours=NIGHT, send_window=window))
    assert outcomes_of(found) == [(540, "0", "deferred:send_window"), (1920, "0", "done")]


def test_quiet_hours_name_the_outcome_whoever_declares_them(interpret: Interpret) -> None:
    """Where both are shut it is quiet hours, also those of all workflows beside a workflow's own window."""
    window = {"start": "06:00", "end": "09:00"}
    found = interpret(case(workflow(send(), send_window=window), event("go", at()), quiet_hours=NIGHT))
    assert outcomes_of(found) == [(0, "0", "deferred:quiet_hours"), (480, "0", "done")]
    found = interpret(case(workflow(send(), quiet_hours=NIGHT), event("go", at()), send_window=window))
    assert outcomes_of(found) == [(0, "0", "deferred:quiet_hours"), (480, "0", "done")]


def test_what_is_never_allowed_is_suppressed(interpret: Interpret) -> None:
    never = {"start": "22:00", "end": "23:00"}
    steps = workflow(send(), tag("t"))
    found = interpret(case(steps, event("go", at()), quiet_hours=NIGHT, send_window=never))
    assert outcomes_of(found) == [(0, "0", "suppressed:send_window"), (0, "1", "done")]


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        # 8:00 in Berlin is 7:00 UTC, and from 29 March 6:00; in New York 13:00, and from 8 March 12:00.
        ("Europe/Berlin", "2026-03-28 00:00", "03-28 07:00"),
        ("Europe/Berlin", "2026-03-28 22:00", "03-29 06:00"),
        ("Europe/Berlin", "2026-10-24 22:00", "10-25 07:00"),
        ("America/New_York", "2026-03-08 03:00", "03-08 12:00"),
        ("America/New_York", "2026-11-01 03:00", "11-01 13:00"),
        ("Australia/Lord_Howe", "2026-10-03 12:00", "10-03 21:00"),
        ("Australia/Lord_Howe", "2026-04-04 12:00", "04-04 21:30"),
    ],
)
def test_quiet_hours_in_the_customer_s_zone(
    interpret: Interpret, zone: str, start: str, expected: str
) -> None:
    people = [customer(timezone=zone)]
    end = go(start)["ts"] + 2 * DAY
    assert sent(
        interpret(case(workflow(send()), go(start), quiet_hours=NIGHT, customers=people, end=end))
    ) == [expected]


def test_hours_that_the_clock_skips_or_repeats(interpret: Interpret) -> None:
    """In Berlin, the clock shows 02:00-03:00 not at all on 29 March, and from 00:00 to 02:00 UTC on 25 October."""
    after_two = {"start": "02:30", "end": "04:00", "timezone": "Europe/Berlin"}
    skipped = case(workflow(send()), go("2026-03-29 00:00"), send_window=after_two, end=at(days=30))
    assert sent(interpret(skipped)) == ["03-29 01:00"]
    quarter = {"start": "02:00", "end": "02:15", "timezone": "Europe/Berlin"}
    repeated = case(workflow(send()), go("2026-10-25 00:15"), send_window=quarter, end=at(days=240))
    assert sent(interpret(repeated)) == ["10-25 01:00"]


def test_all_gates_are_asked_again_but_not_the_conditions(interpret: Interpret) -> None:
    steps = workflow(send(when=[{"attribute": "plan", "operator": "not_exists"}]))
    left = changed("email_consent", False, at(60))
    upgraded = changed("plan", "pro", at(60))
    found = interpret(case(steps, event("go", at()), left, upgraded, quiet_hours=NIGHT))
    assert outcomes_of(found) == [(0, "0", "deferred:quiet_hours"), (480, "0", "suppressed:consent")]
    moved = changed("timezone", "America/New_York", at(60))
    found = interpret(case(steps, event("go", at()), upgraded, moved, quiet_hours=NIGHT))
    assert [row[0] for row in outcomes_of(found)] == [0, 480, 780]


def test_consent_and_caps_come_first(interpret: Interpret) -> None:
    found = interpret(
        case(
            workflow(send()), event("go", at()), quiet_hours=NIGHT, customers=[customer(email_consent=False)]
        )
    )
    assert outcomes_of(found) == [(0, "0", "suppressed:consent")]
    found = interpret(case(workflow(send()), event("go", at()), quiet_hours=NIGHT, caps=[(0, DAY)]))
    assert outcomes_of(found) == [(0, "0", "suppressed:frequency_cap")]


def test_a_workflow_s_own_hours_replace_the_setting(interpret: Interpret) -> None:
    steps = workflow(send(), quiet_hours={"start": "00:00", "end": "01:00"})
    found = interpret(case(steps, event("go", at()), quiet_hours=NIGHT))
    assert [row[1] for row in messages_of(found)] == [60]
    both = interpret(case(steps, event("go", at()), quiet_hours=NIGHT, send_window=OFFICE))
    assert [row[1] for row in messages_of(both)] == [540]


def test_transactional_workflows_obey_only_their_own_hours(interpret: Interpret) -> None:
    found = interpret(case(workflow(send(), transactional=True), event("go", at()), quiet_hours=NIGHT))
    assert [row[1] for row in messages_of(found)] == [0]
    own = workflow(send(), transactional=True, quiet_hours=NIGHT)
    found = interpret(case(own, event("go", at())))
    assert [row[1] for row in messages_of(found)] == [480]


def test_priority_gets_what_a_cap_has_left(interpret: Interpret) -> None:
    first, second, third = (workflow(send(id_), workflow_id=id_) for id_ in ("a", "b", "c"))
    ranked = [first, {**second, "priority": 10}, {**third, "priority": -1}]
    found = interpret(case(ranked, event("go", at()), caps=[(1, DAY)]))
    assert [row[0] for row in messages_of(found)] == ["b"]
    found = interpret(case(ranked, event("go", at()), caps=[(2, DAY)]))
    assert [row[0] for row in messages_of(found)] == ["a", "b"]
    deferred = interpret(case(ranked, event("go", at()), caps=[(1, DAY)], quiet_hours=NIGHT))
    assert [row[:2] for row in messages_of(deferred)] == [("b", 480)]


def webhook(channel: str | None, **given: Any) -> Row:
    """A webhook request, perhaps as a message of a channel."""
    more: Row = {} if channel is None else {"channel": channel}
    return action("trigger_webhook", url="https://example.com/hook", **more, **given)


def test_a_cap_of_a_channel(interpret: Interpret) -> None:
    steps = workflow(send(), webhook("sms"), webhook("sms"), webhook(None), send())
    found = interpret(case(steps, event("go", at()), caps=[(1, DAY, "sms")]))
    capped = ["done", "done", "suppressed:frequency_cap", "done", "done"]
    assert [row[2] for row in outcomes_of(found)] == capped
    assert len(found.webhooks) == 2
    assert len(found.messages) == 2
    of_all = interpret(case(steps, event("go", at()), caps=[(2, DAY, None)]))
    assert [row[2] for row in outcomes_of(of_all)] == [*capped[:3], "done", "suppressed:frequency_cap"]


def test_a_cap_of_a_message_class(interpret: Interpret) -> None:
    news = workflow(send(), wait("1h"), send(), workflow_id="news", message_class="newsletter")
    plain = workflow(send(), wait("1h"), send(), workflow_id="plain")
    found = interpret(case([news, plain], event("go", at()), caps=[(1, DAY, None, "newsletter")]))
    assert [row[:2] for row in messages_of(found)] == [("news", 0), ("plain", 0), ("plain", 60)]
    both = interpret(case([news, plain], event("go", at()), caps=[(0, DAY, "sms", "newsletter")]))
    assert len(both.messages) == 4


def test_a_webhook_with_a_channel_has_all_gates(interpret: Interpret) -> None:
    steps = workflow(webhook("sms"), webhook(None))
    people = [customer(email_consent=False)]
    found = interpret(case(steps, event("go", at()), customers=people))
    assert [row[2] for row in outcomes_of(found)] == ["suppressed:consent", "done"]
    quiet = interpret(case(steps, event("go", at()), quiet_hours=NIGHT))
    assert [row[2] for row in outcomes_of(quiet)] == ["deferred:quiet_hours", "done", "done"]
    assert quiet.messages == []
    assert len(quiet.webhooks) == 2
