"""Sums of what a forecast expects, with a band, and how they part among hours or senders."""

from collections.abc import Sequence
from statistics import NormalDist

import polars as pl

BAND = 0.8
_COLUMNS = ("messages", "low", "high", "in_flight", "entries")
_REACH = NormalDist().inv_cdf((1 + BAND) / 2)


def summed(parts: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The sums of a forecast's parts by group.

    The variance of entries is that of another week's sum among those of the replayed weeks: so what varies together, be it
    days or workflows, widens the band of the whole.

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
    return groups.select(*by, "in_flight", "entries", "variance", messages=total).sort(by)


def parted(workflows: pl.DataFrame, shares: pl.DataFrame, by: str) -> pl.DataFrame:
    """How the messages of workflows part among hours or senders, if they do as lately.

    A share `s` of a number with mean `m` and variance `v` has the mean `s m` and the variance `s² v + s (1 − s) m`.

    Args:
        workflows: see `summed`, by workflow_id.
        shares: workflow_id, `by`, n: messages of each lately.
        by: the column of what they part among.

    Returns:
        One row per value of `by`, in order: `by` (null: of workflows without messages lately), messages, variance.
    """
    counts = shares.group_by("workflow_id", by).agg(pl.col("n").sum())
    of_each = counts.with_columns(share=pl.col("n") / pl.col("n").sum().over("workflow_id"))
    share, mean = pl.col("share").fill_null(1.0), pl.col("messages")
    both = workflows.join(of_each, on="workflow_id", how="left").with_columns(
        messages=share * mean, variance=share**2 * pl.col("variance") + share * (1 - share) * mean
    )
    sums = both.group_by(by).agg(pl.col("messages", "variance").sum())
    return sums.filter(pl.col("messages") > 0).sort(by, nulls_last=True)


def banded(groups: pl.DataFrame) -> pl.DataFrame:
    """The same with `low` and `high` for `variance`: `BAND` of the time, what comes is expected to be none outside them."""
    reach, mean = pl.col("variance").sqrt() * _REACH, pl.col("messages")
    band = groups.with_columns(
        low=(mean - reach).clip(lower_bound=0).round().cast(pl.Int64), high=(mean + reach).round().cast(pl.Int64)
    )
    last = [one for one in _COLUMNS if one in band.columns]
    return band.select(pl.exclude(*last, "variance"), *last)
