"""The actions that choose a path, each with paths of actions of their own, and the union of all actions."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema, InitErrorDetails

from transforms.definitions.actions import (
    ActionBase,
    AddTag,
    EndWorkflow,
    RemoveTag,
    SendEmail,
    TriggerWebhook,
    UpdateAttribute,
    Wait,
)
from transforms.definitions.base import Definition, Duration, Name, Number, advice, key_fault, refusal
from transforms.definitions.conditions import Criteria
from transforms.definitions.templated import NO_TEMPLATE
from transforms.definitions.triggers import TriggerConfig, TriggerType, config_faults, unknown_pattern


class Branching(ActionBase):
    """An action with a decision, and a path of actions for some or all of its outcomes."""

    paths: dict[str, tuple["Action", ...]] = Field(
        default={},
        description="Decision → what happens then, before the step after; a decision without a path goes "
        "straight on. May stand in `config`, too.",
    )

    @classmethod
    def outcomes(cls, config: dict[str, Any]) -> list[str]:
        """The decisions the action can take, given its raw config."""
        raise NotImplementedError

    @classmethod
    def normalized(cls, given: dict[str, Any]) -> dict[str, Any]:
        """`paths` may stand inside `config`."""
        config = given.get("config")
        if "paths" in given or not isinstance(config, dict) or "paths" not in config:
            return given
        rest = {key: value for key, value in config.items() if key != "paths"}
        return {**given, "config": rest, "paths": config["paths"]}

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """Each path has a name that the action can decide."""
        config, paths = given.get("config"), given.get("paths")
        if not isinstance(config, dict) or not isinstance(paths, dict):
            return
        allowed = cls.outcomes(config)
        for name in paths:
            if name not in allowed:
                yield key_fault(("paths", name), f"unknown path {name!r}; {advice(name, allowed)}")
            elif "." in name:
                yield key_fault(
                    ("paths", name), f"path {name!r} has a '.', which step names use; allowed: a name without"
                )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """`paths` is also accepted inside `config`."""
        schema = super().__get_pydantic_json_schema__(core, handler)
        if "config" in schema["properties"]:
            config = handler.resolve_ref_schema(schema["properties"]["config"])
            config["properties"]["paths"] = schema["properties"]["paths"]
        return schema


class Decision(Definition):
    """Criteria in file order; the first that holds is the decision."""

    criteria: dict[Name, Criteria] = Field(
        description="Decision → its conditions; the first that hold decide, else the decision is `default`."
    )

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """No criterion takes the name of the outcome that needs none."""
        if "default" in _keys(given.get("criteria")):
            message = "a criterion can't be named 'default': that is the outcome when no criterion holds"
            yield key_fault(("criteria", "default"), message)


class BranchDecision(Branching):
    """Decides by conditions; `default` when none holds."""

    type: Literal["branch_decision"] = Field(description="Decides by conditions.")
    config: Decision = Field(description="What is decided by.")

    @classmethod
    def outcomes(cls, config: dict[str, Any]) -> list[str]:
        """The criteria, and `default`."""
        return [*dict.fromkeys([*_keys(config.get("criteria")), "default"])]


def _summable(weights: dict[str, float]) -> dict[str, float]:
    if not weights:
        raise refusal("given no weights; allowed: positive numbers, such as {left: 50, right: 50}")
    if not isfinite(sum(weights.values())):
        raise refusal("the sum of these weights is beyond every number; give smaller ones, such as 50 and 50")
    return weights


class Split(Definition):
    """Positive weights in file order: 50 and 50, or 0.5 and 0.5; each stands for its share of their sum."""

    weights: Annotated[dict[Name, Annotated[Number, Field(gt=0), NO_TEMPLATE]], AfterValidator(_summable)] = (
        Field(
            description="Decision → its weight; each gets its share of their sum. A customer always draws the "
            "same."
        )
    )


class RandomSplit(Branching):
    """Decides by a stable hash of workflow, step and customer."""

    type: Literal["random_split"] = Field(description="Decides by a draw.")
    config: Split = Field(description="Between what.")

    @classmethod
    def outcomes(cls, config: dict[str, Any]) -> list[str]:
        """The names of the weights."""
        return _keys(config.get("weights"))


class AwaitedEvent(Definition):
    """Which fact to wait for (a trigger's config of that type), and for how long; no time-out: forever."""

    event: TriggerConfig = Field(
        description="What the fact must be like, as a trigger's `config`; `{from: event.X}` is a property of "
        "the event that started the execution."
    )
    type: TriggerType = Field(default="behavioral", description="What kind of fact is awaited.")
    timeout: Duration | None = Field(
        default=None,
        validation_alias=AliasChoices("timeout", "timeout_seconds"),
        description="How long at most; without it, forever.",
    )

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """The event fits the type."""
        yield from config_faults(given.get("type", "behavioral"), given.get("event"), ("event",))

    @classmethod
    def unknown_names(cls, given: dict[str, Any], known: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        """An awaited pattern is one of the patterns there are."""
        yield from unknown_pattern(given.get("type"), given.get("event"), ("event",), known)


class WaitForEvent(Branching):
    """Waits for the first matching fact, decision `event`, else for the time-out, decision `timeout`."""

    type: Literal["wait_for_event"] = Field(
        description="Waits for something to happen; decides `event`, or `timeout` if it doesn't come in time."
    )
    config: AwaitedEvent = Field(description="For what, and how long.")

    @classmethod
    def outcomes(cls, config: dict[str, Any]) -> list[str]:  # noqa: ARG003
        """`event` and `timeout`."""
        return ["event", "timeout"]


def _keys(given: object) -> list[str]:
    return list(given) if isinstance(given, dict) else []


Action = Annotated[
    SendEmail
    | Wait
    | AddTag
    | RemoveTag
    | UpdateAttribute
    | TriggerWebhook
    | BranchDecision
    | RandomSplit
    | WaitForEvent
    | EndWorkflow,
    Field(discriminator="type"),
]

for _branching in (BranchDecision, RandomSplit, WaitForEvent):
    _branching.model_rebuild()
