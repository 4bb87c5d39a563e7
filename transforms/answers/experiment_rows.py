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


def _row(found: Experiment, outcome: str, group: Group, compared: Comparison | None) -> dict[str, Any] | None:
    figures: Figures | None
    match outcome:
        case "conversion":
            estimate, best, figures = group.rate, group.best_rate, compared and compared.rate
        case "value":
            estimate, best, figures = group.mean, group.best_mean, compared and compared.value
        case _:
            estimate, best, figures = group.adjusted, group.best_adjusted, compared and compared.adjusted
    if estimate is None:
        return None
    any_time = (figures and figures.any_time) or _UNKNOWN
    return {
        "outcome": outcome,
        "group": group.name,
        "is_control": group.name == found.control,
        "customers": group.customers,
        "converted": group.converted,
        **_limits("estimate", estimate),
        **_limits("difference", figures.difference if figures else _UNKNOWN),
        **_limits("lift", figures.lift if figures else _UNKNOWN),
        "p_value": figures and figures.p_value,
        "best": best,
        "detectable": figures and figures.detectable,
        "shows": figures and figures.shows,
        "any_time_low": any_time.low,
        "any_time_high": any_time.high,
        "shows_any_time": figures and figures.shows_any_time,
        "explained": found.explained,
        "ratio_p_value": found.ratio_p_value,
        "ratio_alarms": found.ratio_alarms,
    }


def _limits(name: str, found: Estimate) -> dict[str, float | None]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
