"""What workflow files say that likely isn't meant, without any data: nulls that hold, waits that can't end."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from transforms.definitions.branching import Branching
from transforms.definitions.conditions import Condition, Group
from transforms.definitions.faults import shown_path
from transforms.definitions.signals import LastEvent, signal_of
from transforms.definitions.walk import Path, actions_of, condition_lists, leaves
from transforms.definitions.workflow import (
    Action,
    BranchDecision,
    EndWorkflow,
    Wait,
    WaitForEvent,
    Workflow,
)
from transforms.timing.durations import spoken

_STATES = ("new_value", "crosses_", "minimum_new_value", "maximum_new_value")


def doubts(workflows: Sequence[Workflow]) -> Iterator[str]:
    """One sentence per likely mistake: where it stands, what happens, what to do."""
    for workflow in workflows:
        found = [*_nulls(workflow), *_waits(workflow), *_reentry(workflow)]
        yield from (f"{workflow.workflow_id}: {shown_path(path)}: {what}" for path, what in found)


def _nulls(workflow: Workflow) -> Iterator[tuple[Path, str]]:
    """Comparisons that hold for everybody who doesn't have the value, because null counts as 0 (semantics.md §5)."""
    for path, conditions in condition_lists(workflow):
        asked = {
            one.attribute for _, one in leaves(conditions, path) if one.operator in ("exists", "not_exists")
        }
        for place, condition, negated in _signed(conditions, path):
            if condition.attribute not in asked and _holds_for_null(condition, negated=negated):
                yield place, _null(condition, negated=negated)


def _signed(
    conditions: Sequence[Condition | Group], path: Path, *, negated: bool = False
) -> Iterator[tuple[Path, Condition, bool]]:
    """The single conditions, and whether each is negated."""
    for index, one in enumerate(conditions):
        if isinstance(one, Condition):
            yield (*path, index), one, negated
            continue
        for key, members, turns in (("any", one.any, 0), ("all", one.all, 0), ("not", one.negated, 1)):
            yield from _signed(members or (), (*path, index, key), negated=negated ^ bool(turns))


def _holds_for_null(condition: Condition, *, negated: bool) -> bool:
    value, name = condition.value, condition.attribute
    signal = signal_of(name)
    if name in ("tags", "customer_id") or (signal is not None and not isinstance(signal, LastEvent)):
        return False
    if isinstance(value, bool) or not isinstance(value, int | float):
        return negated and condition.operator == "between" and not _are_texts(value)
    holds = {"greater_than": value < 0, "less_than": value > 0, "at_least": False, "at_most": False}
    return condition.operator in holds and holds[condition.operator] is not negated


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(one, str) for one in value)


def _null(condition: Condition, *, negated: bool) -> str:
    words = f"{'not ' if negated else ''}{condition.operator} {condition.value}"
    instead = {
        "less_than": "; or at_most, which needs a value",
        "greater_than": "; or at_least, which needs a value",
    }
    return (
        f"{words} also holds for everybody without {condition.attribute!r}; if that isn't meant, ask beside it for "
        f"{{attribute: {condition.attribute}, operator: exists}}{'' if negated else instead[condition.operator]}"
    )


def _waits(workflow: Workflow) -> Iterator[tuple[Path, str]]:
    asked = _asked_before(workflow)
    for path, action in actions_of(workflow):
        if isinstance(action, WaitForEvent) and (told := _awaited_state(action)):
            name, what = told
            if not any(name == one and path[: len(where)] == where for where, one in asked):
                yield (*path, "config", "event"), what


def _awaited_state(action: WaitForEvent) -> tuple[str, str] | None:
    """The attribute whose state is awaited, and what may go wrong; None: an event that is yet to come."""
    config, event = action.config, action.config.event
    name = event.get("attribute")
    if not isinstance(name, str):
        return None
    if config.type == "attribute_change" and any(key.startswith(_STATES) for key in event):
        until = "for ever" if config.timeout is None else f"{spoken(config.timeout)} in vain"
        return name, (
            f"waits for a change of {name!r}; a customer who is in that state already waits {until}. Branch first "
            f"(branch_decision on {name}, the wait in the path of those who aren't), and give a timeout"
        )
    if config.type == "time_based" and config.timeout is None:
        return name, (
            f"waits for a date in {name!r} without a timeout; where it has passed or isn't there, the execution waits "
            f"for ever. Branch first (branch_decision on {name}), and give a timeout"
        )
    return None


def _asked_before(workflow: Workflow) -> list[tuple[Path, str]]:
    """Attributes that a decision or an action's own conditions ask for, and the path of what comes behind that."""
    found: list[tuple[Path, str]] = []
    for path, action in actions_of(workflow):
        found += [(path, one.attribute) for _, one in leaves(action.conditions, path)]
        if isinstance(action, BranchDecision):
            asked = [one for some in action.config.criteria.values() for _, one in leaves(some, path)]
            found += [((*path, "paths"), one.attribute) for one in asked]
    branches = enumerate(workflow.branches)
    found += [
        (("branches", index), one.attribute)
        for index, branch in branches
        for _, one in leaves(branch.conditions, ())
    ]
    return found


def _reentry(workflow: Workflow) -> Iterator[tuple[Path, str]]:
    """A pause between entries that is over when the execution is."""
    after = workflow.reentry.after
    if workflow.reentry.policy != "after" or after is None:
        return
    shortest = _shortest(workflow)
    if after == timedelta(0) or (shortest is not None and after <= shortest):
        lasts = "0s" if shortest is None else spoken(shortest)
        yield (
            ("reentry",),
            f"after {spoken(after)} holds nobody back: it counts from the entry, and who is in the workflow can't "
            f"enter; an execution lasts at least {lasts}. Give a longer duration, or leave reentry out",
        )


def _shortest(workflow: Workflow) -> timedelta | None:
    """How long every execution lasts at least; None where something may end it early."""
    if workflow.goal or workflow.exit_on or workflow.branches:
        return None
    total = timedelta(0)
    for action in workflow.actions:
        if isinstance(action, EndWorkflow | Branching) and _may_end(action):
            return None
        if not action.conditions:
            total += action.delay + (action.config.duration if isinstance(action, Wait) else timedelta(0))
    return total


def _may_end(action: Action) -> bool:
    if isinstance(action, EndWorkflow):
        return True
    paths = action.paths.values() if isinstance(action, Branching) else ()
    return any(_may_end(one) for some in paths for one in some)
