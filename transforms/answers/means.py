"""Statistics of values, such as revenue: means of groups, how two differ, and what a value of before explains of them.

Arguments are as in `transforms.answers.statistics`; what isn't defined is NaN.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from transforms.answers.statistics import LEVEL, Floats, Interval, Numbers, probability_best


class Means(NamedTuple):
    """Of each group how many values there are, their mean, and their variance (with n - 1)."""

    customers: Floats
    mean: Floats
    variance: Floats

    @classmethod
    def of(cls, customers: Numbers, mean: Numbers, variance: Numbers) -> "Means":
        """Numbers of any type, brought to one shape; of fewer than two values there is no variance."""
        n, mean, variance = np.broadcast_arrays(
            *(np.asarray(one, np.float64) for one in (customers, mean, variance))
        )
        usable = (n > 1) & (variance > 0) & np.isfinite(variance)
        return cls(n, np.where(n > 0, mean, np.nan), np.where(usable, variance, np.nan))

    @property
    def error(self) -> Floats:
        """The variance of the mean."""
        return np.asarray(self.variance / self.customers)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def mean(group: Means, level: float = LEVEL) -> Interval:
    """The mean, with Student's interval; none for fewer than two values, or where all are equal.

    Source: Student 1908, The probable error of a mean, Biometrika 6.
    """
    half = stdtrit(group.customers - 1, (1 + level) / 2) * np.sqrt(group.error)
    return Interval(group.mean, group.mean - half, group.mean + half)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def mean_difference(treated: Means, control: Means, level: float = LEVEL) -> Interval:
    """The treated group's mean less the control's, with Welch's interval; the groups' variances may differ.

    Source: Welch 1947, The generalization of Student's problem when several different population variances are
    involved, Biometrika 34.
    """
    found = np.asarray(treated.mean - control.mean)
    half = stdtrit(_freedom(treated, control), (1 + level) / 2) * np.sqrt(treated.error + control.error)
    return Interval(found, found - half, found + half)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def mean_p_value(treated: Means, control: Means) -> Floats:
    """How probable a difference at least as large is where there is none, two-sided: Welch's test."""
    at = np.abs(treated.mean - control.mean) / np.sqrt(treated.error + control.error)
    return np.asarray(2 * stdtr(_freedom(treated, control), -at))


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def mean_lift(treated: Means, control: Means, level: float = LEVEL) -> Interval:
    """The treated group's mean in relation to the control's, less 1; no limits where the control's may be 0.

    Nothing is said of a control's mean that isn't above 0.

    Source: Fieller 1954, Some problems in interval estimation, JRSS B 16.
    """
    t = stdtrit(_freedom(treated, control), (1 + level) / 2)
    a = control.mean**2 - t**2 * control.error
    b = treated.mean * control.mean
    c = treated.mean**2 - t**2 * treated.error
    is_bounded = (a > 0) & (control.mean > 0)
    root = np.sqrt(np.where(is_bounded, np.clip(b**2 - a * c, 0, None), np.nan))
    base = np.where(control.mean > 0, control.mean, np.nan)
    return Interval(treated.mean / base - 1, (b - root) / a - 1, (b + root) / a - 1)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def best_mean(groups: Means) -> Floats:
    """How probable it is of each group that its mean is the highest of all; NaN where it has no variance.

    Each mean has a normal distribution, which is that of large groups.

    Source: Gelman et al. 2013, Bayesian Data Analysis, 3rd edition, 4.1.
    """
    error = np.sqrt(groups.error)
    return probability_best(
        np.flatnonzero(np.isfinite(error)),
        len(error),
        lambda one, share: groups.mean[one] + error[one] * ndtri(share),
        lambda one, at: ndtr((at - groups.mean[one]) / error[one]),
    )


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def pooled_variance(treated: Means, control: Means) -> Floats:
    """The variance of one value within two groups."""
    freedom = treated.customers - 1, control.customers - 1
    return np.asarray((freedom[0] * treated.variance + freedom[1] * control.variance) / sum(freedom))


class Cuped(NamedTuple):
    """Values less what those of before explain of them, and which part of their variance that is."""

    values: pl.DataFrame
    explained: float


def cuped(values: pl.DataFrame) -> Cuped | None:
    """Take from each value what the same customer's value of before the experiment explains of it.

    The means' expectations stay; their intervals shrink. A customer without a value of before counts as an average one.

    Args:
        values: one row per customer: `group`, `value`, `before`; finite, `before` may be null.

    Returns:
        The same rows, `value` replaced; None where no value of before differs from another, or nothing can be computed.

    Source: Deng, Xu, Kohavi and Walker 2013, Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data, WSDM; the slope is that within groups.
    """
    filled = values.with_columns(before=pl.col("before").fill_null(pl.col("before").mean()))
    within = filled.select(
        y=pl.col("value") - pl.col("value").mean().over("group"),
        x=pl.col("before") - pl.col("before").mean().over("group"),
    )
    xx, xy, yy = within.select(
        (pl.col("x") ** 2).sum(), xy=pl.col("x").dot("y"), yy=(pl.col("y") ** 2).sum()
    ).row(0)
    if not all(one is not None and np.isfinite(one) for one in (xx, xy, yy)) or not (xx > 0 and yy > 0):
        return None
    less = xy / xx * (pl.col("before") - pl.col("before").mean())
    return Cuped(filled.with_columns(value=pl.col("value") - less), xy**2 / xx / yy)


def _freedom(treated: Means, control: Means) -> Floats:
    """The degrees of freedom by Welch and Satterthwaite."""
    within = treated.error**2 / (treated.customers - 1) + control.error**2 / (control.customers - 1)
    return np.asarray((treated.error + control.error) ** 2 / within)
