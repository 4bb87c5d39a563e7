"""The figures of an experiment as one frame, for charts and notebooks."""

from typing import Any

import polars as pl

from transforms.answers.experiment import Comparison, Estimate, Experiment, Figures, Group

_FIGURES = ("estimate", "difference", "lift")
ROWS: dict[str, type[pl.DataType]] = {
    "outcome": pl.String,
    "group": pl.String,
    "is_control": pl.Boolean,
    "customers": pl.Int64,
    "converted": pl.Int64,
    **{f"{name}{end}": pl.Float64 for name in _FIGURES for end in ("", "_low", "_high")},
    "p_value": pl.Float64,
    "best": pl.Float64,
    "detectable": pl.Float64,
    "shows": pl.String,
    "any_time_low": pl.Float64,
    "any_time_high": pl.Float64,
    "shows_any_time": pl.String,
    "explained": pl.Float64,
    "ratio_p_value": pl.Float64,
    "ratio_alarms": pl.Boolean,
}
"""The columns. What isn't known, and of the control group what compares with it, is null."""
_UNKNOWN = Estimate(None, None, None)
_NOTHING = Figures(_UNKNOWN, _UNKNOWN, None, None, None)


def experiment_rows(found: Experiment) -> pl.DataFrame:
    """One row per outcome and group, the control group first.

    Args:
        found: the experiment.

    Returns:
        `ROWS`: `outcome` is `conversion`, of which `estimate` is the rate, a share of 1; where there are values also
        `value`, of which it is the mean, and where those of before explain some of it `value_adjusted` (CUPED).
    """
    compared = {one.group: one for one in found.comparisons}
    rows = [
        row
        for outcome in ("conversion", "value", "value_adjusted")
        for group in found.groups
        if (row := _row(found, outcome, group, compared.get(group.name)))
    ]
    return pl.DataFrame(rows, schema=ROWS)


def _row(found: Experiment, outcome: str, group: Group, one: Comparison | None) -> dict[str, Any] | None:
    estimate, best, compared = {
        "conversion": (group.rate, group.best_rate, one.rate if one else None),
        "value": (group.mean, group.best_mean, one.value if one else None),
        "value_adjusted": (group.adjusted, group.best_adjusted, one.adjusted if one else None),
    }[outcome]
    if estimate is None:
        return None
    figures = compared or _NOTHING
    any_time = figures.any_time or _UNKNOWN
    return {
        "outcome": outcome,
        "group": group.name,
        "is_control": group.name == found.control,
        "customers": group.customers,
        "converted": group.converted,
        **_limits("estimate", estimate),
        **_limits("difference", figures.difference),
        **_limits("lift", figures.lift),
        "p_value": figures.p_value,
        "best": best,
        "detectable": figures.detectable,
        "shows": figures.shows,
        "any_time_low": any_time.low,
        "any_time_high": any_time.high,
        "shows_any_time": figures.shows_any_time,
        "explained": found.explained,
        "ratio_p_value": found.ratio_p_value,
        "ratio_alarms": found.ratio_alarms,
    }


def _limits(name: str, found: Estimate) -> dict[str, float | None]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
