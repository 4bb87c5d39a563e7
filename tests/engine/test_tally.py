"""What triggers were asked, counted while the engine decides: as the oracle counts, and nothing changes by it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine import interface
from tests.engine.compare import assert_same
from tests.engine.strategies import cases, tick_boundaries
from tests.oracle import interpreter
from tests.semantics.cases import (
    Case,
    Result,
    Row,
    at,
    case,
    changed,
    condition,
    customer,
    event,
    send,
    tag,
    trigger,
    workflow,
)
from transforms.engine.tally import Tally


def tallied(given: Case) -> Result:
    return interface.decide(given, (), Tally(interface.program_of(given)))


@given(data=st.data())
@settings(max_examples=settings().max_examples // 3)
def test_triggers_are_counted_as_one_customer_at_a_time_tells(data: st.DataObject) -> None:
    """Whatever the ticks; and counting changes nothing of what is decided."""
    given = data.draw(cases())
    boundaries = data.draw(tick_boundaries(given))
    found = interface.decide(given, boundaries, Tally(interface.program_of(given)))
    assert found.considered == interpreter.decide(given).considered
    assert_same(interface.decide(given, boundaries), found, ("as it is", "counted"))


BUYER = trigger(
    "buy",
    minimum_total=50,
    when=[condition("plan", "equals", "pro"), condition("event.shop", "equals", "north")],
)


def bought(minute: int, total: float, shop: str, who: str = "ann") -> Row:
    return event("buy", at(minute), who, properties={"total": total, "shop": shop})


def test_what_fails_first_in_the_file_counts_though_more_fails_behind_it() -> None:
    """The condition on the customer stands before that on the event, and is named where both fail."""
    events = [
        bought(1, 20, "south"),
        bought(2, 60, "south"),
        bought(3, 60, "south", "ben"),
        bought(4, 60, "north", "ben"),
        event("look", at(5)),
    ]
    people = [customer(plan="free"), customer("ben", plan="pro")]
    found = tallied(case(workflow(send(), on=BUYER), *events, customers=people))
    assert found.considered == {
        ("w", "triggers[0].config.minimum_total"): 1,
        ("w", "triggers[0].conditions[0]"): 1,
        ("w", "triggers[0].conditions[1]"): 1,
        ("w", "triggers[0]"): 1,
    }


def test_a_second_trigger_is_asked_only_where_the_first_refuses() -> None:
    both = [trigger("buy", minimum_total=50), trigger("buy")]
    found = tallied(case(workflow(send(), on=both), bought(1, 20, "north"), bought(2, 60, "north")))
    assert found.considered == {
        ("w", "triggers[0].config.minimum_total"): 1,
        ("w", "triggers[0]"): 1,
        ("w", "triggers[1]"): 1,
    }


def test_facts_that_a_workflow_causes_are_counted_and_strangers_are_not() -> None:
    tagger = workflow(tag("seen"), workflow_id="a")
    follower = workflow(
        send(), workflow_id="b", on=trigger("add_tag", "workflow_action", workflow_id="other")
    )
    given = case([tagger, follower], event("go", at(1)), event("go", at(1), "nobody"))
    assert tallied(given).considered == interpreter.decide(given).considered
    assert tallied(given).considered == {
        ("a", "triggers[0]"): 1,
        ("b", "triggers[0].config.workflow_id"): 1,
    }


@pytest.mark.parametrize("old", [None, 5])
def test_a_change_of_an_attribute_is_asked_as_others_are(old: int | None) -> None:
    crossing = trigger("score", "attribute_change", crosses_above=3)
    found = tallied(case(workflow(send(), on=crossing), changed("score", 4, at(1), old)))
    place = "triggers[0]" if old is None else "triggers[0].config.crosses_above"
    assert found.considered == {("w", place): 1}


def test_what_a_schedule_starts_is_not_counted() -> None:
    daily = workflow(send(), on={"type": "time_based", "config": {"cron": "0 9 * * *"}, "conditions": []})
    assert tallied(case(daily, event("go", at(1)))).considered == {}
