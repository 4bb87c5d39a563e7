"""The actions of a workflow (semantics.md §9)."""

from collections.abc import Iterator
from datetime import timedelta
from math import fsum
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from jinja2 import Environment, TemplateSyntaxError
from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    ValidationInfo,
    field_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails

from transforms.definition import Definition, Duration, Name, Number, advice, fault, key_fault, refusal
from transforms.trigger_definition import (
    Conditions,
    Criteria,
    TriggerConfig,
    TriggerType,
    built_trigger_type,
    config_faults,
)


class ActionBase(Definition):
    """What all actions have: conditions, evaluated once when the step is due, then a delay."""

    delay: Duration = Field(default=timedelta(0), validation_alias=AliasChoices("delay", "delay_seconds"))
    conditions: Conditions = ()


def _compiles(template: str) -> str:
    try:
        # Parsed, not compiled: compiling folds constants, and 9**9**9 would never end.
        Environment(optimized=False, autoescape=False).parse(template)  # noqa: S701
    except TemplateSyntaxError as error:
        raise refusal(f"not a valid Jinja2 template: {error.message} (line {error.lineno} of it)") from None
    return template


Template = Annotated[str, AfterValidator(_compiles)]
"""Jinja2 text."""


class Message(Definition):
    """A template of the templates folder, or a subject and content of its own (Jinja2 placeholders).

    Validated with a context `{"templates": names}`, a `template_id` without content must be one of them.
    """

    subject: Template | None = None
    content: Template | None = None
    template_id: Name | None = None

    @field_validator("template_id")
    @classmethod
    def _there(cls, template_id: str | None, info: ValidationInfo) -> str | None:
        templates = (info.context or {}).get("templates")
        inline = info.data.get("content", "") is not None
        if template_id is None or inline or templates is None or template_id in templates:
            return template_id
        raise refusal(
            f"no valid template {template_id!r} and no content; {advice(template_id, sorted(templates))}"
        )

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """There is something to send."""
        if given.get("template_id") is None and given.get("content") is None:
            yield fault((), "nothing to send; give template_id, content, or both")


class SendEmail(ActionBase):
    """Sends a message, when the gates of semantics.md §11 accept it."""

    type: Literal["send_email"]
    config: Message


class WaitConfig(Definition):
    """How long to wait."""

    duration: Duration = Field(validation_alias=AliasChoices("duration", "duration_seconds"))


class Wait(ActionBase):
    """The next step is due after `duration`."""

    type: Literal["wait"]
    config: WaitConfig


class Tag(Definition):
    """A tag's name."""

    tag: Name


class AddTag(ActionBase):
    """Puts a tag on the customer."""

    type: Literal["add_tag"]
    config: Tag


class RemoveTag(ActionBase):
    """Takes a tag off the customer."""

    type: Literal["remove_tag"]
    config: Tag


class AttributeValue(Definition):
    """An attribute and its new value; null removes it."""

    attribute: Name
    value: JsonValue


class UpdateAttribute(ActionBase):
    """Sets or removes a profile attribute."""

    type: Literal["update_attribute"]
    config: AttributeValue


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(character.isspace() or not character.isprintable() for character in url):
        raise refusal(
            f"given {url!r}; allowed: an address that starts with https:// or http:// and names a host"
        )
    return url


class Request(Definition):
    """Where to, and what to send along."""

    url: Annotated[str, AfterValidator(_web_address)]
    data: dict[str, JsonValue] = Field(default={})


class TriggerWebhook(ActionBase):
    """Queues a webhook request."""

    type: Literal["trigger_webhook"]
    config: Request


class NoConfig(Definition):
    """Nothing to set."""


class EndWorkflow(ActionBase):
    """Completes the execution."""

    type: Literal["end_workflow"]
    config: NoConfig = NoConfig()


class Fork(ActionBase):
    """An action with a decision, and a path of actions for some or all of its outcomes."""

    paths: dict[str, tuple["Action", ...]] = Field(default={})

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

    criteria: dict[Name, Criteria]

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """No criterion takes the name of the outcome that needs none."""
        if "default" in _keys(given.get("criteria")):
            message = "a criterion can't be named 'default': that is the outcome when no criterion holds"
            yield key_fault(("criteria", "default"), message)


class BranchDecision(Fork):
    """Decides by conditions; `default` when none holds."""

    type: Literal["branch_decision"]
    config: Decision

    @classmethod
    def outcomes(cls, config: dict[str, Any]) -> list[str]:
        """The criteria, and `default`."""
        return [*dict.fromkeys([*_keys(config.get("criteria")), "default"])]


def _sums_to_one(weights: dict[str, float]) -> dict[str, float]:
    total = fsum(weights.values())
    if abs(total - 1) > 1e-9:
        raise refusal(f"weights sum to {total:g}; allowed: positive numbers that sum to 1")
    return weights


class Split(Definition):
    """Weights in file order, positive, with sum 1."""

    weights: Annotated[dict[Name, Annotated[Number, Field(gt=0)]], AfterValidator(_sums_to_one)]


class RandomSplit(Fork):
    """Decides by a stable hash of workflow, step and customer."""

    type: Literal["random_split"]
    config: Split

    @classmethod
    def outcomes(cls, config: dict[str, Any]) -> list[str]:
        """The names of the weights."""
        return _keys(config.get("weights"))


class AwaitedEvent(Definition):
    """Which fact to wait for (a trigger's config of that type), and for how long; no time-out: forever."""

    event: TriggerConfig
    type: Annotated[TriggerType, BeforeValidator(built_trigger_type)] = "behavioral"
    timeout: Duration | None = Field(
        default=None, validation_alias=AliasChoices("timeout", "timeout_seconds")
    )

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """The event fits the type."""
        yield from config_faults(given.get("type", "behavioral"), given.get("event"), ("event",))


class WaitForEvent(Fork):
    """Waits for the first matching fact, decision `event`, else for the time-out, decision `timeout`."""

    type: Literal["wait_for_event"]
    config: AwaitedEvent

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

for _fork in (BranchDecision, RandomSplit, WaitForEvent):
    _fork.model_rebuild()
