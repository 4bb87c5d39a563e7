"""`onward forecast`: messages to come, and what would have been said of days that have passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
from duckdb import DuckDBPyConnection

from flows.reports.scope import check_workflows
from flows.warehouse import frame, read_sql
from transforms.answers.backcast import backcast, errors
from transforms.answers.forecast import LEAST_WEEKS, Forecast, forecast
from transforms.answers.life_table import RECENT, Past
from transforms.answers.totals import banded, parted, strangers, summed

LOOKS = 8
"""How many weeks a back-cast is made again, each a week before the other."""


@dataclass(frozen=True)
class ToCome:
    """A forecast, and what it rests on.

    Attributes:
        as_of: the last tick's `now`.
        so_far: messages of the forecast's first day that had been accepted by then.
        last_entry: the day of the last entry before that day; None: there was none.
        forecast: what is expected, in parts.
        sums: what is expected, without rows where there is too little history: total, days, workflows, workflow_days
            (messages, low, high, in_flight, entries), hours, senders (messages, low, high; null: not known); and
            `strangers` of `transforms.answers.totals`.
    """

    as_of: datetime
    so_far: int
    last_entry: date | None
    forecast: Forecast
    sums: Mapping[str, pl.DataFrame]

    def frames(self) -> dict[str, pl.DataFrame]:
        """All of it, for programs; `about` has one row."""
        plan = self.forecast
        about = {
            "as_of": self.as_of,
            "first_day": plan.day,
            "days": plan.days,
            "so_far": self.so_far,
            "last_entry": self.last_entry,
        }
        left_out = {"bursts": plan.bursts, "young": plan.young, "inactive": plan.inactive}
        return _rounded({"about": pl.DataFrame(about), **self.sums, **left_out})


@dataclass(frozen=True)
class LookedBack:
    """Forecasts of days that have passed.

    Attributes:
        as_of: the last tick's `now`.
        days: how many days each went.
        first_entry: the day of the first entry; None: nobody ever entered.
        rows: see `transforms.answers.backcast.backcast`; none where there is too little history.
        errors: see `transforms.answers.backcast.errors`.
    """

    as_of: datetime
    days: int
    first_entry: date | None
    rows: pl.DataFrame
    errors: pl.DataFrame

    def frames(self) -> dict[str, pl.DataFrame]:
        """All of it, for programs; `about` has one row."""
        about = {"as_of": self.as_of, "days": self.days, "first_entry": self.first_entry}
        return _rounded({"about": pl.DataFrame(about), "days": self.rows, "errors": self.errors})


def to_come(con: DuckDBPyConnection, days: int, workflows: Sequence[str] = ()) -> ToCome | None:
    """Forecast the messages of `days` days, from the day of the last tick; None before the first.

    Args:
        con: a connection to what is published.
        days: how many, at least 1.
        workflows: ids; none: all workflows.

    Raises:
        InputError: a workflow that the store doesn't know.
        WarehouseError: a table can't be read.
    """
    past = _past(con, workflows)
    if (as_of := _as_of(con)) is None:
        return None
    day = as_of.date()
    found = forecast(past, _active(con, [as_of]).drop("instant"), day, days)
    shares = read_sql(con, "reports/forecast/shares.sql", since=day - RECENT, until=day)
    return ToCome(
        as_of,
        past.messages.select(pl.col("n").filter(pl.col("day") >= day).sum()).item(),
        past.executions.select(pl.col("entered").filter(pl.col("entered") < day).max()).item(),
        found,
        _sums(found.parts, shares),
    )


def looked_back(con: DuckDBPyConnection, days: int, workflows: Sequence[str] = ()) -> LookedBack | None:
    """What would have been said `days` days before the last tick's day, and each week before that, beside what came.

    Arguments and errors as for `to_come`.
    """
    past = _past(con, workflows)
    if (as_of := _as_of(con)) is None:
        return None
    first = past.executions.select(pl.col("entered").min()).item()
    last = as_of.date() - timedelta(days=days)
    earliest = first + timedelta(weeks=LEAST_WEEKS) if first else date.max
    firsts = [one for n in range(LOOKS) if (one := last - timedelta(weeks=n)) >= earliest]
    active = _active(con, [datetime.combine(one, time(), UTC) for one in firsts])
    dated = active.select("workflow_id", "version", day=pl.col("instant").dt.date())
    rows = backcast(past, dated, firsts, days)
    return LookedBack(as_of, days, first, rows, errors(rows))


def _as_of(con: DuckDBPyConnection) -> datetime | None:
    found: datetime | None = frame(con, "select max(now) as now from ticks").item()
    return found


def _past(con: DuckDBPyConnection, workflows: Sequence[str]) -> Past:
    check_workflows(con, workflows)
    tables = (read_sql(con, f"reports/forecast/{name}.sql") for name in ("executions", "messages"))
    of_them = pl.col("workflow_id").is_in(list(workflows)) if workflows else pl.lit(value=True)
    executions, messages = (one.filter(of_them) for one in tables)
    return Past(executions, messages)


def _active(con: DuckDBPyConnection, instants: Sequence[datetime]) -> pl.DataFrame:
    return read_sql(con, "reports/forecast/active.sql", instants=list(instants))


def _sums(parts: pl.DataFrame, shares: pl.DataFrame) -> dict[str, pl.DataFrame]:
    sums = {
        "total": summed(parts.with_columns(whole=0), ["whole"]).drop("whole"),
        "days": summed(parts, ["day"]),
        "workflows": summed(parts, ["workflow_id"]),
        "workflow_days": summed(parts, ["workflow_id", "day"]),
    }
    for by, n in (("hour", "n"), ("sender", "settled")):
        told = shares.select("workflow_id", by, n=n)
        of_all = summed(parted(parts, told, by), [by]).drop("in_flight", "entries")
        sums[f"{by}s"] = of_all.filter(pl.col("messages") > 0)
    return {**{name: banded(one) for name, one in sums.items()}, "strangers": strangers(parts)}


def _rounded(frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {name: one.with_columns(pl.selectors.float().round(3)) for name, one in frames.items()}
