"""Which workflows can start which: the facts that executions emit, held against triggers (semantics.md §§6, 9)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.definitions.references import is_reference
from transforms.definitions.triggers import OWN_KEYS
from transforms.definitions.walk import actions_of
from transforms.definitions.workflow import (
    AddTag,
    Condition,
    Group,
    RemoveTag,
    SendEmail,
    Trigger,
    TriggerWebhook,
    UpdateAttribute,
    Workflow,
)


@dataclass(frozen=True)
class Emitted:
    """A fact that executions of a workflow cause."""

    type: str
    name: str
    properties: Mapping[str, Any]

    @property
    def words(self) -> str:
        """The fact for people: `add_tag vip`."""
        known = (self.properties.get(key) for key in ("tag", "template_id"))
        detail = next((one for one in known if one), "")
        subject = f"update_attribute {self.name}" if self.type == "attribute_change" else self.name
        return f"{subject} {detail}".strip()


def cascades(workflows: Sequence[Workflow]) -> Iterator[list[tuple[str, str]]]:
    """The shortest ways in which active workflows start each other again and again, or themselves.

    Workflows with `reentry: once` end a cascade, so they are in none.

    Yields:
        (workflow_id, the words of a fact of it that starts the next) of each workflow in the circle.
    """
    able = [one for one in workflows if one.is_live and one.reentry.policy != "once"]
    starts = {one.workflow_id: starts_of(one, able) for one in able}
    seen: set[frozenset[str]] = set()
    for workflow_id in sorted(starts):
        circle = _way_back(workflow_id, starts)
        members = frozenset(circle)
        if circle and members not in seen:
            seen.add(members)
            following = [*circle[1:], circle[0]]
            yield [(one, starts[one][after]) for one, after in zip(circle, following, strict=True)]


def starts_of(workflow: Workflow, others: Sequence[Workflow]) -> dict[str, str]:
    """The workflows among `others` that `workflow` may start: id → the words of a fact of it that does."""
    facts = list(_emitted(workflow))
    found = {}
    for other in others:
        hits = (fact.words for fact in facts if any(_matches(one, fact) for one in other.triggers))
        if (words := next(hits, None)) is not None:
            found[other.workflow_id] = words
    return found


def _emitted(workflow: Workflow) -> Iterator[Emitted]:
    own = {"workflow_id": workflow.workflow_id}
    ends = {"converted": workflow.goal is not None, "exited": bool(workflow.exit_on)}
    for name in ("started", "completed", *(name for name, possible in ends.items() if possible)):
        yield Emitted("workflow_action", name, own)
    for _, action in actions_of(workflow):
        match action:
            case AddTag(config=config) | RemoveTag(config=config):
                yield Emitted("workflow_action", action.type, {**own, "tag": config.tag})
            case SendEmail(config=config):
                yield Emitted("workflow_action", action.type, {**own, "template_id": config.template_id})
            case TriggerWebhook():
                yield Emitted("workflow_action", action.type, own)
            case UpdateAttribute(config=config):
                told = {} if is_reference(config.value) else {"new_value": config.value}
                yield Emitted("attribute_change", config.attribute, told)


def _matches(trigger: Trigger, fact: Emitted) -> bool:
    """Whether the trigger may match; what can't be told from the definitions alone is taken to hold."""
    if trigger.type != fact.type or trigger.config.get(OWN_KEYS[trigger.type], fact.name) != fact.name:
        return False
    own = OWN_KEYS[trigger.type]
    wanted = {key: value for key, value in trigger.config.items() if key != own}
    told = [key for key in wanted if fact.type == "workflow_action" or key in fact.properties]
    equal = all(fact.properties.get(key) == wanted[key] for key in told)
    return equal and all(_may_hold(one, fact) for one in trigger.conditions)


def _may_hold(condition: Condition | Group, fact: Emitted) -> bool:
    if isinstance(condition, Group):
        return True
    name = condition.attribute.removeprefix("event.")
    if name == condition.attribute or name not in fact.properties:
        return True
    have = fact.properties[name]
    match condition.operator:
        case "equals":
            return bool(have == condition.value)
        case "not_equals":
            return bool(have != condition.value)
        case "in_list":
            return have in (condition.value if isinstance(condition.value, list) else [])
    return True


def _way_back(workflow_id: str, starts: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The shortest circle from a workflow to itself; empty without one."""
    ways = [[workflow_id]]
    reached: set[str] = set()
    while ways:
        way = ways.pop(0)
        for following in sorted(starts[way[-1]]):
            if following == workflow_id:
                return way
            if following not in reached:
                reached.add(following)
                ways.append([*way, following])
    return []
