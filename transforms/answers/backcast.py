"""What a forecast would have said in the past, beside what came, and how far off it was."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from transforms.answers.forecast import WEEK, forecast
from transforms.answers.life_table import Past
from transforms.answers.totals import banded, summed

_SAID = {"day": pl.Date, "messages": pl.Float64, "low": pl.Int64, "high": pl.Int64, "first": pl.Date}


def backcast(past: Past, active: pl.DataFrame, firsts: Sequence[date], days: int) -> pl.DataFrame:
    """Forecasts of the past, each by what was known when its first day began.

    Args:
        past: what there was; all of the days in question.
        active: day, workflow_id, version: the versions of active workflows when a first day began.
        firsts: the first days.
        days: how many days each goes.

    Returns:
        One row per forecast for which there was history enough, and day: first, day, came, messages, low, high,
        last_week (what came on the same weekday of the last week before `first`).
    """
    said = [_said(past, active.filter(day=first), first, days) for first in firsts]
    came = past.messages.group_by("day").agg(came=pl.col("n").sum())
    weeks = (pl.col("day") - pl.col("first")).dt.total_days() // WEEK + 1
    rows = pl.concat([pl.DataFrame(schema=_SAID), *said]).with_columns(
        day_before=pl.col("day") - pl.duration(days=WEEK * weeks)
    )
    before = came.select(day_before="day", last_week="came")
    both = rows.join(came, on="day", how="left").join(before, on="day_before", how="left")
    found = both.with_columns(pl.col("came", "last_week").fill_null(0))
    return found.select("first", "day", "came", "messages", "low", "high", "last_week").sort("first", "day")


def errors(rows: pl.DataFrame) -> pl.DataFrame:
    """How far off forecasts were.

    Args:
        rows: see `backcast`.

    Returns:
        One row per forecast, in order: first, came and messages (sums), error (mean absolute difference of its days),
        last_week_error (that of "as on the same weekday of last week"), within (the share of days within the band).
    """
    came = pl.col("came")
    return (
        rows.group_by("first")
        .agg(
            came.sum(),
            pl.col("messages").sum(),
            error=(pl.col("messages") - came).abs().mean(),
            last_week_error=(pl.col("last_week") - came).abs().mean(),
            within=came.is_between("low", "high").mean(),
        )
        .sort("first")
    )


def _said(past: Past, active: pl.DataFrame, first: date, days: int) -> pl.DataFrame:
    parts = forecast(past, active.drop("day"), first, days).parts
    said = banded(summed(parts, ["day"])).select("day", "messages", "low", "high")
    return said.with_columns(first=pl.lit(first))
