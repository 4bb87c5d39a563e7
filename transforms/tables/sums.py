"""Sums that reports are made of: how changes are added to what is kept."""

import polars as pl

from transforms.tables.frames import SUMS

KEY = ["name", "parts"]


def added(kept: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Sums after changes, both `frames.SUMS`: n and total add up, of first and last the extremes stay.

    Of a change, n and total may be negative. Neither the order of changes matters, nor whether they come one by one.

    Returns:
        `frames.SUMS`, sorted, without those that have become nothing (n and total 0).
    """
    both = pl.concat([kept.select(*SUMS), changes.select(*SUMS)])
    sums = both.group_by(KEY).agg(pl.col("n", "total").sum(), pl.col("first").min(), pl.col("last").max())
    return sums.filter((pl.col("n") != 0) | (pl.col("total") != 0)).sort(KEY)
