"""Answers for notebooks: each a frame, and a chart that shows itself without a request to anywhere."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any, TypeAlias

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.reports.charts.picture import Picture
from flows.reports.experiments import choose_control
from flows.reports.frames import Place, open_reports
from flows.reports.scope import Scope, scoped_frames
from flows.reports.workflow_experiments import NO_HITS, read_workflow
from flows.warehouse import frame, read_sql
from transforms.answers.experiment import Experiment, analyse
from transforms.answers.funnel import with_unreached
from transforms.answers.lifts import lifts
from transforms.answers.map_shapes import laid_out
from transforms.answers.survival_days import conversion_by_day
from transforms.definitions.base import advice

Reports: TypeAlias = DuckDBPyConnection | Place
"""What `open_reports()` gives, or what it takes."""


def funnel(workflow: str, reports: Reports = None) -> Picture:
    """Who reached each step, and what became of them there.

    Args:
        workflow: its id.
        reports: what `open_reports()` gives or takes; None: as `onward.toml` and the environment say.

    Returns:
        Of the frame a row is one of `report_drop_off`; of a workflow that nobody entered, a step of its newest version.

    Raises:
        InputError: a workflow that the store doesn't know.
        OnwardError: the store can't be used.
    """
    with _opened(reports, [workflow]) as con:
        found = _drop_off(con, workflow)

    def draw() -> Any:
        from flows.reports.charts.funnel import funnel_chart

        return funnel_chart(workflow, found)

    return Picture(f"Funnel of {workflow}", found, draw)


def survival(workflow: str, reports: Reports = None) -> Picture:
    """Which share of entries reached the goal by each day since the entry, treated and held out.

    An entry is watched until its first goal hit, else until the goal's window is over, the customer enters again or the
    last tick: who can still reach the goal is censored, not dropped (Kaplan and Meier, 1958).

    Args:
        workflow: its id.
        reports: what `open_reports()` gives or takes; None: as `onward.toml` and the environment say.

    Returns:
        Of the frame a row is an arm and a day, see `transforms.answers.survival_days.conversion_by_day`.

    Raises:
        InputError: a workflow that the store doesn't know, or whose conversions aren't known, or that nobody entered.
        OnwardError: the store can't be used.
    """
    with _opened(reports, [workflow]) as con:
        watched = read_sql(con, "reports/survival/watched.sql", workflow_id=workflow)
        entered = frame(con, "select count(*) as n from executions where workflow_id = $w", w=workflow).item()
    if watched.is_empty():
        raise InputError(f"{workflow}: {NO_HITS if entered else 'nobody entered it yet'}")
    found = conversion_by_day(watched).insert_column(0, pl.lit(workflow).alias("workflow_id"))

    def draw() -> Any:
        from flows.reports.charts.survival import survival_chart

        return survival_chart(workflow, found)

    return Picture(f"Time to the goal of {workflow}", found, draw)


def lift_forest(
    workflows: str | Sequence[str] | None = None,
    reports: Reports = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Picture:
    """How much more of the treated customers converted than of those held out, as `onward experiment WORKFLOW` counts.

    Args:
        workflows: ids; None: all that have held somebody out.
        reports: what `open_reports()` gives or takes; None: as `onward.toml` and the environment say.
        since: a customer counts whose first entry of the period is here or later; None: from the first.
        until: and before here; None: to the last.

    Returns:
        Of the frame a row is a workflow and a group, see `transforms.answers.lifts.lifts`.

    Raises:
        InputError: no such workflow, one that nobody entered in the period, or none that held anybody out.
        OnwardError: the store can't be used.
    """
    names = [workflows] if isinstance(workflows, str) else workflows
    with _opened(reports, names or []) as con:
        asked = read_sql(con, "reports/notebook/held_out.sql")["workflow_id"] if names is None else names
        found = lifts({one: _experiment(con, one, since, until) for one in asked})
    if found.is_empty():
        raise InputError(f"nothing to compare: {_why_nothing(list(asked))}")

    def draw() -> Any:
        from flows.reports.charts.forest import lift_chart

        return lift_chart(found)

    return Picture("Lift in conversion", found, draw)


def journey_map(workflow: str, reports: Reports = None) -> Picture:
    """The map of a workflow that `onward report --html` shows, standing still.

    Args:
        workflow: its id.
        reports: what `open_reports()` gives or takes; None: as `onward.toml` and the environment say.

    Returns:
        Of the frame a row is a step, as in `funnel`.

    Raises:
        InputError: a workflow that the store doesn't know.
        OnwardError: the store can't be used.
    """
    with _opened(reports, [workflow]) as con:
        found = _drop_off(con, workflow)
        summary = _view(con, "report_workflow_summary", workflow).row(0, named=True)
        entered = read_sql(con, "reports/notebook/branches.sql", workflow_id=workflow)

    def draw() -> Any:
        from flows.reports.charts.journey import map_chart

        return map_chart(workflow, laid_out(found, dict(entered.iter_rows())), found, summary)

    return Picture(f"Journey map of {workflow}", found, draw)


def _why_nothing(workflows: list[str]) -> str:
    if not workflows:
        return "no workflow has held anybody out; give one a `holdout`"
    return f"all who entered {', '.join(workflows)} were treated, or all held out"


@contextmanager
def _opened(reports: Reports, workflows: Sequence[str]) -> Generator[DuckDBPyConnection]:
    """What was given, left open, else what is opened for this answer; it knows these workflows."""
    given = nullcontext(reports) if isinstance(reports, DuckDBPyConnection) else open_reports(reports)
    with given as con:
        known = frame(con, "select distinct workflow_id from workflow_versions order by all")[
            "workflow_id"
        ].to_list()
        for one in workflows:
            if one not in known:
                near = advice(one, known) if known else "nothing has run here yet"
                raise InputError(f"{one!r} is the id of no workflow that a run has seen; {near}")
        yield con


def _view(con: DuckDBPyConnection, name: str, workflow: str) -> pl.DataFrame:
    return scoped_frames(con, Scope((workflow,)), [name])[name]


def _drop_off(con: DuckDBPyConnection, workflow: str) -> pl.DataFrame:
    steps = read_sql(con, "reports/page/newest_steps.sql").filter(workflow_id=workflow)
    return with_unreached(_view(con, "report_drop_off", workflow), steps)


def _experiment(
    con: DuckDBPyConnection, workflow: str, since: datetime | None, until: datetime | None
) -> Experiment:
    counted = read_workflow(con, workflow, since, until)
    control, _ = choose_control(counted.customers["group"].unique(maintain_order=True).to_list(), None)
    return analyse(counted.customers, control, counted.shares)
