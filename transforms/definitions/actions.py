"""The actions of a workflow that only act (semantics.md §9); those that choose a path are in `branching.py`."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, JsonValue
from pydantic_core import InitErrorDetails

from transforms.definitions.base import Definition, Duration, Name, as_list, fault, refusal
from transforms.definitions.conditions import Conditions
from transforms.definitions.references import is_reference, is_reserved, reference_fault
from transforms.definitions.templated import NO_TEMPLATE, Plain, is_templated
from transforms.definitions.variants import Said, Variant, Winner, has_body, variant_faults


class ActionBase(Definition):
    """What all actions have: conditions, evaluated once when the step is due, then a delay."""

    delay: Duration = Field(
        default=timedelta(0),
        validation_alias=AliasChoices("delay", "delay_seconds"),
        description="How long after the step is due it acts; its conditions are asked before.",
    )
    conditions: Conditions = Field(
        default=(),
        description="Whether it acts at all, asked once when the step is due; else the next step follows at "
        "once.",
    )


class Message(Said):
    """What a step sends: a subject and a body, and perhaps variants of them."""

    variants: tuple[Variant, ...] = Field(
        default=(), description="Ways to say it that are tried against each other; each customer gets one."
    )
    winner: Winner | None = Field(default=None, description="When the best variant takes over.")

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """There is something to send, also by every variant; see `variant_faults` for these."""
        variants = [one if isinstance(one, dict) else {} for one in as_list(given.get("variants"))]
        if not has_body(given) and not (variants and all(map(has_body, variants))):
            more = ", for the step or for every variant" if variants else ""
            yield fault((), f"nothing to send; give template_id, content, or both{more}")
        yield from variant_faults(given, variants)

    def as_variant(self, name: str | None) -> "Message":
        """The message as the variant of that name says it; in the step's own words if there is none."""
        own = self.model_copy(update={"variants": (), "winner": None})
        variant = next((one for one in self.variants if one.name == name), None)
        if variant is None:
            return own
        body = {"content": variant.content, "template_id": variant.template_id}
        subject = {} if variant.subject is None else {"subject": variant.subject}
        return own.model_copy(update={**subject, **(body if has_body(body) else {})})


class SendEmail(ActionBase):
    """Sends a message, when the gates of semantics.md §11 accept it."""

    type: Literal["send_email"] = Field(
        description="Sends an e-mail, if consent, caps and quiet hours let it."
    )
    config: Message = Field(description="What is sent.")


class WaitConfig(Definition):
    """How long to wait."""

    duration: Duration = Field(
        validation_alias=AliasChoices("duration", "duration_seconds"),
        description="How long to wait.",
    )


class Wait(ActionBase):
    """The next step is due after `duration`."""

    type: Literal["wait"] = Field(description="Waits; the next step is due when the time is over.")
    config: WaitConfig = Field(description="How long.")


class Tag(Definition):
    """A tag's name."""

    tag: Annotated[Name, NO_TEMPLATE] = Field(description="The tag.")


class AddTag(ActionBase):
    """Puts a tag on the customer."""

    type: Literal["add_tag"] = Field(description="Puts a tag on the customer.")
    config: Tag = Field(description="Which tag.")


class RemoveTag(ActionBase):
    """Takes a tag off the customer."""

    type: Literal["remove_tag"] = Field(description="Takes a tag off the customer.")
    config: Tag = Field(description="Which tag.")


class AttributeValue(Definition):
    """An attribute and its new value, perhaps `{from: event.x}`; null removes it."""

    attribute: Name = Field(description="The attribute's whole name.")
    value: Plain = Field(
        description="Its new value; null removes it, `{from: event.X}` takes that property of the event that "
        "started the execution."
    )

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

    type: Literal["update_attribute"] = Field(description="Sets or removes an attribute of the customer.")
    config: AttributeValue = Field(description="Which, and to what.")


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

    url: Annotated[str, AfterValidator(_web_address)] = Field(description="Where the request goes.")
    data: dict[str, JsonValue] = Field(
        default={},
        description="What is sent along as JSON, beside the customer's id and attributes.",
    )
    channel: Name | None = Field(
        default=None,
        description="Makes the request a message of that channel: consent, caps and quiet hours count for it.",
    )


class TriggerWebhook(ActionBase):
    """Queues a webhook request."""

    type: Literal["trigger_webhook"] = Field(description="Calls a web address.")
    config: Request = Field(description="Which, with what.")


class NoConfig(Definition):
    """Nothing to set."""


class EndWorkflow(ActionBase):
    """Completes the execution."""

    type: Literal["end_workflow"] = Field(description="Completes the execution.")
    config: NoConfig = Field(default=NoConfig(), description="There is nothing to set; it may be left out.")
