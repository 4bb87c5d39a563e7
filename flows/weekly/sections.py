"""The mail's parts: a title, a table, sentences; the same for its HTML and its text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl

from flows.fitting import Column, cell_text
from flows.overview.status_told import status_words
from flows.reports.verdicts import GROUP_HEADINGS, Verdict, group_rows
from flows.weekly.numbers import Weekly
from transforms.answers.weeks import MEASURES

_NO_BREAK = "\u00a0"
_CHANGE = Column("change", "change", is_signed=True)
_TOLD = ("Last tick", "Next due", "Outbox", "Inbox", "Next")
"""What is told of how the store stands."""
_STALE = timedelta(days=1)
_FAULTS = {
    "unknown_customer": "events of customers whom nobody knew yet",
    "anonymous": "events with an anonymous id only",
    "late": "events that came late, and still acted",
    "too_late": "events that came too late to act",
    "refused_files": "files that could not be loaded",
}
_WORKFLOW = Column("workflow_id", "workflow")
_PLACE = Column("place", "step", folds=True)
_WEEK = (
    _WORKFLOW,
    Column("entries", "entered", is_right=True),
    Column("completions", "com-\npleted", 1, is_right=True),
    Column("conversions", "reached\nthe goal", is_right=True),
    Column("messages", "messages", is_right=True),
    Column("active", "in flight", 2),
)


@dataclass(frozen=True)
class Section:
    """A part of the mail.

    Attributes:
        title: over it.
        lines: sentences, below the table if there is one.
        rows: the table; of no columns: none.
        columns: how it is shown.
    """

    title: str
    lines: Sequence[str] = ()
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    columns: Sequence[Column] = ()


def sections_of(weekly: Weekly) -> list[Section]:
    """The parts of the mail, in their order."""
    return [
        *_warnings(weekly),
        _week(weekly),
        *_steps(weekly),
        *map(_experiment, weekly.verdicts),
        *_rest(weekly),
    ]


def totals(weekly: Weekly) -> str:
    """The week in a line."""
    entries, _, conversions, messages = (int(weekly.workflows[one].fill_null(0).sum()) for one in MEASURES)
    return f"{entries:,} entered, {conversions:,} reached the goal, {messages:,} messages"


def _warnings(weekly: Weekly) -> Iterator[Section]:
    silent = weekly.status.asked_at - weekly.as_of
    if silent > _STALE:
        days = f"{silent.days:,} day{'' if silent.days == 1 else 's'}"
        yield Section(
            "No tick for a while",
            [f"The last tick ended {days} ago; the week told of here is the one before it."],
        )
    unreadable = [one.workflow_id for one in weekly.status.workflows if one.state == "unreadable"]
    if unreadable:
        told = f"{', '.join(unreadable)}: left out until the file is mended; `onward validate` says what is wrong"
        yield Section("Workflow files with faults", [told])


def _week(weekly: Weekly) -> Section:
    title = "Workflows, beside the week before"
    if weekly.workflows.is_empty():
        return Section(title, ["Nothing happened in these two weeks, and nobody is in flight."])
    rows = weekly.workflows
    cells = {one: _with_change(rows[one], rows[f"{one}_change"]) for one in MEASURES}
    table = rows.select("workflow_id", "active").with_columns(**{one: pl.Series(cells[one]) for one in cells})
    return Section(title, (), table, _WEEK)


def _with_change(counts: pl.Series, changes: pl.Series) -> list[str]:
    """How many, and the difference to the week before in percent where that had any."""
    return [
        cell_text(_WORKFLOW, n) + ("" if change is None else f" ({cell_text(_CHANGE, change)}{_NO_BREAK}%)")
        for n, change in zip(counts, changes, strict=True)
    ]


def _steps(weekly: Weekly) -> Iterator[Section]:
    if not weekly.left.is_empty():
        counts = (Column("entered", "entered"), Column("left", "left"), Column("share", "% left"))
        goal = Column("converted", "by reaching\nthe goal", 1)
        told = (_WORKFLOW, _PLACE, *counts, goal)
        yield Section("Where most customers left, of all time", (), _placed(weekly.left), told)
    if not weekly.waiting.is_empty():
        columns = (_WORKFLOW, _PLACE, Column("waiting", "waiting"))
        yield Section("Where most customers wait", (), _placed(weekly.waiting), columns)


def _placed(steps: pl.DataFrame) -> pl.DataFrame:
    """With branch, step and what it is in one column, such as `default/1 wait 2d`."""
    kind = pl.col("action_type").str.replace_all("_", " ")
    place = pl.concat_str("branch", pl.lit("/"), "step")
    return steps.with_columns(place=pl.concat_str(place, kind, "label", separator=" ", ignore_nulls=True))


def _experiment(one: Verdict) -> Section:
    groups = pl.DataFrame(group_rows(one.found), list(GROUP_HEADINGS), orient="row")
    columns = [Column(name, name, is_right=name != GROUP_HEADINGS[0]) for name in GROUP_HEADINGS]
    return Section(f"Experiment: {one.title}", [*one.sentences, *one.notes], groups, columns)


def _rest(weekly: Weekly) -> Iterator[Section]:
    yield _data(weekly)
    yield Section("How it stands", [*_standing(weekly)])


def _data(weekly: Weekly) -> Section:
    title = "Faults in the data, beside the week before"
    if weekly.faults.is_empty():
        return Section(title, ["None: every row could be loaded, no event came late."])
    said = pl.col("kind").replace(_FAULTS)
    fault = pl.when(pl.col("what") == "refused").then("refused rows: " + pl.col("kind")).otherwise(said)
    columns = (
        Column("fault", "fault", folds=True),
        Column("last_week", "last week"),
        Column("week_before", "before"),
    )
    return Section(
        title, ["`onward quarantine` shows refused rows."], weekly.faults.with_columns(fault=fault), columns
    )


def _standing(weekly: Weekly) -> Iterator[str]:
    for subject, told in status_words(weekly.status).items():
        if subject in _TOLD:
            yield f"{subject}: {told if isinstance(told, str) else '; '.join(told)}"
