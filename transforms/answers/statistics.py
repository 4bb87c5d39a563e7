"""Statistics of rates: how many of a group converted, how two groups differ, whether groups are as large as meant.

Arguments are numbers or arrays that broadcast, one element a group or a pair of groups. What isn't defined, as all of
a group of nobody, is NaN; a limit that nothing bounds is infinite. Nothing is random.

Both differences and ratios are read off the same score test, so an interval leaves out "no difference" exactly where
the p-value is below what the level leaves.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincinv, chdtrc, ndtr, ndtri

Floats = npt.NDArray[np.float64]
Numbers = float | npt.ArrayLike
LEVEL = 0.95
POWER = 0.8
ALARM = 0.001
"""Groups whose sizes are less probable than this weren't formed as was meant."""
_HALVINGS = 60
_SLICES = 4096


class Interval(NamedTuple):
    """An estimate and the limits of its interval."""

    value: Floats
    low: Floats
    high: Floats


class Counts(NamedTuple):
    """Of each group how many converted, and of how many."""

    converted: Floats
    customers: Floats

    @classmethod
    def of(cls, converted: Numbers, customers: Numbers) -> "Counts":
        """Numbers of any type, brought to one shape."""
        return cls(*np.broadcast_arrays(*(np.asarray(one, np.float64) for one in (converted, customers))))

    @property
    def rate(self) -> Floats:
        """The share that converted; NaN of nobody."""
        return np.asarray(self.converted / np.where(self.customers > 0, self.customers, np.nan))


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def rate(group: Counts, level: float = LEVEL) -> Interval:
    """The share that converted, with the score interval, which holds for small numbers, 0 and 100 % too.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference, JASA 22.
    """
    n, p, z = np.where(group.customers > 0, group.customers, np.nan), group.rate, ndtri((1 + level) / 2)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = np.where(p == 0, 0, middle - half), np.where(p == 1, 1, middle + half)
    return Interval(p, low, high)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def rate_difference(treated: Counts, control: Counts, level: float = LEVEL) -> Interval:
    """The treated group's rate less the control's, with the score interval.

    Source: Mee 1984, Confidence bounds for the difference between two probabilities, Biometrics 40; Miettinen and
    Nurminen 1985, Statistics in Medicine 4 (without their factor N / (N - 1)).
    """
    found = np.asarray(treated.rate - control.rate)

    def score(difference: Floats) -> Floats:
        base = _likeliest(treated, control, difference)
        return _standardized(
            found - difference, _variance(base + difference, treated) + _variance(base, control)
        )

    low, high = _crossings(score, level, np.full_like(found, -1), np.ones_like(found))
    return Interval(found, *(np.where(np.isnan(found), np.nan, one) for one in (low, high)))


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def rate_lift(treated: Counts, control: Counts, level: float = LEVEL) -> Interval:
    """The treated group's rate in relation to the control's, less 1, with the score interval.

    Nothing is said where nobody of either group converted; nothing bounds it above where nobody of the control's did.

    Source: Koopman 1984, Confidence intervals for the ratio of two binomial proportions, Biometrics 40.
    """
    ratio = np.asarray(treated.rate / control.rate)

    def score(place: Floats) -> Floats:
        times = place / (1 - place)
        base = _likeliest_of_ratio(treated, control, times)
        variance = _variance(times * base, treated) + times**2 * _variance(base, control)
        return _standardized(treated.rate - times * control.rate, variance)

    low, high = _crossings(score, level, np.zeros_like(ratio), np.ones_like(ratio))
    low, high = low / (1 - low), np.where(control.converted > 0, high / (1 - high), np.inf)
    low = np.where(treated.converted > 0, low, 0)
    return Interval(*(np.where(np.isnan(ratio), np.nan, one - 1) for one in (ratio, low, high)))


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def rate_p_value(treated: Counts, control: Counts) -> Floats:
    """How probable a difference at least as large is where there is none, two-sided: the score test.

    It is that of Pearson's chi-square without correction. Where all converted, or nobody, it is 1.

    Source: Pearson 1900; Agresti 2013, Categorical Data Analysis, 3rd edition, 3.2.
    """
    customers = treated.customers + control.customers
    pooled = Counts(treated.converted + control.converted, customers).rate
    difference = np.asarray(treated.rate - control.rate)
    variance = _variance(pooled, treated) + _variance(pooled, control)
    return np.asarray(2 * ndtr(-np.abs(_standardized(difference, variance))))


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def detectable_difference(
    variance: Numbers, treated: Numbers, control: Numbers, level: float = LEVEL, power: float = POWER
) -> Floats:
    """The least true difference that groups of these sizes would show with this power; NaN of groups without variance.

    Args:
        variance: of one customer's outcome: of a rate p it is p (1 - p).
        treated: how many customers the treated group has.
        control: how many the control group has.
        level: of the interval by which it would be judged.
        power: how often it would show.

    Source: Kohavi, Tang and Xu 2020, Trustworthy Online Controlled Experiments, chapter 17.
    """
    sizes = (np.asarray(one, np.float64) for one in (treated, control))
    spread = np.asarray(np.sqrt(np.asarray(variance) * sum(1 / one for one in sizes)))
    factor = ndtri((1 + level) / 2) + ndtri(power)
    return np.where(np.isfinite(spread) & (spread > 0), factor * spread, np.nan)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def best_rate(groups: Counts) -> Floats:
    """How probable it is of each group that its rate is the highest of all; NaN of nobody, and of one alone.

    Each rate has a Beta distribution, that of its counts after an even one.

    Source: Gelman et al. 2013, Bayesian Data Analysis, 3rd edition, 2.4; the integral is taken over quantiles.
    """
    yes, no = groups.converted + 1, groups.customers - groups.converted + 1
    known = np.flatnonzero(groups.customers > 0)
    return probability_best(
        known,
        len(groups.customers),
        lambda one, share: betaincinv(yes[one], no[one], share),
        lambda one, at: betainc(yes[one], no[one], at),
    )


def probability_best(
    known: npt.NDArray[np.int64],
    groups: int,
    quantile: Callable[[int, Floats], Floats],
    below: Callable[[int, Floats], Floats],
) -> Floats:
    """How probable it is of each group that what is uncertain about it is the largest.

    Args:
        known: the groups that count; of the others it is NaN.
        groups: how many there are.
        quantile: of a group's distribution, at shares.
        below: a group's distribution function, at values.
    """
    shares = (np.arange(_SLICES) + 0.5) / _SLICES
    found = np.full(groups, np.nan)
    if known.size < 2:
        return found
    for one in known:
        at = quantile(one, shares)
        found[one] = np.prod([below(other, at) for other in known if other != one], axis=0).mean()
    return np.asarray(found / np.nansum(found))


class SampleRatio(NamedTuple):
    """Whether groups are as large as meant: the p-value (NaN where nothing can be said), and whether it alarms."""

    p_value: float
    alarms: bool


def sample_ratio(customers: npt.ArrayLike, shares: npt.ArrayLike | None = None) -> SampleRatio:
    """Whether groups have the sizes that drawing customers by these shares gives: Pearson's chi-square.

    Args:
        customers: of each group how many it has.
        shares: the part of all that each was to have, in any unit; None: equal ones.

    Raises:
        ValueError: a share isn't above 0.

    Source: Fabijan et al. 2019, Diagnosing sample ratio mismatch in online controlled experiments, KDD.
    """
    found = np.asarray(customers, np.float64)
    parts = np.ones_like(found) if shares is None else np.asarray(shares, np.float64)
    if not (parts > 0).all() or not np.isfinite(parts).all():
        raise ValueError("shares must be numbers above 0")
    if found.size < 2 or not found.sum():
        return SampleRatio(np.nan, alarms=False)
    expected = parts / parts.sum() * found.sum()
    p_value = float(chdtrc(found.size - 1, ((found - expected) ** 2 / expected).sum()))
    return SampleRatio(p_value, p_value < ALARM)


def _variance(rate: Floats, group: Counts) -> Floats:
    """The variance of a group's share where its customers convert at this rate."""
    return np.asarray(np.clip(rate * (1 - rate), 0, None) / group.customers)


def _standardized(difference: Floats, variance: Floats) -> Floats:
    """A difference in standard errors; 0 for none, whatever the variance."""
    return np.where(difference == 0, 0.0, difference / np.sqrt(variance))


def _crossings(
    score: Callable[[Floats], Floats], level: float, low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Where a falling score is as high, and as low, as the level allows."""
    most = ndtri((1 + level) / 2) * np.array([1, -1]).reshape(2, *[1] * low.ndim)
    lower, upper = _where_zero(lambda at: score(at) - most, np.stack([low] * 2), np.stack([high] * 2))
    return lower, upper


def _where_zero(falling: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Where a falling function crosses 0 between two arrays, by halving."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_above = falling(middle) > 0
        low, high = np.where(is_above, middle, low), np.where(is_above, high, middle)
    return np.asarray((low + high) / 2)


def _likeliest(treated: Counts, control: Counts, difference: Floats) -> Floats:
    """The control's rate at which what was counted is the most probable, if the rates differ by this.

    The middle root of a cubic equation, by the formula of Miettinen and Nurminen 1985, appendix 1.
    """
    n, x = treated.customers + control.customers, treated.converted + control.converted
    c0 = control.converted * difference * (1 - difference) / n
    c1 = ((control.customers * difference - n - 2 * control.converted) * difference + x) / n
    c2 = ((n + control.customers) * difference - n - x) / n / 3
    q = c2**3 - c1 * c2 / 2 + c0 / 2
    p = np.where(q < 0, -1, 1) * np.sqrt(np.clip(c2**2 - c1 / 3, 0, None))
    angle = (np.pi + np.arccos(np.clip(np.nan_to_num(q / p**3), -1, 1))) / 3
    likeliest = 2 * p * np.cos(angle) - c2
    return np.asarray(np.clip(likeliest, np.maximum(0, -difference), np.minimum(1, 1 - difference)))


def _likeliest_of_ratio(treated: Counts, control: Counts, times: Floats) -> Floats:
    """The same if the treated group's rate is so many times the control's; a quadratic equation."""
    a = (treated.customers + control.customers) * times
    b = times * (treated.customers + control.converted) + treated.converted + control.customers
    c = treated.converted + control.converted
    return np.asarray(2 * c / (b + np.sqrt(np.clip(b**2 - 4 * a * c, 0, None))))
