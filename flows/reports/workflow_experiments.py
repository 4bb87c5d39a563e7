"""Experiments that workflows with a `holdout` are: whom the workflow met, held out and treated, and who converted."""

from datetime import datetime, timedelta

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.reports.experiments import Counted
from flows.warehouse import frame, read_sql
from transforms.answers.exposures import HELD_OUT, TREATED, exposures
from transforms.answers.outcomes import REFUSALS
from transforms.definitions.base import nearest
from transforms.definitions.walk import has_hits
from transforms.definitions.workflow import Workflow, stored_workflow
from transforms.timing.durations import spoken

NO_HITS = "conversions aren't known: the workflow has no goal, or one that asks for the execution's decision"

_LONGEST = timedelta(days=999_999)
"""Goal windows longer than this are as good as endless; instants beyond it can't be written."""


def read_workflow(
    con: DuckDBPyConnection, workflow_id: str, since: datetime | None = None, until: datetime | None = None
) -> Counted:
    """The customers whom a workflow of the store met.

    The goal's window is that of the newest version.

    Args:
        con: what is published.
        workflow_id: the workflow.
        since: a customer counts whose first entry of the period is here or later; None: from the first.
        until: and before here; None: to the last.

    Raises:
        InputError: there is no such workflow, or nobody entered it in the period.
    """
    versions = read_sql(con, "reports/experiments/versions.sql", workflow_id=workflow_id)
    if versions.is_empty():
        raise InputError(_no_such_workflow(con, workflow_id))
    workflows = [stored_workflow(one) for one in versions["definition"]]
    executions = read_sql(con, "reports/experiments/executions.sql", workflow_id=workflow_id)
    hits = read_sql(con, "reports/experiments/goal_hits.sql", workflow_id=workflow_id)
    exposed = exposures(executions, hits, _goal(workflows[-1]), since=since, until=until)
    if exposed.is_empty():
        raise InputError(f"{workflow_id}: nobody entered it{' in this period' if since or until else ' yet'}")
    holdouts = versions.select(
        "version", holdout=pl.Series([one.holdout for one in workflows], dtype=pl.Float64)
    )
    return Counted(
        _customers(exposed),
        pl.DataFrame(schema=REFUSALS),
        _shares(exposed, executions, holdouts),
        (*_notes(con, workflows, exposed), *_note_of_before(exposed, executions, since)),
    )


def _customers(exposed: pl.DataFrame) -> pl.DataFrame:
    nothing = pl.lit(None, pl.Float64)
    return exposed.select("customer_id", "converted", group="arm", value=nothing, before=nothing)


def _note_of_before(exposed: pl.DataFrame, executions: pl.DataFrame, since: datetime | None) -> list[str]:
    """Of a period that begins amidst: whom that may keep out of one group only."""
    if since is None:
        return []
    before = executions.filter(pl.col("entered_at") < since)
    met = exposed.join(before, on="customer_id", how="semi").height
    return [
        f"{met:,} of {exposed.height:,} customers had entered before {since:%Y-%m-%d %H:%M} UTC: those of the treated "
        "who were still running then come later or not at all, so that the groups may differ by that alone"
    ] * (met > 0)


def _no_such_workflow(con: DuckDBPyConnection, given: str) -> str:
    known = frame(con, "select distinct workflow_id from workflow_versions order by all")[
        "workflow_id"
    ].to_list()
    near = nearest(given, known)
    return (
        f"{given}: neither a file nor a workflow that has run; workflows: {', '.join(known) or 'none yet'}"
        + (f"; did you mean {near!r}?" if near else "")
    )


def _goal(workflow: Workflow) -> pl.DataFrame:
    window = min(workflow.goal.window, _LONGEST) if workflow.goal and has_hits(workflow.goal) else None
    return pl.DataFrame(
        {"workflow_id": [workflow.workflow_id], "window": [window]},
        schema={"workflow_id": pl.String, "window": pl.Duration("us")},
    )


def _shares(
    exposed: pl.DataFrame, executions: pl.DataFrame, holdouts: pl.DataFrame
) -> dict[str, float] | None:
    """The part of these customers that the versions they met were to hold out; None where that is nobody, or all."""
    met = exposed.join(
        executions, left_on=["customer_id", "exposed_at"], right_on=["customer_id", "entered_at"], how="inner"
    )
    share = met.join(holdouts, on="version")["holdout"].mean()
    if not isinstance(share, float) or not 0 < share < 1:
        return None
    return {HELD_OUT: share, TREATED: 1 - share}


def _notes(con: DuckDBPyConnection, workflows: list[Workflow], exposed: pl.DataFrame) -> list[str]:
    newest = workflows[-1]
    if not newest.goal or not has_hits(newest.goal):
        return [NO_HITS]
    found = [f"converted: reached the goal within {spoken(newest.goal.window)} after the first entry"]
    ((now,),) = con.execute("select max(now) from ticks").fetchall()
    waiting = exposed.filter(pl.col("ends_at") > now).height
    if waiting:
        found.append(
            f"of {waiting:,} of {exposed.height:,} customers that time isn't over at {now:%Y-%m-%d %H:%M} UTC, in "
            "either group"
        )
    if any(one.goal and one.goal.window < newest.goal.window for one in workflows):
        found.append(
            "an older version had a shorter window: of its entries nothing is known of what came after that"
        )
    if len({_asked(one) for one in workflows}) > 1:
        found.append("the goal has changed between versions: each fact counts by the goal of its time")
    return found


def _asked(workflow: Workflow) -> str:
    """What a goal is, but for its window."""
    return workflow.goal.model_dump_json(exclude={"window"}) if workflow.goal else ""
