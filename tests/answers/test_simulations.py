"""Long proofs: intervals cover, peeking finds no winners where there are none, fair splits raise no alarm."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from tests.engine import interface
from tests.semantics.cases import Row, action, at, case, customer, event, trigger, workflow
from transforms.answers.experiment import Experiment, analyse
from transforms.answers.exposures import exposures
from transforms.answers.peeking import any_time_rates
from transforms.answers.statistics import (
    Counts,
    Floats,
    rate_difference,
    rate_lift,
    rate_p_value,
    sample_ratio,
)
from transforms.tables.frames import EXECUTIONS, GOAL_HITS

TIMES = 1000
pytestmark = pytest.mark.slow


def drawn(rng: np.random.Generator, rate: float, customers: int) -> Counts:
    return Counts.of(rng.binomial(customers, rate, TIMES), customers)


@pytest.mark.parametrize(
    ("control", "treated", "sizes"),
    [
        (0.10, 0.12, (2_000, 2_000)),
        (0.10, 0.10, (500, 4_500)),
        (0.02, 0.05, (300, 300)),
        (0.5, 0.7, (40, 60)),
    ],
)
def test_intervals_cover_what_is_true(control: float, treated: float, sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(12)
    a, b = drawn(rng, treated, sizes[1]), drawn(rng, control, sizes[0])
    for found, true in ((rate_difference(a, b), treated - control), (rate_lift(a, b), treated / control - 1)):
        assert 0.93 <= np.mean((found.low <= true) & (true <= found.high)) <= 0.97


@pytest.mark.parametrize(("rate", "daily"), [(0.01, (100, 100)), (0.05, (200, 200)), (0.5, (20, 180))])
def test_who_peeks_every_day_finds_no_false_winners(rate: float, daily: tuple[int, int]) -> None:
    rng = np.random.default_rng(13)
    days = np.arange(1, 61)
    arms = [
        Counts.of(rng.binomial(size, rate, (TIMES, len(days))).cumsum(axis=1), size * days) for size in daily
    ]
    found = any_time_rates(arms[1], arms[0])
    assert share_of_winners((found.low > 0) | (found.high < 0)) <= 0.05
    assert share_of_winners(rate_p_value(arms[1], arms[0]) < 0.05) > 0.15


def share_of_winners(shown: Floats | np.ndarray) -> float:
    """Of how many experiments some day shows a winner."""
    return float(np.mean(shown.any(axis=1)))


@pytest.mark.parametrize(("customers", "shares"), [(1_000, (1, 1)), (5_000, (1, 9)), (3_000, (1, 1, 1))])
def test_fair_splits_raise_no_alarm(customers: int, shares: tuple[int, ...]) -> None:
    parts = np.array(shares) / sum(shares)
    splits = np.random.default_rng(14).multinomial(customers, parts, TIMES)
    assert np.mean([sample_ratio(one, shares).alarms for one in splits]) <= 0.01
    skewed = np.random.default_rng(15).multinomial(50_000, [0.52, 0.48], 100)
    assert np.mean([sample_ratio(one).alarms for one in skewed]) > 0.95


WORKFLOWS, CUSTOMERS, DAYS, WINDOW, HELD = 20, 800, 60, 14, 0.3


@pytest.fixture(scope="module")
def without_effect() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Executions and goal hits of workflows that wait a week and do nothing; customers come again and again."""
    goal = trigger("buy") | {"window": f"{WINDOW}d"}
    flows = [
        workflow(
            action("wait", duration="7d"),
            workflow_id=f"w{number:02}",
            on="visit",
            goal=goal,
            holdout=HELD,
        )
        for number in range(WORKFLOWS)
    ]
    people = [customer(f"c{number}") for number in range(CUSTOMERS)]
    found = interface.decide(case(flows, *events(), customers=people, end=at(days=DAYS + WINDOW)))
    return (
        pl.DataFrame(found.executions, schema=EXECUTIONS),
        pl.DataFrame(found.goal_hits, schema=GOAL_HITS),
    )


def events() -> list[Row]:
    """Of each customer visits, and purchases that nothing leads to."""
    rng = np.random.default_rng(16)
    return [
        event(name, at(float(minute)), f"c{who}", event_id=f"{name}-{who}-{number}")
        for who in range(CUSTOMERS)
        for name, mean in (("visit", 6), ("buy", 1.5))
        for number, minute in enumerate(rng.uniform(0, DAYS * 1440, rng.poisson(mean)))
    ]


def experiment_of(executions: pl.DataFrame, hits: pl.DataFrame, flow: str) -> Experiment:
    goals = pl.DataFrame({"workflow_id": [flow], "window": [timedelta(days=WINDOW)]})
    exposed = exposures(executions, hits, goals)
    nothing = pl.lit(None, pl.Float64)
    rows = exposed.select("customer_id", "converted", group="arm", value=nothing, before=nothing)
    return analyse(rows, "held_out", {"held_out": HELD, "treated": 1 - HELD})


def test_the_engine_without_effect_shows_no_lift_and_no_alarm(
    without_effect: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    executions, hits = without_effect
    found = [experiment_of(executions, hits, f"w{number:02}") for number in range(WORKFLOWS)]
    assert not any(one.ratio_alarms for one in found)
    assert sum(one.comparisons[0].rate.shows is not None for one in found) <= 3
    lifts = [one.comparisons[0].rate.difference.value or 0 for one in found]
    assert abs(np.mean(lifts)) < 0.02
    rates = [one.groups[0].rate.value or 0 for one in found]
    assert 0.15 < min(rates) < max(rates) < 0.5


def test_executions_counted_instead_would_mislead(without_effect: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    executions, _ = without_effect
    sizes = executions.group_by(held=pl.col("status") == "held_out").len().sort("held")["len"].to_list()
    assert sample_ratio(sizes, [1 - HELD, HELD]).alarms
