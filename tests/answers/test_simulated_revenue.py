"""Long proofs of revenue and of splits of three arms: intervals cover what is true, CUPED's too."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtr

from tests.semantics.cases import at
from transforms.answers.earned import with_revenue
from transforms.answers.experiment import SIGNIFICANCE, Experiment, Figures, analyse
from transforms.answers.exposures import draw_exposures
from transforms.answers.peeking import any_time_rates
from transforms.answers.statistics import Counts, rate_difference, sample_ratio

TIMES, WINDOW = 1000, 14
pytestmark = pytest.mark.slow

CUSTOMERS, LIFT = 400, 0.15
ORDERS_EACH = 2.0
AMOUNT = float(np.exp(3 + 0.5**2 / 2))
"""The mean of an order."""


@pytest.fixture(scope="module")
def experiments() -> list[Experiment]:
    """A thousand experiments of 400 customers, of whom some buy much, before and after; those treated 15 % more."""
    rng = np.random.default_rng(21)
    who = np.arange(TIMES * CUSTOMERS)
    treated = rng.random(who.size) < 0.5
    keenness = rng.gamma(2, ORDERS_EACH / 2, who.size)
    people = pl.DataFrame(
        {
            "customer_id": who.astype(str),
            "experiment": who // CUSTOMERS,
            "group": np.where(treated, "treated", "control"),
            "exposed_at": [at()] * who.size,
        }
    )
    orders = pl.concat(
        [bought(rng, keenness, np.ones(who.size), -WINDOW), bought(rng, keenness, 1 + LIFT * treated, 0)]
    )
    spent = with_revenue(people, orders, timedelta(days=WINDOW)).with_columns(
        converted=pl.lit(None, pl.Boolean)
    )
    parts = spent.partition_by("experiment", maintain_order=True)
    return [analyse(one, "control") for one in parts]


def bought(rng: np.random.Generator, keenness: np.ndarray, times: np.ndarray, start: float) -> pl.DataFrame:
    """Orders of `WINDOW` days from a day on; some of those of later and earlier days too."""
    owner = np.repeat(np.arange(keenness.size), rng.poisson(keenness))
    cents = np.round(100 * rng.lognormal(3, 0.5, owner.size) * times[owner]).astype(int)
    days = start + rng.uniform(0, WINDOW, owner.size)
    late = pl.DataFrame({"owner": owner, "cents": cents, "day": days})
    elsewhere = late.with_columns(day=pl.col("day") + (WINDOW if start == 0 else -WINDOW))
    told = pl.lit(at()) + pl.duration(microseconds=(pl.col("day") * 86_400_000_000).cast(pl.Int64))
    both = pl.concat([late, elsewhere]).with_columns(ts=told)
    return both.select(pl.col("owner").cast(pl.String).alias("customer_id"), "ts", "cents", earned_at="ts")


def covered(found: list[Figures], name: str, true: float) -> float:
    """In which part of experiments an interval has the true value within."""
    limits = [getattr(one, name) for one in found]
    return float(np.mean([one.low <= true <= one.high for one in limits]))


def test_intervals_of_revenue_cover_what_is_true(experiments: list[Experiment]) -> None:
    plain = [one.comparisons[0].value for one in experiments if one.comparisons[0].value]
    adjusted = [one.comparisons[0].adjusted for one in experiments if one.comparisons[0].adjusted]
    assert len(plain) == len(adjusted) == TIMES
    for found in (plain, adjusted):
        assert 0.93 <= covered(found, "difference", LIFT * ORDERS_EACH * AMOUNT) <= 0.97
        assert 0.93 <= covered(found, "lift", LIFT) <= 0.97


def test_cuped_is_unbiased_and_narrower(experiments: list[Experiment]) -> None:
    plain, adjusted = (
        np.array([breadth_and_value(getattr(one.comparisons[0], name)) for one in experiments])
        for name in ("value", "adjusted")
    )
    true, error = LIFT * ORDERS_EACH * AMOUNT, adjusted[:, 1].std() / np.sqrt(TIMES)
    assert abs(adjusted[:, 1].mean() - true) < 3 * error
    explained = float(np.mean([one.explained or 0 for one in experiments]))
    assert explained > 0.1
    assert adjusted[:, 0].mean() / plain[:, 0].mean() == pytest.approx(np.sqrt(1 - explained), abs=0.01)


def breadth_and_value(found: Figures) -> tuple[float, float]:
    low, high, value = found.difference.low, found.difference.high, found.difference.value
    assert low is not None
    assert high is not None
    assert value is not None
    return high - low, value


def test_a_difference_shows_as_often_as_the_detectable_one_says(experiments: list[Experiment]) -> None:
    found = [one.comparisons[0].value for one in experiments if one.comparisons[0].value]
    error = np.mean([one.detectable or 0 for one in found]) / (1.96 + 0.8416)
    shown = np.mean([one.shows is not None for one in found])
    assert shown == pytest.approx(ndtr(LIFT * ORDERS_EACH * AMOUNT / error - 1.96), abs=0.04)


RATES = {"a": 0.20, "b": 0.20, "c": 0.26}
SHARES = {"a": 1, "b": 1, "c": 2}


def test_a_split_of_three_arms_covers_what_is_true_though_customers_come_again() -> None:
    rng = np.random.default_rng(22)
    size = 500
    arms = rng.choice(list(SHARES), TIMES * size, p=np.array(list(SHARES.values())) / 4)
    draws, hits = came(rng, arms, size)
    goals = pl.DataFrame(
        {"workflow_id": np.arange(TIMES).astype(str), "window": [timedelta(days=WINDOW)] * TIMES}
    )
    found = draw_exposures(draws, hits, goals).group_by("workflow_id", "arm")
    counts = found.agg(pl.len(), pl.col("converted").sum()).sort("workflow_id", "arm")
    a, b, c = (
        Counts.of(*(counts.filter(arm=arm)[name].to_numpy() for name in ("converted", "len")))
        for arm in SHARES
    )
    for arm, name in ((b, "b"), (c, "c")):
        interval, true = rate_difference(arm, a), RATES[name] - RATES["a"]
        assert 0.93 <= np.mean((interval.low <= true) & (true <= interval.high)) <= 0.97
    sizes = np.column_stack([one.customers for one in (a, b, c)])
    assert np.mean([sample_ratio(one, list(SHARES.values())).alarms for one in sizes]) <= 0.01


def came(rng: np.random.Generator, arms: np.ndarray, size: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draws, and hits within the window or after it; who is in arm a comes again sooner than the others."""
    wins = rng.random(arms.size) < np.vectorize(RATES.get)(arms)
    base = pl.DataFrame(
        {
            "workflow_id": (np.arange(arms.size) // size).astype(str),
            "customer_id": (np.arange(arms.size) % size).astype(str),
            "arm": arms,
            "day": rng.uniform(0, 30, arms.size),
            "again": np.where(arms == "a", 3, 9) * (rng.random(arms.size) < 0.6),
            "hit": rng.uniform(0.01, WINDOW, arms.size) + np.where(wins, 0, WINDOW),
            "known": wins | (rng.random(arms.size) < 0.4),
        }
    )
    start, day = pl.lit(at()), pl.duration(days=1)
    first = base.with_columns(at=start + pl.col("day") * day)
    later = first.filter(pl.col("again") > 0).with_columns(at=pl.col("at") + pl.col("again") * day)
    hits = first.filter("known").with_columns(entered_at="at", at=pl.col("at") + pl.col("hit") * day)
    return pl.concat([later, first]), hits


def test_who_peeks_every_day_at_three_arms_finds_no_false_winners() -> None:
    rng = np.random.default_rng(23)
    days = np.arange(1, 61)
    a, b, c = (
        Counts.of(rng.binomial(80, 0.06, (TIMES, len(days))).cumsum(axis=1), 80 * days) for _ in range(3)
    )
    shown = np.zeros((TIMES, len(days)), bool)
    for arm in (b, c):
        found = any_time_rates(arm, a, 1 - SIGNIFICANCE / 2)
        shown |= (found.low > 0) | (found.high < 0)
    assert np.mean(shown.any(axis=1)) <= 0.05
