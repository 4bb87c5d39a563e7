"""The engine equals the oracle, row for row, and obeys the promises of semantics.md §1."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine import interface
from tests.engine.compare import assert_same
from tests.engine.strategies import cases, tick_boundaries
from tests.engine.strategies_workflows import goals
from tests.oracle import interpreter
from tests.semantics.cases import Case, Result


@pytest.mark.parametrize("_half", [1, 2])
@given(data=st.data())
@settings(max_examples=settings().max_examples // 2)
def test_every_law_holds(_half: int, data: st.DataObject) -> None:
    """All laws are asked of one case; two halves, so that two processes share the cases."""
    case = data.draw(cases())
    boundaries = data.draw(tick_boundaries(case))
    expected, ticked = interpreter.decide(case), interface.decide(case, boundaries)
    assert_same(expected, ticked, ("oracle", "engine, many ticks"))
    assert_same(ticked, interface.decide(case), ("many ticks", "one tick"))
    alone = without_repeats(case)
    together = interface.decide(alone)
    assert_same(together, apart(alone), ("together", "apart"))
    assert_same(
        together, interface.decide(shuffled(alone, data.draw(st.integers()))), ("as given", "shuffled")
    )


@given(data=st.data())
@settings(max_examples=settings().max_examples // 3)
def test_hits_counted_by_another_goal_change_nothing_else(data: st.DataObject) -> None:
    """And are those of a workflow's own if that is the same."""
    case = data.draw(cases())
    others = [{**one, "counted": data.draw(goals())} for one in case.workflows]
    boundaries = data.draw(tick_boundaries(case))
    recounted = replace(case, workflows=others)
    found = interface.decide(recounted, boundaries)
    assert_same(interpreter.decide(recounted), found, ("oracle", "engine, many ticks"))
    decided = interface.decide(case)
    assert_same(decided, replace(found, goal_hits=decided.goal_hits), ("own goals", "others"))
    own = [{**one, **({"counted": one["goal"]} if one.get("goal") else {})} for one in case.workflows]
    assert_same(
        decided, interface.decide(replace(case, workflows=own), boundaries), ("own", "the same again")
    )


def without_repeats(case: Case) -> Case:
    """Each event id once, so that no order matters; crons begin with the first event of all customers."""
    start = case.start or min((one["ts"] for one in case.events), default=None)
    return replace(case, events=interface.first_of_each_id(case.events), start=start)


def apart(case: Case) -> Result:
    """Every second customer decided without the others."""
    owners = sorted({one["customer_id"] for one in case.events + case.customers})
    return joined([interface.decide(only(case, set(owners[start::2]))) for start in (0, 1)])


def shuffled(case: Case, seed: int) -> Case:
    return replace(case, events=random.Random(seed).sample(case.events, len(case.events)))


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
        for table in ("executions", "steps", "messages", "webhooks", "refusals", "goal_hits"):
            getattr(whole, table).extend(getattr(part, table))
        whole.profiles.update(part.profiles)
    return whole
