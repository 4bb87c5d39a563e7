"""A program's steps as rows, with a label for people: what reports list, reached or not."""

from typing import Any

from transforms.columns.json_values import canonical
from transforms.definitions.references import referred_property
from transforms.definitions.workflow import (
    Action,
    AddTag,
    BranchDecision,
    RandomSplit,
    RemoveTag,
    SendEmail,
    TriggerWebhook,
    UpdateAttribute,
    Wait,
    WaitForEvent,
)  # fmt: skip
from transforms.program.model import Program
from transforms.timing.durations import spoken


def listed_steps(program: Program) -> list[dict[str, Any]]:
    """Every step, in file order within its branch.

    Returns:
        Rows of workflow_id, version, branch, step, position, action_type, label.
    """
    return [
        {
            "workflow_id": program.flows[step.flow].workflow.workflow_id,
            "version": program.flows[step.flow].version,
            "branch": step.branch,
            "step": step.name,
            "position": step.position,
            "action_type": step.action_type,
            "label": label(step.action),
        }
        for step in program.steps
        if step.action is not None
    ]


def label(action: Action) -> str:
    """What people read of a step: the template, the tag, how long."""
    match action:
        case SendEmail(config=config):
            return config.template_id or ""
        case Wait(config=config):
            return spoken(config.duration)
        case AddTag(config=config) | RemoveTag(config=config):
            return config.tag
        case UpdateAttribute(config=config):
            return f"{config.attribute} = {_shown(config.value)}"
        case TriggerWebhook(config=config):
            return config.url
        case BranchDecision(config=config):
            return ", ".join([*config.criteria, "default"])
        case RandomSplit(config=config):
            total = sum(config.weights.values())
            return ", ".join(f"{name} {weight / total:.0%}" for name, weight in config.weights.items())
        case WaitForEvent(config=config):
            event = ", ".join(f"{key} {_plainly(value)}" for key, value in config.event.items())
            return event if config.timeout is None else f"{event} or {spoken(config.timeout)}"
    return ""


def choices(action_type: str, told: str) -> tuple[str, ...]:
    """The decisions that a step can take, in order, as its label tells them; none of other steps."""
    match action_type:
        case "branch_decision":
            return tuple(told.split(", "))
        case "random_split":
            return tuple(one.rpartition(" ")[0] for one in told.split(", "))
        case "wait_for_event":
            return ("event", "timeout") if " or " in told else ("event",)
    return ()


def _shown(value: Any) -> str:
    return canonical(value) if (name := referred_property(value)) is None else f"event.{name}"


def _plainly(value: Any) -> str:
    return str(value) if (name := referred_property(value)) is None else f"event.{name}"
