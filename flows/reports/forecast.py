"""`onward forecast`: messages to come, and what would have been said of days that have passed, from what is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
from duckdb import DuckDBPyConnection

from flows.reports.scope import check_workflows
from flows.warehouse import frame, read_sql
from transforms.answers.backcast import backcast, errors
from transforms.answers.forecast import LEAST_WEEKS, WEEK, Forecast, forecast
from transforms.answers.life_table import RECENT, Past
from transforms.answers.totals import banded, parted, summed

BACKCASTS = 8


@dataclass(frozen=True)
class ToCome:
    """A forecast, and what it rests on.

    Attributes:
        as_of: the last tick's `now`.
        so_far: messages of the forecast's first day that are accepted already.
        last_entry: the day of the last entry before it; None: nobody ever entered.
        forecast: what is expected, in parts.
        frames: what is expected, summed: total, days, workflows, workflow_days (messages, low, high, in_flight, entries), hours,
            senders (messages, low, high). Without rows where there is too little history.
    """

    as_of: datetime
    so_far: int
    last_entry: date | None
    forecast: Forecast
    frames: dict[str, pl.DataFrame]


@dataclass(frozen=True)
class Checked:
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


def to_come(con: DuckDBPyConnection, days: int, workflows: Sequence[str] = ()) -> ToCome | None:
    """Forecast the messages of `days` days, from the day of the last tick; None before the first tick.

    Args:
        con: a connection to what is published.
        days: how many, at least 1.
        workflows: ids; none: all workflows.

    Raises:
        InputError: a workflow that the store doesn't know.
        WarehouseError: a table can't be read.
    """
    check_workflows(con, workflows)
    if (as_of := _as_of(con)) is None:
        return None
    past, day = _past(con, workflows), as_of.date()
    found = forecast(past, _active(con, [as_of]).drop("instant"), day, days)
    shares = read_sql(con, "reports/forecast/shares.sql", since=day - RECENT, until=day)
    return ToCome(
        as_of,
        past.messages.filter(pl.col("day") >= day)["n"].sum(),
        past.executions.filter(pl.col("entered") < day)["entered"].max(),
        found,
        _frames(found.parts, shares),
    )


def checked(con: DuckDBPyConnection, days: int, workflows: Sequence[str] = ()) -> Checked | None:
    """What would have been said `days` days before the last tick's day, and each week before that, beside what came.

    Arguments and errors as for `to_come`.
    """
    check_workflows(con, workflows)
    if (as_of := _as_of(con)) is None:
        return None
    past = _past(con, workflows)
    first = past.executions["entered"].min()
    last = as_of.date() - timedelta(days=days)
    firsts = [last - timedelta(weeks=one) for one in range(BACKCASTS)]
    firsts = [one for one in firsts if first and one - first >= timedelta(days=WEEK * LEAST_WEEKS)]
    active = _active(con, [datetime.combine(one, time(), UTC) for one in firsts])
    dated = active.select("workflow_id", "version", day=pl.col("instant").dt.date())
    rows = backcast(past, dated, firsts, days)
    return Checked(as_of, days, first, rows, errors(rows))


def _as_of(con: DuckDBPyConnection) -> datetime | None:
    found: datetime | None = frame(con, "select max(now) as now from ticks").item()
    return found


def _past(con: DuckDBPyConnection, workflows: Sequence[str]) -> Past:
    tables = (read_sql(con, f"reports/forecast/{name}.sql") for name in ("executions", "messages"))
    of_them = pl.col("workflow_id").is_in(list(workflows)) if workflows else pl.lit(value=True)
    executions, messages = (one.filter(of_them) for one in tables)
    return Past(executions, messages)


def _active(con: DuckDBPyConnection, instants: Sequence[datetime]) -> pl.DataFrame:
    return read_sql(con, "reports/forecast/active.sql", instants=list(instants))


def _frames(parts: pl.DataFrame, shares: pl.DataFrame) -> dict[str, pl.DataFrame]:
    workflows = summed(parts, ["workflow_id"])
    sums = {
        "total": summed(parts.with_columns(whole=0), ["whole"]).drop("whole"),
        "days": summed(parts, ["day"]),
        "workflows": workflows,
        "workflow_days": summed(parts, ["workflow_id", "day"]),
        "hours": parted(workflows, shares, "hour"),
        "senders": parted(workflows, shares, "sender"),
    }
    return {name: banded(one) for name, one in sums.items()}
