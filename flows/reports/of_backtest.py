"""The reports over what a backtest wrote: the views of a store, over its files and the definitions it decided by."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.store.macros import make_macros
from flows.store.tables import PROGRAM_STEPS, RECONSIDERATIONS
from flows.warehouse import (
    connect,
    frame,
    make_view,
    parquet,
    shown,
    sql_names,
    sql_text,
    write_rows,
)
from transforms.definitions.workflow import Workflow, definition_json, version_of
from transforms.program.compile import compile_program
from transforms.program.steps import listed_steps
from transforms.tables.frames import GOAL_HITS

NEEDED = ("executions", "steps", "messages", "goal_hits")
"""The tables that the reports read."""
FOLDER = "reports"
"""Where they go, in the folder of the results."""
_ASKED = ("report_entry_cohorts", "report_drop_off_cohorts", "report_time_to_goal", "report_survival")
"""Those of the views that are counted when asked which need nothing of providers or orders."""


def write_reports(out: Path, workflows: Sequence[Workflow], end: datetime) -> dict[str, pl.DataFrame]:
    """Count the reports over the results of a backtest, and write each as Parquet.

    Of messages it is known that they were accepted: a backtest sends none, so they count as pending.

    Args:
        out: the folder with the results, `NEEDED` among them.
        workflows: those that were decided by.
        end: until when.

    Returns:
        The rows of each report, by its name.

    Raises:
        WarehouseError: a file can't be read or written.
    """
    with connect() as con, shown(con, **_definitions(workflows, end)):
        _make_views(con, out)
        names = [*(Path(one).stem for one in sql_names("reports/full")), *_ASKED]
        found = {name: frame(con, f"from {name}") for name in names}
        for name, rows in found.items():
            with shown(con, report=rows):
                write_rows(con, "from report", out / FOLDER / f"{name}.parquet")
        return found


def drop_reports(out: Path) -> None:
    """Remove the reports of an earlier backtest, which say nothing of a new one."""
    for file in (out / FOLDER).glob("report_*.parquet"):
        file.unlink()


def _definitions(workflows: Sequence[Workflow], end: datetime) -> dict[str, pl.DataFrame]:
    """What a store knows of its workflows, and that it has come to `end`; nobody's goal was reconsidered."""
    versions = [
        {
            "workflow_id": one.workflow_id,
            "version": version_of(one),
            "number": 1,
            "definition": definition_json(one),
            "workflow_name": one.workflow_name,
        }
        for one in workflows
    ]
    steps = listed_steps(compile_program(workflows))
    return {
        "workflow_versions": pl.DataFrame(versions),
        "program_steps": pl.DataFrame(steps, schema=PROGRAM_STEPS),
        "ticks": pl.DataFrame({"now": [end]}),
        "goal_reconsiderations": pl.DataFrame(schema=RECONSIDERATIONS),
        "goal_hits_reconsidered": pl.DataFrame(schema=GOAL_HITS),
    }


def _make_views(con: DuckDBPyConnection, out: Path) -> None:
    make_macros(con)
    steps, goal_hits, executions, messages = (
        parquet(out / f"{name}.parquet") for name in ("steps", "goal_hits", "executions", "messages")
    )
    make_view(con, "steps", f"from {steps}")
    make_view(con, "goal_hits", f"from {goal_hits}")
    make_view(con, "decided_executions", f"from {executions}")
    make_view(con, "messages", f"select *, 'pending' as status from {messages}")
    files = [
        "reports/backtest/executions.sql",
        *sql_names("reports/base"),
        *sql_names("reports/full"),
        *(f"reports/asked/{one}.sql" for one in _ASKED),
    ]
    for file in files:
        make_view(con, Path(file).stem, sql_text(file))
