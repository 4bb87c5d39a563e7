"""The actions of a workflow that only act (semantics.md §9); those that choose a path are in `branching.py`."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
)
from pydantic_core import InitErrorDetails

from transforms.content.sources import template_fault
from transforms.definitions.base import Definition, Duration, Name, advice, fault, refusal
from transforms.definitions.conditions import Conditions
from transforms.definitions.references import is_reference, is_reserved, reference_fault
from transforms.definitions.templated import NO_TEMPLATE, Plain, is_templated


class ActionBase(Definition):
    """What all actions have: conditions, evaluated once when the step is due, then a delay."""

    delay: Duration = Field(default=timedelta(0), validation_alias=AliasChoices("delay", "delay_seconds"))
    conditions: Conditions = ()


def _compiles(template: str) -> str:
    if found := template_fault(template):
        line, what = found
        raise refusal(f"{what} (line {line} of it)")
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
        names = advice(template_id, sorted(templates))
        raise refusal(f"no valid template {template_id!r}, and no content; {names}")

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

    tag: Annotated[Name, NO_TEMPLATE]


class AddTag(ActionBase):
    """Puts a tag on the customer."""

    type: Literal["add_tag"]
    config: Tag


class RemoveTag(ActionBase):
    """Takes a tag off the customer."""

    type: Literal["remove_tag"]
    config: Tag


class AttributeValue(Definition):
    """An attribute and its new value, perhaps `{from: event.x}`; null removes it."""

    attribute: Name
    value: Plain

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """`{from: …}` names a property of the event that started the execution."""
        value = given.get("value")
        if is_reference(value) and not is_templated(value) and (wrong := reference_fault(value)):
            yield fault(("value",), wrong)

    @classmethod
    def unknown_names(cls, given: dict[str, Any], known: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        """The attribute is one that can be asked for (semantics.md §5)."""
        name = given.get("attribute")
        if isinstance(name, str) and not known.get("stored") and is_reserved(name):
            yield fault(("attribute",), f"given {name!r}, which no step can set; allowed: another name")


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
    """Where to, and what to send along; with a `channel` it is a message of that channel."""

    url: Annotated[str, AfterValidator(_web_address)]
    data: dict[str, JsonValue] = Field(default={})
    channel: Name | None = None


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
