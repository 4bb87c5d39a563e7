"""Executions, draws and goal hits → customers of an experiment: who was exposed when, in which arm, and converted.

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
    new_only: bool = False,
) -> pl.DataFrame:
    """Whom workflows met, held out or treated, and who reached the goal within its window.

    Args:
        executions: one row per execution: `workflow_id`, `customer_id`, `entered_at`, `status`; further columns are
            passed over.
        goal_hits: one row per hit: `workflow_id`, `customer_id`, `entered_at`, `at`.
        goals: one row per workflow: `workflow_id`, `window` (pl.Duration; null: no goal, or one that has no hits).
            Executions of other workflows are left out.
        since: the period in which a first entry exposes a customer begins here; None: with the first.
        until: and ends before here; None: with the last.
        new_only: only customers whose first entry of all time is in the period.

    Returns:
        One row per workflow and customer who entered in the period, in that order: `workflow_id`, `customer_id`, `arm`
        (of the first entry of the period), `exposed_at` (that entry), `ends_at` (the window's end, null without one),
        `converted` (null where the workflow's goal has no hits).
    """
    arm = pl.when(pl.col("status") == HELD_OUT).then(pl.lit(HELD_OUT)).otherwise(pl.lit(TREATED))
    met = executions.select(*_WHO, arm=arm, at="entered_at")
    # What is a hit of an entry of before can only have been at the exposure itself: the fact that began it.
    after = (pl.col("hit_entry") >= pl.col("exposed_at")) & (pl.col("hit_at") >= pl.col("exposed_at"))
    return _with_conversions(_first(met, since, until, new_only=new_only), goal_hits, goals, after)


def draw_exposures(
    draws: pl.DataFrame,
    goal_hits: pl.DataFrame,
    goals: pl.DataFrame,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    new_only: bool = False,
) -> pl.DataFrame:
    """Whom a draw within workflows met (a random split, the variants of a message), and who then reached the goal.

    A customer enters an arm when it is drawn. What happens at that very instant came before it (semantics.md §3: facts
    come before steps), so only hits after it count, of whichever entry.

    Args:
        draws: one row per draw: `workflow_id`, `customer_id`, `arm`, `at`.
        goal_hits: see `exposures`, and so the others.
        goals: see `exposures`.
        since: the period in which a first draw exposes a customer begins here.
        until: and ends before here.
        new_only: only customers whose first draw of all time is in the period.

    Returns:
        As `exposures` does; `exposed_at` is the first draw of the period.
    """
    after = pl.col("hit_at") > pl.col("exposed_at")
    met = draws.select(*_WHO, "arm", "at")
    return _with_conversions(_first(met, since, until, new_only=new_only), goal_hits, goals, after)


def _first(
    met: pl.DataFrame, since: datetime | None, until: datetime | None, *, new_only: bool
) -> pl.DataFrame:
    """The first time that each customer was met in the period."""
    at = pl.col("at")
    bounds = ([] if since is None else [at >= since]) + ([] if until is None else [at < until])
    if new_only and since is not None:
        bounds.append(at.min().over(*_WHO) >= since)
    inside = met.filter(*bounds) if bounds else met
    return inside.group_by(*_WHO).agg(arm=pl.col("arm").sort_by("at").first(), exposed_at=at.min())


def _with_conversions(
    exposed: pl.DataFrame, goal_hits: pl.DataFrame, goals: pl.DataFrame, after: pl.Expr
) -> pl.DataFrame:
    """Who of the exposed reached the goal after it, and within the window."""
    hits = goal_hits.select(*_WHO, hit_entry="entered_at", hit_at="at")
    exposed = exposed.join(goals.select("workflow_id", "window"), on="workflow_id")
    exposed = exposed.with_columns(ends_at=pl.col("exposed_at") + pl.col("window"))
    in_window = after & (pl.col("hit_at") <= pl.col("ends_at"))
    reached = exposed.join(hits, on=_WHO).filter(in_window).select(*_WHO).unique()
    converted = pl.when(pl.col("window").is_not_null()).then(pl.col("was_hit").fill_null(value=False))
    return (
        exposed.join(reached.with_columns(was_hit=True), on=_WHO, how="left")
        .select(*_WHO, "arm", "exposed_at", "ends_at", converted.alias("converted"))
        .sort(*_WHO)
    )
