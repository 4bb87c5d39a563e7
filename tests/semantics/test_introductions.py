"""§4, "Customers from events": whom events make known, from when on, and since when they are customers."""

from typing import Any

import pytest

from tests.semantics.cases import (
    Interpret,
    at,
    case,
    changed,
    condition,
    customer,
    ends_of,
    event,
    send,
    tag,
    trigger,
    workflow,
)
from tests.semantics.cases import Row as Event

ADDRESS = {"email": "ann@example.com"}


def identify(minutes: float, **traits: Any) -> Event:
    return event("identify", at(minutes), attributes=traits or None)


def entered(
    interpret: Interpret, *events: Event, customers: tuple[Event, ...] = (), on: Any = "go"
) -> list[Any]:
    """(minute of entry) of each, and how many events were of unknown customers."""
    found = interpret(case(workflow(send(), on=on), *events, customers=list(customers)))
    return [row[1] for row in ends_of(found)] + [found.counts["unknown_customer"]]


@pytest.mark.parametrize(
    "introducing",
    [
        identify(5),
        identify(5, plan="pro"),
        event("page", at(5), attributes=ADDRESS),
        event("crm", at(5), type="external_event", attributes=ADDRESS),
        event("plan", at(5), type="attribute_change", properties={"new_value": 1}, attributes=ADDRESS),
    ],
)
def test_an_identify_or_an_address_makes_a_customer_known(interpret: Interpret, introducing: Event) -> None:
    assert entered(interpret, event("go", at()), introducing, event("go", at(9))) == [9, 1]


@pytest.mark.parametrize(
    "other",
    [
        event("page", at(5), attributes={"email": " \u00a0"}),
        event("page", at(5), attributes={"email": 3}),
        event("page", at(5), attributes={"email": None, "plan": "pro"}),
        event("page", at(5), properties={"email": "ann@example.com"}),
        event("email", at(5), type="attribute_change", properties={"new_value": "ann@example.com"}),
        event("identify", at(5), type="external_event"),
    ],
)
def test_nothing_else_does(interpret: Interpret, other: Event) -> None:
    assert entered(interpret, event("go", at()), other, event("go", at(9))) == [3]


def test_the_introducing_event_is_seen_itself(interpret: Interpret) -> None:
    met = event("go", at(5), attributes=ADDRESS)
    assert entered(interpret, met) == [5, 0]
    change = trigger("email", "attribute_change")
    assert entered(interpret, met, on=change) == [5, 0]


def test_what_acts_before_it_at_its_instant_is_not_seen(interpret: Interpret) -> None:
    first, last = event("go", at(5), event_id="a"), event("go", at(5), event_id="z")
    met = identify(5)
    assert entered(interpret, first, met) == [0]
    assert entered(interpret, met, last) == [5, 0]


def test_a_file_of_a_later_day_keeps_a_customer_unknown(interpret: Interpret) -> None:
    later = customer(created_at=at(60))
    events = [identify(5, **ADDRESS), event("go", at(9)), event("go", at(61))]
    assert entered(interpret, *events, customers=(later,)) == [61, 2]


@pytest.mark.parametrize(
    ("traits", "day"),
    [
        ({"createdAt": "2026-02-01"}, "2026-02-01"),
        ({"created_at": "20260201"}, "2026-02-01"),
        ({"createdAt": "soon", "created_at": 1769904000}, "2026-02-01"),
        ({"createdAt": "2026-02-01", "created_at": "2026-01-15"}, "2026-01-15"),
        ({"createdAt": "2031-01-01"}, "2026-03-02T00:05:00Z"),
        ({}, "2026-03-02T00:05:00Z"),
    ],
)
def test_a_customer_since_the_earlier_of_then_and_what_traits_say(
    interpret: Interpret, traits: dict[str, Any], day: str
) -> None:
    since = [condition("created_at", "between", [day, day])]
    found = interpret(
        case(
            workflow(tag("x"), on=trigger("go", when=since)),
            identify(5, **traits),
            event("go", at(9)),
            customers=[],
        )
    )
    assert len(found.executions) == 1


def test_only_the_introduction_says_since_when(interpret: Interpret) -> None:
    since = [condition("created_at", "before", "2026-02-15")]
    events = [identify(5), identify(6, created_at="2026-02-01"), event("go", at(9))]
    found = interpret(case(workflow(tag("x"), on=trigger("go", when=since)), *events, customers=[]))
    assert found.executions == []
    assert "created_at" not in found.profiles["ann"]["attributes"]


@pytest.mark.parametrize("name", ["customer_id", "created_at"])
@pytest.mark.parametrize("carried", [True, False])
def test_what_no_condition_could_read_is_not_kept_and_tells_no_change(
    interpret: Interpret, name: str, carried: bool
) -> None:
    day = "2026-01-01"
    told = event("go", at(5), attributes={name: day}) if carried else changed(name, day, at(5))
    heard = trigger(name, "attribute_change")
    found = interpret(case(workflow(tag("x"), on=heard), told, customers=[customer(), customer("bob")]))
    assert len(found.executions) == (0 if carried else 1)
    assert name not in found.profiles["ann"]["attributes"]


def test_a_date_of_before_the_introduction_does_not_fire(interpret: Interpret) -> None:
    after = {"type": "time_based", "config": {"attribute": "created_at", "offset": "1d"}, "conditions": []}
    old, new = identify(5, createdAt="2026-02-27"), identify(5)
    assert entered(interpret, old, on=after) == [0]
    assert entered(interpret, new, on=after) == [1445, 0]


def test_a_history_event_introduces(interpret: Interpret) -> None:
    found = interpret(
        case(workflow(send()), identify(-60, **ADDRESS), event("go", at(1)), customers=[], start=at())
    )
    assert ends_of(found) == [("w", 1, "completed", 1)]


def test_email_and_zone_of_a_file_are_attributes(interpret: Interpret) -> None:
    mine = customer() | {"email": "ann@example.com", "timezone": "Europe/Berlin"}
    reads = [condition("email", "ends_with", "example.com"), condition("timezone", "equals", "Europe/Berlin")]
    found = interpret(
        case(workflow(tag("x"), on=trigger("go", when=reads)), event("go", at()), customers=[mine])
    )
    assert len(found.executions) == 1
    assert found.profiles["ann"]["attributes"] == {}


def test_an_event_changes_the_one_value_of_email_and_zone(interpret: Interpret) -> None:
    mine = customer() | {"email": "old@example.com", "timezone": "Europe/Berlin"}
    moved = event("moved", at(1), attributes={"email": "new@example.com", "timezone": "UTC"})
    nine = {"type": "time_based", "config": {"cron": "0 9 * * *", "timezone": "customer"}}
    reads = {"conditions": [condition("email", "equals", "new@example.com")]}
    found = interpret(
        case(workflow(tag("x"), on=nine | reads), moved, customers=[mine], start=at(), end=at(days=0.5))
    )
    assert ends_of(found) == [("w", 540, "completed", 540)]
    assert found.profiles["ann"]["attributes"] == {"email": "new@example.com", "timezone": "UTC"}
