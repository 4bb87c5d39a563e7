"""Reports, and what a migration moves, as tables on a terminal."""

from datetime import timedelta
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.reports.frames import report_frames

DAYS_SHOWN = 14
PIPE_WIDTH = 110
NOTHING_YET = (
    "No executions yet: put event and customer files into data/inbox/events and data/inbox/customers, "
    "then `onward run`. `onward validate` checks the workflow files."
)
NAMES = ("workflow_id", "step", "day")
SUMMARY = {
    "workflow_id": "workflow",
    "total_executions": "total",
    "active": "active",
    "completed": "com-\npleted",
    "converted": "con-\nverted",
    "exited": "exited",
    "failed": "failed",
    "held_out": "held\nout",
    "completion_rate": "% com-\npleted",
    "failure_rate": "%\nfailed",
    "conversion_rate": "% con-\nverted",
    "average_execution_seconds": "average\ntime",
}
DROP_OFF = {
    "step": "step",
    "action": "action",
    "entered": "en-\ntered",
    "passed": "passed",
    "waiting_here": "wait-\ning",
    "left_here_converted": "con-\nverted",
    "left_here_exited": "exited",
    "left_here_failed": "failed",
    "pct_of_entries": "% of\nentries",
}
DAILY = {
    "day": "day",
    "accepted": "accepted",
    "sent": "sent",
    "pending": "pending",
    "not_sent": "not\nsent",
    "suppressed_consent": "no\nconsent",
    "suppressed_frequency_cap": "over\ncap",
}


def report_console(*, record: bool = False) -> Console:
    """Where reports are printed: as wide as the terminal, wide enough for all columns in a file or pipe."""
    console = Console(record=record)
    return console if console.is_terminal else Console(record=record, width=PIPE_WIDTH)


def print_reports(con: DuckDBPyConnection, console: Console) -> None:
    """Print the workflow summary, each branch's drop-off, and the last 14 days of messages."""
    frames = report_frames(con)
    summary = frames["report_workflow_summary"]
    if not summary.select(pl.any_horizontal(pl.col("total_executions", "held_out") > 0).any()).item():
        console.print(NOTHING_YET)
        return
    console.print(_table("Workflows", summary, SUMMARY), "")
    drop_off = frames["report_drop_off"].with_columns(
        action=pl.concat_str("action_type", "label", separator=" ")
    )
    branches = drop_off.partition_by("workflow_id", "branch", as_dict=True, maintain_order=True)
    for (workflow, branch), steps in branches.items():
        console.print(_table(f"Drop-off: {workflow}, branch {branch}", steps, DROP_OFF), "")
    daily = frames["report_messages_daily"]
    if daily.height:
        console.print(_table(f"Messages, the last {DAYS_SHOWN} days", _recent(daily), DAILY), "")


def print_moves(plan: pl.DataFrame, target: int, console: Console) -> None:
    """Print where a migration takes the executions of older versions; nothing if there are none.

    Args:
        plan: see `transforms.program.migration.plan_moves`; one row per version, branch and step.
        target: the number of the version they go to.
        console: where to print.
    """
    if plan.is_empty():
        return
    table = _empty_table()
    for heading in ("version", "branch", "next step", f"in version {target}"):
        table.add_column(heading)
    table.add_column("executions", justify="right")
    table.add_column("due from")
    for row in plan.rows(named=True):
        table.add_row(*map(escape, _move(row)))
    console.print(table, "")


def _move(row: dict[str, Any]) -> list[str]:
    there = " ".join(filter(None, (row["to_step"], row["to_type"], row["to_label"])))
    branch = f"{row['to_branch']}/" if row["to_branch"] != row["branch"] else ""
    return [
        str(row["number"]),
        row["branch"],
        " ".join(filter(None, (row["step"], row["action_type"], row["label"]))),
        f"none: {row['reason']}" if row["reason"] else f"{branch}{there}",
        f"{row['executions']:,}",
        f"{row['due']:%Y-%m-%d %H:%M:%S}" if row["due"] else "-",
    ]


def _recent(daily: pl.DataFrame) -> pl.DataFrame:
    lost = pl.sum_horizontal("suppressed_at_dispatch", "expired", "failed", "unknown")
    since = pl.col("day").max() - timedelta(days=DAYS_SHOWN - 1)
    recent = daily.filter(pl.col("day") >= since).with_columns(not_sent=lost)
    return recent.group_by("day").agg(pl.selectors.numeric().sum()).sort("day")


def _table(title: str, frame: pl.DataFrame, headings: dict[str, str]) -> Table:
    table = _empty_table(title)
    for column, heading in headings.items():
        is_number = frame.schema[column].is_numeric()
        table.add_column(
            heading,
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=is_number or column in NAMES,
        )
    columns = [[_text(name, cell) for cell in frame[name]] for name in headings]
    for cells in zip(*columns, strict=True):
        table.add_row(*cells)
    return table


def _empty_table(title: str | None = None) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )


def _text(column: str, cell: Any) -> str:
    if cell is None:
        return "-"
    if column.endswith("_seconds"):
        return _duration(cell)
    if isinstance(cell, float):
        return f"{cell:.1f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
