"""Intervals that hold however often they are looked at, and whenever one stops."""

import numpy as np

from transforms.answers.statistics import LEVEL, Counts, Floats, Interval, Numbers

TUNED_FOR = 2500
"""The interval is narrowest, in relation to others like it, where two groups of twice as many are compared. It must not
depend on what is looked at."""
LEAST = 20
"""So many customers must have converted, and as many not, before anything is said: the interval is that of large
groups."""


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def any_time(difference: Numbers, error: Numbers, size: Numbers, level: float = LEVEL) -> Interval:
    """A difference of means with limits of which, with this probability, none is ever wrong, at all sizes together.

    It is the mixture sequential probability ratio test with a normal mixture, turned into an interval, with variances
    that are estimated, so that it holds for large groups.

    Args:
        difference: what was found.
        error: the variance of the difference.
        size: of two groups n m / (n + m).
        level: how probable it is that the difference lies within at all times.

    Source: Robbins 1970, Annals of Mathematical Statistics 41; Johari, Koomen, Pekelis and Walsh 2017, Peeking at A/B
    tests, KDD; with estimated variances: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, Time-uniform central
    limit theory and asymptotic confidence sequences, Annals of Statistics 52.
    """
    found, variance, n = (np.asarray(one, np.float64) for one in (difference, error, size))
    alpha = 1 - level
    rho = (-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / TUNED_FOR
    grown = n * rho + 1
    half = np.sqrt(variance * 2 * grown / (n * rho) * np.log(np.sqrt(grown) / alpha))
    return Interval(found, found - half, found + half)


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def any_time_rates(treated: Counts, control: Counts, level: float = LEVEL) -> Interval:
    """The same of a difference of rates; without limits (NaN) until enough have converted, and enough have not."""
    n, m = treated.customers, control.customers
    found = treated.rate - control.rate
    converted = treated.converted + control.converted
    is_enough = (np.minimum(converted, n + m - converted) >= LEAST) & (np.minimum(n, m) >= LEAST)
    size = np.asarray(n * m / (n + m))
    error = sum(_smoothed(one) * (1 - _smoothed(one)) / one.customers for one in (treated, control))
    return any_time(found, np.where(is_enough, error, np.nan), size, level)


def _smoothed(group: Counts) -> Floats:
    """The share that converted as if one more had and one hadn't: a group in which nobody did has a variance too."""
    return np.asarray((group.converted + 1) / (group.customers + 2))
