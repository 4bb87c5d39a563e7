"""How many messages are to come: of executions in flight by a life table, of new ones at the rate of the last weeks.

Each of the last weeks, once more, is one of the weeks to come: their mean is what is expected of new entries, and how
much they differ is the larger part of the band. The rest is chance: of `n` executions, each with a message with
probability `p`, as many have one as a binomial says.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from transforms.answers.life_table import BRANCH, KIND, Past, life_table

WEEKS = 8
LEAST_WEEKS = 2
WEEK = 7
_WEEKS_TO_JUDGE = 4
_FAR_OUT = 3
"""So many times as far above the upper quartile as that is above the lower: *far out* (Tukey, 1977)."""


@dataclass(frozen=True)
class Forecast:
    """Messages to come.

    Attributes:
        day: the first day of it; nothing of that day was known.
        days: how many days.
        parts: one row per workflow, day and replayed week (null: of those in flight): workflow_id, day, week, messages,
            chance (the variance that chance makes), strangers (executions of an age that nobody has been yet). Without
            rows: there is too little history for any figure.
        bursts: workflow_id, day, n: entries of a day far above the others of its weekday, which are left out.
        young: workflow_id, first (day of the first entry): left out, for want of history.
        inactive: workflow_id: nothing is expected of it.
    """

    day: date
    days: int
    parts: pl.DataFrame
    bursts: pl.DataFrame
    young: pl.DataFrame
    inactive: pl.DataFrame


def forecast(past: Past, active: pl.DataFrame, day: date, days: int) -> Forecast:
    """The messages of `days` days from `day`, by what was known when it began.

    Args:
        past: what there was; what came on `day` or later isn't looked at.
        active: workflow_id, version: the present versions of active workflows.
        day: the first day to forecast.
        days: how many, at least 1.
    """
    known = past.executions.filter(pl.col("entered") < day)
    weeks = (_days(pl.lit(day) - pl.col("first")) // WEEK).clip(upper_bound=WEEKS)
    firsts = known.group_by("workflow_id").agg(first=pl.col("entered").min()).with_columns(weeks=weeks)
    firsts = firsts.sort("workflow_id")
    running = firsts.join(active, on="workflow_id", how="semi")
    old = running.filter(pl.col("weeks") >= LEAST_WEEKS)
    lately = _lately(known, old, day)
    in_flight = _in_flight(known.join(old, on="workflow_id", how="semi"), day)
    cohorts = pl.concat([in_flight, _replayed(lately, active, day, days)], how="diagonal")
    return Forecast(
        day,
        days,
        _forward(cohorts, _table(past, cohorts, day, days), old, day, days),
        _bursts(lately, day),
        running.filter(pl.col("weeks") < LEAST_WEEKS).select("workflow_id", "first"),
        firsts.join(active, on="workflow_id", how="anti").select("workflow_id"),
    )


def _in_flight(known: pl.DataFrame, day: date) -> pl.DataFrame:
    alive = known.filter(pl.col("ended").is_null() | (pl.col("ended") >= day))
    return alive.group_by(*KIND, "entered").agg(pl.col("n").sum().cast(pl.Float64))


def _lately(known: pl.DataFrame, old: pl.DataFrame, day: date) -> pl.DataFrame:
    """Entries of the last weeks, also none: `BRANCH`, week (0: the last), weekday (0: that of `day`), n, is_burst."""
    ago = _days(day - pl.col("entered")) - 1
    dated = known.join(old, on="workflow_id").with_columns(week=ago // WEEK, weekday=WEEK - 1 - ago % WEEK)
    came = dated.filter(pl.col("week") < pl.col("weeks"))
    counts = came.group_by(*BRANCH, "week", "weekday").agg(pl.col("n").sum().cast(pl.Float64))
    cells = came.select(*BRANCH, "weeks").unique()
    grid = cells.join(_numbers("week", WEEKS), how="cross").join(_numbers("weekday", WEEK), how="cross")
    lived = grid.filter(pl.col("week") < pl.col("weeks"))
    dense = lived.join(counts, on=[*BRANCH, "week", "weekday"], how="left").with_columns(
        pl.col("n").fill_null(0.0)
    )
    low, high = (pl.col("n").quantile(q, "lower").over(*BRANCH, "weekday") for q in (0.25, 0.75))
    # Small counts vary by about their root, however alike those of a few weeks are.
    usual = high + _FAR_OUT * pl.max_horizontal(high - low, high.sqrt() + 1)
    return dense.with_columns(is_burst=(pl.col("weeks") >= _WEEKS_TO_JUDGE) & (pl.col("n") > usual))


def _bursts(lately: pl.DataFrame, day: date) -> pl.DataFrame:
    ahead = pl.col("weekday") - WEEK * (pl.col("week") + 1)
    bursts = lately.filter("is_burst").with_columns(day=_date(day, ahead))
    return (
        bursts.group_by("workflow_id", "day").agg(pl.col("n").sum().cast(pl.Int64)).sort("day", "workflow_id")
    )


def _replayed(lately: pl.DataFrame, active: pl.DataFrame, day: date, days: int) -> pl.DataFrame:
    """Entries to come: `KIND`, entered, week (which of the last ones is played once more), n.

    In weeks that a workflow hasn't lived, and for bursts, as many come as in the mean of the others.
    """
    grid = lately.select(*BRANCH, "weekday").unique().join(_numbers("week", WEEKS), how="cross")
    usual = lately.filter(~pl.col("is_burst")).select(*BRANCH, "week", "weekday", "n")
    filled = grid.join(usual, on=[*BRANCH, "week", "weekday"], how="left").with_columns(
        pl.col("n").fill_null(pl.col("n").mean().over(*BRANCH, "weekday"))
    )
    dates = _numbers("ahead", days).with_columns(weekday=pl.col("ahead") % WEEK)
    entries = filled.join(dates, on="weekday").join(active, on="workflow_id")
    return entries.select(*KIND, "week", "n", entered=_date(day, pl.col("ahead")))


def _table(past: Past, cohorts: pl.DataFrame, day: date, days: int) -> pl.DataFrame:
    longest = cohorts.select(_days(day - pl.col("entered").min())).item() or 0
    return life_table(past, cohorts.select(KIND).unique(), day, max(longest, 0) + days)


def _forward(
    cohorts: pl.DataFrame, table: pl.DataFrame, old: pl.DataFrame, day: date, days: int
) -> pl.DataFrame:
    """See `Forecast.parts`; each workflow of `old` has a row for each day."""
    n, still, each = pl.col("n"), pl.col("still"), pl.col("still") * pl.col("rate")
    found = _lived(cohorts, table, day, days).select(
        "workflow_id",
        "ahead",
        "week",
        messages=n * each,
        chance=n * (each % 1) * (1 - each % 1),
        strangers=pl.when(pl.col("at_risk") == 0).then(n * still).otherwise(0.0),
    )
    none = old.select("workflow_id").join(_numbers("ahead", days), how="cross")
    none = none.with_columns(messages=0.0, chance=0.0, strangers=0.0)
    sums = pl.concat([none, found], how="diagonal").group_by("workflow_id", "ahead", "week").sum()
    return sums.with_columns(day=_date(day, pl.col("ahead"))).drop("ahead")


def _lived(cohorts: pl.DataFrame, table: pl.DataFrame, day: date, days: int) -> pl.DataFrame:
    """The days ahead of each cohort, with the life table at its age then, and the share of it still in flight."""
    since = _days(day - pl.col("entered"))
    rows = cohorts.join(_numbers("ahead", days), how="cross").with_columns(
        age=pl.col("ahead") + since, start=since.clip(lower_bound=0)
    )
    starts = table.select(*KIND, start="age", begun="alive")
    lived = rows.join(table, on=[*KIND, "age"]).join(starts, on=[*KIND, "start"])
    still = pl.when(pl.col("begun") > 0).then(pl.col("alive") / pl.col("begun")).otherwise(0.0)
    return lived.with_columns(still=still)


def _numbers(name: str, until: int) -> pl.DataFrame:
    return pl.DataFrame({name: pl.int_range(until, dtype=pl.Int64, eager=True)})


def _date(day: date, ahead: pl.Expr) -> pl.Expr:
    return pl.lit(day) + pl.duration(days=ahead)


def _days(length: pl.Expr) -> pl.Expr:
    return length.dt.total_days()
