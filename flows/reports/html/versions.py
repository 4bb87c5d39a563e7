"""The report views of one version of a workflow, for the map's switch."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection

from flows.warehouse import chained, frame, read_sql

MOST = 8
"""So many versions can be chosen, the newest of those that have executions."""
_OF_VERSION = (
    ("executions", "from executions where workflow_id = $workflow_id and version = $version"),
    ("steps", "from steps semi join executions using (execution_id)"),
    ("execution_standing", "reports/base/execution_standing.sql"),
)


@dataclass(frozen=True)
class VersionNumbers:
    """What `report_workflow_summary` and `report_drop_off` would say if there were only the executions of one version.

    Attributes:
        number: 1, 2, …
        since: the `now` of the tick that met it first.
        summary: the row of the workflow.
        drop_off: its rows.
        entered: branch → how many took it.
    """

    number: int
    since: datetime
    summary: dict[str, Any]
    drop_off: pl.DataFrame
    entered: dict[str, int]


def read_versions(con: DuckDBPyConnection, workflows: Iterable[str]) -> dict[str, list[VersionNumbers]]:
    """Workflow → its versions that have executions, the newest first; without the workflows that have just one.

    An execution counts for the version that it is on, with all its steps.

    Args:
        con: a connection to what is published.
        workflows: the ids of those that are asked for.

    Raises:
        WarehouseError: a table can't be read.
    """
    entries = read_sql(con, "reports/page/version_entries.sql").filter(
        pl.col("workflow_id").is_in(list(workflows))
    )
    several = entries.filter(pl.col("version").n_unique().over("workflow_id") > 1)
    parts = several.partition_by("workflow_id", as_dict=True, maintain_order=True)
    return {str(workflow): _versions(con, str(workflow), rows) for (workflow,), rows in parts.items()}


def _versions(con: DuckDBPyConnection, workflow: str, entries: pl.DataFrame) -> list[VersionNumbers]:
    parts = entries.partition_by("version", maintain_order=True)
    return [_version(con, workflow, rows) for rows in parts[::-1][:MOST]]


def _version(con: DuckDBPyConnection, workflow: str, entries: pl.DataFrame) -> VersionNumbers:
    first = entries.row(0, named=True)
    asked = {"workflow_id": workflow, "version": first["version"]}

    def counted(view: str) -> pl.DataFrame:
        rows = frame(con, chained(*_OF_VERSION, final=f"reports/full/{view}.sql"), **asked)
        return rows.filter(pl.col("workflow_id") == workflow)

    return VersionNumbers(
        first["number"],
        first["first_seen_at"],
        counted("report_workflow_summary").row(0, named=True),
        counted("report_drop_off"),
        dict(entries.select("branch", "entered").iter_rows()),
    )
