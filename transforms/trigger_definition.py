"""Conditions and triggers as workflow files declare them (semantics.md §§5, 6)."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic_core import InitErrorDetails

from transforms import not_built
from transforms.definition import Definition, Flag, Name, advice, fault, key_fault, refusal

Operator = Literal["equals", "not_equals", "greater_than", "less_than", "contains", "in_list", "exists"]
TriggerType = Literal["behavioral", "time_based", "attribute_change", "external_event", "workflow_action"]

OWN_KEYS: Mapping[str, str] = {
    "behavioral": "action",
    "time_based": "trigger_time",
    "attribute_change": "attribute",
    "external_event": "source",
    "workflow_action": "action",
}
"""Trigger type → the key of its config that is compared with the fact's name."""

WORKFLOW_ACTIONS = [
    *("started", "completed", "converted", "exited", "failed"),
    *("send_email", "add_tag", "remove_tag", "trigger_webhook"),
]
"""The names of follow-up facts."""


def _built(given: object, unbuilt: Mapping[str, str], kind: str) -> object:
    if isinstance(given, str) and given in unbuilt:
        raise refusal(f"{kind} {given!r} is not built yet; {unbuilt[given]}")
    return given


def _built_operator(given: object) -> object:
    return _built(given, not_built.OPERATORS, "operator")


def built_trigger_type(given: object) -> object:
    """The trigger type as given, unless it is one of those to come."""
    if isinstance(given, str) and given in not_built.TRIGGER_TYPES:
        raise refusal(not_built.TRIGGER_TYPES[given])
    return given


def _no_group(given: object) -> object:
    groups = [key for key in not_built.CONDITION_GROUPS if isinstance(given, dict) and key in given]
    if groups:
        instead = not_built.CONDITION_GROUPS[groups[0]]
        raise refusal(f"condition groups ({groups[0]}) are not built yet; {instead}")
    return given


def _readable(attribute: str) -> str:
    for prefix, instead in not_built.ATTRIBUTE_PREFIXES.items():
        if attribute.startswith(prefix):
            raise refusal(f"{attribute!r}: attributes starting with {prefix!r} are not built yet; {instead}")
    if attribute == "event.":
        raise refusal("'event.' names no property; allowed: event.<property>, such as event.value")
    if attribute.startswith("execution.") and attribute != "execution.decision":
        raise refusal(f"unknown attribute {attribute!r}; allowed: execution.decision")
    return attribute


class Condition(Definition):
    """`{attribute, operator, value}`; a list of conditions is an AND.

    `attribute` is a profile attribute, `event.<property>`, `tags` or `execution.decision`.
    `value` is required unless the operator is `exists`; `in_list` takes a list.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"operator": {"const": "exists"}}, "required": ["operator"]},
            "else": {"required": ["value"]},
        }
    )

    attribute: Annotated[Name, AfterValidator(_readable)]
    operator: Annotated[Operator, BeforeValidator(_built_operator)]
    value: JsonValue = None

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """`value` is there when the operator needs one, and is a list for `in_list`."""
        operator = given.get("operator")
        if operator != "exists" and "value" not in given:
            yield key_fault(("value",), "missing key 'value'; only operator exists needs none")
        elif operator == "in_list" and not isinstance(given["value"], list | tuple):
            yield fault(("value",), "in_list needs a list of values, such as [gold, silver]")

    @model_serializer(mode="wrap")
    def _keep_null(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """`value: null` is a value, also when defaults are left out."""
        shown: dict[str, Any] = handler(self)
        return shown if self.operator == "exists" else {**shown, "value": self.value}


class Criterion(Condition):
    """A condition of a `branch_decision`; an omitted operator is `equals`."""

    operator: Annotated[Operator, BeforeValidator(_built_operator)] = "equals"


Conditions = Annotated[
    tuple[Annotated[Condition, BeforeValidator(_no_group)], ...], BeforeValidator(_no_group)
]


def _as_list(given: object) -> object:
    return [given] if isinstance(given, dict) else given


Criteria = Annotated[
    tuple[Annotated[Criterion, BeforeValidator(_no_group)], ...],
    BeforeValidator(_as_list, json_schema_input_type=Criterion | tuple[Criterion, ...]),
]
"""One condition or a list of them."""


def _sorted(config: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return dict(sorted(config.items()))


TriggerConfig = Annotated[
    dict[str, JsonValue],
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
    if not isinstance(config, dict) or not isinstance(trigger_type, str) or trigger_type not in OWN_KEYS:
        return
    unbuilt = not_built.TRIGGER_KEYS.get(trigger_type, {})
    for key, value in config.items():
        if key in unbuilt:
            message = f"{trigger_type} triggers with {key!r} are not built yet; {unbuilt[key]}"
            yield key_fault((*path, key), message)
        elif wrong := _config_fault(trigger_type, key, value):
            yield fault((*path, key), wrong)


def _config_fault(trigger_type: str, key: str, value: object) -> str | None:
    is_own = key == OWN_KEYS[trigger_type]
    return _name_fault(trigger_type, key, value) if is_own else _property_fault(key, value)


def _name_fault(trigger_type: str, key: str, value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return f"given {value!r}; allowed for {key!r}: text (a number needs quotes)"
    if trigger_type == "workflow_action" and value not in WORKFLOW_ACTIONS:
        return f"given {value!r}; {advice(value, WORKFLOW_ACTIONS)}"
    return None


def _property_fault(key: str, value: object) -> str | None:
    if key in {"minimum_", "maximum_"}:
        return f"{key!r} names no property; allowed: {key}<property>, such as {key}cart_value"
    if key.startswith(("minimum_", "maximum_")):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if number else f"given {value!r}; allowed for {key!r}: a number"
    if isinstance(value, dict | list):
        kind = "list" if isinstance(value, list) else "mapping"
        return f"given a {kind}; allowed for {key!r}: text, a number, true, false or null"
    return None


class Trigger(Definition):
    """Which facts: a type, keys of its config (ANDed), and conditions."""

    type: Annotated[TriggerType, BeforeValidator(built_trigger_type)]
    config: TriggerConfig = Field(default={})
    conditions: Conditions = ()

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """The config fits the type."""
        yield from config_faults(given.get("type"), given.get("config"), ("config",))


class Goal(Trigger):
    """A trigger that marks a running execution as converted and, unless `exit: false`, ends it."""

    exit: Flag = True
