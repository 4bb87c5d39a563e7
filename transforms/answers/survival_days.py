"""The share of entries that have reached the goal by each day since the entry, with those still on their way."""

import polars as pl

from transforms.answers.survival import kaplan_meier

DAY = 86_400.0
SCHEMA = {
    "arm": pl.String,
    "days": pl.Int64,
    "at_risk": pl.Int64,
    "conversions": pl.Int64,
    "share": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


def conversion_by_day(watched: pl.DataFrame) -> pl.DataFrame:
    """The estimate of Kaplan and Meier (1958), read off at the end of each day.

    Args:
        watched: one row per entry: `arm`, `seconds` (until its first goal hit, else as long as it was watched),
            `reached` (whether it reached the goal then).

    Returns:
        One row per arm and day since the entry, from 0 to the last on which anybody of the arm was watched: `arm`,
        `days`, `at_risk` (how many were still watched, without a hit, when so many days were over), `conversions`
        (first hits of the day that ends then; at 0 those at once), `share` (of 1, who reached the goal by then), `low`
        and `high` (of 95 percent of such intervals; null where the formula has none).
    """
    arms = watched.sort("arm").partition_by("arm", as_dict=True)
    return pl.concat([pl.DataFrame(schema=SCHEMA), *(_arm(str(arm), rows) for (arm,), rows in arms.items())])


def _arm(arm: str, rows: pl.DataFrame) -> pl.DataFrame:
    days = rows.select(days=pl.col("seconds") / DAY, reached="reached").sort("days")
    last = int(days.select(pl.col("days").max().ceil()).item())
    grid = pl.DataFrame({"days": pl.int_range(last + 1, dtype=pl.Int64, eager=True)}).with_columns(
        at=pl.col("days").cast(pl.Float64)
    )
    curve = kaplan_meier(days["days"], days["reached"]).drop("at_risk").set_sorted("at")
    hits = (
        days.filter("reached").group_by(days=pl.col("days").ceil().cast(pl.Int64)).agg(conversions=pl.len())
    )
    at_risk = days.height - days["days"].search_sorted(grid["at"], side="left")
    return (
        grid.join_asof(curve, on="at")
        .join(hits, on="days", how="left", maintain_order="left")
        .with_columns(
            arm=pl.lit(arm),
            at_risk=at_risk.cast(pl.Int64),
            conversions=pl.col("conversions").fill_null(0).cast(pl.Int64),
            share=1 - pl.col("share"),
            low=1 - pl.col("high"),
            high=1 - pl.col("low"),
        )
        .select(list(SCHEMA))
    )
