"""The reports as frames, and as tables on a terminal."""

from datetime import timedelta
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection
from rich.box import SIMPLE_HEAD
from rich.console import Console
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


def _recent(daily: pl.DataFrame) -> pl.DataFrame:
    lost = pl.sum_horizontal("suppressed_at_dispatch", "expired", "failed", "unknown")
    since = pl.col("day").max() - timedelta(days=DAYS_SHOWN - 1)
    recent = daily.filter(pl.col("day") >= since).with_columns(not_sent=lost)
    return recent.group_by("day").agg(pl.selectors.numeric().sum()).sort("day")


def _table(title: str, frame: pl.DataFrame, headings: dict[str, str]) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
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
