"""Reports, and what a migration moves, on a terminal: which tables, and which columns give way where room is short."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl
from duckdb import DuckDBPyConnection
from rich.console import Console

from flows.fitting import Column, print_table
from flows.reports.frames import report_frames
from flows.reports.scope import Scope, reconsidered

DAYS_SHOWN = 14
NOTHING_YET = (
    "No executions yet: put event and customer files into data/inbox/events and data/inbox/customers, "
    "then `onward run`. `onward validate` checks the workflow files."
)
REST = "--json or --csv has all"
SUMMARY = (
    Column("workflow_id", "workflow"),
    Column("total_executions", "total"),
    Column("active", "active", 2),
    Column("completed", "com-\npleted", 3),
    Column("converted", "con-\nverted"),
    Column("exited", "exited", 4),
    Column("failed", "failed", 5),
    Column("held_out", "held\nout", 6),
    Column("completion_rate", "% com-\npleted", 8),
    Column("failure_rate", "%\nfailed", 9),
    Column("conversion_rate", "% con-\nverted", 1),
    Column("average_execution_seconds", "average\ntime", 7),
)
DROP_OFF = (
    Column("step", "step"),
    Column("action", "action", folds=True),
    Column("entered", "en-\ntered"),
    Column("passed", "passed", 3),
    Column("waiting_here", "wait-\ning", 1),
    Column("left_here_converted", "con-\nverted", 2),
    Column("left_here_exited", "exited", 4),
    Column("left_here_failed", "failed", 5),
    Column("pct_of_entries", "% of\nentries", 6),
)
DAILY = (
    Column("day", "day"),
    Column("accepted", "accepted", 1),
    Column("sent", "sent"),
    Column("pending", "pending", 2),
    Column("not_sent", "not\nsent", 3),
    Column("suppressed_consent", "no\nconsent", 4),
    Column("suppressed_frequency_cap", "over\ncap", 5),
)
WEEKS = (
    Column("workflow_id", "workflow"),
    Column("measure", "measure"),
    Column("last_week", "last\nweek"),
    Column("week_before", "week\nbefore", 2),
    Column("difference", "differ-\nence", 1, is_signed=True),
    Column("change", "change\nin %", 3, is_signed=True),
)


def print_reports(con: DuckDBPyConnection, console: Console) -> None:
    """Print the workflow summary, each branch's drop-off, and the last 14 days of messages, of what is published."""
    print_scoped(report_frames(con), Scope(), console)
    print_reconsidered(reconsidered(con, Scope()), console)


def print_scoped(frames: Mapping[str, pl.DataFrame], scope: Scope, console: Console) -> None:
    """Print the same of what was asked for; titles say what that was, and all days since are shown if there is a since.

    Args:
        frames: see `scoped_frames`.
        scope: what was asked for.
        console: where to print.
    """
    summary = frames["report_workflow_summary"]
    if summary.is_empty() or (scope == Scope() and not _has_executions(summary)):
        console.print(NOTHING_YET)
        return
    entered = f", entered since {_instant(scope.since)}" if scope.since else ""
    print_table(console, f"Workflows{entered}", summary, SUMMARY, rest=REST)
    drop_off = frames["report_drop_off"].with_columns(action=_joined("action_type", "label"))
    branches = drop_off.partition_by("workflow_id", "branch", as_dict=True, maintain_order=True)
    for (workflow, branch), steps in branches.items():
        title = f"Drop-off: {workflow}, branch {branch}{entered}"
        print_table(console, title, steps, DROP_OFF, rest=REST)
    daily = frames["report_messages_daily"]
    if daily.height:
        print_table(console, _title_of_messages(scope), _by_day(daily, scope), DAILY, rest=REST)


def print_reconsidered(rows: pl.DataFrame, console: Console) -> None:
    """Say whose goal hits reports count by another goal than ticks did; nothing if nobody's.

    Args:
        rows: of `goal_reconsiderations`.
        console: where to print.
    """
    for workflow, since, until in rows.select("workflow_id", "since", "until").rows():
        entries = f"from {_instant(since)} " if since else ""
        console.print(
            f"Goal hits of {workflow} are reconsidered, for its entries {entries}until {_instant(until)}: "
            "report_time_to_goal and report_entry_cohorts show these",
            markup=False,
            highlight=False,
        )


def print_last_week(weeks: pl.DataFrame, console: Console) -> None:
    """Print the last seven days beside the seven before.

    Args:
        weeks: see `last_week`.
        console: where to print.
    """
    if weeks.is_empty():
        console.print(NOTHING_YET)
        return
    since, until = weeks.select("since", "until").row(0)
    title = f"The seven days from {_instant(since)} until {_instant(until)}, the last tick, beside the seven before"
    print_table(console, title, weeks, WEEKS, rest=REST)


def print_moves(plan: pl.DataFrame, target: int, console: Console) -> None:
    """Print where a migration takes the executions of older versions; nothing if there are none.

    Args:
        plan: see `transforms.program.migration.plan_moves`; one row per version, branch and step.
        target: the number of the version they go to.
        console: where to print.
    """
    if plan.is_empty():
        return
    there = _joined("to_step", "to_type", "to_label")
    branch = (
        pl.when(pl.col("to_branch") != pl.col("branch")).then(pl.col("to_branch") + "/").otherwise(pl.lit(""))
    )
    moves = plan.with_columns(
        here=_joined("step", "action_type", "label"),
        there=pl.when(pl.col("reason").is_null()).then(branch + there).otherwise("none: " + pl.col("reason")),
    )
    columns = (
        Column("number", "version"),
        Column("branch", "branch"),
        Column("here", "next step", folds=True),
        Column("there", f"in version {target}", folds=True),
        Column("executions", "execu-\ntions"),
        Column("due", "due from", 1),
    )
    print_table(console, "", moves, columns, rest="a wider terminal has room")


def _joined(*columns: str) -> pl.Expr:
    return pl.concat_str(*columns, separator=" ", ignore_nulls=True).str.strip_chars()


def _has_executions(summary: pl.DataFrame) -> bool:
    return bool(summary.select(pl.any_horizontal(pl.col("total_executions", "held_out") > 0).any()).item())


def _title_of_messages(scope: Scope) -> str:
    of = f" of {', '.join(scope.workflows)}" if scope.workflows else ""
    return f"Messages{of}, " + (
        f"since {_instant(scope.since)}" if scope.since else f"the last {DAYS_SHOWN} days"
    )


def _by_day(daily: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """One row per day, of all workflows and templates."""
    lost = pl.sum_horizontal("suppressed_at_dispatch", "expired", "failed", "unknown")
    recent = pl.col("day") > pl.col("day").max() - timedelta(days=DAYS_SHOWN)
    shown = daily.filter(recent | (scope.since is not None)).with_columns(not_sent=lost)
    return shown.group_by("day").agg(pl.selectors.numeric().sum()).sort("day")


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00") + " UTC"
