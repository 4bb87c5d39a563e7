"""§5: names with dots, and the profile's own fields, wherever a name is looked up."""

from typing import Any

import pytest

from tests.semantics.cases import (
    Interpret,
    Json,
    action,
    at,
    case,
    changed,
    condition,
    customer,
    event,
    outcomes_of,
    runs_of,
    tag,
    tags_of,
    trigger,
    workflow,
)

HOME = {"city": "Bern", "lines": ["Gasse 1", {"floor": 2}], "none": None, "": {"x": 1}}


@pytest.mark.parametrize(
    ("attributes", "name", "value"),
    [
        ({"home": HOME}, "home.city", "Bern"),
        ({"home": HOME}, "home.lines.0", "Gasse 1"),
        ({"home": HOME}, "home.lines.1.floor", 2.0),
        ({"home": HOME}, "home..x", 1),
        ({"home": HOME, "home.city": "Basel"}, "home.city", "Basel"),
        ({"home": HOME, "home.city": None}, "home.city", "Bern"),
        ({"a.b": {"c": 1}, "a": {"b": {"c": 2}}}, "a.b.c", 2),
        ({"home": {"0": {"1": "x"}}}, "home.0.1", "x"),
        ({"home": {"lines.0": "whole", "lines": ["part"]}}, "home.lines.0", "part"),
    ],
)
def test_a_whole_name_comes_first_then_each_dot_leads_inside(
    interpret: Interpret, attributes: dict[str, Any], name: str, value: Json
) -> None:
    steps = workflow(tag("hit", when=[condition(name, "equals", value)]))
    person = {**customer(), "attributes": attributes}
    assert tags_of(interpret(case(steps, event("go", at()), customers=[person]))) == ["hit"]


@pytest.mark.parametrize(
    "name",
    [
        *("home.City", "home.none", "home.lines.2", "home.lines.00", "home.lines.-1", "home.lines.1.0"),
        *("home.lines.0.0", "home.city.0", "home.lines.", ".home", "nowhere.city", "home.lines.١", "tags.0"),
        *("home.lines.99999999999999999999999", "created_at.city", "customer_id.0"),
    ],
)
def test_what_leads_nowhere_is_null(interpret: Interpret, name: str) -> None:
    steps = workflow(tag("hit", when=[condition(name, "exists", value=False)]))
    found = interpret(case(steps, event("go", at()), customers=[customer(home=HOME, tags=["x"])]))
    assert tags_of(found) == ["hit", "x"]


def test_properties_of_events_in_conditions_keys_and_bounds(interpret: Interpret) -> None:
    data = {"data": {"carrier": "post", "items": [{"sku": "a", "price": 12}]}}
    exact = trigger("go", **{"data.carrier": "post", "minimum_data.items.0.price": 12})
    dear = trigger("go", **{"minimum_data.items.0.price": 13})
    asks = workflow(
        tag("sku", when=[condition("event.data.items.0.sku", "equals", "a")]), on=exact, workflow_id="a"
    )
    found = interpret(
        case([asks, workflow(tag("dear"), on=dear, workflow_id="b")], event("go", at(), properties=data))
    )
    assert tags_of(found) == ["sku"]


def test_changes_waits_and_goals_look_inside_too(interpret: Interpret) -> None:
    moved = trigger("home", "attribute_change", **{"new_value.city": "Bern"})
    steps = workflow(
        action("wait_for_event", event={"data.carrier": "post"}),
        tag("came", when=[condition("event.old_value.city", "equals", "Basel")]),
        action("wait", duration="1d"),
        on=moved,
        goal=trigger("buy", when=[condition("event.data.carrier", "equals", "bike")]),
    )
    found = interpret(
        case(
            steps,
            event("set", at(), attributes={"home": {"city": "Basel"}}),
            event("set", at(1), attributes={"home": {"city": "Bern"}}),
            event("buy", at(2), properties={"data": {"carrier": "post"}}),
            event("buy", at(3), properties={"data": {"carrier": "bike"}}),
        )
    )
    assert tags_of(found) == ["came"]
    assert runs_of(found) == [("w", 1, "default", "converted", 3)]


def test_an_attribute_of_a_step_is_looked_into_at_once(interpret: Interpret) -> None:
    steps = workflow(
        action("update_attribute", attribute="home", value={"city": "Bern"}),
        tag("inside", when=[condition("home.city", "equals", "Bern")]),
        action("update_attribute", attribute="home.city", value="Basel"),
        tag("whole", when=[condition("home.city", "equals", "Basel")]),
        action("update_attribute", attribute="home.city", value=None),
        tag("again", when=[condition("home.city", "equals", "Bern")]),
    )
    assert tags_of(interpret(case(steps, event("go", at())))) == ["again", "inside", "whole"]


def test_fields_of_the_profile_come_before_attributes_of_that_name(interpret: Interpret) -> None:
    steps = workflow(
        tag("id", when=[condition("customer_id", "equals", "ann")]),
        tag("text", when=[condition("created_at", "equals", "2026-03-02T00:00:00Z")]),
        tag("before", when=[condition("created_at", "before", "2026-03-02T00:00:01Z")]),
        tag("recent", when=[condition("created_at", "within_last", "1d")]),
    )
    people = [customer(created_at=at())]
    found = interpret(case(steps, event("go", at(1)), customers=people))
    assert tags_of(found) == ["before", "id", "recent", "text"]


def test_no_creation_is_null(interpret: Interpret) -> None:
    steps = workflow(tag("none", when=[condition("created_at", "not_exists")]))
    assert tags_of(interpret(case(steps, event("go", at())))) == ["none"]


def test_a_schedule_by_the_creation(interpret: Interpret) -> None:
    on = trigger(type="time_based", attribute="created_at", offset="3d")
    people = [customer(created_at=at(90)), customer("bob"), customer("cy", created_at=at(days=8))]
    found = interpret(case(workflow(tag("t"), on=on), customers=people, start=at()))
    assert [(row["customer_id"], row["entered_at"]) for row in found.executions] == [("ann", at(90, days=3))]


def test_a_schedule_by_a_date_inside(interpret: Interpret) -> None:
    on = trigger(type="time_based", attribute="stay.from", offset="-1d")
    found = interpret(
        case(
            workflow(tag("t"), on=on, workflow_id="w"),
            changed("stay", {"from": "2026-03-05", "rooms": 1}, at()),
            changed("stay", {"from": "2026-03-05", "rooms": 2}, at(10)),
            changed("stay", {"from": "2026-03-08"}, at(days=4)),
            changed("stay.from", "2026-03-10", at(days=4, minutes=1)),
            start=at(),
        )
    )
    assert [minutes / 1440 for _, minutes, *_ in runs_of(found)] == [2, 7]


def test_what_is_read_inside_is_kept_between_ticks(interpret: Interpret) -> None:
    steps = workflow(
        action("wait", duration="2d"),
        tag("later", when=[condition("home.city", "equals", "Bern"), condition("event.data.k", "equals", 1)]),
    )
    found = interpret(
        case(steps, event("go", at(), properties={"data": {"k": 1}}), customers=[customer(home=HOME)])
    )
    assert outcomes_of(found) == [(0, "0", "done"), (2 * 1440, "1", "done")]
