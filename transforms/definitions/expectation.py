"""What a test of workflows expects, as its file declares it: rows that must come, and rows that must not."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, WithJsonSchema
from pydantic_core import InitErrorDetails

from transforms.definitions.base import Definition, Flag, Name, advice, fault, refusal
from transforms.timing.instants import instant_of


def _instant(given: object) -> datetime:
    if isinstance(given, datetime):
        return given
    if (found := instant_of(given)) is None:
        raise refusal(
            f"given {given!r}; allowed: an instant like 2026-03-01 or 2026-03-01T09:00 (UTC unless it says a zone)"
        )
    return found


Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": ["string", "number"], "title": "Instant"})
]


def _texts(given: object) -> object:
    return [given] if isinstance(given, str) else given


Texts = Annotated[
    tuple[str, ...],
    BeforeValidator(_texts),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""A text, or several."""


class Row(Definition):
    """Which rows of what came are meant: those that agree in every key given."""

    customer: Name | None = Field(default=None, description="Whose.")
    workflow: Name | None = Field(default=None, description="Of which workflow.")

    @classmethod
    def unknown_names(cls, given: dict[str, Any], known: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        """Workflows are there."""
        names, workflow = known.get("workflows"), given.get("workflow")
        if names is not None and isinstance(workflow, str) and workflow not in names:
            yield fault(("workflow",), f"no workflow {workflow!r}; {advice(workflow, sorted(names))}")

    @property
    def said(self) -> dict[str, Any]:
        """The keys that count, with their values."""
        return {name: value for name, value in self if value is not None}


class ExpectedMessage(Row):
    """A message; `status` is `sent` unless it says otherwise, `rules` are all that apply to it, in their order."""

    branch: Name | None = Field(default=None, description="Of which branch.")
    step: Name | None = Field(default=None, description="Of which step, such as `2.yes.0`.")
    at: Instant | None = Field(default=None, description="When.")
    template: Name | None = Field(default=None, description="By which template.")
    to: Name | None = Field(default=None, description="To which address.")
    subject: str | None = Field(default=None, description="The whole subject line.")
    subject_contains: Texts | None = Field(default=None, description="What the subject has in it.")
    text_contains: Texts | None = Field(default=None, description="What the text part has in it.")
    html_contains: Texts | None = Field(default=None, description="What the HTML part has in it.")
    variant: Name | None = Field(default=None, description="Which variant.")
    rules: Texts | None = Field(default=None, description="All rules that were applied, in their order.")
    status: Literal["sent", "suppressed", "failed"] = Field(default="sent", description="What became of it.")
    reason_contains: Texts | None = Field(
        default=None, description="What the reason has in it, of one that isn't sent."
    )


class ForbiddenMessage(Row):
    """A message that must not be sent."""

    branch: Name | None = Field(default=None, description="Of which branch.")
    step: Name | None = Field(default=None, description="Of which step, such as `2.yes.0`.")
    at: Instant | None = Field(default=None, description="When.")
    template: Name | None = Field(default=None, description="By which template.")
    subject: str | None = Field(default=None, description="The whole subject line.")
    subject_contains: Texts | None = Field(default=None, description="What the subject has in it.")
    text_contains: Texts | None = Field(default=None, description="What the text part has in it.")
    html_contains: Texts | None = Field(default=None, description="What the HTML part has in it.")
    variant: Name | None = Field(default=None, description="Which variant.")


class ExpectedStep(Row):
    """A logged step (semantics.md §9)."""

    branch: Name | None = Field(default=None, description="Of which branch.")
    step: Name | None = Field(default=None, description="Of which step, such as `2.yes.0`.")
    action: Name | None = Field(default=None, description="Of which type of action.")
    outcome: Name | None = Field(default=None, description="What came of it, such as `done` or `skipped`.")
    at: Instant | None = Field(default=None, description="When.")


class ExpectedExecution(Row):
    """A pass through a workflow, as the test ends."""

    branch: Name | None = Field(default=None, description="On which branch.")
    status: Literal["running", "completed", "converted", "exited", "failed", "held_out"] | None = Field(
        default=None, description="How it stands as the test ends."
    )
    entered_at: Instant | None = Field(default=None, description="When it began.")
    ended_at: Instant | None = Field(default=None, description="When it ended.")
    converted_at: Instant | None = Field(default=None, description="When the goal was reached.")


class ExpectedWebhook(Row):
    """A webhook request."""

    branch: Name | None = Field(default=None, description="Of which branch.")
    step: Name | None = Field(default=None, description="Of which step, such as `2.yes.0`.")
    at: Instant | None = Field(default=None, description="When.")
    url: Name | None = Field(default=None, description="Where to.")


class ExpectedProfile(Definition):
    """A customer as the test ends: all tags, and the attributes named (null: there is none)."""

    tags: tuple[Name, ...] | None = Field(default=None, description="All tags.")
    attributes: dict[str, JsonValue] = Field(
        default={},
        description="Attribute → its value; null: there is none.",
    )


class Expectation(Definition):
    """What must come of a test.

    `messages` are all there may be, unless `more_messages` is set or only `no_messages` is given; `webhooks`, if given,
    are all too. Of `steps` and `executions` there may be others.
    """

    messages: tuple[ExpectedMessage, ...] | None = Field(
        default=None, description="All messages there are, in any order; `[]`: none."
    )
    more_messages: Flag = Field(
        default=False, description="Whether there may be messages besides those listed."
    )
    no_messages: tuple[ForbiddenMessage, ...] = Field(
        default=(), description="Messages that there must not be."
    )
    executions: tuple[ExpectedExecution, ...] = Field(
        default=(), description="Executions that there must be."
    )
    no_executions: tuple[ExpectedExecution, ...] = Field(
        default=(), description="Executions that there must not be."
    )
    steps: tuple[ExpectedStep, ...] = Field(default=(), description="Steps that must be logged.")
    webhooks: tuple[ExpectedWebhook, ...] | None = Field(
        default=None, description="All webhook requests there are."
    )
    customers: dict[Name, ExpectedProfile] = Field(
        default={},
        description="What customers are like as the test ends.",
    )

    @property
    def lists_all_messages(self) -> bool:
        """Whether a message that isn't listed is one too many."""
        return not self.more_messages and (self.messages is not None or not self.no_messages)

    @property
    def workflows(self) -> set[str]:
        """The workflows that it names."""
        rows: list[Row] = [*(self.messages or ()), *self.no_messages, *self.steps, *(self.webhooks or ())]
        return {one.workflow for one in [*rows, *self.executions, *self.no_executions] if one.workflow}
