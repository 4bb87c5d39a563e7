"""Experiments side by side: a row for each group that was compared with a control group."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from transforms.answers.experiment import Comparison, Estimate, Experiment, Group
from transforms.answers.wording import percent

_FIGURES = ("rate", "control_rate", "difference", "lift")
SCHEMA = (
    {"workflow_id": pl.String, "group": pl.String, "control": pl.String}
    | {
        "customers": pl.Int64,
        "converted": pl.Int64,
        "control_customers": pl.Int64,
        "control_converted": pl.Int64,
    }
    | {f"{name}{limit}": pl.Float64 for name in _FIGURES for limit in ("", "_low", "_high")}
    | {"p_value": pl.Float64, "shows": pl.String, "lift_told": pl.String, "rates_told": pl.String}
)


def lifts(experiments: Mapping[str, Experiment]) -> pl.DataFrame:
    """How groups differ from the control group of their experiment, by rate.

    Args:
        experiments: workflow → its experiment.

    Returns:
        One row per workflow and group beside the control, if both have customers: `workflow_id`, `group`, `control`;
        `customers`, `converted`, and those of the control; `rate`, `control_rate`, `difference`, `lift` (of 1) with
        `…_low` and `…_high`, the limits of their 95 percent intervals (null: nothing bounds it, or it isn't known);
        `p_value`; `shows` (`more`, `less`, null: no difference) at one look; `lift_told`, `rates_told` as people read
        them.
    """
    rows = [
        _row(workflow, found, found.groups[place + 1], one)
        for workflow, found in experiments.items()
        for place, one in enumerate(found.comparisons)
        if found.groups[0].customers and found.groups[place + 1].customers
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def _row(workflow: str, found: Experiment, group: Group, comparison: Comparison) -> dict[str, Any]:
    control = found.groups[0]
    return {
        "workflow_id": workflow,
        "group": group.name,
        "control": found.control,
        "customers": group.customers,
        "converted": group.converted,
        "control_customers": control.customers,
        "control_converted": control.converted,
        **_limits("rate", group.rate),
        **_limits("control_rate", control.rate),
        **_limits("difference", comparison.rate.difference),
        **_limits("lift", comparison.rate.lift),
        "p_value": comparison.rate.p_value,
        "shows": comparison.rate.shows,
        "lift_told": percent(comparison.rate.lift, signed=True),
        "rates_told": f"{_rate(group)} against {_rate(control)}",
    }


def _limits(name: str, found: Estimate) -> dict[str, float | None]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _rate(group: Group) -> str:
    return percent(Estimate(group.rate.value, None, None)) + f" of {group.customers:,}"
