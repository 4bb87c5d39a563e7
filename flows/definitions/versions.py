"""Workflow versions in the store: an edited workflow is a new one, executions finish on theirs (semantics.md §9)."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import polars as pl

from flows.store.archive import keep_definition
from flows.store.state_file import StateFile
from flows.store.store import Store
from flows.store.tables import PROGRAM_STEPS
from transforms.definitions.triggers import GOAL_WINDOW, Goal
from transforms.definitions.workflow import Workflow, definition_json, stored_workflow, version_of
from transforms.timing.durations import microseconds

_OWN: Mapping[str, Goal] = MappingProxyType({})


def note_versions(store: Store, workflows: Sequence[Workflow], now: datetime) -> None:
    """Store the versions not seen before, with their steps."""
    known = {version for _, _, version in known_versions(store.state)}
    for workflow in workflows:
        if version_of(workflow) not in known:
            _add(store, workflow, now)


def known_versions(state: StateFile) -> list[tuple[str, int, str]]:
    """The (workflow_id, number, version) of all that was ever seen, workflow by workflow, by number."""
    return state.rows("definitions/versions/known.sql")


def older_versions(
    state: StateFile,
    workflows: Sequence[Workflow],
    since: datetime | None,
    counted: Mapping[str, Goal] = _OWN,
) -> list[Workflow]:
    """The versions, beside the current ones, that executions still run, or are paused on, or whose goals are open.

    Args:
        state: where executions are.
        workflows: the current ones.
        since: the tick's start.
        counted: goals that count instead of the versions' own, by workflow.
    """
    current = {version_of(one) for one in workflows}
    running = stored_workflows(state, state.rows("definitions/versions/running.sql"))
    found = {version_of(one): one for one in (*running, *with_open_goals(state, workflows, since, counted))}
    return [one for version, one in found.items() if version not in current]


def with_open_goals(
    state: StateFile,
    workflows: Sequence[Workflow],
    since: datetime | None,
    counted: Mapping[str, Goal] = _OWN,
) -> list[Workflow]:
    """The versions, beside `workflows`, whose last entry can still hit its goal after `since` (semantics.md §10).

    Perhaps some more, for a day: entries are counted by days, and the engine looks at each one's instant.
    """
    if since is None:
        return []
    windows = json.dumps({name: microseconds(goal.window) for name, goal in counted.items()})
    asked = {"since": since, "usual": microseconds(GOAL_WINDOW), "counted": windows}
    versions = [version_of(one) for one in workflows]
    return stored_workflows(state, state.rows("definitions/versions/entered.sql", **asked, versions=versions))


def pause_and_resume(
    store: Store, workflows: Sequence[Workflow], unreadable: Collection[str]
) -> tuple[int, int]:
    """Pause the executions of workflows that aren't active, resume those of workflows that are again.

    Args:
        store: the store, in the tick's transaction.
        workflows: the current ones; one that isn't among them isn't active.
        unreadable: the ids of workflows whose files can't be read: theirs stay as they are.

    Returns:
        How many were paused, and how many resumed.
    """
    active = [one.workflow_id for one in workflows if one.is_live]
    state = store.state
    paused = [
        one for (one,) in state.rows("definitions/pause.sql", active=active, unreadable=sorted(unreadable))
    ]
    resumed = [one for (one,) in state.rows("definitions/resume.sql", active=active)]
    for workflows_turned, status in ((paused, "paused"), (resumed, "running")):
        store.turn(workflows_turned, status)
    return _in_flight(state, paused), _in_flight(state, resumed)


def _in_flight(state: StateFile, workflows: Sequence[str]) -> int:
    ((found,),) = state.rows("definitions/in_flight.sql", workflows=list(workflows))
    return int(found)


def stored_workflows(state: StateFile, versions: Sequence[tuple[str, str]]) -> list[Workflow]:
    """The stored definitions of (workflow_id, version) pairs."""
    wanted = set(versions)
    stored = state.rows("definitions/versions/stored.sql", versions=[one for _, one in versions])
    return [
        stored_workflow(definition)
        for workflow_id, version, definition in stored
        if (workflow_id, version) in wanted
    ]


def _add(store: Store, workflow: Workflow, now: datetime) -> None:
    state, version, definition = store.state, version_of(workflow), definition_json(workflow)
    keep_definition(store.settings, version, definition)
    # An idle run shall not pay for importing the compiler.
    from transforms.program.compile import compile_program
    from transforms.program.steps import listed_steps

    program = compile_program([workflow])
    state.rows(
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
        state.append("program_steps", steps.select(*PROGRAM_STEPS))
