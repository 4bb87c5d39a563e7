"""What a week's report tells: each workflow beside the week before, where customers left, where they wait."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

MEASURES = ("entries", "completions", "conversions", "messages")
"""What `report_last_week` counts."""
_STEP = ("workflow_id", "branch", "step", "action_type", "label")


def week_of(instant: datetime, zone: str) -> str:
    """The ISO 8601 week of an instant by the clocks of a zone, such as `2026-W10`."""
    year, week, _ = instant.astimezone(ZoneInfo(zone)).isocalendar()
    return f"{year}-W{week:02d}"


def by_workflow(weeks: pl.DataFrame, summary: pl.DataFrame) -> pl.DataFrame:
    """One row per workflow that did anything in two weeks or is in flight, by its id.

    Args:
        weeks: `report_last_week`.
        summary: `report_workflow_summary`.

    Returns:
        workflow_id; per measure how many in the last week, and `<measure>_change`, in percent of the week before (null
        where that had nothing); active: in flight now.
    """
    told = weeks.select("workflow_id", "measure", "last_week", "week_before", "change")
    found = summary.select("workflow_id", "active").sort("workflow_id")
    happened = pl.col("active") > 0
    for one in MEASURES:
        of_one = told.filter(pl.col("measure") == one).select(
            "workflow_id",
            pl.col("last_week").alias(one),
            pl.col("change").alias(f"{one}_change"),
            pl.col("week_before").alias(f"{one}_before"),
        )
        found = found.join(of_one, on="workflow_id", how="left", maintain_order="left")
        happened |= (pl.col(one) > 0) | (pl.col(f"{one}_before") > 0)
    columns = [name for one in MEASURES for name in (one, f"{one}_change")]
    return found.filter(happened).select("workflow_id", *columns, "active")


def where_left(drop_off: pl.DataFrame, most: int) -> pl.DataFrame:
    """The steps at which most customers left before their path's end, of all workflows; at most so many.

    Whoever reached the goal there left too, and well: `converted` says how many.

    Args:
        drop_off: `report_drop_off`.
        most: how many steps.

    Returns:
        workflow_id, branch, step, action_type, label, entered, left, converted, and share: left in percent of entered.
    """
    left = pl.sum_horizontal("left_here_converted", "left_here_exited", "left_here_failed")
    found = drop_off.select(*_STEP, "entered", left=left, converted="left_here_converted")
    return _most(found.with_columns(share=100.0 * pl.col("left") / pl.col("entered")), "left", most)


def where_waiting(drop_off: pl.DataFrame, most: int) -> pl.DataFrame:
    """The steps at which most customers wait, at most so many.

    Returns:
        workflow_id, branch, step, action_type, label, waiting.
    """
    return _most(drop_off.select(*_STEP, waiting="waiting_here"), "waiting", most)


def messages_by_day(daily: pl.DataFrame, until: date, days: int) -> pl.DataFrame:
    """One row per day of the last so many, `until` among them: day, messages (accepted; 0 where there were none).

    Args:
        daily: `report_messages_daily`.
        until: the last day.
        days: how many.
    """
    first = until - timedelta(days=days - 1)
    every = pl.DataFrame({"day": pl.date_range(first, until, eager=True)})
    counts = daily.group_by("day").agg(messages=pl.col("accepted").sum())
    found = every.join(counts, on="day", how="left", maintain_order="left")
    return found.with_columns(pl.col("messages").fill_null(0))


def _most(rows: pl.DataFrame, measure: str, most: int) -> pl.DataFrame:
    some = rows.filter(pl.col(measure) > 0)
    return some.sort(measure, "workflow_id", "branch", "step", descending=[True, False, False, False]).head(
        most
    )
