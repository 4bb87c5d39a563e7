"""What triggers, branches and steps ask, part by part: a sentence for people, and the checks it was compiled to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from transforms.columns.json_values import canonical
from transforms.definitions.faults import shown_path
from transforms.definitions.references import is_reference, referred_property
from transforms.definitions.schedules import schedule_of
from transforms.definitions.triggers import OWN_KEYS
from transforms.definitions.workflow import BranchDecision, Condition, Group, Trigger
from transforms.program.checks import AnyCheck, CompiledTrigger, GroupCheck
from transforms.program.compile_triggers import about_fact
from transforms.program.conditions import sentence
from transforms.program.model import Flow, Program, Step

Place = tuple[str | int, ...]
"""Where a question stands in its trigger, branch or step: `("config", "minimum_value")`, `("conditions", 0)`."""


@dataclass(frozen=True)
class Question:
    """One part of an AND.

    Attributes:
        place: where it stands.
        said: what it asks, for people.
        checks: all of which hold where it does.
        looks: the names whose values it looks at, each with a check that does.
    """

    place: Place
    said: str
    checks: tuple[AnyCheck, ...]
    looks: tuple[tuple[str, AnyCheck], ...]


Ways = tuple[tuple[str, tuple[Question, ...]], ...]
"""Ways that are asked in this order, by name: the first is taken of which all holds."""


def asked_by_trigger(program: Program, flow: Flow, number: int) -> tuple[Question, ...]:
    """What a trigger that lets customers enter asks beside type and name: keys of its config, then conditions."""
    return asked_by(program, flow.workflow.triggers[number], flow.triggers[number])


def asked_by(program: Program, trigger: Trigger, compiled: CompiledTrigger) -> tuple[Question, ...]:
    """The same of any trigger: as its file says, and what it was compiled to."""
    of_fact, of_customer = iter(program.matchers[compiled.matcher].checks), iter(compiled.checks)
    config = list(_asked_by_config(trigger, of_fact))
    conditions = [
        _asked(number, one, next(of_fact if about_fact(one) else of_customer))
        for number, one in enumerate(trigger.conditions)
    ]
    return (*config, *conditions)


def place_in_file(number: int, question: Question | None) -> str:
    """Where a trigger of a workflow, or a part of it, stands: `triggers[0]`, `triggers[0].conditions[1]`."""
    return shown_path(("triggers", number, *(question.place if question else ())))


def asked_by_branches(flow: Flow) -> Ways:
    """What the branches of a workflow ask, in the file's order."""
    pairs = zip(flow.workflow.branches, flow.branches, strict=False)  # the last one is `default`
    return tuple((one.name, _asked_by_conditions(one.conditions, made.checks)) for one, made in pairs)


def asked_by_step(step: Step) -> tuple[Question, ...]:
    """What the conditions of a step ask."""
    return _asked_by_conditions(step.action.conditions, step.checks) if step.action else ()


def asked_by_decision(step: Step) -> Ways:
    """What the criteria of a `branch_decision` ask, in the file's order; nothing of other steps."""
    if not isinstance(step.action, BranchDecision):
        return ()
    criteria = step.action.config.criteria
    return tuple((name, _asked_by_conditions(criteria[name], checks)) for name, checks in step.criteria)


def _asked_by_conditions(
    conditions: Sequence[Condition | Group], checks: Sequence[AnyCheck]
) -> tuple[Question, ...]:
    return tuple(_asked(*one) for one in zip(count(), conditions, checks, strict=False))


def _asked_by_config(trigger: Trigger, checks: Iterator[AnyCheck]) -> Iterator[Question]:
    if schedule_of(trigger.type, trigger.config):
        return
    for key, value in trigger.config.items():
        if key == OWN_KEYS[trigger.type] or is_reference(value):
            continue
        names = config_names(trigger.type, key)
        mine = tuple((f"event.{name}", next(checks)) for name in names)
        yield Question(
            ("config", key), said_of_config(trigger.type, key, value), tuple(c for _, c in mine), mine
        )


def config_names(kind: str, key: str) -> tuple[str, ...]:
    """The properties that a key of the config of a trigger of that kind compares (semantics.md §6)."""
    if kind == "attribute_change" and key in ("crosses_above", "crosses_below"):
        return ("new_value", "old_value")
    return (key.removeprefix("minimum_") if key.startswith("minimum_") else key.removeprefix("maximum_"),)


def said_of_config(kind: str, key: str, value: Any) -> str:
    """What a key of a trigger's config asks, for people: `event.cart_value at least 50`."""
    if kind == "attribute_change" and key in ("crosses_above", "crosses_below"):
        return f"the value {key.replace('_', ' ')} {canonical(value)}"
    words = {"minimum_": "at least", "maximum_": "at most"}.get(key[:8], "equals")
    (name,) = config_names(kind, key)
    referred = referred_property(value)
    shown = canonical(value) if referred is None else f"the {referred} of the fact that started it"
    return f"event.{name} {words} {shown}"


def _asked(number: int, condition: Condition | Group, check: AnyCheck) -> Question:
    return Question(("conditions", number), sentence(condition), (check,), tuple(_looks(condition, check)))


def _looks(condition: Condition | Group, check: AnyCheck) -> Iterator[tuple[str, AnyCheck]]:
    """What a condition looks at; the parts of a group were compiled one by one, in its order."""
    if isinstance(condition, Condition):
        yield condition.attribute, check
    elif isinstance(check, GroupCheck):
        parts = condition.negated or condition.any or condition.all or ()
        for part, compiled in zip(parts, check.checks, strict=True):
            yield from _looks(part, compiled)
