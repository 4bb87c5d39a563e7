"""Conditions, and groups of them, as workflow files declare them (semantics.md §5)."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
)
from pydantic_core import InitErrorDetails

from transforms.definitions.base import CONDITION, GROUP, Definition, Name, fault, key_fault, refusal, seconds
from transforms.definitions.condition_values import value_fault
from transforms.definitions.patterns import pattern_fault
from transforms.definitions.signals import PatternScore, PatternTruth, signal_of
from transforms.definitions.templated import NO_TEMPLATE, Plain, is_templated
from transforms.timing.durations import parse_duration

Operator = Literal[
    "equals",
    "not_equals",
    "greater_than",
    "less_than",
    "contains",
    "in_list",
    "exists",
    "not_in_list",
    "not_exists",
    "starts_with",
    "ends_with",
    "matches",
    "before",
    "after",
    "between",
    "within_last",
    "at_least",
    "at_most",
]
WITHOUT_VALUE = ("exists", "not_exists")
GROUP_KEYS = ("any", "all", "not")
_NOT_WHEN_SENT = (
    "{!r} isn't known any more when a message is rendered; allowed: attributes, tags and event.X. "
    "Let the workflow decide by it, or keep it in an attribute with update_attribute"
)


def _readable(attribute: str) -> str:
    if attribute == "event.":
        raise refusal("'event.' names no property; allowed: event.<property>, such as event.value")
    if attribute.startswith("execution.") and attribute != "execution.decision":
        raise refusal(f"unknown attribute {attribute!r}; allowed: execution.decision")
    signal_of(attribute)
    return attribute


class Condition(Definition):
    """`{attribute, operator, value}`; a list of conditions is an AND.

    `attribute` is a profile attribute, `event.<property>`, `tags`, `execution.decision`, or a signal:
    `events.<name>.…`, `pattern.<name>`. `value` is required unless the operator is `exists` or `not_exists`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"operator": {"enum": [*WITHOUT_VALUE]}}, "required": ["operator"]},
            "else": {"required": ["value"]},
        }
    )

    attribute: Annotated[Name, AfterValidator(_readable), NO_TEMPLATE] = Field(
        description="What is looked at: an attribute, `tags`, `event.X`, `execution.decision`, "
        "`events.NAME.count.30d`, `events.NAME.sum.30d`, `events.NAME.days_since`, "
        "`pattern.NAME`, `pattern.NAME.score`."
    )
    operator: Operator = Field(description="How it is compared.")
    value: Plain = Field(
        default=None, description="What it is compared with; `exists` and `not_exists` need none."
    )

    @classmethod
    def normalized(cls, given: dict[str, Any]) -> dict[str, Any]:
        """The duration of `within_last` in seconds, so that its spelling is no part of the version."""
        if given.get("operator") != "within_last" or value_fault("within_last", given.get("value")):
            return given
        return {**given, "value": seconds(parse_duration(given["value"]))}

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """`value` is there when the operator needs one, and of the kind it needs."""
        operator = given.get("operator")
        if operator in WITHOUT_VALUE:
            return
        if "value" not in given:
            yield key_fault(("value",), "missing key 'value'; only exists and not_exists need none")
        elif is_templated(given["value"]) or not isinstance(operator, str):
            return
        elif wrong := value_fault(operator, given["value"]):
            yield fault(("value",), wrong)

    @classmethod
    def unknown_names(cls, given: dict[str, Any], known: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        """The attribute is known where it is asked for, its pattern there is; `exists` asks for true or false."""
        if not known.get("stored") and (wrong := _truth_fault(given)):
            yield fault(("value",), wrong)
        attribute, patterns = given.get("attribute"), known.get("patterns")
        if not isinstance(attribute, str):
            return
        try:
            signal = signal_of(attribute)
        except ValueError:
            return
        if known.get("when_sent") and (signal or attribute == "execution.decision"):
            yield fault(("attribute",), _NOT_WHEN_SENT.format(attribute))
        if patterns is None:
            return
        if isinstance(signal, PatternTruth | PatternScore):
            scored = isinstance(signal, PatternScore)
            if wrong := pattern_fault(signal.name, patterns, scored=scored):
                yield fault(("attribute",), wrong)

    @model_serializer(mode="wrap")
    def _keep_null(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """`value: null` is a value, also when defaults are left out."""
        shown: dict[str, Any] = handler(self)
        return shown if self.operator in WITHOUT_VALUE else {**shown, "value": self.value}


def _truth_fault(given: dict[str, Any]) -> str | None:
    """What is wrong with the value of `exists` or `not_exists`."""
    operator, value = given.get("operator"), given.get("value")
    if operator not in WITHOUT_VALUE or value is None or value is True or is_templated(value):
        return None
    if operator == "exists":
        return None if value is False else f"exists needs true or false, or no value; given {value!r}"
    return f"not_exists needs no value (for the opposite write exists); given {value!r}"


class Criterion(Condition):
    """A condition of a `branch_decision`; an omitted operator is `equals`."""

    operator: Operator = Field(
        default="equals", description="How it is compared; in criteria it may be left out."
    )


def _kind(given: object) -> str:
    keys = given if isinstance(given, dict) else ()
    is_group = isinstance(given, Group) or any(key in keys for key in GROUP_KEYS)
    return GROUP if is_group else CONDITION


def _as_list(given: object) -> object:
    return [given] if isinstance(given, dict | Condition | Group) else given


def _group_as_list(given: object) -> object:
    return [given] if _kind(given) == GROUP else given


class Group(Definition):
    """`{any: […]}`, `{all: […]}` or `{not: …}`: it stands wherever a condition stands.

    An empty `any` is false, an empty `all` true; `not` negates one condition or group, or all of a list.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    any: "tuple[Member, ...] | None" = Field(
        default=None, description="Holds when at least one of these holds; an empty list never does."
    )
    all: "tuple[Member, ...] | None" = Field(
        default=None, description="Holds when all of these hold; an empty list always does."
    )
    negated: "OneOrMore | None" = Field(
        default=None,
        validation_alias=AliasChoices("not"),
        serialization_alias="not",
        description="Holds when the one, or not all of the list, holds.",
    )

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """One of the keys is given."""
        found = [key for key in given if key in GROUP_KEYS]
        for key in found[1:]:
            yield key_fault((key,), f"given both {found[0]!r} and {key!r}; allowed: one of any, all, not")
        for key in found:
            if given[key] is None:
                yield fault((key,), "given nothing (null); allowed: a list of conditions")


class CriteriaGroup(Group):
    """A group of criteria; their omitted operators are `equals`."""

    any: "tuple[CriteriaMember, ...] | None" = Field(
        default=None, description="Holds when at least one of these holds; an empty list never does."
    )
    all: "tuple[CriteriaMember, ...] | None" = Field(
        default=None, description="Holds when all of these hold; an empty list always does."
    )
    negated: "Criteria | None" = Field(
        default=None,
        validation_alias=AliasChoices("not"),
        serialization_alias="not",
        description="Holds when the one, or not all of the list, holds.",
    )


Member = Annotated[Annotated[Condition, Tag(CONDITION)] | Annotated[Group, Tag(GROUP)], Discriminator(_kind)]
OneOrMore = Annotated[
    tuple[Member, ...], BeforeValidator(_as_list, json_schema_input_type=Member | tuple[Member, ...])
]
Conditions = Annotated[
    tuple[Member, ...], BeforeValidator(_group_as_list, json_schema_input_type=Group | tuple[Member, ...])
]
"""A list of conditions and groups, all of which hold; or one group."""

CriteriaMember = Annotated[
    Annotated[Criterion, Tag(CONDITION)] | Annotated[CriteriaGroup, Tag(GROUP)], Discriminator(_kind)
]
Criteria = Annotated[
    tuple[CriteriaMember, ...],
    BeforeValidator(_as_list, json_schema_input_type=CriteriaMember | tuple[CriteriaMember, ...]),
]
"""One condition or group, or a list of them."""

Group.model_rebuild()
CriteriaGroup.model_rebuild()
