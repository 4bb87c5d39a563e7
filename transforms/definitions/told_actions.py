"""Actions of a workflow as short sentences for people, in the imperative: `wait 2d`, `add the tag "vip"`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from transforms.definitions.actions import Message
from transforms.definitions.branching import Branching
from transforms.definitions.schedules import schedule_of
from transforms.definitions.send_times import WEEK, QuietHours, SendWindow
from transforms.definitions.told import conditions_told, fact_told, schedule_told, value_told
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
)
from transforms.timing.durations import spoken
from transforms.timing.zones import CUSTOMER


def steps_told(actions: Sequence[Action], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, int, str]]:
    """Every step, those of paths after the step that chooses them, in file order.

    Args:
        actions: of a workflow, a branch, or a path.
        prefix: how the names of these steps begin.
        depth: how deep they stand in paths.

    Yields:
        The step's name (semantics.md §9), how many paths it stands in, and its sentence. Of a path without a step:
        an empty name, and that it has nothing to do.
    """
    for index, action in enumerate(actions):
        name = f"{prefix}{index}"
        yield name, depth, action_told(action)
        if isinstance(action, Branching):
            for path, inner in action.paths.items():
                yield "", depth + 1, f"{path}:" if inner else f"{path}: nothing"
                yield from steps_told(inner, f"{name}.{path}.", depth + 1)


def action_told(action: Action) -> str:
    """One action, with its conditions and its delay: `if plan is "free": after 1h, wait 2d`."""
    condition = f"if {conditions_told(action.conditions)}: " if action.conditions else ""
    delay = f"after {spoken(action.delay)}, " if action.delay else ""
    return f"{condition}{delay}{_does(action)}"


def send_times_told(one: QuietHours | SendWindow) -> str:
    """When nothing is sent, or only then: `none from 21:00 to 08:00 in the customer's time zone`."""
    zone = "in the customer's time zone" if one.timezone == CUSTOMER else f"in {one.timezone}"
    span = f"from {one.start:%H:%M} to {one.end:%H:%M} {zone}"
    if isinstance(one, QuietHours):
        return f"not {span}"
    days = "" if one.days == WEEK else f" on {', '.join(one.days)}"
    return f"only {span}{days}"


def shares_told(weights: Mapping[str, float]) -> str:
    """Weights as shares of their sum: `a 25%, b 75%`."""
    total = sum(weights.values())
    return ", ".join(f"{name} {percent(weight / total)}" for name, weight in weights.items())


def percent(share: float) -> str:
    """A share of 1 in percent: `2.5%`."""
    return f"{100 * share:.3g}%"


def _does(action: Action) -> str:
    match action:
        case SendEmail(config=config):
            return _message(config)
        case Wait(config=config):
            return f"wait {spoken(config.duration)}"
        case AddTag(config=config):
            return f"add the tag {value_told(config.tag)}"
        case RemoveTag(config=config):
            return f"remove the tag {value_told(config.tag)}"
        case UpdateAttribute(config=config) if config.value is None:
            return f"remove {config.attribute}"
        case UpdateAttribute(config=config):
            return f"set {config.attribute} to {value_told(config.value)}"
        case TriggerWebhook(config=config):
            return f"call {config.url}" + (f", a message by {config.channel}" if config.channel else "")
        case BranchDecision(config=config):
            cases = (f"{name} if {conditions_told(one) or 'always'}" for name, one in config.criteria.items())
            return f"decide: {'; '.join([*cases, 'else default'])}"
        case RandomSplit(config=config):
            return f"split at random: {shares_told(config.weights)}"
        case WaitForEvent(config=config):
            limit = "without end" if config.timeout is None else f"at most {spoken(config.timeout)}"
            return f"wait for {_awaited(config.type, config.event)}, {limit}"
    return "end"


def _awaited(kind: str, config: Mapping[str, Any]) -> str:
    schedule = schedule_of(kind, config)
    return schedule_told(schedule) if schedule else fact_told(kind, config)


def _message(said: Message) -> str:
    subject = f" {value_told(said.subject)}" if said.subject is not None else ""
    template = f" by template {said.template_id}" if said.template_id else ""
    return f"send the e-mail{subject}{template}{_variants(said)}"


def _variants(said: Message) -> str:
    if not said.variants:
        return ""
    shares = shares_told({one.name: one.weight for one in said.variants})
    return f", in variants {shares}" + (f"; the most {said.winner.metric} wins" if said.winner else "")
