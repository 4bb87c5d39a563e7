"""Statistics of rates and means against figures that were published, or that another program computed."""

from math import lgamma

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.answers.means import (
    Means,
    best_mean,
    cuped,
    mean,
    mean_difference,
    mean_lift,
    mean_p_value,
    pooled_variance,
)
from transforms.answers.peeking import any_time, any_time_rates
from transforms.answers.statistics import (
    Counts,
    Interval,
    best_rate,
    detectable_difference,
    rate,
    rate_difference,
    rate_lift,
    rate_p_value,
    sample_ratio,
)

FOUR_DIGITS = 6e-5
PAIRS = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))


def of(found: Interval) -> list[float]:
    return [float(one) for one in found]


def groups(a: int, n: int, b: int, m: int) -> tuple[Counts, Counts]:
    return Counts.of(a, n), Counts.of(b, m)


@pytest.mark.parametrize(
    ("converted", "customers", "low", "high"),
    # Newcombe 1998, Two-sided confidence intervals for the single proportion, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_rate(converted: int, customers: int, low: float, high: float) -> None:
    found = of(rate(Counts.of(converted, customers)))
    assert found == pytest.approx([converted / customers, low, high], abs=FOUR_DIGITS)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    # Newcombe 1998, Interval estimation for the difference between independent proportions, table II, method 5 (Mee).
    [
        ((56, 70, 48, 80), 0.0533, 0.3377),
        ((9, 10, 3, 10), 0.1821, 0.8370),
        ((10, 10, 0, 20), 0.7225, 1.0),
    ],
)
def test_a_difference_of_rates(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    treated, control = groups(*counts)
    found = of(rate_difference(treated, control))
    assert found[1:] == pytest.approx([low, high], abs=FOUR_DIGITS)
    assert of(rate_difference(control, treated)) == pytest.approx([-found[0], -found[2], -found[1]])


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    # statsmodels 0.15: confint_proportions_2indep(…, compare="ratio", method="score", correction=False), less 1.
    [
        ((56, 70, 48, 80), 0.0798215064, 0.6708055780),
        ((120, 1003, 100, 1000), -0.0679469054, 0.5363441309),
        ((12_000, 1_000_300, 11_500, 1_000_000), 0.0169769179, 0.0700281768),
        ((0, 50, 5, 50), -1.0, -0.2644911351),
        ((5, 50, 0, 50), 0.3596029194, np.inf),
    ],
)
def test_a_lift_of_rates(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    assert of(rate_lift(*groups(*counts)))[1:] == pytest.approx([low, high], abs=1e-8)


def test_a_p_value_of_rates() -> None:
    # scipy.stats.chi2_contingency(…, correction=False)
    assert rate_p_value(*groups(120, 1003, 100, 1000)) == pytest.approx(0.15983574925)
    assert rate_p_value(*groups(56, 70, 48, 80)) == pytest.approx(0.00804508137)


@given(PAIRS)
def test_intervals_leave_out_no_difference_where_the_p_value_is_small(
    pair: tuple[int, int, int, int],
) -> None:
    a, b, more, further = pair
    treated, control = groups(a, a + more + 1, b, b + further + 1)
    small = rate_p_value(treated, control) < 0.05
    difference, lift = of(rate_difference(treated, control)), of(rate_lift(treated, control))
    assert (difference[1] > 0 or difference[2] < 0) == small
    assert difference[1] - 1e-9 <= difference[0] <= difference[2] + 1e-9
    if a + b:
        assert (lift[1] > 0 or lift[2] < 0) == small
        assert lift[1] - 1e-9 <= lift[0] <= lift[2] + 1e-9
    else:
        assert np.isnan(lift).all()


def exactly_better(a: int, b: int, c: int, d: int) -> float:
    """P(Beta(c, d) > Beta(a, b)), Cook 2005, Exact calculation of beta inequalities; Miller 2014."""

    def log_beta(x: float, y: float) -> float:
        return lgamma(x) + lgamma(y) - lgamma(x + y)

    return sum(
        np.exp(log_beta(a + i, b + d) - np.log(d + i) - log_beta(1 + i, d) - log_beta(a, b)) for i in range(c)
    )


@pytest.mark.parametrize("pair", [(3, 10, 5, 9), (100, 1000, 120, 1003), (0, 5, 0, 500), (7, 7, 3, 3)])
def test_which_rate_is_best(pair: tuple[int, int, int, int]) -> None:
    a, n, b, m = pair
    better = exactly_better(a + 1, n - a + 1, b + 1, m - b + 1)
    assert best_rate(Counts.of([a, b], [n, m])) == pytest.approx([1 - better, better], abs=2e-4)


def test_which_of_several_rates_is_best() -> None:
    # 400,000 draws of numpy's, seed 0; within four standard errors
    found = best_rate(Counts.of([120, 100, 110, 0], [1000, 1000, 1000, 0]))
    assert found[:3] == pytest.approx([0.7273, 0.0462, 0.2266], abs=0.003)
    assert np.isnan(found[3])
    assert np.isnan(best_rate(Counts.of([3], [5]))).all()


def test_means() -> None:
    # scipy 1.17: stats.ttest_ind_from_stats(20.8, 3.2, 15, 18.1, 2.1, 9, equal_var=False), stats.t.interval
    treated, control = Means.of(15, 20.8, 3.2**2), Means.of(9, 18.1, 2.1**2)
    assert mean_p_value(treated, control) == pytest.approx(0.02077683, abs=1e-8)
    low, high = of(mean_difference(treated, control))[1:]
    assert [low, high] == pytest.approx([0.452553, 4.947447], abs=1e-6)
    assert of(mean(control)) == pytest.approx([18.1, 16.4858, 19.7142], abs=1e-4)


def test_a_lift_of_means_is_where_fieller_says() -> None:
    treated, control = Means.of(200, 12.0, 400), Means.of(150, 10.0, 300)
    t = 1.96694891  # scipy.stats.t.ppf(0.975, 341.3)
    for ratio in of(mean_lift(treated, control))[1:]:
        distance = treated.mean - (1 + ratio) * control.mean
        assert abs(distance) == pytest.approx(
            t * np.sqrt(treated.error + (1 + ratio) ** 2 * control.error), rel=1e-4
        )
    far = of(mean_lift(Means.of(20, 3.0, 400), Means.of(20, 1.0, 400)))
    assert far[0] == pytest.approx(2)
    assert np.isnan(far[1:]).all()
    assert np.isnan(of(mean_lift(treated, Means.of(150, -10.0, 300)))).all()


def test_which_mean_is_best() -> None:
    found = best_mean(Means.of([100, 100], [1.0, 1.5], [4.0, 5.0]))
    assert found == pytest.approx([0.047790, 0.952210], abs=2e-4)  # Φ(0.5 / 0.3)


def test_cuped_takes_out_what_was_before() -> None:
    rows = pl.DataFrame(
        {
            "group": ["a", "a", "a", "b", "b", "b"],
            "before": [1.0, 2.0, 3.0, 2.0, 3.0, 4.0],
            "value": [10.0, 14.0, 18.0, 13.0, 17.0, 21.0],
        }
    )
    found = cuped(rows)
    assert found is not None
    assert found.explained == pytest.approx(1)
    # The slope is 4, the mean of before 2.5: 10 - 4 · (1 - 2.5) = 16, and so on.
    assert found.values["value"].to_list() == pytest.approx([16, 16, 16, 15, 15, 15])


def test_cuped_counts_who_has_no_value_of_before_as_an_average_one() -> None:
    rows = pl.DataFrame(
        {"group": ["a", "a", "a"], "before": [1.0, None, 3.0], "value": [1.0, 7.0, 5.0]},
    )
    found = cuped(rows)
    assert found is not None
    assert found.values["value"].to_list() == pytest.approx([3, 7, 3])  # the slope is 2


@pytest.mark.parametrize("before", [[None, None], [3.0, 3.0]])
def test_cuped_of_nothing(before: list[float | None]) -> None:
    rows = {"group": ["a", "a"], "before": before, "value": [1.0, 2.0]}
    assert (
        cuped(pl.DataFrame(rows, schema={"group": pl.String, "before": pl.Float64, "value": pl.Float64}))
        is None
    )


def test_sample_ratio() -> None:
    # Kohavi, Tang and Xu 2020, chapter 3: a ratio of 0.993, p = 1.8e-6
    found = sample_ratio([821_588, 815_482])
    assert found.p_value == pytest.approx(1.8218e-6, rel=1e-4)
    assert found.alarms
    assert not sample_ratio([100, 905], [1, 9]).alarms
    assert sample_ratio([100, 905]).alarms
    for few in ([], [5], [0, 0]):
        assert not sample_ratio(few).alarms
    with pytest.raises(ValueError, match="above 0"):
        sample_ratio([1, 2], [1, 0])


def test_a_detectable_difference() -> None:
    # Kohavi et al. 2009, Controlled experiments on the web, 3.2: 5 % converting, a change of 5 % of it: 121,600 each
    assert detectable_difference(0.05 * 0.95, 121_600, 121_600) == pytest.approx(0.0025, rel=0.015)
    assert np.isnan(detectable_difference(0, 10, 10))
    assert np.isnan(detectable_difference(0.2, 0, 10))


def test_an_interval_for_any_time() -> None:
    # By hand: rho = (2 ln 20 + ln(1 + 2 ln 20)) / 2500, half = sqrt(2 v (n rho + 1) / (n rho) · ln(20 sqrt(n rho + 1)))
    rho = (5.991464547 + 1.944689774) / 2500
    half = np.sqrt(2 * 0.0004 * (500 * rho + 1) / (500 * rho) * np.log(20 * np.sqrt(500 * rho + 1)))
    assert of(any_time(0.02, 0.0004, 500)) == pytest.approx([0.02, 0.02 - half, 0.02 + half])


def test_any_time_is_wider_than_one_look_and_waits_for_enough() -> None:
    sizes = np.array([200, 2_000, 20_000, 2_000_000])
    treated, control = Counts.of(sizes * 0.12, sizes), Counts.of(sizes * 0.1, sizes)
    once, often = rate_difference(treated, control), any_time_rates(treated, control)
    assert (often.low < once.low).all()
    assert (often.high > once.high).all()
    assert often.low[-1] > 0
    early = any_time_rates(*groups(9, 100, 10, 100))
    assert np.isnan(early.low)
    assert np.isfinite(any_time_rates(*groups(10, 100, 10, 100)).low)


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (0, 0, 3, 5), (5, 5, 7, 7), (0, 5, 0, 7), (1, 1, 0, 1)])
def test_little_or_nothing(counts: tuple[int, int, int, int]) -> None:
    treated, control = groups(*counts)
    for found in (rate(treated), rate_difference(treated, control), rate_lift(treated, control)):
        assert np.isnan(found.value) == np.isnan(found.low) or not control.converted
    assert np.isnan(rate_p_value(treated, control)) == (not min(counts[1], counts[3]))
    few = Means.of([0, 1, 2, 2], [np.nan, 1, 1, 1], [np.nan, np.nan, 0, np.inf])
    assert np.isnan(mean(few).low).all()
    assert np.isnan(mean_p_value(few, few)).all()
    assert np.isnan(pooled_variance(few, few)).all()
    assert np.isnan(best_mean(few)).all()
