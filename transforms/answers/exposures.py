"""Executions and goal hits → customers of an experiment: who was exposed when, in which arm, and converted.

Experiments count customers, not executions (semantics.md §10): a customer who is held out enters again where a treated
one is still running, so that executions would be counted by what the arm does to them.
"""

from datetime import datetime

import polars as pl

HELD_OUT, TREATED = "held_out", "treated"
_WHO = ("workflow_id", "customer_id")


def exposures(
    executions: pl.DataFrame,
    goal_hits: pl.DataFrame,
    goals: pl.DataFrame,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pl.DataFrame:
    """Whom workflows met, and who reached the goal within its window.

    Args:
        executions: one row per execution: `workflow_id`, `customer_id`, `entered_at`, `status`; further columns are
            passed over.
        goal_hits: one row per hit: `workflow_id`, `customer_id`, `entered_at`, `at`.
        goals: one row per workflow: `workflow_id`, `window` (pl.Duration; null: no goal, or one that has no hits).
            Executions of other workflows are left out.
        since: the period in which a first entry exposes a customer begins here; None: with the first.
        until: and ends before here; None: with the last.

    Returns:
        One row per workflow and customer who entered in the period, in that order: `workflow_id`, `customer_id`, `arm`
        (of the first entry of the period), `exposed_at` (that entry), `ends_at` (the window's end, null without one),
        `converted` (null where the workflow's goal has no hits).
    """
    hits = goal_hits.select(*_WHO, pl.col("entered_at").alias("hit_entry"), pl.col("at").alias("hit_at"))
    exposed = _exposed(executions, since, until).join(goals.select("workflow_id", "window"), on="workflow_id")
    exposed = exposed.with_columns(ends_at=pl.col("exposed_at") + pl.col("window"))
    reached = exposed.join(hits, on=_WHO).filter(_counts()).select(*_WHO).unique()
    converted = pl.when(pl.col("window").is_not_null()).then(pl.col("was_hit").fill_null(value=False))
    return (
        exposed.join(reached.with_columns(was_hit=True), on=_WHO, how="left")
        .select(*_WHO, "arm", "exposed_at", "ends_at", converted.alias("converted"))
        .sort(*_WHO)
    )


def _exposed(executions: pl.DataFrame, since: datetime | None, until: datetime | None) -> pl.DataFrame:
    """The first entry of each customer in the period."""
    entered = pl.col("entered_at")
    bounds = ([] if since is None else [entered >= since]) + ([] if until is None else [entered < until])
    inside = executions.filter(*bounds) if bounds else executions
    arm = pl.when(pl.col("status").sort_by("entered_at").first() == HELD_OUT).then(pl.lit(HELD_OUT))
    return inside.group_by(*_WHO).agg(arm=arm.otherwise(pl.lit(TREATED)), exposed_at=entered.min())


def _counts() -> pl.Expr:
    """Whether a hit is after the exposure and within the window.

    What is a hit of an entry of before can only have been at the exposure itself: the fact that began it.
    """
    after = (pl.col("hit_entry") >= pl.col("exposed_at")) & (pl.col("hit_at") >= pl.col("exposed_at"))
    return after & (pl.col("hit_at") <= pl.col("ends_at"))
