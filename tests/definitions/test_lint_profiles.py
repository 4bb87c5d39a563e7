"""`onward validate --data`: what profiles hold that rules can't read."""

from pathlib import Path

import pytest

from flows.definitions.folder import load_definitions
from flows.definitions.lint import lint_data
from tests.definitions.test_lint_data import asks, linted
from tests.runs import House, house, person
from tests.semantics.cases import Row, at, changed, event, send, tag, trigger, workflow

MAIL = send("hello", content="Hi")
HELD_BACK = "is neither a no nor a yes and holds nobody back"


def found(home: House, *people: Row) -> list[str]:
    """The warnings after these customers came, each up to what is to be done."""
    home.customers("people", *people)
    home.events("go", event("go", at(5), "nobody"))
    home.tick(at(10))
    definitions = load_definitions(home.settings.workflows)
    warnings = lint_data(home.settings, definitions)
    assert warnings is not None
    return [one.partition("; ")[0] for one in warnings]


def test_counts_of_events_that_nobody_sent() -> None:
    conditions = [
        asks("events.purchse.count.30d", "greater_than"),
        asks("events.purchase.sum", "greater_than"),
        asks("events.visit.days_since", "less_than"),
    ]
    warned = linted(
        workflow(tag("a", when=conditions)), names={("behavioral", "go"), ("behavioral", "purchase")}
    )
    assert warned == [
        "w: actions[0].conditions[0]: no behavioral event 'purchse' was ever loaded; did you mean 'purchase'?",
        "w: actions[0].conditions[2]: no behavioral event 'visit' was ever loaded; check its spelling, or load such "
        "data",
    ]


def test_dates_of_schedules_that_nobody_has() -> None:
    on = [trigger(None, "time_based", attribute=name, offset="-1d") for name in ("trial_ends", "created_at")]
    assert linted(workflow(tag("a"), on=on), attributes=["trial_ends_at"]) == [
        "w: triggers[0].config.attribute: no customer ever had an attribute 'trial_ends', and no step sets it; did you "
        "mean 'trial_ends_at'?"
    ]


def test_consent_that_says_neither(tmp_path: Path) -> None:
    people = [
        *(person(who, email_consent="perhaps") for who in ("ann", "bob")),
        person("cy", email_consent=3, subscription_status="Möglich"),
        person("dee", email_consent=" No ", subscription_status=" "),
        person("eve", email_consent=True, subscription_status="Opted-In"),
    ]
    assert found(house(tmp_path / "a", workflow(MAIL)), *people) == [
        f'email_consent: 2 customers have "perhaps", which {HELD_BACK}',
        f"email_consent: 1 customer has 3, which {HELD_BACK}",
        f'subscription_status: 1 customer has "Möglich", which {HELD_BACK}',
    ]
    assert found(house(tmp_path / "b", workflow(tag("a"))), *people) == []


def test_zones_that_nobody_knows(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("a")))
    home.events("moved", changed("timezone", "GMT+2", at(1), customer_id="ann"))
    people = [person("ann"), person("bob", timezone="+02:00"), person("cy", timezone=" europe/berlin ")]
    assert found(home, *people, person("dee", timezone="W. Europe Standard Time")) == [
        f"timezone: 1 customer has {zone}, which is no time zone that is known, so that the default counts"
        for zone in ('"+02:00"', '"GMT+2"')
    ]


@pytest.mark.parametrize(
    "rules",
    [
        {"on": trigger(None, "time_based", attribute="ends", offset="-1d")},
        {"on": trigger("go", when=[asks("ends", "before", "2026-03-01")])},
    ],
)
def test_dates_that_can_t_be_read(tmp_path: Path, rules: Row) -> None:
    people = [
        person("ann", ends="2026-03-01"),
        person("bob", ends="next week"),
        person("cy", ends="03/01/2026"),
        person("dee"),
        person("eve", ends=1772357415),
    ]
    (said,) = found(house(tmp_path, workflow(tag("a"), **rules)), *people)
    assert said.endswith(
        "2 of 4 customers with 'ends' have a value that is no date or time, such as \"03/01/2026\""
    )
    assert said.startswith("w: triggers[0].")


def test_nobody_with_an_address_though_workflows_send(tmp_path: Path) -> None:
    people = [person("ann", email=None), person("bob", email=" ")]
    assert found(house(tmp_path / "a", workflow(MAIL)), *people) == [
        "email: none of 2 customers has an e-mail address, and workflows send"
    ]
    assert found(house(tmp_path / "b", workflow(MAIL, is_active=False)), *people) == []


def test_customers_that_share_an_address(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL))
    people = [
        person("ann-old", email="ann@example.com"),
        person("ann-new", email="Ann <ANN@example.com>"),
        person("bob", email="bob@müller.example"),
        person("bob2", email="bob@xn--mller-kva.example"),
        person("bob3", email="Bob@Müller.example"),
        person("cy"),
        person("dee", email=None),
        person("eve", email=""),
    ]
    home.customers("people", *people)
    home.tick(at(10))
    (said,) = lint_data(home.settings, load_definitions(home.settings.workflows)) or ()
    assert said == (
        "email: 2 addresses belong to more than one customer, who each get every letter: "
        "bob@xn--mller-kva.example (bob, bob2, bob3); ann@example.com (ann-new, ann-old); "
        "give one person one customer_id"
    )
