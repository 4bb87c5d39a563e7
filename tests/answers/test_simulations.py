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

TIMES, HELD, WINDOW = 1000, 0.3, 14
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


@pytest.mark.parametrize("lift", [0.0, 0.06])
def test_exposures_cover_what_is_true_though_those_held_out_enter_again(lift: float) -> None:
    """A thousand workflows of 400 customers, held out 30 in 100: those enter three times, others once or twice."""
    rng = np.random.default_rng(17)
    executions, hits = met(rng, held := rng.random((TIMES, 400)) < HELD, 0.2 + lift * ~held)
    goals = pl.DataFrame(
        {"workflow_id": np.arange(TIMES).astype(str), "window": [timedelta(days=WINDOW)] * TIMES}
    )
    found = exposures(executions, hits, goals).group_by("workflow_id", "arm")
    counts = found.agg(pl.len(), pl.col("converted").sum()).sort("workflow_id", "arm")
    control, treated = (
        Counts.of(*(rows[name].to_numpy() for name in ("converted", "len")))
        for rows in (counts.filter(arm="held_out"), counts.filter(arm="treated"))
    )
    interval = rate_difference(treated, control)
    assert 0.93 <= np.mean((interval.low <= lift) & (lift <= interval.high)) <= 0.97
    sizes = np.column_stack([control.customers, treated.customers])
    assert np.mean([sample_ratio(one, [HELD, 1 - HELD]).alarms for one in sizes]) <= 0.01


def met(rng: np.random.Generator, held: np.ndarray, rates: np.ndarray) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Executions and goal hits: of whom converts in the window one or two hits, of others perhaps a later one."""
    base = pl.DataFrame(
        {
            "workflow_id": np.repeat(np.arange(TIMES), held.shape[1]).astype(str),
            "customer_id": np.tile(np.arange(held.shape[1]), TIMES).astype(str),
            "day": rng.uniform(0, 30, held.size),
            "held": held.ravel(),
            "converts": (rng.random(held.shape) < rates).ravel(),
            "after": rng.uniform(0, WINDOW, held.size),
            "again": (rng.random(held.shape) < 0.5).ravel(),
        }
    )
    start, day = pl.lit(at()), pl.duration(days=1)
    entered = start + pl.col("day") * day
    status = pl.when("held").then(pl.lit("held_out")).otherwise(pl.lit("completed"))
    first = base.with_columns(entered_at=entered, status=status)
    later = first.with_columns(entered_at=pl.col("entered_at") + day * 8).filter(
        pl.col("held") | pl.col("again")
    )
    third = later.with_columns(entered_at=pl.col("entered_at") + day * 3).filter("held")
    hit = pl.col("entered_at") + (pl.col("after") + pl.when("converts").then(0).otherwise(WINDOW)) * day
    hits = first.filter(pl.col("converts") | pl.col("again")).with_columns(at=hit)
    return pl.concat([third, later, first]), pl.concat([hits, hits.filter("again", "converts")])


WORKFLOWS, CUSTOMERS, DAYS = 20, 800, 60


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
