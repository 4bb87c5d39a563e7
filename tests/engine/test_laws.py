"""The engine equals the oracle, row for row, and obeys the promises of semantics.md §1."""

import random
from dataclasses import replace
from typing import Any
from unittest import mock

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tests.engine import interface
from tests.engine.compare import assert_same
from tests.engine.strategies import cases, tick_boundaries
from tests.oracle import interpreter
from tests.semantics.cases import Case, Result
from transforms.engine.decide import can_happen, decide
from transforms.engine.ledger import Decided


@given(st.data())
def test_engine_equals_oracle_however_ticks_fall(data: st.DataObject) -> None:
    case = data.draw(cases())
    boundaries = data.draw(tick_boundaries(case))
    assert_same(interpreter.decide(case), interface.decide(case, boundaries), ("oracle", "engine"))


@given(st.data())
def test_one_tick_equals_many(data: st.DataObject) -> None:
    case = data.draw(cases())
    boundaries = data.draw(tick_boundaries(case))
    assert_same(interface.decide(case), interface.decide(case, boundaries), ("one tick", "many ticks"))


@given(cases())
def test_customers_apart_equal_customers_together(case: Case) -> None:
    # Crons begin with the first event of all customers.
    start = case.start or min((one["ts"] for one in case.events), default=None)
    case = replace(case, events=interface.first_of_each_id(case.events), start=start)
    together = interface.decide(case)
    owners = sorted({one["customer_id"] for one in case.events + case.customers})
    parts = [interface.decide(only(case, set(owners[start::2]))) for start in (0, 1)]
    assert_same(together, joined(parts), ("together", "apart"))


@given(cases(), st.integers())
def test_shuffled_input_equals_sorted_input(case: Case, seed: int) -> None:
    once = replace(case, events=interface.first_of_each_id(case.events))
    shuffled = replace(once, events=random.Random(seed).sample(once.events, len(once.events)))
    assert_same(interface.decide(once), interface.decide(shuffled), ("as given", "shuffled"))


@given(st.data())
def test_a_tick_in_which_nothing_can_happen_decides_nothing(data: st.DataObject) -> None:
    case = data.draw(cases())
    boundaries = data.draw(tick_boundaries(case))

    def decide_and_check(*given: Any) -> Decided:
        decided = decide(*given)
        assert can_happen(*given) or not any(map(len, tables_of(decided)))
        return decided

    with mock.patch.object(interface, "decide_tick", decide_and_check):
        interface.decide(case, boundaries)


def tables_of(decided: Decided) -> list[pl.DataFrame]:
    return [one for one in vars(decided).values() if isinstance(one, pl.DataFrame)]


def test_nothing_in_nothing_out() -> None:
    empty = Case([], [], [], interpreter.AFTER_ALL_TIME)
    assert_same(Result(), interface.decide(empty))


def only(case: Case, owners: set[str]) -> Case:
    return replace(
        case,
        events=[one for one in case.events if one["customer_id"] in owners],
        customers=[one for one in case.customers if one["customer_id"] in owners],
    )


def joined(parts: list[Result]) -> Result:
    whole = Result()
    for part in parts:
        for table in ("executions", "steps", "messages", "webhooks", "refusals"):
            getattr(whole, table).extend(getattr(part, table))
        whole.profiles.update(part.profiles)
    return whole
