"""§7: schedules, to the instant, on the days on which clocks change."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.semantics.cases import (
    Case,
    Interpret,
    Json,
    Row,
    action,
    at,
    case,
    changed,
    condition,
    customer,
    ends_of,
    event,
    minutes,
    outcomes_of,
    refusals_of,
    runs_of,
    send,
    tag,
    trigger,
    wait,
    workflow,
)

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def utc(text: str) -> datetime:
    """An instant, as `2026-03-29 01:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def on_cron(cron: str, *actions: Row, zone: str | None = None, **given: Any) -> Row:
    """A workflow entered by a cron schedule."""
    return workflow(*actions, on=trigger(type="time_based", cron=cron, **zone_key(zone)), **given)


def on_date(*actions: Row, zone: str | None = None, **config: Any) -> Row:
    """A workflow entered by the date attribute `renews`."""
    on = trigger(type="time_based", **{"offset": "0", **config}, **zone_key(zone))
    on["config"]["attribute"] = "renews"
    return workflow(*actions, on=on)


def zone_key(zone: str | None) -> dict[str, str]:
    """The key, unless the default is meant."""
    return {} if zone is None else {"timezone": zone}


def entered(interpret: Interpret, found: Case) -> list[str]:
    """When executions were entered, in order."""
    times = sorted(row["entered_at"] for row in interpret(found).executions)
    return [f"{time:%m-%d %H:%M}" for time in times]


@pytest.mark.parametrize(
    ("cron", "zone", "start", "expected"),
    [
        # Berlin skips 02:00-03:00 (01:00 UTC) and repeats it (00:00-01:00 and 01:00-02:00 UTC).
        ("30 2 * * *", BERLIN, "2026-03-28", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]),
        ("0 3 * * *", BERLIN, "2026-03-28", ["03-28 02:00", "03-29 01:00", "03-30 01:00"]),
        ("*/30 2,3 29 3 *", BERLIN, "2026-03-28", ["03-29 01:00", "03-29 01:30"]),
        ("30 2 * * *", BERLIN, "2026-10-24", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
        ("0 3 * * *", BERLIN, "2026-10-24", ["10-24 01:00", "10-25 02:00", "10-26 02:00"]),
        # New York skips 02:00-03:00 (07:00 UTC) and repeats 01:00-02:00 (05:00-06:00 and 06:00-07:00 UTC).
        ("30 2 * * *", NEW_YORK, "2026-03-07", ["03-07 07:30", "03-08 07:00", "03-09 06:30"]),
        ("30 1 * * *", NEW_YORK, "2026-10-31", ["10-31 05:30", "11-01 05:30", "11-02 06:30"]),
        # Lord Howe puts its clock on and back by half an hour: 02:00 is 02:30, and 02:00 is 01:30.
        ("15 2 * * *", LORD_HOWE, "2026-10-02", ["10-02 15:45", "10-03 15:30", "10-04 15:15"]),
        ("45 1 * * *", LORD_HOWE, "2026-04-03", ["04-03 14:45", "04-04 14:45", "04-05 15:15"]),
        ("30 2 * * *", "UTC", "2026-03-28", ["03-28 02:30", "03-29 02:30", "03-30 02:30"]),
    ],
)
def test_cron_when_clocks_change(
    interpret: Interpret, cron: str, zone: str, start: str, expected: list[str]
) -> None:
    begins = utc(start)
    bounds = {"start": begins, "end": begins + timedelta(days=3)}
    assert entered(interpret, case(on_cron(cron, zone=zone), **bounds)) == expected


def test_a_cron_begins_with_the_first_event_and_includes_its_instant(interpret: Interpret) -> None:
    found = case(on_cron("0 9 * * *"), event("x", at(9 * 60), "bob"), end=at(days=2))
    assert entered(interpret, found) == ["03-02 09:00", "03-03 09:00"]
    later = case(on_cron("0 9 * * *"), event("x", at(9 * 60 + 1), "bob"), end=at(days=2))
    assert entered(interpret, later) == ["03-03 09:00"]
    assert entered(interpret, case(on_cron("0 9 * * *"), end=at(days=2))) == []


def test_the_start_and_the_end_are_included(interpret: Interpret) -> None:
    found = case(on_cron("0 0 * * *"), start=at(), end=at(days=1))
    assert entered(interpret, found) == ["03-02 00:00", "03-03 00:00"]


def test_the_default_zone(interpret: Interpret) -> None:
    bounds = {"start": at(), "end": at(days=1)}
    assert entered(interpret, case(on_cron("0 9 * * *"), timezone=NEW_YORK, **bounds)) == ["03-02 14:00"]
    own = on_cron("0 9 * * *", zone="customer")
    assert entered(interpret, case(own, timezone=NEW_YORK, **bounds)) == ["03-02 14:00"]


@pytest.mark.parametrize(
    ("attribute", "column", "expected"),
    [
        (BERLIN, NEW_YORK, "03-02 14:00"),
        (None, NEW_YORK, "03-02 14:00"),
        ("Mars/Base", NEW_YORK, "03-02 14:00"),
        (3, "nowhere", "03-02 09:00"),
        (None, None, "03-02 09:00"),
    ],
)
def test_the_customer_s_zone(
    interpret: Interpret, attribute: Json, column: str | None, expected: str
) -> None:
    people = [{**customer(timezone=attribute), "timezone": column}]
    found = case(on_cron("0 9 * * *", zone="customer"), start=at(), end=at(days=1), customers=people)
    assert entered(interpret, found) == [expected]


def test_a_zone_that_changes_before_the_schedule_fires(interpret: Interpret) -> None:
    """9 o'clock in Berlin is 8:00 UTC, in New York 14:00: who moves may have it twice, or not at all."""
    nine = on_cron("0 9 * * *", zone="customer")
    bounds = {"start": at(), "end": at(days=1)}
    moved = [("UTC", BERLIN, ["03-02 08:00"]), (BERLIN, NEW_YORK, ["03-02 14:00"])]
    for old, new, expected in moved:
        people = [customer(timezone=old)]
        found = case(nine, changed("timezone", new, at(8 * 60)), customers=people, **bounds)
        assert entered(interpret, found) == expected
    late = case(nine, changed("timezone", BERLIN, at(8 * 60 + 1)), customers=[customer()], **bounds)
    assert entered(interpret, late) == []
    again = changed("timezone", NEW_YORK, at(8 * 60 + 1))
    both = case(nine, again, customers=[customer(timezone=BERLIN)], **bounds)
    assert entered(interpret, both) == ["03-02 08:00", "03-02 14:00"]


def test_a_zone_set_by_a_step_at_that_instant_comes_too_late(interpret: Interpret) -> None:
    move = workflow(action("update_attribute", attribute="timezone", value=BERLIN), workflow_id="a", on="go")
    nine = on_cron("0 9 * * *", zone="customer")
    found = case([move, nine], event("go", at(8 * 60)), start=at(), end=at(days=1) - timedelta(hours=8))
    assert [row[0] for row in runs_of(interpret(found))] == ["a"]


def test_customers_unknown_at_the_instant_are_left_out(interpret: Interpret) -> None:
    people = [customer(created_at=at(600))]
    found = case(on_cron("0 9 * * *"), start=at(), end=at(days=2), customers=people)
    assert entered(interpret, found) == ["03-03 09:00"]


def test_conditions_of_a_schedule(interpret: Interpret) -> None:
    on = trigger(type="time_based", cron="0 9 * * *", when=[condition("plan", "equals", "pro")])
    people = [customer("ann", plan="pro"), customer("bob")]
    found = interpret(case(workflow(on=on), start=at(), end=at(days=1), customers=people))
    assert [row["customer_id"] for row in found.executions] == ["ann"]
    asked = trigger(type="time_based", cron="0 9 * * *", when=[condition("event.x", "not_exists")])
    assert entered(interpret, case(workflow(on=asked), start=at(), end=at(days=1))) == ["03-02 09:00"]


def test_events_come_before_a_schedule_and_it_before_steps(interpret: Interpret) -> None:
    nine = trigger(type="time_based", cron="0 9 * * *")
    steps = workflow(wait("1h"), send(), exit_on=[nine])
    found = interpret(case(steps, event("go", at(8 * 60))))
    assert ends_of(found) == [("w", 480, "exited", 540)]
    assert found.messages == []
    same = interpret(case(steps, event("go", at(9 * 60)), end=at(days=0.5)))
    assert ends_of(same) == [("w", 540, "exited", 540)]


def test_a_schedule_is_seen_only_where_it_is_declared(interpret: Interpret) -> None:
    plain = workflow(on=trigger(type="time_based"), workflow_id="plain")
    other = on_cron("0 10 * * *", workflow_id="other")
    nine = on_cron("0 9 * * *", workflow_id="nine")
    found = interpret(case([plain, other, nine], start=at(), end=at(days=0.4)))
    assert [row[0] for row in runs_of(found)] == ["nine"]
    daily = event("daily", at(5), type="time_based")
    found = interpret(case([plain, nine], daily, start=at(), end=at(days=0.2)))
    assert [row[0] for row in runs_of(found)] == ["plain"]


def test_equal_schedules_of_a_workflow_are_one_fact_others_go_in_file_order(interpret: Interpret) -> None:
    nine, also = (trigger(type="time_based", cron=cron) for cron in ("0 9 * * *", "0 9,9 * * *"))
    bounds = {"start": at(), "end": at(days=0.5)}
    once = workflow(wait("1d"), on=[nine, nine])
    assert refusals_of(interpret(case(once, **bounds))) == []
    twice = workflow(wait("1d"), on=[nine, also])
    assert refusals_of(interpret(case(twice, **bounds))) == [("w", 540, "running")]
    ended = workflow(wait("1d"), on=[nine], exit_on=[also])
    assert ends_of(interpret(case(ended, **bounds))) == [("w", 540, "exited", 540)]
    before = workflow(wait("1d"), on=[also], goal=nine)
    assert ends_of(interpret(case(before, **bounds))) == [("w", 540, "converted", 540)]


def test_a_wait_for_a_schedule(interpret: Interpret) -> None:
    awaited = action("wait_for_event", type="time_based", event={"cron": "0 9 * * *"}, timeout="1d")
    found = interpret(case(workflow(awaited), event("go", at())))
    assert outcomes_of(found) == [(0, "0", "waiting"), (540, "0", "event")]


@pytest.mark.parametrize(
    ("value", "config", "zone", "expected"),
    [
        ("2026-03-10", {}, None, "03-10 00:00"),
        ("2026-03-10", {"offset": "-3d"}, None, "03-07 00:00"),
        ("2026-03-10", {"offset": "90m"}, None, "03-10 01:30"),
        ("2026-03-10T09:30", {}, BERLIN, "03-10 08:30"),
        ("2026-03-10 09:30:00", {}, NEW_YORK, "03-10 13:30"),
        ("2026-03-10T09:30:00+02:00", {}, NEW_YORK, "03-10 07:30"),
        ("2026-03-10T09:30Z", {"at": "09:00"}, BERLIN, "03-10 08:00"),
        ("2026-03-10T23:30Z", {"at": "09:00"}, BERLIN, "03-11 08:00"),
        ("2026-03-10", {"at": "09:00", "offset": "-1d"}, "UTC", "03-09 09:00"),
        # Days are of 24 hours; clocks change in New York on 8 March and 1 November, in Berlin on 29 March.
        ("2026-03-09T12:00", {"offset": "-2d"}, NEW_YORK, "03-07 16:00"),
        ("2026-03-09T12:00", {"offset": "-2d", "at": "12:00"}, NEW_YORK, "03-07 17:00"),
        ("2026-03-08T02:30", {}, NEW_YORK, "03-08 07:00"),
        ("2026-03-29T02:30", {"offset": "1h"}, BERLIN, "03-29 02:00"),
        ("2026-03-29", {"at": "02:15"}, BERLIN, "03-29 01:00"),
        ("2026-10-25T02:30", {}, BERLIN, "10-25 00:30"),
        ("2026-11-01", {"at": "01:30"}, NEW_YORK, "11-01 05:30"),
        ("2026-10-04T02:15", {}, LORD_HOWE, "10-03 15:30"),
        ("2026-04-05T01:45", {}, LORD_HOWE, "04-04 14:45"),
        ("10 March", {}, None, None),
        ("2026-02-30", {}, None, None),
        (20260310, {}, None, "03-10 00:00"),
        (310, {}, None, None),
    ],
)
def test_a_date_attribute(
    interpret: Interpret, value: Json, config: Row, zone: str | None, expected: str | None
) -> None:
    found = case(
        on_date(zone=zone, **config), start=at(), end=at(days=270), customers=[customer(renews=value)]
    )
    assert entered(interpret, found) == ([expected] if expected else [])


def test_it_fires_once_for_each_value(interpret: Interpret) -> None:
    """Another value arms it anew, an equal one doesn't, null disarms it."""
    dates = on_date()
    events = [
        changed("renews", "2026-03-04", at(1)),
        changed("renews", "2026-03-05", at(2)),
        changed("renews", "2026-03-05", at(days=3.5)),
        changed("renews", "2026-03-08", at(days=4)),
        changed("renews", None, at(days=5)),
        changed("renews", "2026-03-08", at(days=5.5)),
        changed("renews", "2026-03-11", at(days=6)),
    ]
    assert entered(interpret, case(dates, *events[:3])) == ["03-05 00:00"]
    assert entered(interpret, case(dates, *events[:5])) == ["03-05 00:00"]
    assert entered(interpret, case(dates, *events[:6])) == ["03-05 00:00", "03-08 00:00"]
    assert entered(interpret, case(dates, *events)) == ["03-05 00:00", "03-11 00:00"]


def test_a_value_arms_only_what_is_later_than_the_moment_it_is_set(interpret: Interpret) -> None:
    for moment, expected in [(at(days=2), []), (at(days=2) - timedelta(microseconds=1), ["03-04 00:00"])]:
        assert entered(interpret, case(on_date(), changed("renews", "2026-03-04", moment))) == expected
    gone = [changed("renews", "2026-03-04", at(1)), changed("renews", "2026-03-01", at(2))]
    assert entered(interpret, case(on_date(), *gone)) == []


def test_a_value_set_by_a_step(interpret: Interpret) -> None:
    set_it = workflow(action("update_attribute", attribute="renews", value="2026-03-04"), workflow_id="a")
    found = interpret(case([set_it, on_date()], event("go", at())))
    assert [row[:2] for row in runs_of(found)] == [("a", 0), ("w", 2 * 24 * 60)]


def test_the_zone_is_that_of_the_moment_it_is_set(interpret: Interpret) -> None:
    dates = on_date(zone="customer")
    people = [customer(timezone=BERLIN)]
    armed, moved = changed("renews", "2026-03-04", at(1)), changed("timezone", NEW_YORK, at(2))
    assert entered(interpret, case(dates, armed, moved, customers=people)) == ["03-03 23:00"]
    again = changed("renews", "2026-03-04", at(3))
    assert entered(interpret, case(dates, armed, moved, again, customers=people)) == ["03-03 23:00"]
    other = changed("renews", "2026-03-04T00:00", at(3))
    assert entered(interpret, case(dates, armed, moved, other, customers=people)) == ["03-04 05:00"]


def test_instants_before_the_start_do_not_fire(interpret: Interpret) -> None:
    people = [customer("ann", renews="2026-03-03"), customer("bob", renews="2026-03-04")]
    found = interpret(case(on_date(), start=at(days=2), customers=people))
    assert [(row["customer_id"], minutes(row["entered_at"])) for row in found.executions] == [("bob", 2880)]
    told = changed("renews", "2026-03-05", at(1))
    assert entered(interpret, case(on_date(), told, start=at(days=2))) == ["03-05 00:00"]


def test_follow_ups_come_after_all_schedules_of_an_instant(interpret: Interpret) -> None:
    """`started` is a follow-up fact: it comes after the schedules of both."""
    first = workflow(tag("x"), workflow_id="a", on=trigger(type="time_based", cron="0 9 * * *"))
    asks = trigger("started", type="workflow_action", workflow_id="a")
    second = workflow(
        wait("1h"), workflow_id="b", on=asks, exit_on=[trigger(type="time_based", cron="0 9 * * *")]
    )
    found = interpret(case([first, second], start=at(), end=at(days=0.5)))
    assert ends_of(found) == [("a", 540, "completed", 540), ("b", 540, "completed", 600)]
