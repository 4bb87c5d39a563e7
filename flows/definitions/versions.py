"""Workflow versions in the store: an edited workflow is a new one, executions finish on theirs (semantics.md §9)."""

from collections.abc import Collection, Sequence
from datetime import datetime

import polars as pl
from duckdb import DuckDBPyConnection

from flows.session import Session
from flows.store.archive import keep_definition
from flows.warehouse import append, run_sql
from transforms.definitions.workflow import Workflow, definition_json, stored_workflow, version_of


def note_versions(session: Session, workflows: Sequence[Workflow], now: datetime) -> None:
    """Store the versions not seen before, with their steps."""
    known = {version for _, _, version in known_versions(session.con)}
    for workflow in workflows:
        if version_of(workflow) not in known:
            _add(session, workflow, now)


def known_versions(con: DuckDBPyConnection) -> list[tuple[str, int, str]]:
    """The (workflow_id, number, version) of all that was ever seen, workflow by workflow, by number."""
    return run_sql(con, "definitions/versions/known.sql").fetchall()


def older_versions(con: DuckDBPyConnection, workflows: Sequence[Workflow]) -> list[Workflow]:
    """The versions, beside the current ones, that executions still run, or are paused on."""
    current = {version_of(one) for one in workflows}
    running = run_sql(con, "definitions/versions/running.sql").fetchall()
    return [one for one in stored_workflows(con, running) if version_of(one) not in current]


def pause_and_resume(
    con: DuckDBPyConnection, workflows: Sequence[Workflow], unreadable: Collection[str], tick_id: int
) -> tuple[int, int]:
    """Pause the executions of workflows that aren't active, resume those of workflows that are again.

    Args:
        con: the store, in the tick's transaction.
        workflows: the current ones; one that isn't among them isn't active.
        unreadable: the ids of workflows whose files can't be read: theirs stay as they are.
        tick_id: the tick's number.

    Returns:
        How many were paused, and how many resumed.
    """
    active = [one.workflow_id for one in workflows if one.is_active]
    kept = {"active": active, "tick_id": tick_id}
    ((paused,),) = run_sql(con, "definitions/pause.sql", **kept, unreadable=sorted(unreadable)).fetchall()
    ((resumed,),) = run_sql(con, "definitions/resume.sql", **kept).fetchall()
    return int(paused), int(resumed)


def stored_workflows(con: DuckDBPyConnection, versions: Sequence[tuple[str, str]]) -> list[Workflow]:
    """The stored definitions of (workflow_id, version) pairs."""
    wanted = set(versions)
    stored = run_sql(con, "definitions/versions/stored.sql", versions=[one for _, one in versions])
    return [
        stored_workflow(definition)
        for workflow_id, version, definition in stored.fetchall()
        if (workflow_id, version) in wanted
    ]


def _add(session: Session, workflow: Workflow, now: datetime) -> None:
    con, version, definition = session.con, version_of(workflow), definition_json(workflow)
    keep_definition(session.settings, version, definition)
    # An idle run shall not pay for importing the compiler.
    from transforms.program.compile import compile_program
    from transforms.program.steps import listed_steps

    program = compile_program([workflow])
    run_sql(
        con,
        "definitions/versions/add.sql",
        workflow_id=workflow.workflow_id,
        version=version,
        definition=definition,
        workflow_name=workflow.workflow_name,
        first_seen_at=now,
        watches=program.acts_alone,
    )
    steps = pl.DataFrame(listed_steps(program))
    if len(steps):
        append(con, "program_steps", steps)
