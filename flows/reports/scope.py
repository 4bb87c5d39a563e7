"""The report views as they are asked for: of some workflows, since an instant, the last week beside the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.store.publish import report_views
from flows.warehouse import chained, frame, sql_names
from transforms.definitions.base import advice

LAST_WEEK = "report_last_week"
HAPPENED = ("happened", "reports/compare/happened.sql")
"""What weeks are compared by, for `flows.warehouse.chained`."""
_ENTERED = (
    ("executions", "from executions where entered_at >= $since"),
    ("steps", "from steps where entered_at >= $since"),
    ("execution_standing", "reports/base/execution_standing.sql"),
)
_SENT = (
    ("messages", 'from messages where "at" >= $since'),
    ("steps", 'from steps where "at" >= $since'),
)
COUNTED_SINCE = {
    "report_workflow_summary": _ENTERED,
    "report_drop_off": _ENTERED,
    "report_messages_daily": _SENT,
}
"""A view → what of the tables counts for it since an instant: what its file in `sql/reports/full/` reads instead."""


@dataclass(frozen=True)
class Scope:
    """What is asked for.

    Attributes:
        workflows: ids; none: all workflows.
        since: executions that entered then or later, and messages and refused sends of then or later; None: all.
    """

    workflows: tuple[str, ...] = ()
    since: datetime | None = None


def view_names(scope: Scope) -> list[str]:
    """The report views that there are of a scope; without `since` also those that are made when they are asked for."""
    made = [name for name in map(_stem, sql_names("reports/asked")) if name.startswith("report_")]
    return [*report_views(), *made] if scope.since is None else list(COUNTED_SINCE)


def scoped_frames(
    con: DuckDBPyConnection, scope: Scope, names: Sequence[str] | None = None
) -> dict[str, pl.DataFrame]:
    """Report views by their names; with `since` counted over the tables, else as they are kept.

    Args:
        con: a connection to what is published.
        scope: what is asked for.
        names: of `view_names`; None: those that are kept.

    Raises:
        InputError: a workflow that the store doesn't know, or a view that isn't by workflow.
        WarehouseError: a table can't be read.
    """
    check_workflows(con, scope.workflows)
    wanted = report_views() if names is None else names
    return {name: _scoped(con, name, scope) for name in wanted}


def last_week(con: DuckDBPyConnection, workflows: Sequence[str] = ()) -> pl.DataFrame:
    """The seven days until the last tick beside the seven before, counted over the tables.

    Args:
        con: a connection to what is published.
        workflows: ids; none: all workflows.

    Returns:
        One row per workflow and measure, see `sql/reports/compare/report_last_week.sql`; none before the first tick.

    Raises:
        InputError: a workflow that the store doesn't know.
        WarehouseError: a table can't be read.
    """
    check_workflows(con, workflows)
    until = frame(con, "select max(now) as until from ticks").item()
    weeks = frame(con, chained(HAPPENED, final=f"reports/compare/{LAST_WEEK}.sql"), until=until)
    return _of_workflows(weeks, workflows)


def _scoped(con: DuckDBPyConnection, name: str, scope: Scope) -> pl.DataFrame:
    columns = frame(con, f"from {name} limit 0").columns if scope.workflows else []
    if scope.workflows and "workflow_id" not in columns:
        raise InputError(f"{name} is of all workflows together: give it without --workflow")
    return _of_workflows(_view(con, name, scope.since), scope.workflows)


def reconsidered(con: DuckDBPyConnection, scope: Scope) -> pl.DataFrame:
    """Rows of `goal_reconsiderations`: the scope's workflows whose goal hits aren't counted as ticks did."""
    return _of_workflows(frame(con, "from goal_reconsiderations order by workflow_id"), scope.workflows)


def _view(con: DuckDBPyConnection, name: str, since: datetime | None) -> pl.DataFrame:
    if since is None:
        return frame(con, f"from {name}")
    return frame(con, chained(*COUNTED_SINCE[name], final=f"reports/full/{name}.sql"), since=since)


def _stem(file: str) -> str:
    return Path(file).stem


def _of_workflows(rows: pl.DataFrame, workflows: Sequence[str]) -> pl.DataFrame:
    return rows.filter(pl.col("workflow_id").is_in(list(workflows))) if workflows else rows


def check_workflows(con: DuckDBPyConnection, workflows: Sequence[str]) -> None:
    """Whether the store knows these workflows.

    Raises:
        InputError: naming one that it doesn't, and the nearest that it does.
    """
    known = frame(con, "select distinct workflow_id from workflow_versions order by all")[
        "workflow_id"
    ].to_list()
    for one in workflows:
        if one not in known:
            raise InputError(
                f"--workflow {one!r} is the id of no workflow that a run has seen; {advice(one, known)}"
            )
