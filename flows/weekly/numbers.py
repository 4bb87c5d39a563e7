"""What the week's mail tells, read from what is published and from how the store stands."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl
from duckdb import DuckDBPyConnection

from flows.overview.status import Status, read_status
from flows.reports.html.letters import Kind, Letter
from flows.reports.html.numbers import read_numbers
from flows.reports.html.page import page_of
from flows.reports.scope import LAST_WEEK
from flows.reports.verdicts import Verdict, verdicts_of
from flows.session import Clock
from flows.settings import Settings
from flows.store.winners import read_winners
from flows.warehouse import read_sql
from transforms.answers.weeks import by_workflow, where_left, where_waiting

NO_CUSTOMERS_MAIL: dict[Kind, Letter] = {}
"""A page that goes out by mail shows no message, since each holds a customer's words."""
MOST_STEPS = 10
"""So many steps are listed where customers left, and where they wait; the page has all."""


@dataclass(frozen=True)
class Weekly:
    """What the mail tells.

    Attributes:
        as_of: the last tick's end, at which the week does.
        workflows: see `transforms.answers.weeks.by_workflow`.
        left: see `transforms.answers.weeks.where_left`.
        waiting: see `transforms.answers.weeks.where_waiting`.
        verdicts: of the experiments.
        faults: see `sql/weekly/data_faults.sql`.
        status: how the store stands.
        page: the page of `onward report --html`, but for messages as they look.
    """

    as_of: datetime
    workflows: pl.DataFrame
    left: pl.DataFrame
    waiting: pl.DataFrame
    verdicts: list[Verdict]
    faults: pl.DataFrame
    status: Status
    page: str


def read_weekly(con: DuckDBPyConnection, settings: Settings, clock: Clock) -> Weekly | None:
    """What the mail tells now; None before the first tick.

    Args:
        con: a connection to what is published.
        settings: where things lie.
        clock: the wall clock.

    Raises:
        OnwardError: the store or the send ledger can't be read.
    """
    numbers = read_numbers(con, read_winners(settings))
    if numbers.as_of is None:
        return None
    summary, drop_off = (numbers.views[f"report_{name}"] for name in ("workflow_summary", "drop_off"))
    return Weekly(
        numbers.as_of,
        by_workflow(numbers.views[LAST_WEEK], summary),
        where_left(drop_off, MOST_STEPS),
        where_waiting(drop_off, MOST_STEPS),
        verdicts_of(numbers.experiments),
        read_sql(con, "weekly/data_faults.sql", until=numbers.as_of),
        read_status(settings, clock),
        page_of(numbers, NO_CUSTOMERS_MAIL),
    )
