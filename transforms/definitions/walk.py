"""The parts of a workflow with their paths, as error messages name them: `actions[1].paths.yes[0]`."""

from collections.abc import Iterator, Sequence
from typing import Any

from transforms.definitions.branching import Branching
from transforms.definitions.references import referred_property
from transforms.definitions.workflow import (
    Action,
    BranchDecision,
    Condition,
    Goal,
    Group,
    Trigger,
    UpdateAttribute,
    WaitForEvent,
    Workflow,
)

Path = tuple[str | int, ...]

ENTRY, REACTION, STEP = "entry", "reaction", "step"
"""Where a condition or trigger stands: in `triggers`; in `goal`, `exit_on` or a wait; in branches and actions."""


def actions_of(workflow: Workflow) -> Iterator[tuple[Path, Action]]:
    """Every action, those of branches and paths included."""
    yield from _actions(workflow.actions, ("actions",))
    for index, branch in enumerate(workflow.branches):
        yield from _actions(branch.actions, ("branches", index, "actions"))


def named_steps(workflow: Workflow) -> Iterator[tuple[str, str, Action]]:
    """Every action with its branch and the name of its step there, as tables have them (semantics.md §9).

    The workflow's own actions are the branch `default`; the first step of path `yes` of step `2` is `2.yes.0`.
    """
    own = ("default", workflow.actions)
    for branch, actions in (*((one.name, one.actions) for one in workflow.branches), own):
        for name, action in _named(actions, ""):
            yield branch, name, action


def triggers_of(workflow: Workflow) -> Iterator[tuple[Path, str, Trigger]]:
    """Every trigger, with where it stands: `ENTRY` or `REACTION`; awaited events are triggers without conditions."""
    for index, trigger in enumerate(workflow.triggers):
        yield ("triggers", index), ENTRY, trigger
    if workflow.goal:
        yield ("goal",), REACTION, workflow.goal
    for index, trigger in enumerate(workflow.exit_on):
        yield ("exit_on", index), REACTION, trigger
    for path, action in actions_of(workflow):
        if isinstance(action, WaitForEvent):
            awaited = Trigger.model_construct(type=action.config.type, config=action.config.event)
            yield (*path, "config", "event"), REACTION, awaited


def references_of(workflow: Workflow) -> Iterator[tuple[Path, str]]:
    """Every `{from: event.x}`: where it stands, and the property of the starting fact."""
    for path, _, trigger in triggers_of(workflow):
        config = path if path[-1] == "event" else (*path, "config")
        for key, value in trigger.config.items():
            if (name := referred_property(value)) is not None:
                yield (*config, key), name
    for path, action in actions_of(workflow):
        if (
            isinstance(action, UpdateAttribute)
            and (name := referred_property(action.config.value)) is not None
        ):
            yield (*path, "config", "value"), name


def conditions_of(workflow: Workflow) -> Iterator[tuple[Path, Trigger | None, Condition]]:
    """Every condition, with the trigger it belongs to (None: it looks at the fact that started the execution)."""
    for path, _, trigger in triggers_of(workflow):
        for place, condition in leaves(trigger.conditions, (*path, "conditions")):
            yield place, trigger, condition
    for path, conditions in _step_conditions(workflow):
        for place, condition in leaves(conditions, path):
            yield place, None, condition


def has_hits(goal: Goal) -> bool:
    """Whether a goal counts beyond the run: it asks nothing of the execution (semantics.md §10)."""
    asked = (condition.attribute for _, condition in leaves(goal.conditions, ()))
    return not any(one.startswith("execution.") for one in asked)


def condition_lists(workflow: Workflow) -> Iterator[tuple[Path, Sequence[Condition | Group]]]:
    """Every list of conditions and groups, all of which must hold."""
    for path, _, trigger in triggers_of(workflow):
        yield (*path, "conditions"), trigger.conditions
    yield from _step_conditions(workflow)


def leaves(conditions: Sequence[Condition | Group], path: Path) -> Iterator[tuple[Path, Condition]]:
    """The single conditions of a list of conditions and groups at `path`."""
    for index, one in enumerate(conditions):
        if isinstance(one, Group):
            for key, members in (("any", one.any), ("all", one.all), ("not", one.negated)):
                yield from leaves(members or (), (*path, index, key))
        else:
            yield (*path, index), one


def _step_conditions(workflow: Workflow) -> Iterator[tuple[Path, Sequence[Condition | Group]]]:
    for index, branch in enumerate(workflow.branches):
        yield ("branches", index, "conditions"), branch.conditions
    for path, action in actions_of(workflow):
        yield (*path, "conditions"), action.conditions
        if isinstance(action, BranchDecision):
            for name, criteria in action.config.criteria.items():
                yield (*path, "config", "criteria", name), criteria


def _named(actions: Sequence[Action], prefix: str) -> Iterator[tuple[str, Action]]:
    for index, action in enumerate(actions):
        name = f"{prefix}{index}"
        yield name, action
        if isinstance(action, Branching):
            for path, inner in action.paths.items():
                yield from _named(inner, f"{name}.{path}.")


def _actions(actions: Sequence[Any], path: Path) -> Iterator[tuple[Path, Action]]:
    for index, action in enumerate(actions):
        yield (*path, index), action
        if isinstance(action, Branching):
            for name, inner in action.paths.items():
                yield from _actions(inner, (*path, index, "paths", name))
