"""What a message says, and variants of it that are tried against each other (A/B/n)."""

from collections.abc import Iterator
from datetime import timedelta
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, Strict, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails

from transforms.content.sources import template_fault
from transforms.definitions.base import Definition, Duration, Name, Number, advice, fault, key_fault, refusal
from transforms.definitions.templated import NO_TEMPLATE


def _compiles(template: str) -> str:
    if found := template_fault(template):
        line, what = found
        raise refusal(f"{what} (line {line} of it)")
    return template


Template = Annotated[str, AfterValidator(_compiles)]
"""Jinja2 text."""


class Said(Definition):
    """A subject and a body: content, a template of the templates folder, or both.

    Validated with a context `{"templates": names}`, a `template_id` without content must be one of them.
    """

    subject: Template | None = Field(
        default=None, description="The subject line; without it, that of the template. It may hold `{{ … }}`."
    )
    content: Template | None = Field(
        default=None,
        description="The text itself, with `{{ … }}`; beside a template it is the text part, if that has "
        "none.",
    )
    template_id: Name | None = Field(
        default=None,
        description="A template of the templates folder: its files' name without `.mjml.j2`, `.html.j2`, "
        "`.txt.j2`.",
    )

    @field_validator("template_id")
    @classmethod
    def _there(cls, template_id: str | None, info: ValidationInfo) -> str | None:
        templates = (info.context or {}).get("templates")
        inline = info.data.get("content", "") is not None
        if template_id is None or inline or templates is None or template_id in templates:
            return template_id
        names = advice(template_id, sorted(templates))
        raise refusal(f"no valid template {template_id!r}, and no content; {names}")


class Variant(Said):
    """One way to say a message; it has the step's own subject, or the step's own body, where it gives none.

    A body is one thing: a variant that gives `content` or `template_id` takes neither from the step.
    """

    name: Annotated[Name, NO_TEMPLATE] = Field(
        description="What the variant is called in tables and reports."
    )
    weight: Annotated[Number, Field(gt=0)] = Field(
        default=1.0, description="Its weight; it gets its share of their sum."
    )


class Winner(Definition):
    """When the best variant takes over."""

    metric: Literal["opened", "clicked", "converted"] = Field(
        description="What counts, of each message: that it was opened, clicked, or its execution converted."
    )
    settle: Duration = Field(
        default=timedelta(days=2), description="Messages count once they are as old as that."
    )
    minimum: Annotated[int, Strict(), Field(ge=1)] = Field(
        default=100, description="How many messages of every variant must have settled."
    )
    keep: Annotated[Number, Field(ge=0, le=1)] = Field(
        default=0.1, description="The share of messages that stays on the weights."
    )


def has_body(given: dict[str, Any]) -> bool:
    """Whether there is something to send."""
    return given.get("template_id") is not None or given.get("content") is not None


def variant_faults(given: dict[str, Any], variants: list[dict[str, Any]]) -> Iterator[InitErrorDetails]:
    """Variants have names of their own, and weights that can be summed; a winner is one of several."""
    names = [one.get("name") for one in variants]
    for index, name in enumerate(names):
        if isinstance(name, str) and name in names[:index]:
            yield fault(("variants", index, "name"), f"two variants are named {name!r}; allowed: a name once")
    if not isfinite(sum(map(_weight, variants))):
        yield fault(("variants",), "the sum of these weights is beyond every number; give smaller ones")
    if given.get("winner") is not None and len(variants) < 2:
        yield key_fault(("winner",), "a winner needs at least two variants; add some, or leave it out")


def _weight(variant: dict[str, Any]) -> float:
    weight = variant.get("weight")
    return weight if isinstance(weight, int | float) else 1.0
