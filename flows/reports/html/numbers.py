"""What the page tells, read from what is published."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl
from duckdb import DuckDBPyConnection

from flows.reports.experiment_answers import Answer, read_answers
from flows.reports.html.versions import VersionNumbers, read_versions
from flows.reports.scope import HAPPENED, LAST_WEEK, Scope, last_week, scoped_frames
from flows.store.publish import report_views
from flows.warehouse import chained, frame, read_sql

SAMPLES = 5
"""How many customers are named at a step."""
WEEKS_SHOWN = 12
EVERYTHING = Scope()
ASKED = ("report_entry_cohorts", "report_message_engagement", "report_revenue", "report_time_to_goal")
"""What the page tells of the views that are counted when asked."""


@dataclass(frozen=True)
class Numbers:
    """Frames by the names of views, and what is asked beside them.

    Attributes:
        views: the `report_*` views that are kept, those of `ASKED`, and `report_last_week`.
        waiting: see `sql/reports/page/waiting_samples.sql`.
        steps: see `sql/reports/page/newest_steps.sql`.
        weeks: see `sql/reports/page/weeks.sql`.
        newest: see `sql/reports/page/newest_messages.sql`.
        watched: workflow → the rows of `sql/reports/survival/watched.sql`.
        versions: workflow → its versions with executions, the newest first; of workflows with several.
        experiments: workflow → what its experiments show.
        as_of: the last tick's `now`; None before the first.
    """

    views: dict[str, pl.DataFrame]
    waiting: pl.DataFrame
    steps: pl.DataFrame
    weeks: pl.DataFrame
    newest: pl.DataFrame
    watched: dict[str, pl.DataFrame]
    versions: dict[str, list[VersionNumbers]]
    experiments: dict[str, list[Answer]]
    as_of: datetime | None

    def of(self, view: str, workflow: str) -> pl.DataFrame:
        """The rows of a view that are one workflow's, in their order."""
        return of_workflow(self.views[view], workflow)


def of_workflow(rows: pl.DataFrame, workflow: str) -> pl.DataFrame:
    """The rows of one workflow, in their order."""
    return rows.filter(pl.col("workflow_id") == workflow)


def read_numbers(con: DuckDBPyConnection, winners: pl.DataFrame, scope: Scope = EVERYTHING) -> Numbers:
    """Everything that the page tells.

    Args:
        con: a connection to what is published.
        winners: those among variants (`flows.store.winners.read_winners`).
        scope: of which workflows; of all time.

    Raises:
        InputError: a workflow that the store doesn't know.
        WarehouseError: a table can't be read.
    """
    views = scoped_frames(con, scope, [*report_views(), *ASKED])
    views[LAST_WEEK] = last_week(con, scope.workflows)
    as_of = frame(con, "select max(now) as as_of from ticks").item()
    workflows = views["report_workflow_summary"]["workflow_id"]
    with_goal = views["report_time_to_goal"]["workflow_id"].unique()
    return Numbers(
        views,
        read_sql(con, "reports/page/waiting_samples.sql", most=SAMPLES),
        read_sql(con, "reports/page/newest_steps.sql"),
        frame(con, chained(HAPPENED, final="reports/page/weeks.sql"), until=as_of, weeks=WEEKS_SHOWN),
        read_sql(con, "reports/page/newest_messages.sql"),
        {one: read_sql(con, "reports/survival/watched.sql", workflow_id=one) for one in with_goal},
        read_versions(con, workflows),
        {one: read_answers(con, one, winners) for one in workflows},
        as_of,
    )
