"""A workflow's funnel: what became of those who reached each step."""

import polars as pl

FATES = {
    "passed": "went on",
    "waiting_here": "waits there",
    "left_here_converted": "converted",
    "left_here_exited": "exited",
    "left_here_failed": "failed",
}
"""Columns of `report_drop_off` that sum to `entered` → what people read."""
LABELS = ("workflow_id", "branch", "step", "position", "action_type", "label")


def with_unreached(drop_off: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """The drop-off; of a workflow that nobody entered, its steps, reached by nobody.

    Args:
        drop_off: rows of `report_drop_off` of one workflow.
        steps: those of its newest version, with `LABELS`.
    """
    if not drop_off.is_empty():
        return drop_off
    counts = [pl.lit(0, dtype).alias(name) for name, dtype in drop_off.schema.items() if name not in LABELS]
    return steps.with_columns(counts).select(drop_off.columns)


def fates(drop_off: pl.DataFrame) -> pl.DataFrame:
    """What became of those who reached a step.

    Args:
        drop_off: rows of `report_drop_off` of one workflow.

    Returns:
        One row per branch, step and fate that somebody met: `branch`, `position`, `fate` (a value of `FATES`), `place`
        (its order there), `n`, `share` (of the branch's entries, in percent).
    """
    order = pl.Enum(list(FATES))
    told = drop_off.unpivot(
        list(FATES),
        index=["branch", "position", "entered", "pct_of_entries"],
        variable_name="column",
        value_name="n",
    ).filter(pl.col("n") > 0)
    return told.select(
        "branch",
        "position",
        fate=pl.col("column").replace_strict(FATES, return_dtype=pl.String),
        place=pl.col("column").cast(order).to_physical().cast(pl.Int64),
        n="n",
        share=pl.col("pct_of_entries").cast(pl.Float64) * pl.col("n") / pl.col("entered"),
    ).sort("branch", "position", "place")
