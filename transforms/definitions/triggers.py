"""Triggers as workflow files declare them (semantics.md §6)."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import InitErrorDetails

from transforms.definitions.base import Definition, Duration, Flag, advice, fault, key_fault
from transforms.definitions.conditions import Conditions
from transforms.definitions.patterns import pattern_fault
from transforms.definitions.references import is_reference, reference_fault
from transforms.definitions.schedules import schedule_faults
from transforms.definitions.templated import Plain, is_templated

TriggerType = Literal[
    "behavioral", "time_based", "attribute_change", "external_event", "workflow_action", "pattern"
]

OWN_KEYS: Mapping[str, str] = {
    "behavioral": "action",
    "time_based": "trigger_time",
    "attribute_change": "attribute",
    "external_event": "source",
    "workflow_action": "action",
    "pattern": "pattern",
}
"""Trigger type → the key of its config that is compared with the fact's name."""

WORKFLOW_ACTIONS = [
    *("started", "completed", "converted", "exited", "failed"),
    *("send_email", "add_tag", "remove_tag", "trigger_webhook"),
]
"""The names of follow-up facts."""

GOAL_WINDOW = timedelta(days=30)
"""How long after an entry its goal is open, unless it says otherwise."""

CROSSINGS = ("crosses_above", "crosses_below")
"""Keys of `attribute_change` triggers that compare the new value and the old one with a number."""


def _sorted(config: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(config.items()))


TriggerConfig = Annotated[
    dict[str, Plain],
    # The order of a trigger's keys means nothing, so it is no part of the version.
    AfterValidator(_sorted),
]


def config_faults(trigger_type: object, config: object, path: tuple[str, ...]) -> Iterator[InitErrorDetails]:
    """Faults of a trigger's config; each key is ANDed (semantics.md §6).

    Args:
        trigger_type: what the file gives as the type; an unknown one is a fault of its own.
        config: what the file gives as the config.
        path: where `config` stands in the mapping under validation.
    """
    if trigger_type == "pattern":
        yield from _pattern_config_faults(config, path)
    if not isinstance(config, dict) or not isinstance(trigger_type, str) or trigger_type not in OWN_KEYS:
        return
    schedule = schedule_faults(config, path) if trigger_type == "time_based" else None
    if schedule is not None:
        # A template is a fault of its own.
        yield from (one for one in schedule if not is_templated(config.get(str(one["loc"][-1]))))
        return
    for key, value in config.items():
        if not is_templated(value) and (wrong := _config_fault(trigger_type, key, value)):
            yield fault((*path, key), wrong)


def _pattern_config_faults(config: object, path: tuple[str, ...]) -> Iterator[InitErrorDetails]:
    given = config if isinstance(config, dict) else {}
    for key in given:
        if key != "pattern":
            yield key_fault((*path, key), f"unknown key {key!r}; {advice(key, ['pattern'])}")
    if not given.keys() - {"pattern"} and "pattern" not in given:
        yield key_fault(
            (*path, "pattern"), "missing key 'pattern': the name of a pattern of the patterns file"
        )


def unknown_pattern(
    trigger_type: object, config: object, path: tuple[str, ...], known: Mapping[str, Any]
) -> Iterator[InitErrorDetails]:
    """The fault of a pattern trigger's config that names none of the known patterns.

    Args:
        trigger_type: what the file gives as the type.
        config: what the file gives as the config.
        path: where `config` stands in the mapping under validation.
        known: the context of the validation; without `patterns`, any name will do.
    """
    patterns = known.get("patterns")
    if patterns is None or trigger_type != "pattern" or not isinstance(config, dict):
        return
    name = config.get("pattern")
    if isinstance(name, str) and name and (wrong := pattern_fault(name, patterns)):
        yield fault((*path, "pattern"), wrong)


def _config_fault(trigger_type: str, key: str, value: object) -> str | None:
    if is_reference(value) and trigger_type != "pattern":
        return _named_property(key) or reference_fault(value)
    is_own = key == OWN_KEYS[trigger_type]
    if trigger_type == "attribute_change" and key in CROSSINGS:
        return _number_fault(key, value)
    return _name_fault(trigger_type, key, value) if is_own else _property_fault(key, value)


def _name_fault(trigger_type: str, key: str, value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return f"given {value!r}; allowed for {key!r}: text (a number needs quotes)"
    if trigger_type == "workflow_action" and value not in WORKFLOW_ACTIONS:
        return f"given {value!r}; {advice(value, WORKFLOW_ACTIONS)}"
    return None


def _number_fault(key: str, value: object) -> str | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return None if number else f"given {value!r}; allowed for {key!r}: a number"


def _property_fault(key: str, value: object) -> str | None:
    if wrong := _named_property(key):
        return wrong
    if key.startswith(("minimum_", "maximum_")):
        return _number_fault(key, value)
    if isinstance(value, dict | list):
        kind = "list" if isinstance(value, list) else "mapping"
        return f"given a {kind}; allowed for {key!r}: text, a number, true, false or null"
    return None


def _named_property(key: str) -> str | None:
    if key in {"minimum_", "maximum_"}:
        return f"{key!r} names no property; allowed: {key}<property>, such as {key}cart_value"
    return None


def entry_references(triggers: object) -> Iterator[InitErrorDetails]:
    """Faults of a file's `triggers` that refer to what only an execution has."""
    for index, one in enumerate(triggers if isinstance(triggers, list | tuple) else ()):
        config = one.get("config") if isinstance(one, dict) else getattr(one, "config", None)
        for key, value in config.items() if isinstance(config, dict) else ():
            if is_reference(value):
                yield fault(
                    ("triggers", index, "config", key),
                    "given {from: …}, but no event has started an execution yet; allowed in triggers: a plain value",
                )


class Trigger(Definition):
    """Which facts: a type, keys of its config (ANDed), and conditions."""

    type: TriggerType = Field(description="What kind of fact it takes.")
    config: TriggerConfig = Field(
        default={},
        description="What the fact must be like: every key given must fit.",
    )
    conditions: Conditions = Field(
        default=(), description="What must hold besides; `event.X` is a property of the fact itself."
    )

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """The config fits the type."""
        yield from config_faults(given.get("type"), given.get("config", {}), ("config",))

    @classmethod
    def unknown_names(cls, given: dict[str, Any], known: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        """The pattern of a pattern trigger is one of the patterns there are."""
        yield from unknown_pattern(given.get("type"), given.get("config"), ("config",), known)


class Goal(Trigger):
    """A trigger that marks a running execution as converted and, unless `exit: false`, ends it.

    Within `window` after an entry, held out or not, whatever matches is a hit of it (semantics.md §10).
    """

    exit: Flag = Field(default=True, description="Whether reaching the goal ends the execution.")
    window: Duration = Field(
        default=GOAL_WINDOW,
        description="How long after an entry the goal counts, also when the execution has ended or the "
        "customer is held out.",
    )
