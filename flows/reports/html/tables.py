"""The page's tables: which columns, and each cell as text and as the number it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import polars as pl

from flows.fitting import Column, cell_text
from flows.reports.html.letters import KIND, Kind
from flows.reports.html.numbers import WEEKS_SHOWN, Numbers, of_workflow
from flows.reports.terminal import DAILY, DAYS_SHOWN, SUMMARY, WEEKS

ROWS_SHOWN = 40
"""Of the messages' table, where subjects may be as many as customers."""
_DROP_OFF = (
    Column("branch", "branch"),
    Column("step", "step"),
    Column("action", "action"),
    Column("entered", "entered"),
    Column("pct_of_entries", "% of entries"),
    Column("passed", "passed"),
    Column("waiting_here", "waiting"),
    Column("left_here_converted", "converted"),
    Column("left_here_exited", "exited"),
    Column("left_here_failed", "failed"),
)
_WAITING = (
    Column("branch", "branch"),
    Column("step", "step"),
    Column("action", "action"),
    Column("waiting", "waiting"),
    Column("first_since", "first since"),
    Column("next_until", "next goes on"),
)
_ENGAGEMENT = (
    Column("template_id", "template"),
    Column("variant", "variant"),
    Column("subject", "subject"),
    Column("branch", "branch"),
    Column("step", "step"),
    Column("sent", "sent"),
    Column("delivered", "delivered"),
    Column("opened", "opened"),
    Column("open_rate", "% opened"),
    Column("clicked", "clicked"),
    Column("click_rate", "% clicked"),
    Column("bounced", "bounced"),
    Column("bounce_rate", "% bounced"),
    Column("complained", "complained"),
    Column("unsubscribed", "unsubscribed"),
)
_TIME_TO_GOAL = (
    Column("arm", "arm"),
    Column("executions", "entries"),
    Column("hits", "reached the goal"),
    Column("open", "still can"),
    Column("median_seconds", "half within"),
    Column("p90_seconds", "90 % within"),
    Column("goal_counted", "goal counted"),
    Column("counted_until", "until"),
)
_COHORTS = (
    Column("week", "week of"),
    Column("branch", "branch"),
    Column("arm", "arm"),
    Column("goal_counted", "goal counted"),
    Column("entered", "entered"),
    Column("hits", "reached the goal"),
    Column("hit_rate", "% reached it"),
    Column("completed", "completed"),
    Column("converted", "converted"),
    Column("exited", "exited"),
    Column("failed", "failed"),
    Column("active", "active"),
)
_REVENUE = (
    Column("model", "model"),
    Column("template_id", "template"),
    Column("variant", "variant"),
    Column("branch", "branch"),
    Column("step", "step"),
    Column("orders", "orders touched"),
    Column("credited_orders", "orders credited"),
    Column("revenue", "revenue"),
)
_EARNED = (Column("model", "model"), Column("workflow_id", "workflow"), Column("revenue", "revenue"))
_BARS = {"pct_of_entries", "open_rate", "click_rate", "hit_rate", "accepted", "waiting", "revenue"}
"""Columns with a bar behind the number: a percentage's own length, else in percent of the longest."""

RECONSIDERED = (
    "Entries whose goal was reconsidered, and others as ticks decided: rows of their own, by one goal each."
)
MODELS = "Each model credits the same orders to messages in another way: compare models, don’t add them up."


@dataclass(frozen=True)
class Cell:
    """A cell: as people read it, as it is, and the length of the bar behind it in percent, if there is one."""

    text: str
    value: str
    share: float | None


@dataclass(frozen=True)
class Table:
    """A table of a view.

    Attributes:
        view: its name.
        title: over the table.
        columns: name, heading, and whether they hold numbers.
        rows: their cells.
        note: what is to be said of it.
        letters: of each row the place of its message among those that the page shows; none: there are none.
    """

    view: str
    title: str
    columns: list[tuple[str, str, bool]]
    rows: list[tuple[Cell, ...]]
    note: str = ""
    letters: Sequence[int | None] = ()


def overview_tables(numbers: Numbers) -> list[Table]:
    """Of all workflows: the summary, the last week beside the one before, messages by day, revenue."""
    views = numbers.views
    found = [
        _table("report_workflow_summary", "Workflows", views["report_workflow_summary"], SUMMARY),
        _table(
            "report_last_week",
            "The last seven days, and the seven before",
            views["report_last_week"].filter(pl.max_horizontal("last_week", "week_before") > 0),
            WEEKS,
        ),
        _messages(views["report_messages_daily"]),
        _earned(views["report_revenue"]),
    ]
    return [one for one in found if one.rows]


def workflow_tables(
    numbers: Numbers, workflow: str, drop_off: pl.DataFrame, letters: Mapping[Kind, int]
) -> list[Table]:
    """Of one workflow, those that have rows.

    Args:
        numbers: what the page tells.
        workflow: its id.
        drop_off: its rows of `report_drop_off`.
        letters: kind of message → its place among those that the page shows.
    """
    waiting = of_workflow(numbers.waiting, workflow).filter(pl.col("place") == 1)
    every = numbers.of("report_entry_cohorts", workflow)
    cohorts = _latest(every, "week", 7 * WEEKS_SHOWN)
    is_hit = every["hits"].is_not_null().any()
    to_goal = numbers.of("report_time_to_goal", workflow).filter(is_hit)
    is_reconsidered = (every["goal_counted"] == "reconsidered").any()
    plain: Sequence[str] = () if is_reconsidered else ("goal_counted", "counted_until")
    note = RECONSIDERED if is_reconsidered else ""
    times, weeks = (_without(one, plain) for one in (_TIME_TO_GOAL, _COHORTS))
    found = [
        _table("report_drop_off", "Step by step", _with_action(drop_off), _DROP_OFF),
        _table("waiting", "Who waits where", _with_action(waiting), _WAITING),
        _messages(numbers.of("report_messages_daily", workflow)),
        _engagement(numbers.of("report_message_engagement", workflow), letters),
        _table("report_time_to_goal", "From entry to goal", to_goal, times, note),
        _table(
            "report_entry_cohorts", f"Who entered when, the last {WEEKS_SHOWN} weeks", cohorts, weeks, note
        ),
        _table(
            "report_revenue", "Revenue", _if_any(numbers.of("report_revenue", workflow)), _REVENUE, MODELS
        ),
    ]
    return [one for one in found if one.rows]


def _engagement(rows: pl.DataFrame, letters: Mapping[Kind, int]) -> Table:
    """Those with most messages, each with its newest."""
    shown = rows.sort("sent", descending=True, maintain_order=True).head(ROWS_SHOWN)
    shown = rows.join(shown, on=rows.columns, how="semi", nulls_equal=True, maintain_order="left")
    less = rows.height - shown.height
    kept = f"{ROWS_SHOWN} of {rows.height:,} rows, those with most messages: --csv report_message_engagement has all."
    found = _table(
        "report_message_engagement",
        "Messages, and what came of them",
        shown,
        _ENGAGEMENT,
        kept if less else "",
    )
    return replace(found, letters=[letters.get(one) for one in shown.select(KIND).iter_rows()])


def _earned(revenue: pl.DataFrame) -> Table:
    """What each model credits to each workflow, and to none."""
    by_workflow = revenue.group_by("model", "workflow_id", maintain_order=True).agg(pl.col("revenue").sum())
    named = by_workflow.with_columns(pl.col("workflow_id").fill_null("(no message before)"))
    return _table("report_revenue", "Revenue by model", _if_any(named), _EARNED, MODELS)


def _without(columns: Sequence[Column], names: Sequence[str]) -> list[Column]:
    return [one for one in columns if one.name not in names]


def _if_any(revenue: pl.DataFrame) -> pl.DataFrame:
    return revenue.filter((pl.col("revenue") != 0).any())


def _messages(daily: pl.DataFrame) -> Table:
    lost = pl.sum_horizontal("suppressed_at_dispatch", "expired", "failed", "unknown")
    recent = _latest(daily, "day", DAYS_SHOWN).with_columns(not_sent=lost)
    days = recent.group_by("day").agg(pl.selectors.numeric().sum()).sort("day", descending=True)
    return _table("report_messages_daily", f"Messages, the last {DAYS_SHOWN} days", days, DAILY)


def _latest(rows: pl.DataFrame, day: str, days: int) -> pl.DataFrame:
    """Those of the last days that there are, the latest first."""
    recent = rows.filter(pl.col(day) > pl.col(day).max() - timedelta(days=days))
    return recent.sort(day, descending=True, maintain_order=True)


def _with_action(rows: pl.DataFrame) -> pl.DataFrame:
    kind = pl.col("action_type").str.replace_all("_", " ")
    return rows.with_columns(action=pl.concat_str(kind, pl.col("label"), separator=" ", ignore_nulls=True))


def _table(view: str, title: str, rows: pl.DataFrame, columns: Sequence[Column], note: str = "") -> Table:
    kinds = [(one.name, one.title, rows.schema[one.name].is_numeric()) for one in columns]
    cells = [_cells(one, rows[one.name]) for one in columns]
    return Table(view, title, kinds, list(zip(*cells, strict=True)), note)


def _cells(column: Column, values: pl.Series) -> list[Cell]:
    most = 100.0 if column.name.endswith("_rate") or column.name.startswith("pct_") else _most(values)
    drawn = column.name in _BARS
    return [_cell(column, one, most if drawn else None) for one in values]


def _most(values: pl.Series) -> float:
    found: Any = values.max() if values.dtype.is_numeric() else None
    return float(found or 0)


def _cell(column: Column, value: Any, most: float | None) -> Cell:
    share = None if not most or value is None else max(0.0, min(100.0, 100 * float(value) / most))
    return Cell(cell_text(column, value), "" if value is None else str(value), share)
