"""Whom crons may let enter, by columns: who is left out of it, and has nothing else to do, has no row of any kind."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import event as noted
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.engine import interface
from tests.engine.strategies import plain_cases, tick_boundaries
from tests.engine.strategies_language import (
    PATTERN_NAMES,
    ZONES,
    Kit,
    crons,
    customer,
    groups,
    new_condition,
    patterns,
    zone_names,
)
from tests.engine.strategies_workflows import conditions
from tests.semantics.cases import Case, Row, at, tag, workflow
from tests.semantics.cases import customer as person
from transforms.engine.decide import decide
from transforms.engine.introductions import introduced_by, with_introduced
from transforms.engine.layout.cron_reach import CronReach, cron_reach
from transforms.engine.layout.reach import active_customers
from transforms.engine.ledger import Decided
from transforms.engine.state import State, Tick
from transforms.tables.frames import EXECUTIONS

OWNED = ("steps", "messages", "webhooks", "goal_hits", "refusals", "attributes", "tags", "alarms")
FEATURES = frozenset({"patterns", "operators", "nested", "schedules"})
NIGHTLY = {"cron": "0 2 * * *"}


def among(reach: CronReach, state: State) -> set[str]:
    """Who may enter, by as little of the state as is asked for."""
    attributes = state.attributes.filter(pl.col("attribute").is_in(reach.attributes))
    tags = state.tags if reach.tags is None else state.tags.filter(pl.col("tag").is_in(reach.tags))
    found = reach.among(state.customers.lazy(), attributes.lazy(), tags.lazy())
    assert found.is_unique().all()
    return set(found)


@st.composite
def cron_cases(draw: DrawFn) -> Case:
    """A case in which crons let customers enter on all kinds of conditions."""
    case = draw(plain_cases(most_events=8, most_workflows=2))
    names = draw(st.lists(st.sampled_from(PATTERN_NAMES), min_size=1, max_size=2, unique=True))
    kit = Kit(FEATURES, {name: draw(patterns) for name in names}, case.end)
    one = st.one_of(conditions(decision=False), new_condition(kit))
    some = st.lists(st.one_of(one, groups(one, one)), min_size=1, max_size=2)
    config = st.fixed_dictionaries({"cron": crons}, optional={"timezone": zone_names})
    cron = st.fixed_dictionaries({"type": st.just("time_based"), "config": config, "conditions": some})
    return replace(
        case,
        workflows=[row | {"triggers": [draw(cron)]} for row in case.workflows],
        customers=[customer(draw, row, kit) for row in case.customers],
        patterns=kit.patterns,
        timezone=draw(st.sampled_from(["UTC", *ZONES])),
    )


def checked(left_out: list[set[str]], *given: Any) -> Decided:
    """Decide a tick, and see that nothing is decided for those who needn't be looked at."""
    program, state, facts, signals, tick, *_ = given
    decided = decide(*given)
    known = with_introduced(state, introduced_by(state, facts))
    active = set(active_customers(program, known, facts.events, tick)) | set(signals.facts["customer_id"])
    idle = set(known.customers["customer_id"]) - active - among(cron_reach(program, tick), known)
    went_on = decided.executions.join(state.executions, on=[*EXECUTIONS], how="anti", nulls_equal=True)
    for rows in (went_on, *(getattr(decided, name) for name in OWNED)):
        assert not idle & set(rows["customer_id"])
    left_out.append(idle)
    return decided


@given(data=st.data())
def test_nothing_comes_of_crons_for_those_left_out(data: st.DataObject) -> None:
    case = data.draw(cron_cases())
    boundaries, left_out = data.draw(tick_boundaries(case)), list[set[str]]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interface, "decide_tick", lambda *given: checked(left_out, *given))
        interface.decide(case, boundaries)
    noted(f"left out: {min(sum(map(len, left_out)), 5)}")


def reached(config: Row, *when: Row, tick: Tick | None = None, **people: Row) -> list[str]:
    """Whom a cron with these conditions may let enter, of these people."""
    triggers = [{"type": "time_based", "config": config, "conditions": list(when)}]
    rows = [person(name) | given for name, given in people.items()]
    case = Case([workflow(tag("t"), triggers=triggers)], rows, [], at(60 * 24))
    program, state = interface.program_of(case), interface.state_of(case.customers)
    return sorted(among(cron_reach(program, tick or night()), state))


def night(hours: float = 24, zone: str = "UTC") -> Tick:
    """A tick of so many hours from the start of the cases on."""
    return Tick(at(hours * 60), at(0), timezone=zone)


def has(**attributes: Any) -> Row:
    return {"attributes": attributes}


def where(attribute: str, operator: str, value: Any = None) -> Row:
    row = {"attribute": attribute, "operator": operator}
    return row if value is None else row | {"value": value}


SCORE = where("score", "equals", 42)
PEOPLE = {"ann": has(score=42), "bob": has(score=41), "cy": has(), "dan": has(score=42.0, plan="gold")}


def test_all_conditions_narrow_it_down() -> None:
    assert reached(NIGHTLY, SCORE, **PEOPLE) == ["ann", "dan"]
    assert reached(NIGHTLY, SCORE, where("plan", "equals", "gold"), **PEOPLE) == ["dan"]
    assert reached(NIGHTLY, SCORE, where("plan", "not_equals", "gold"), **PEOPLE) == ["ann"]
    assert reached(NIGHTLY, where("score", "not_exists"), **PEOPLE) == ["cy"]
    assert reached(NIGHTLY, {"not": [SCORE]}, **PEOPLE) == ["bob", "cy"]
    assert reached(NIGHTLY, {"any": [SCORE, where("score", "not_exists")]}, **PEOPLE) == ["ann", "cy", "dan"]
    assert reached(NIGHTLY, **PEOPLE) == ["ann", "bob", "cy", "dan"]


def test_what_only_the_lanes_can_tell_counts_as_met() -> None:
    bought = where("events.purchase.count.7d", "greater_than", 3)
    assert reached(NIGHTLY, bought, SCORE, **PEOPLE) == ["ann", "dan"]
    assert reached(NIGHTLY, {"not": [bought]}, SCORE, **PEOPLE) == ["ann", "dan"]
    assert reached(NIGHTLY, {"not": [{"all": [bought, SCORE]}]}, **PEOPLE) == ["ann", "bob", "cy", "dan"]


def test_facts_of_crons_have_no_properties() -> None:
    assert reached(NIGHTLY, {"all": [where("event.x", "equals", 1)]}, **PEOPLE) == []
    assert len(reached(NIGHTLY, {"all": [where("event.x", "not_equals", 1)]}, **PEOPLE)) == len(PEOPLE)


def test_values_inside_others_and_fields_of_the_profile() -> None:
    people = {"ann": has(home={"city": "Bern"}), "bob": has(home={"city": "Basel"}), "cy": has()}
    people["dan"] = has(home={"city": "Bern"}, **{"home.city": "Basel"})
    assert reached(NIGHTLY, where("home.city", "equals", "Bern"), **people) == ["ann"]
    assert reached(NIGHTLY, where("home.city", "not_equals", "Bern"), **people) == ["bob", "cy", "dan"]
    assert reached(NIGHTLY, where("customer_id", "equals", "cy"), **people) == ["cy"]
    new = {"ann": {"created_at": at(5)}, "bob": {"created_at": at(900)}, "cy": {"created_at": None}}
    assert reached(NIGHTLY, where("created_at", "before", at(60).isoformat()), **new) == ["ann"]


def test_recent_values() -> None:
    people = {
        name: has(seen=at(60 * hours).isoformat()) for name, hours in (("ann", -30), ("bob", -3), ("cy", 30))
    }
    recent = where("seen", "within_last", "12h")
    assert reached(NIGHTLY, recent, **people) == ["bob"]
    assert reached(NIGHTLY, {"not": [recent]}, **people) == ["ann", "bob", "cy"]


def test_tags() -> None:
    people = {"ann": {"tags": ["a"]}, "bob": {"tags": ["a", "b"]}, "cy": {"tags": []}}
    assert reached(NIGHTLY, where("tags", "contains", "b"), **people) == ["bob"]
    assert reached(NIGHTLY, where("tags", "equals", []), **people) == ["cy"]
    assert reached(NIGHTLY, where("tags", "not_equals", []), **people) == ["ann", "bob"]
    assert reached(NIGHTLY, where("tags", "equals", ["a"]), **people) == ["ann", "bob"]  # one too many


def test_only_those_who_are_known_in_time() -> None:
    people = {"ann": {"created_at": at(60 * 23)}, "bob": {"created_at": at(60 * 25)}}
    assert reached(NIGHTLY, **people) == ["ann"]


@pytest.mark.parametrize(("hours", "who"), [(1, []), (2, ["ann", "cy"]), (8, ["ann", "bob", "cy"])])
def test_only_in_zones_where_it_fires(hours: float, who: list[str]) -> None:
    people = {"ann": has(), "bob": has(timezone="America/New_York"), "cy": has(timezone="Mars/Base")}
    assert reached({"cron": "0 2 * * *", "timezone": "customer"}, tick=night(hours), **people) == who


def test_a_cron_that_does_not_fire_asks_nothing() -> None:
    program = interface.program_of(
        Case(
            [workflow(tag("t"), triggers=[{"type": "time_based", "config": NIGHTLY, "conditions": [SCORE]}])],
            [],
            [],
            at(0),
        )
    )
    assert cron_reach(program, night(1)).nobody
    asked = cron_reach(program, night(3))
    assert (asked.nobody, asked.attributes, asked.tags) == (False, ("score",), ())


def test_customers_may_be_told_apart_by_numbers() -> None:
    program = interface.program_of(
        Case(
            [workflow(tag("t"), triggers=[{"type": "time_based", "config": NIGHTLY, "conditions": [SCORE]}])],
            [],
            [],
            at(0),
        )
    )
    customers = pl.LazyFrame({"key": [7, 8], "known": True, "created_at": None})
    attributes = pl.LazyFrame({"key": [7, 8], "attribute": "score", "value": ["42", "1"]})
    tags = pl.LazyFrame(schema={"key": pl.Int64, "tag": pl.String})
    assert cron_reach(program, night()).among(customers, attributes, tags, by="key").to_list() == [7]
