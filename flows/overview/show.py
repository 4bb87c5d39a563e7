"""One workflow in sentences: who enters, what happens step by step, what ends it, and how many run on which version."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flows.errors import InputError
from flows.overview.columns import named, table, wrapped
from flows.overview.listing import Listed, Listing
from flows.overview.versions import NO_FILE, UNREADABLE, Version
from transforms.definitions.base import advice
from transforms.definitions.told import conditions_told, trigger_told
from transforms.definitions.told_actions import percent, send_times_told, steps_told
from transforms.definitions.walk import has_hits
from transforms.definitions.workflow import Action, Reentry, Workflow
from transforms.lint.cascades import starts_of
from transforms.timing.durations import spoken


@dataclass(frozen=True)
class Shown:
    """A workflow, and the others that it may start or be started by: id → by which fact."""

    listed: Listed
    starts: dict[str, str]
    started_by: dict[str, str]


def find_workflow(listing: Listing, workflow_id: str) -> Shown:
    """A workflow of a listing, by its id.

    Raises:
        InputError: there is none of that id; names those there are, and the faults of files.
    """
    by_id = {one.workflow.workflow_id: one for one in listing.workflows}
    if workflow_id not in by_id:
        told = f"there is no workflow {workflow_id!r}; {advice(workflow_id, sorted(by_id))}"
        faulty = (
            "\nFiles with faults, which may hold it:\n" + "\n".join(listing.faults) if listing.faults else ""
        )
        raise InputError(told + faulty)
    own = by_id[workflow_id].workflow
    others = [one.workflow for one in listing.workflows if one.workflow.workflow_id != workflow_id]
    started_by = {one.workflow_id: fact for one in others if (fact := starts_of(one, [own]).get(workflow_id))}
    return Shown(by_id[workflow_id], starts_of(own, others), started_by)


def shown_json(shown: Shown) -> dict[str, Any]:
    """It as JSON values; sentences where the file has conditions and actions."""
    own = shown.listed.workflow
    return {
        **shown.listed.as_json(),
        "description": own.description,
        "enters": [trigger_told(one) for one in own.triggers],
        "reentry": _reentry(own.reentry),
        "holdout": own.holdout,
        "branches": [
            {"name": name, "conditions": when, "steps": _steps_json(actions)}
            for name, when, actions in branches_of(own)
        ],
        "goal": _goal_json(own),
        "exits": [trigger_told(one) for one in own.exit_on],
        "sends": _sends(own),
        "starts": shown.starts,
        "started_by": shown.started_by,
        "versions": [_version_json(one) for one in shown.listed.versions],
    }


def shown_words(shown: Shown, width: int | None) -> Iterator[str]:
    """It as lines of text, no wider than `width` where words allow; None: without end."""
    own = shown.listed.workflow
    yield from wrapped(f"{own.workflow_id}: {own.workflow_name}", width)
    if own.description:
        yield from wrapped(" ".join(own.description.split()), width)
    yield ""
    yield from named(facts_told(shown), width)
    for name, when, actions in branches_of(own):
        yield ""
        yield from wrapped(heading_told(own, name, when), width)
        yield from _step_lines(actions, width)
    if shown.listed.versions:
        yield ""
        yield from table(_version_rows(shown.listed), width, ("version", "in flight", "entries"))


def facts_told(shown: Shown) -> dict[str, str | list[str]]:
    """What there is to say besides its steps, by subject."""
    own = shown.listed.workflow
    told: dict[str, str | list[str]] = {
        "State": _state(shown.listed),
        "Enters by": [trigger_told(one) for one in own.triggers] or "nothing",
        "Again": _reentry(own.reentry),
        "Held out": f"{percent(own.holdout)} of the customers, to compare with" if own.holdout else "",
        "Goal": _goal(own),
        "Exits by": [trigger_told(one) for one in own.exit_on],
        "Sends": _sends(own),
        "Starts": [f"{name}, by {fact}" for name, fact in shown.starts.items()],
        "Started by": [f"{name}, by {fact}" for name, fact in shown.started_by.items()],
    }
    return {subject: what for subject, what in told.items() if what}


def _state(listed: Listed) -> str:
    paused = f"; {listed.in_flight:,} in flight, paused" if listed.is_paused and listed.in_flight else ""
    if listed.state in (UNREADABLE, NO_FILE):
        why = "its file has faults (`onward validate`)" if listed.state == UNREADABLE else "its file is gone"
        return f"{why}; this is version {listed.versions[-1].number}, the newest that was run{paused}"
    version = f"version {listed.current.number}" if listed.current else "a version that no run has seen yet"
    return f"{listed.state}, {version}{paused}"


def _reentry(reentry: Reentry) -> str:
    if reentry.policy == "once":
        return "never: a customer enters once"
    if reentry.policy == "after" and reentry.after is not None:
        return f"{spoken(reentry.after)} after the last entry, if it doesn't run any more"
    return "whenever it doesn't run for the customer"


def _goal(workflow: Workflow) -> str:
    goal = workflow.goal
    if goal is None:
        return ""
    ends = "it ends the run" if goal.exit else "the run goes on"
    told = f"{trigger_told(goal)}; {ends}"
    return f"{told}, and it counts within {spoken(goal.window)} after the entry" if has_hits(goal) else told


def _sends(workflow: Workflow) -> list[str]:
    times = [send_times_told(one) for one in (workflow.quiet_hours, workflow.send_window) if one]
    more = {
        "whatever consent and caps say (transactional)": workflow.transactional,
        f"with priority {workflow.priority}": workflow.priority,
        f"as messages of class {workflow.message_class}": workflow.message_class,
    }
    return [*times, *(told for told, holds in more.items() if holds)]


def branches_of(workflow: Workflow) -> Iterator[tuple[str, str | None, Sequence[Action]]]:
    """Name, conditions in words and actions of each branch; at last the workflow's own, which have none."""
    for one in workflow.branches:
        yield one.name, conditions_told(one.conditions) or "always", one.actions
    yield "default", None, workflow.actions


def heading_told(workflow: Workflow, name: str, when: str | None) -> str:
    """Who takes a branch: `Branch pro, if plan is "pro"`; arguments as `branches_of` yields them."""
    if when is None:
        return "Branch default, for everybody else" if workflow.branches else "Steps"
    return f"Branch {name}, if {when}"


def _goal_json(workflow: Workflow) -> dict[str, Any] | None:
    if (goal := workflow.goal) is None:
        return None
    return {"told": trigger_told(goal), "window_seconds": goal.window.total_seconds(), "exit": goal.exit}


def _version_json(version: Version) -> dict[str, Any]:
    return {
        "number": version.number,
        "version": version.version,
        "first_seen_at": version.first_seen_at.isoformat(),
        "in_flight": version.in_flight,
        "entries": version.entries,
    }


def _steps_json(actions: Sequence[Action]) -> list[dict[str, Any]]:
    return [{"step": name, "told": told} for name, _, told in steps_told(actions) if name]


def _step_lines(actions: Sequence[Action], width: int | None) -> Iterator[str]:
    """Each step under the one before, those of a path further in; what is too long goes on further in still."""
    if not actions:
        yield "  nothing happens"
    for name, depth, told in steps_told(actions):
        indent = "  " * (depth + 1)
        first, *rest = wrapped(f"{name}  {told}" if name else told, width and width - len(indent) - 4)
        yield f"{indent}{first}"
        yield from (f"{indent}    {line}" for line in rest)


def _version_rows(listed: Listed) -> list[dict[str, str]]:
    return [
        {
            "version": str(one.number),
            "first run": f"{one.first_seen_at:%Y-%m-%d %H:%M}",
            "in flight": f"{one.in_flight:,}",
            "entries": "?" if one.entries is None else f"{one.entries:,}",
            "": "current" if one is listed.current else "",
        }
        for one in listed.versions
    ]
