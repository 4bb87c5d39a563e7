"""What becomes of executions by their age in days: a life table with messages beside the ends.

The age of an execution is the number of UTC days since the day of its entry. Of those still in flight when a day of age
begins (*at risk*), some end in it, and so many messages come. Those too young to have lived it through don't count for
it, so nobody in flight is lost or taken for ended (the actuarial life table; Kaplan and Meier, 1958).
"""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

BRANCH = ("workflow_id", "branch")
KIND = (*BRANCH, "version")
RECENT = timedelta(weeks=8)
ENOUGH = 30
"""With fewer at risk lately, a day of age is told by all versions, of all times."""


@dataclass(frozen=True)
class Past:
    """What there was, day by day (UTC).

    Attributes:
        executions: workflow_id, version, branch, entered, ended (null: in flight), n; nobody who was held out.
        messages: workflow_id, version, branch, entered, day, n.
    """

    executions: pl.DataFrame
    messages: pl.DataFrame


def life_table(past: Past, kinds: pl.DataFrame, day: date, ages: int) -> pl.DataFrame:
    """The life table as it was known when `day` began.

    Args:
        past: what there was; what came on `day` or later isn't looked at.
        kinds: which rows of `KIND` are asked for.
        day: the first day that isn't known.
        ages: how many days of age, from 0.

    Returns:
        One row per kind and age: `KIND`, age; alive (the share of entries that are in flight when that day of age
        begins); rate (messages of each of these in it); at_risk (how many executions that rests on; 0: nobody was ever
        that old).
    """
    lately = _counted(past, KIND, day - RECENT, day, ages)
    ever = _counted(past, BRANCH, date.min, day, ages)
    grid = kinds.select(KIND).join(_ages(ages), how="cross")
    both = grid.join(lately, on=[*KIND, "age"], how="left").join(
        ever, on=[*BRANCH, "age"], how="left", suffix="_ever"
    )
    enough = pl.col("at_risk").fill_null(0) >= ENOUGH
    names = ("at_risk", "ends", "messages")
    told = both.select(
        *KIND,
        "age",
        *(pl.when(enough).then(one).otherwise(f"{one}_ever").fill_null(0).alias(one) for one in names),
    )
    stays = 1 - _per_head("ends")
    alive = stays.cum_prod().shift(1, fill_value=1.0).over(KIND, order_by="age")
    return told.select(*KIND, "age", alive=alive, rate=_per_head("messages"), at_risk="at_risk")


def _counted(past: Past, by: tuple[str, ...], since: date, day: date, ages: int) -> pl.DataFrame:
    """One row per `by` and age: at_risk, ends and messages from `since` until before `day`."""
    executions = past.executions.filter(
        pl.col("entered") < day, pl.col("ended").is_null() | (pl.col("ended") >= since)
    )
    last = pl.min_horizontal("ended", day - timedelta(days=1))
    begins = executions.select(*by, age=_age(pl.max_horizontal("entered", since)), change="n")
    leaves = executions.select(*by, age=_age(last) + 1, change=-pl.col("n"))
    ends = executions.filter(pl.col("ended") < day).select(*by, age=_age(pl.col("ended")), ends="n")
    messages = past.messages.filter(pl.col("day") >= since, pl.col("day") < day)
    sent = messages.select(*by, age=_age(pl.col("day")), messages="n")
    points = pl.concat([begins, leaves, ends, sent], how="diagonal").group_by(*by, "age").sum()
    dense = executions.select(by).unique().join(_ages(ages), how="cross")
    filled = dense.join(points, on=[*by, "age"], how="left").fill_null(0)
    return filled.with_columns(at_risk=pl.col("change").cum_sum().over(by, order_by="age")).drop("change")


def _ages(ages: int) -> pl.DataFrame:
    return pl.DataFrame({"age": pl.int_range(ages, dtype=pl.Int64, eager=True)})


def _age(at: pl.Expr) -> pl.Expr:
    return (at - pl.col("entered")).dt.total_days()


def _per_head(count: str) -> pl.Expr:
    return pl.when(pl.col("at_risk") > 0).then(pl.col(count) / pl.col("at_risk")).otherwise(0.0)
