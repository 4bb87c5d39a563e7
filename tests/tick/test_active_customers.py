"""Whom a tick reads from the store: at least everybody to whom something happens by the engine's own rule."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given, settings

from flows.decide import pending
from flows.decide.state import read_state
from tests.engine.strategies import ticked_cases
from tests.runs import FORMATS, house, person
from tests.semantics.cases import Case, Row, at, event, tag, wait, workflow
from tests.tick.test_equals_oracle import run_ticks
from transforms.columns.json_values import inner_value, read_json
from transforms.engine.layout.reach import active_customers, with_cron_customers
from transforms.engine.state import State, Tick
from transforms.program.model import Program

ENDS: Row = {"type": "time_based", "config": {"attribute": "ends"}}
Looks = list[tuple[set[str], set[str]]]


@contextmanager
def looks() -> Generator[Looks]:
    """Of each tick in the block: the customers that were read, and those who are active of all there are."""
    found: Looks = []
    facts: list[Any] = []

    def reading_facts(*given: Any, **more: Any) -> Any:
        facts.append(read_facts(*given, **more))
        return facts[-1]

    def reading_state(con: DuckDBPyConnection, program: Program, tick: Tick) -> State:
        read = {name for (name,) in con.execute("from active_customers").fetchall()}
        con.execute("create temp table read_customers as from active_customers")
        con.execute(
            "insert into active_customers select customer_id from profiles except from read_customers"
        )
        whole = read_state(con, program, tick)
        con.execute("create or replace temp table active_customers as from read_customers")
        con.execute("drop table read_customers")
        active = active_ones(program, whole, facts[-1].facts.events, tick)
        found.append((read, set(with_cron_customers(program, whole, active, tick))))
        return read_state(con, program, tick)

    read_facts = pending.read_facts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pending, "read_facts", reading_facts)
        patch.setattr(pending, "read_state", reading_state)
        yield found


def active_ones(program: Program, state: State, events: pl.DataFrame, tick: Tick) -> pl.Series:
    """Who is active by the engine's rule, but for those in whom it looks for a date that isn't inside them."""
    whole = replace(program, alarms=tuple(replace(one, inside=None) for one in program.alarms))
    sure = active_customers(whole, state, events, tick)
    places = [one.inside for one in program.alarms if one.inside]
    paths = [(program.attributes[one.column], program.paths[one.path]) for one in places]
    held = state.attributes.select("attribute", "customer_id", "value").rows()
    dated = {
        customer
        for attribute, customer, value in held
        for name, keys in paths
        if name == attribute and value is not None and inner_value(read_json(value), keys) is not None
    }
    rough = active_customers(program, state, events, tick)
    return rough.filter(rough.is_in(sure.implode()) | rough.is_in(list(dated)))


@settings(max_examples=max(2, settings().max_examples // 25))
@given(ticked_cases())
def test_whoever_is_active_is_read(drawn: tuple[Case, list[tuple[datetime, list[Row]]]]) -> None:
    case, ticks = replace(drawn[0], start=None), drawn[1]
    late = timedelta(hours=6)
    with TemporaryDirectory() as folder, looks() as found:
        run_ticks(Path(folder), case, ticks, FORMATS, rebuilt=False, max_lateness=late, max_future=late)
    assert found
    assert [(read, active) for read, active in found if not active <= read] == []


def test_a_date_is_looked_at_once_and_one_that_was_removed_never(tmp_path: Path) -> None:
    removed = {"old_value": None, "new_value": None}
    home = house(tmp_path, workflow(tag("t")))
    home.customers("1", person("ann", ends=at(300).isoformat()), person("bob", ends=at(300).isoformat()))
    home.events("1", event("ends", at(5), "bob", type="attribute_change", properties=removed))
    home.tick(at(10))
    home.define(workflow(tag("t"), triggers=[ENDS]))
    with looks() as found:
        home.tick(at(20))
        home.tick(at(30))
    assert found == [({"ann"}, {"ann"}), (set(), set())]


def test_a_new_schedule_by_the_creation_looks_once_at_those_who_have_one(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("t")))
    home.customers("1", person("ann", created_at=at(0.1)), person("bob"))
    home.tick(at(10))
    created = {"type": "time_based", "config": {"attribute": "created_at", "offset": "1h"}}
    home.define(workflow(tag("t"), triggers=[created]))
    with looks() as found:
        home.tick(at(20))
        home.tick(at(30))
        home.tick(at(70))
    assert found == [({"ann"}, {"ann"}), (set(), set()), ({"ann"}, {"ann"})]
    assert home.rows("select customer_id, entered_at from executions") == [("ann", at(60.1))]


def test_names_with_dots_in_a_store(tmp_path: Path) -> None:
    inside = {"attribute": "home.city", "operator": "equals", "value": "Bern"}
    told = {"attribute": "event.data.carrier", "operator": "equals", "value": "post"}
    steps = [wait("1h"), tag("t", when=[inside, told])]
    home = house(tmp_path, workflow(*steps, on={"type": "behavioral", "config": {"data.kind.0": 1}}))
    home.customers("1", person("ann", home={"city": "Bern"}), person("bob", home={"city": "Basel"}))
    data = {"data": {"carrier": "post", "kind": [1]}}
    home.events("1", *(event("go", at(5), name, properties=data) for name in ("ann", "bob")))
    for minutes in (10, 70):
        home.tick(at(minutes))
    assert home.rows("select customer_id, tag from tags") == [("ann", "t")]


def test_what_refers_to_the_start_is_kept_between_ticks(tmp_path: Path) -> None:
    same: Row = {"from": "event.data.order_id"}
    shipped = {"event": {"action": "ship", "order_id": same, "maximum_value": {"from": "event.value"}}}
    last = {"attribute": "last", "value": {"from": "event.data"}}
    steps = [{"type": "wait_for_event", "config": shipped}, {"type": "update_attribute", "config": last}]
    home = house(tmp_path, workflow(*steps, on="order"))
    home.customers("1", person("ann"))
    home.events("1", event("order", at(5), value=20.0, properties={"data": {"order_id": 7}}))
    home.tick(at(10))
    ships = [(11, 8, 1.0), (12, 7, 20.5), (13, 7, 20.0)]
    home.events("2", *(event("ship", at(m), value=v, properties={"order_id": n}) for m, n, v in ships))
    home.tick(at(20))
    waited = home.rows("select \"at\" from steps where outcome = 'event'")
    assert waited == [(at(13),)]
    assert home.rows("select value from attributes where attribute = 'last'") == [('{"order_id":7}',)]
