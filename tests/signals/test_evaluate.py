"""Signals and patterns of a handful of events, as literal rows (semantics.md §8)."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.semantics.cases import at, minutes
from transforms.columns.arrays import ALWAYS
from transforms.definitions.signals import Amount, LastEvent, PatternScore, PatternTruth, Signal
from transforms.signals.evaluate import evaluate_signals
from transforms.signals.lookup import look_up
from transforms.signals.patterns import AnyPattern, Bounded, Ordered, Scored
from transforms.signals.plan import SignalPlan
from transforms.signals.results import NOTHING, Signals, StepFunction
from transforms.signals.windows import Term
from transforms.tables.frames import AMOUNTS, BEHAVIORS
from transforms.timing.durations import epoch_us

HOUR = 3_600_000_000
MANY = np.iinfo(np.int64).max
Event = tuple[Any, ...]


def behaviors(*events: Event) -> pl.DataFrame:
    """Events as (name, minute) or (name, minute, value, what else differs from a fresh event of ann)."""
    rows = [
        {
            "event_id": f"{number:03}", "customer_id": "ann", "name": name, "ts": at(minute), "at": at(minute),
            "value": rest[0] if rest else None, "acts": True, "fresh": True, **(rest[1] if rest[1:] else {}),
        }
        for number, (name, minute, *rest) in enumerate(events)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=BEHAVIORS)


def stored(amounts: Mapping[str, int]) -> pl.DataFrame:
    """What the store has of ann, by key."""
    return pl.DataFrame([("ann", *one) for one in amounts.items()], schema=AMOUNTS, orient="row")


def evaluated(
    *events: Event,
    patterns: tuple[AnyPattern, ...] = (),
    signals: tuple[Signal, ...] = (),
    amounts: Mapping[str, int] = MappingProxyType({}),
    since: float | None = None,
    emit_from: float | None = None,
) -> Signals:
    """What a tick until minute 1000 finds."""
    return evaluate_signals(
        SignalPlan(patterns, signals),
        behaviors(*events),
        stored(amounts),
        since=None if since is None else at(since),
        until=at(1000),
        emit_from=None if emit_from is None else at(emit_from),
    )


def minute_of(instant: int) -> float:
    return (instant - epoch_us(at())) / 60_000_000


def changes(found: Signals, number: int = 0) -> list[tuple[str, float, Any]]:
    """A step function as rows: customer, minute, value."""
    function = found.signals[number]
    owners = found.customers.gather(function.lane).to_list()
    return list(zip(owners, map(minute_of, function.at.tolist()), function.value.tolist(), strict=True))


def turned(found: Signals) -> list[tuple[str, float | None]]:
    """The patterns' facts: name and minute."""
    return [(row["name"], minutes(row["at"])) for row in found.facts.to_dicts()]


def left(found: Signals) -> dict[tuple[str, str], int]:
    """The amounts after the tick."""
    return {(owner, key): amount for owner, key, amount in found.amounts().rows()}


# Signals --------------------------------------------------------------------------------------------------


def test_a_count_rises_as_events_enter_the_window_and_falls_as_they_leave() -> None:
    count = Amount("open", "count", timedelta(hours=1))
    found = evaluated(("open", 0), ("open", 10), ("open", 60), ("buy", 5), signals=(count,))
    assert changes(found) == [
        ("ann", 0, 1), ("ann", 10, 2), ("ann", 60, 2), ("ann", 70, 1), ("ann", 120, 0),
    ]  # fmt: skip


def test_a_sum_is_exact_to_six_decimals_and_takes_a_missing_value_as_nothing() -> None:
    found = evaluated(
        ("buy", 0, 0.1), ("buy", 1, 0.2), ("buy", 2), signals=(Amount("buy", "total_value", None),)
    )
    assert changes(found) == [("ann", 0, 0.1), ("ann", 1, 0.3), ("ann", 2, 0.3)]


def test_an_amount_goes_on_from_what_the_store_has() -> None:
    found = evaluated(
        ("open", 20),
        signals=(Amount("open", "count", None),),
        amounts={"count|0||open": 3},
        since=10,
    )
    assert found.signals[0].first.tolist() == [3]
    assert changes(found) == [("ann", 20, 4)]
    assert left(found) == {("ann", "count|0||open"): 4}


def test_an_event_of_an_earlier_tick_only_leaves_the_window() -> None:
    count = Amount("open", "count", timedelta(hours=1))
    amounts = {f"count|0|{HOUR}|open": 1}
    found = evaluated(("open", 0, None, {"fresh": False}), signals=(count,), amounts=amounts, since=10)
    assert changes(found) == [("ann", 60, 0)]


def test_the_last_event_is_the_latest_by_its_own_time_from_when_it_acts() -> None:
    late = ("open", 5, None, {"at": at(30)})
    found = evaluated(("open", 0), ("open", 20), late, ("open", 40), signals=(LastEvent("open"),))
    assert [(owner, minute, minute_of(value)) for owner, minute, value in changes(found)] == [
        ("ann", 0, 0), ("ann", 20, 20), ("ann", 30, 20), ("ann", 40, 40),
    ]  # fmt: skip
    assert left(found) == {("ann", "last|open"): epoch_us(at(40))}


@pytest.mark.parametrize("signal", [PatternTruth("gone"), PatternScore("gone"), PatternScore("p")])
def test_a_pattern_that_is_gone_or_has_no_score_says_nothing(signal: Signal) -> None:
    pattern = Bounded("p", (Term("open"),), (1,), (MANY,))
    assert evaluated(("open", 0), patterns=(pattern,), signals=(signal,)).signals == (NOTHING,)


# Patterns -------------------------------------------------------------------------------------------------


def test_all_amounts_within_their_bounds() -> None:
    """Two opens within an hour, and nothing bought."""
    terms = Term("open", window=HOUR), Term("buy")
    pattern = Bounded("p", terms, (2, -MANY), (MANY, 0))
    found = evaluated(
        ("open", 0), ("open", 30), ("open", 200), ("open", 210), ("buy", 220),
        patterns=(pattern,), signals=(PatternTruth("p"),),
    )  # fmt: skip
    assert turned(found) == [("p", 30), ("p", 210)]
    assert [(minute, value) for _, minute, value in changes(found)] == [
        (0, False), (30, True), (60, False), (90, False),
        (200, False), (210, True), (220, False), (260, False), (270, False),
    ]  # fmt: skip


def test_any_amount_within_its_bounds() -> None:
    terms = Term("open"), Term("buy", "total_value")
    pattern = Bounded("p", terms, (2, 10_000_000), (MANY, MANY), any=True)
    assert turned(evaluated(("open", 0), ("buy", 5, 10.0), ("open", 9), patterns=(pattern,))) == [("p", 5)]


def test_a_score_of_weighted_amounts() -> None:
    """1.5 for an open of the last hour, 0.5 less for each that was bought; 2 are enough."""
    terms = Term("open", window=HOUR), Term("buy")
    pattern = Scored("p", terms, (15, -5), 20, 10)
    found = evaluated(
        ("open", 0), ("open", 10), ("buy", 20), ("buy", 20),
        patterns=(pattern,), signals=(PatternScore("p"), PatternTruth("p")),
    )  # fmt: skip
    assert turned(found) == [("p", 10)]
    scores = [(0, 1.5), (10, 3.0), (20, 2.0), (60, 0.5), (70, -1.0)]
    assert [(minute, value) for _, minute, value in changes(found)] == scores
    assert [value for *_, value in changes(found, 1)] == [value >= 2 for _, value in scores]


def test_a_chain_turns_true_once_when_its_last_event_comes_in_time() -> None:
    pattern = Ordered("p", ("open", "click", "buy"), (None, HOUR, HOUR))
    found = evaluated(
        ("open", 0), ("click", 61), ("buy", 62), ("open", 100), ("click", 120), ("buy", 180), ("buy", 181),
        patterns=(pattern,), signals=(PatternTruth("p"),),
    )  # fmt: skip
    assert turned(found) == [("p", 180)]
    assert changes(found) == [("ann", 180, True)]
    assert [minute_of(amount) for amount in left(found).values()] == [100, 120, 180]


def test_a_chain_that_began_in_an_earlier_tick_goes_on() -> None:
    pattern = Ordered("p", ("open", "buy"), (None, HOUR))
    begun = {pattern.keys[0]: epoch_us(at(0))}
    assert turned(evaluated(("buy", 60), patterns=(pattern,), amounts=begun, since=10)) == [("p", 60)]
    assert turned(evaluated(("buy", 61), patterns=(pattern,), amounts=begun, since=10)) == []


def test_history_changes_amounts_and_turns_nothing_true() -> None:
    pattern = Bounded("p", (Term("open", window=HOUR),), (2,), (MANY,))
    past = {"acts": False}
    found = evaluated(
        ("open", 0, None, past), ("open", 1, None, past), ("open", 90), ("open", 100),
        patterns=(pattern,), emit_from=50,
    )  # fmt: skip
    assert turned(found) == [("p", 100)]


def test_customers_apart() -> None:
    pattern = Bounded("p", (Term("open"),), (2,), (MANY,))
    bob = {"customer_id": "bob"}
    found = evaluated(("open", 0), ("open", 1, None, bob), ("open", 2, None, bob), patterns=(pattern,))
    assert found.facts.select("customer_id", "name").rows() == [("bob", "p")]
    assert left(found) == {("ann", "count|0||open"): 1, ("bob", "count|0||open"): 2}


# What follows ---------------------------------------------------------------------------------------------


def test_a_value_is_looked_up_at_an_instant_in_a_lane() -> None:
    """Two customers, of whom the second has lane 0 and the first none."""
    lane, instants = np.array([0, 1, 1]), np.array([10, 20, 30])
    function = StepFunction(lane, instants, lane < 0, np.array([9.0, 5.0, 6.0]), np.array([8.0, 4.0]))
    lookup = look_up(Amount("open", "count", None), function, np.array([-1, 0]))
    rows = np.array([0, 0, 0, 0, 1])
    value, none = lookup.at(rows, np.array([19, 20, 29, 30, 30]))
    assert value.tolist() == [4, 5, 5, 6, 0]
    assert none.tolist() == [False, False, False, False, True]


@pytest.mark.parametrize(
    ("signal", "value", "first", "text"),
    [
        (Amount("open", "count", None), [2.0], [0.0], ["0", "2"]),
        (PatternTruth("p"), [True], [False], ["false", "true"]),
        (PatternScore("p"), [0.5], [0.0], ["0", "0.5"]),
        (LastEvent("open"), [0], [ALWAYS], ["null", "0.5"]),
    ],
)
def test_conditions_see_numbers_truths_and_days(
    signal: Signal, value: list[Any], first: list[Any], text: list[str]
) -> None:
    half_a_day, zero = 12 * HOUR, np.zeros(1, np.int64)
    function = StepFunction(zero, zero, zero > 0, np.array(value), np.array(first))
    lookup = look_up(signal, function, zero)
    rows, instants = np.array([0, 0]), np.array([-1, half_a_day])
    for json, expected in zip(text, np.eye(2, dtype=np.bool_), strict=True):
        assert lookup.holds(pl.col("json") == json, rows, instants).tolist() == expected.tolist()


def test_a_plan_says_which_events_keys_and_shifts_it_needs() -> None:
    plan = SignalPlan(
        (
            Bounded("p", (Term("open", window=HOUR, offset=5),), (1,), (MANY,)),
            Ordered("o", ("a", "b"), (None, 7)),
        ),
        (Amount("open", "count", timedelta(hours=1)), LastEvent("buy")),
    )
    assert plan.names == ("open", "buy", "a", "b")
    assert plan.keys == (
        f"count|5|{HOUR}|open", f"count|0|{HOUR}|open", "last|buy", "ordered|None|a", "ordered|None|a|7|b",
    )  # fmt: skip
    assert plan.shifts() == {5: ("open",), HOUR: ("open",), HOUR + 5: ("open",)}
