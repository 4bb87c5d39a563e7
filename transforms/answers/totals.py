"""Sums of what a forecast expects, with a band, and how they part among hours or senders."""

from collections.abc import Sequence
from statistics import NormalDist

import polars as pl

BAND = 0.8
_COLUMNS = ("messages", "low", "high", "in_flight", "entries")
_REACH = NormalDist().inv_cdf((1 + BAND) / 2)


def summed(parts: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The sums of a forecast's parts by group.

    Entries vary as the sums of the replayed weeks do, so what varies together, be it days or workflows, widens the band
    of the whole.

    Args:
        parts: see `transforms.answers.forecast.Forecast`.
        by: its columns that make a group.

    Returns:
        One row per group, in order: `by`, messages = in_flight + entries, variance.
    """
    weekly = parts.group_by(*by, "week").agg(pl.col("messages", "chance").sum())
    of_entries = pl.col("week").is_not_null()
    messages, chance = pl.col("messages"), pl.col("chance")
    entries = messages.filter(of_entries)
    spread = entries.var().fill_null(0.0) * (1 + 1 / entries.len().clip(1))
    groups = weekly.group_by(by).agg(
        in_flight=messages.filter(~of_entries).sum(),
        entries=entries.mean().fill_null(0.0),
        variance=chance.filter(~of_entries).sum() + chance.filter(of_entries).mean().fill_null(0.0) + spread,
    )
    total = pl.col("in_flight") + pl.col("entries")
    return groups.select(*by, "in_flight", "entries", "variance", messages=total).sort(by, nulls_last=True)


def parted(parts: pl.DataFrame, shares: pl.DataFrame, by: str) -> pl.DataFrame:
    """The parts of a forecast, all days together, as they part among hours or senders, if they do as lately.

    Of a number with mean `m` and variance `v`, a share `s` has the mean `s m` and the variance `s² v + s (1 − s) m`.

    Args:
        parts: as for `summed`.
        shares: workflow_id, `by`, n: messages of each lately.
        by: the column of what they part among.

    Returns:
        One row per workflow, week and value of `by` (null also: of workflows without messages lately), for `summed`.
    """
    counts = shares.group_by("workflow_id", by).agg(pl.col("n").sum()).filter(pl.col("n") > 0)
    of_each = counts.with_columns(share=pl.col("n") / pl.col("n").sum().over("workflow_id"))
    whole = parts.group_by("workflow_id", "week").agg(pl.col("messages", "chance").sum())
    both = whole.join(of_each, on="workflow_id", how="left")
    share, mean = pl.col("share").fill_null(1.0), pl.col("messages")
    chance = share**2 * pl.col("chance") + share * (1 - share) * mean
    return both.select("workflow_id", "week", by, messages=share * mean, chance=chance)


def banded(groups: pl.DataFrame) -> pl.DataFrame:
    """The same with `low` and `high` for `variance`: with the probability `BAND`, what comes is between them."""
    reach = pl.col("variance").sqrt() * _REACH
    low, high = (pl.col("messages") + by for by in (-reach, reach))
    band = groups.with_columns(low=_whole(low).clip(lower_bound=0), high=_whole(high))
    last = [one for one in _COLUMNS if one in band.columns]
    return band.select(pl.exclude(*last, "variance"), *last)


def _whole(number: pl.Expr) -> pl.Expr:
    """The nearest whole number; a half goes the same way in whichever order it was summed up."""
    return number.round(6).round().cast(pl.Int64)


def strangers(parts: pl.DataFrame) -> pl.DataFrame:
    """Of whom nobody can say what comes: who will have been in a workflow longer than anybody was.

    Returns:
        One row per workflow with such, in order: workflow_id, day (the first of them), n (how many on the worst day).
    """
    weekly = parts.group_by("workflow_id", "day", "week").agg(pl.col("strangers").sum())
    of_entries = pl.col("week").is_not_null()
    some = pl.col("strangers")
    daily = weekly.group_by("workflow_id", "day").agg(
        n=some.filter(~of_entries).sum() + some.filter(of_entries).mean().fill_null(0.0)
    )
    told = daily.with_columns(pl.col("n").round().cast(pl.Int64)).filter(pl.col("n") > 0)
    return told.group_by("workflow_id").agg(pl.col("day").min(), pl.col("n").max()).sort("workflow_id")
