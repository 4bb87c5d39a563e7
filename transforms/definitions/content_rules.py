"""Personalization rules as files of the content folder declare them: what is said to whom beside the message."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, Strict
from pydantic_core import InitErrorDetails

from transforms.definitions.base import Definition, Name, advice, as_list, fault, key_fault
from transforms.definitions.conditions import Conditions
from transforms.definitions.variants import Template

SCOPES = ("workflows", "message_classes", "templates")


class Rule(Definition):
    """A text that is added to messages, or a shortening of them, where the conditions hold.

    Conditions look at the profile when the message is rendered, and at `event.X` of the fact that started the
    execution. Of the rules of one block the first that applies counts.
    """

    name: Name = Field(description="What is recorded with a message that the rule was applied to.")
    block: Name | None = Field(
        default=None,
        description="What templates call the text, as `blocks.NAME`; of the rules of one block the first "
        "that applies counts. Without it, the rule's name.",
    )
    conditions: Conditions = Field(
        default=(), description="For whom; `event.X` is a property of the fact that started the execution."
    )
    text: Template | None = Field(
        default=None, description="What is said: a template in the narrow language of inline content."
    )
    place: Literal["before", "after", "block"] = Field(
        default="before",
        description="Where the text goes: before or after the message's own, or only where a template prints "
        "the block.",
    )
    sentences: Annotated[int, Strict(), Field(ge=1)] | None = Field(
        default=None, description="Instead of a text: to how many sentences the message is cut."
    )
    workflows: tuple[Name, ...] = Field(
        default=(), description="The ids of the workflows whose messages it is for; empty: all."
    )
    message_classes: tuple[Name, ...] = Field(
        default=(), description="The classes of messages it is for; empty: all."
    )
    templates: tuple[Name, ...] = Field(default=(), description="The template ids it is for; empty: all.")

    @property
    def block_name(self) -> str:
        """What templates call it."""
        return self.block or self.name

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """There is one effect; only a text has a place and a block."""
        has_text, shortens = (given.get(key) is not None for key in ("text", "sentences"))
        if has_text == shortens:
            found = "both 'text' and 'sentences'" if has_text else "neither 'text' nor 'sentences'"
            yield fault((), f"given {found}; allowed: one of them, which is what the rule does")
        for key in ("place", "block"):
            if shortens and not has_text and key in given:
                yield key_fault((key,), f"given {key!r} with 'sentences'; allowed: with 'text'")

    @classmethod
    def unknown_names(cls, given: dict[str, Any], known: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        """The workflows, classes and templates it is for are there, as far as they are known."""
        for scope in SCOPES:
            if (there := known.get(scope)) is None:
                continue
            for index, name in enumerate(as_list(given.get(scope))):
                if isinstance(name, str) and name not in there:
                    yield fault((scope, index), f"no {name!r} there; {advice(name, sorted(there))}")


class ContentRules(Definition):
    """The rules of a file, in the order in which they are applied."""

    rules: tuple[Rule, ...] = Field(description="The rules, in the order in which they are applied.")

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """A name stands for one rule."""
        names = [one.get("name") if isinstance(one, dict) else None for one in as_list(given.get("rules"))]
        for index, name in enumerate(names):
            if isinstance(name, str) and name in names[:index]:
                yield fault(("rules", index, "name"), f"two rules are named {name!r}; allowed: a name once")
