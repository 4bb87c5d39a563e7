"""Groups against a control group: the figures, and what is said of them."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain, repeat
from math import isfinite
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.answers.experiment import Estimate, Experiment, analyse, control_of
from transforms.answers.verdicts import verdicts
from transforms.answers.wording import amount, interval, p_value, percent, probability

CUSTOMERS: dict[str, Any] = {
    "customer_id": pl.String,
    "group": pl.String,
    "converted": pl.Boolean,
    "value": pl.Float64,
    "before": pl.Float64,
}


def customers(**groups: tuple[int, int]) -> pl.DataFrame:
    """Of each group so many converted, and so many there are."""
    rows = [
        {"customer_id": f"{name}-{number}", "group": name, "converted": number < converted}
        for name, (converted, size) in groups.items()
        for number in range(size)
    ]
    return pl.DataFrame(rows, schema=CUSTOMERS)


def numbers(found: Any) -> Iterator[float]:
    if isinstance(found, dict | list):
        yield from chain.from_iterable(map(numbers, found.values() if isinstance(found, dict) else found))
    elif isinstance(found, float):
        yield found


def test_the_control_group_comes_first_and_others_are_compared_with_it() -> None:
    found = analyse(customers(new=(56, 70), old=(48, 80)), "old")
    assert [(one.name, one.customers, one.converted) for one in found.groups] == [
        ("old", 80, 48),
        ("new", 70, 56),
    ]
    (one,) = found.comparisons
    assert one.rate.difference.value == pytest.approx(0.2)
    assert (one.rate.difference.low, one.rate.difference.high) == pytest.approx((0.0533, 0.3377), abs=6e-5)
    assert one.rate.lift.value == pytest.approx(1 / 3)
    assert one.rate.p_value == pytest.approx(0.008045, abs=1e-6)
    assert one.rate.shows == "more"
    assert one.rate.shows_any_time is None
    assert (one.value, one.adjusted, found.explained) == (None, None, None)


def test_a_published_trial() -> None:
    """The Physicians' Health Study's myocardial infarctions, as Agresti 2013, 2.2 and 3.1, computes with them.

    He has 0.0077 (0.0047, 0.0107) for the difference, 1.82 (1.43, 2.30) for the ratio, by Wald's intervals.
    """
    found = analyse(customers(aspirin=(104, 11_037), placebo=(189, 11_034)), "aspirin")
    difference, lift = found.comparisons[0].rate.difference, found.comparisons[0].rate.lift
    assert (difference.value, difference.low, difference.high) == pytest.approx(
        (0.0077, 0.0047, 0.0107), abs=1e-4
    )
    assert (lift.value, lift.low, lift.high) == pytest.approx((0.82, 0.43, 1.30), abs=0.01)
    assert found.comparisons[0].rate.shows_any_time == "more"


def test_of_several_groups_each_needs_more_to_show() -> None:
    found = analyse(customers(control=(100, 1000), a=(130, 1000), b=(100, 1000)), "control")
    assert found.threshold == pytest.approx(0.025)
    (a, b) = found.comparisons
    assert a.rate.p_value == pytest.approx(0.0355, abs=1e-3)
    assert a.rate.shows is None
    assert b.rate.p_value == 1
    assert sum(one.best_rate or 0 for one in found.groups) == pytest.approx(1)


def test_a_large_difference_shows_however_often_one_looks() -> None:
    found = analyse(customers(control=(1500, 5000), treated=(1000, 5000)), "control")
    assert found.comparisons[0].rate.shows == "less"
    assert found.comparisons[0].rate.shows_any_time == "less"
    assert verdicts(found) == [
        "treated: conversion is lower than of control, by −11.7 … −8.3 points; p <0.0001 (fixed horizon: don't peek)",
        "treated: lower than control however often you have looked, by −12.6 … −7.4 points (allows peeking)",
    ]


def test_values_count_everybody_and_cuped_narrows() -> None:
    base = customers(control=(50, 100), treated=(50, 100))
    before = pl.Series("before", [float(one % 17) for one in range(200)])
    noise = pl.Series([float(one % 5) for one in range(200)])
    found = analyse(base.with_columns(before, value=before * 2 + noise), "control")
    (one,) = found.comparisons
    assert one.value
    assert one.adjusted
    assert found.explained
    assert found.explained > 0.9
    assert breadth(one.adjusted.difference) < breadth(one.value.difference) / 3
    part = base.with_columns(value=pl.when("converted").then(10.0))
    assert [one.mean.value if one.mean else None for one in analyse(part, "control").groups] == [5, 5]
    assert [one.without_value for one in analyse(part, "control").groups] == [50, 50]


def test_values_of_three_groups() -> None:
    """Welch's intervals by hand: of 1 … 9 mean 5, variance 7.5; 2 and 4 more.

    The error of a difference is sqrt(2 * 7.5 / 9) = 1.2910, of 16 degrees of freedom t is 2.1199: ± 2.7368.
    """
    base = customers(control=(0, 9), a=(0, 9), b=(0, 9))
    more = pl.when(pl.col("group") == "a").then(2.0).when(pl.col("group") == "b").then(4.0).otherwise(0.0)
    each = pl.Series([float(one % 9 + 1) for one in range(27)])
    found = analyse(base.with_columns(value=each + more), "control")
    assert [one.mean and one.mean.value for one in found.groups] == [5, 7, 9]
    for one, difference in zip(found.comparisons, (2, 4), strict=True):
        assert one.value
        assert one.value.difference.value == pytest.approx(difference)
        assert breadth(one.value.difference) == pytest.approx(2 * 2.7368, abs=1e-4)
        assert one.value.lift.value == pytest.approx(difference / 5)
    assert [one.value and one.value.shows for one in found.comparisons] == [None, "more"]
    assert sum(one.best_mean or 0 for one in found.groups) == pytest.approx(1)
    assert (found.groups[2].best_mean or 0) > 0.9


def test_a_group_that_only_shares_name_has_nobody() -> None:
    found = analyse(customers(a=(3, 9), b=(2, 9)), "a", {"a": 1, "b": 1, "c": 2})
    assert [(one.name, one.customers) for one in found.groups] == [("a", 9), ("b", 9), ("c", 0)]
    assert found.ratio_alarms, "18 customers, and none in the group of half of them"
    assert "c: nothing can be said, because c has no customers" in verdicts(found)


def breadth(found: Estimate) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


def test_the_ratio_of_groups() -> None:
    uneven = customers(control=(10, 100), treated=(90, 900))
    alarmed = analyse(uneven, "control")
    assert alarmed.ratio_alarms
    assert verdicts(alarmed)[0] == (
        "Don't trust what follows: the groups aren't as large as meant (control 100, treated 900; p <0.0001), so "
        "something chose who is in which. If they were meant to be so, say it (--shares control=1,treated=9)"
    )
    assert not analyse(uneven, "control", {"treated": 9, "control": 1}).ratio_alarms


def test_what_is_not_known_is_null_and_not_0() -> None:
    unknown = customers(held_out=(0, 50), treated=(0, 60)).with_columns(converted=pl.lit(None, pl.Boolean))
    found = analyse(unknown, "held_out")
    assert [(one.customers, one.converted, one.rate.value) for one in found.groups] == [
        (50, None, None),
        (60, None, None),
    ]
    assert verdicts(found) == [
        "treated: nothing can be said of conversions, because it isn't known who converted"
    ]


def test_one_group_and_a_group_of_nobody() -> None:
    assert verdicts(analyse(customers(only=(3, 9)), "only")) == [
        "Only one group, only: there is nothing to compare it with"
    ]
    found = analyse(customers(treated=(3, 9)), "control")
    assert "treated: nothing can be said, because control has no customers" in verdicts(found)


VALUES = st.one_of(st.none(), st.sampled_from([0.0, -3.0, 1e-300, 1e308, -1e308, 12.5]), st.floats(-1e6, 1e6))
PEOPLE = st.tuples(st.sampled_from("abc"), st.sampled_from([True, False, None]), VALUES, VALUES)


@given(st.lists(PEOPLE, max_size=12))
def test_whatever_comes_there_are_figures_or_nulls(people: list[tuple[Any, ...]]) -> None:
    rows = [(str(number), *one) for number, one in enumerate(people)]
    found = analyse(pl.DataFrame(rows, schema=CUSTOMERS, orient="row"), "a")
    assert all(isfinite(one) for one in numbers(asdict(found)))
    assert json.loads(json.dumps(asdict(found), allow_nan=False))["control"] == "a"
    assert verdicts(found)
    texts_of(found)


def texts_of(found: Experiment) -> None:
    for one in found.comparisons:
        for figures, told in zip(
            (one.rate, one.value, one.adjusted), chain([percent], repeat(amount)), strict=False
        ):
            if figures:
                assert told(figures.difference, signed=True)
                assert percent(figures.lift, signed=True)


@pytest.mark.parametrize(
    ("groups", "control"),
    [(["treated", "Control"], "Control"), (["x", "placebo", "holdout"], "holdout"), (["a", "b"], None)],
)
def test_names_of_control_groups(groups: list[str], control: str | None) -> None:
    assert control_of(groups) == control


def test_wording() -> None:
    assert percent(Estimate(0.012, -0.003, 0.027), signed=True) == "+1.2 % (−0.3 … +2.7)"
    assert percent(Estimate(0.0001234, 0.00012, 0.0001268)) == "0.01234 % (0.01200 … 0.01268)"
    assert percent(Estimate(0.5, None, None)) == "50.0 %"
    assert percent(Estimate(None, 0.36, None), signed=True) == "≥ +36.0 %"
    assert percent(Estimate(None, None, None)) == "-"
    assert amount(Estimate(1234.5, 1000.25, 1468.75)) == "1,234.50 (1,000.25 … 1,468.75)"
    assert amount(Estimate(-0.00001, -1, 1), signed=True) == "0.00 (−1.00 … +1.00)"
    assert interval(Estimate(0.0, -0.003, 0.027), of_rates=True) == "−0.3 … +2.7 points"
    assert [probability(one) for one in (None, 0.0, 0.5, 1.0)] == ["-", "<0.1 %", "50.0 %", ">99.9 %"]
    assert [p_value(one) for one in (None, 0.00001, 0.00123, 0.0501, 0.5, 1.0)] == [
        *("-", "<0.0001", "0.0012", "0.05", "0.50", "1.00"),
    ]
