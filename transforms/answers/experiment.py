"""An experiment: groups of customers and what came of them → how each differs from the control group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import polars as pl

from transforms.answers import means, statistics
from transforms.answers.means import Means
from transforms.answers.peeking import any_time_rates
from transforms.answers.statistics import LEVEL, Counts, Floats, Interval

CONTROLS = ("control", "holdout", "held_out", "placebo")
"""What control groups are called, in any case."""
SIGNIFICANCE = round(1 - LEVEL, 6)
Shown: TypeAlias = Literal["more", "less"]


@dataclass(frozen=True)
class Estimate:
    """A figure and the limits of its interval; None where it isn't known, or nothing bounds it."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Group:
    """One group of an experiment.

    Attributes:
        name: of the group.
        customers: how many it has.
        converted: how many of them converted; None: of nobody it is known.
        rate: the share of those of whom it is known.
        best_rate: how probable it is that its rate is the highest.
        mean: value per customer; None: there are no values.
        best_mean: how probable it is that its mean is the highest.
        without_value: how many customers have no value, which counts as 0.
        adjusted: the mean, less what values of before explain (CUPED); None: without them.
        best_adjusted: how probable it is that this is the highest.
    """

    name: str
    customers: int
    converted: int | None
    rate: Estimate
    best_rate: float | None
    mean: Estimate | None = None
    best_mean: float | None = None
    without_value: int = 0
    adjusted: Estimate | None = None
    best_adjusted: float | None = None


@dataclass(frozen=True)
class Figures:
    """How a group differs from the control group.

    Attributes:
        difference: its rate (or mean) less the control's.
        lift: that in relation to the control's.
        p_value: how probable so large a difference is where there is none.
        detectable: the least true difference that these groups would show in four of five experiments.
        shows: what a single look, planned beforehand, shows; None: no difference.
        any_time: the difference, with limits that hold however often one looks; None: not to be had.
        shows_any_time: what these show.
    """

    difference: Estimate
    lift: Estimate
    p_value: float | None
    detectable: float | None
    shows: Shown | None
    any_time: Estimate | None = None
    shows_any_time: Shown | None = None


@dataclass(frozen=True)
class Comparison:
    """A group against the control group: by rate; by value, and by value with CUPED, where there are values."""

    group: str
    rate: Figures
    value: Figures | None = None
    adjusted: Figures | None = None


@dataclass(frozen=True)
class Experiment:
    """All figures of an experiment.

    Attributes:
        control: the group that others are compared with.
        level: of the intervals.
        threshold: below it a p-value shows a difference: what the level leaves, divided among the comparisons
            (Bonferroni). The limits that hold at any time are of the level that this leaves.
        groups: the control group first.
        comparisons: one for each other group.
        ratio_p_value: how probable groups of these sizes are if drawn as was meant.
        ratio_alarms: whether that is so small that the groups were not formed so.
        shares: what was meant, in any unit; None: equal ones.
        explained: which part of the values' variance those of before explain; None: without CUPED.
    """

    control: str
    level: float
    threshold: float
    groups: list[Group]
    comparisons: list[Comparison]
    ratio_p_value: float | None
    ratio_alarms: bool
    shares: dict[str, float] | None
    explained: float | None


def control_of(groups: list[str]) -> str | None:
    """The group that is called as control groups are."""
    return next((one for name in CONTROLS for one in groups if one.casefold() == name), None)


def analyse(customers: pl.DataFrame, control: str, shares: Mapping[str, float] | None = None) -> Experiment:
    """Compare each group with the control group. The unit is a customer (semantics.md §10).

    Args:
        customers: one row per customer: `customer_id`, `group`, `converted` (null: not known), `value` (null: counts
            as 0 if anybody has one), `before` (the value of a time before the experiment, for CUPED).
        control: the name of the control group.
        shares: the part of all customers that each group was to have, in any unit; None: equal ones. Groups that only
            these name have nobody yet.

    Raises:
        ValueError: a share isn't above 0.
        KeyError: a group has no share.
    """
    names = list(dict.fromkeys([control, *(shares or ()), *customers["group"].unique(maintain_order=True)]))
    threshold = SIGNIFICANCE / max(len(names) - 1, 1)
    rows = _counted(customers, names)
    values = _values(customers, names)
    sizes = rows["customers"].to_numpy()
    ratio = statistics.sample_ratio(sizes, [shares[one] for one in names] if shares else None)
    found = zip(
        names[1:],
        _rates(rows, threshold),
        _differences(values.plain, threshold, len(names)),
        _differences(values.adjusted, threshold, len(names)),
        strict=True,
    )
    return Experiment(
        control,
        LEVEL,
        threshold,
        _groups(rows, values),
        [Comparison(*one) for one in found],
        _known(ratio.p_value),
        ratio.alarms,
        dict(shares) if shares else None,
        values.explained,
    )


def _counted(customers: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """One row per group, in this order: how many there are, are known, converted, are without a value."""
    counted = customers.group_by("group").agg(
        customers=pl.len(),
        known=pl.col("converted").count(),
        converted=pl.col("converted").sum(),
        without_value=pl.col("value").null_count(),
    )
    every = pl.DataFrame({"group": names}, schema={"group": pl.String})
    return every.join(counted, on="group", how="left", maintain_order="left").fill_null(0)


def _rates(rows: pl.DataFrame, threshold: float) -> list[Figures]:
    counts = Counts.of(rows["converted"].to_numpy(), rows["known"].to_numpy())
    control, treated = Counts(*(one[:1] for one in counts)), Counts(*(one[1:] for one in counts))
    base = control.rate
    return _figures(
        threshold,
        statistics.rate_difference(treated, control),
        statistics.rate_lift(treated, control),
        statistics.rate_p_value(treated, control),
        statistics.detectable_difference(base * (1 - base), treated.customers, control.customers),
        any_time_rates(treated, control, 1 - threshold),
    )


class _Values(NamedTuple):
    """Means by group, plain and less what values of before explain; None where there is none of it."""

    plain: Means | None = None
    adjusted: Means | None = None
    explained: float | None = None


def _values(customers: pl.DataFrame, names: list[str]) -> _Values:
    if not customers["value"].count():
        return _Values()
    plain = _means(customers, names)
    less = means.cuped(_with_values(customers)) if customers["before"].count() else None
    return _Values(plain, _means(less.values, names), less.explained) if less else _Values(plain)


def _with_values(customers: pl.DataFrame) -> pl.DataFrame:
    return customers.select("group", pl.col("value").fill_null(0.0), "before")


def _means(customers: pl.DataFrame, names: list[str]) -> Means:
    found = (
        _with_values(customers)
        .group_by("group")
        .agg(n=pl.len(), mean=pl.col("value").mean(), variance=pl.col("value").var())
    )
    every = pl.DataFrame({"group": names}, schema={"group": pl.String})
    rows = every.join(found, on="group", how="left", maintain_order="left")
    n, mean, variance = (
        rows[name].cast(pl.Float64).fill_null(fill).to_numpy()
        for name, fill in (("n", 0.0), ("mean", np.nan), ("variance", np.nan))
    )
    return Means.of(n, mean, variance)


def _differences(all_of_them: Means | None, threshold: float, groups: int) -> Sequence[Figures | None]:
    """One for each group but the control group."""
    if all_of_them is None:
        return [None] * (groups - 1)
    control, treated = (Means(*(one[part] for one in all_of_them)) for part in (slice(1), slice(1, None)))
    spread = means.pooled_variance(treated, control)
    return _figures(
        threshold,
        means.mean_difference(treated, control),
        means.mean_lift(treated, control),
        means.mean_p_value(treated, control),
        statistics.detectable_difference(spread, treated.customers, control.customers),
    )


def _figures(
    threshold: float,
    difference: Interval,
    lift: Interval,
    p_value: Floats,
    detectable: Floats,
    any_time: Interval | None = None,
) -> list[Figures]:
    """One for each group but the control group."""
    return [
        Figures(
            _estimate(difference, at),
            _estimate(lift, at),
            _known(p_value[at]),
            _known(detectable[at]),
            _shown(difference.value[at]) if p_value[at] < threshold else None,
            _estimate(any_time, at) if any_time else None,
            _beyond(any_time, at) if any_time else None,
        )
        for at in range(len(p_value))
    ]


def _groups(rows: pl.DataFrame, values: _Values) -> list[Group]:
    counts = Counts.of(rows["converted"].to_numpy(), rows["known"].to_numpy())
    rate, best = statistics.rate(counts), statistics.best_rate(counts)
    plain, adjusted = _told_means(values.plain, rows.height), _told_means(values.adjusted, rows.height)
    return [
        Group(
            rows["group"][at],
            rows["customers"][at],
            rows["converted"][at] if rows["known"][at] else None,
            _estimate(rate, at),
            _known(best[at]),
            *plain[at],
            rows["without_value"][at] if values.plain else 0,
            *adjusted[at],
        )
        for at in range(rows.height)
    ]


def _told_means(groups: Means | None, many: int) -> list[tuple[Estimate | None, float | None]]:
    """Of each group its mean, and how probable it is that this is the highest."""
    if groups is None:
        return [(None, None)] * many
    mean, best = means.mean(groups), means.best_mean(groups)
    return [(_estimate(mean, at), _known(best[at])) for at in range(many)]


def _estimate(found: Interval, at: int) -> Estimate:
    return Estimate(*(_known(one[at]) for one in found))


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _shown(difference: float) -> Shown:
    return "more" if difference > 0 else "less"


def _beyond(found: Interval, at: int) -> Shown | None:
    """On which side of no difference a whole interval lies."""
    lies = found.low[at] > 0 or found.high[at] < 0
    return _shown(found.value[at]) if lies else None
