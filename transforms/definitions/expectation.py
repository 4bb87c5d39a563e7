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

    customer: Name | None = None
    workflow: Name | None = None

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

    branch: Name | None = None
    step: Name | None = None
    at: Instant | None = None
    template: Name | None = None
    to: Name | None = None
    subject: str | None = None
    subject_contains: Texts | None = None
    text_contains: Texts | None = None
    html_contains: Texts | None = None
    variant: Name | None = None
    rules: Texts | None = None
    status: Literal["sent", "suppressed", "failed"] = "sent"
    reason_contains: Texts | None = None


class ForbiddenMessage(Row):
    """A message that must not be sent."""

    branch: Name | None = None
    step: Name | None = None
    at: Instant | None = None
    template: Name | None = None
    subject: str | None = None
    subject_contains: Texts | None = None
    text_contains: Texts | None = None
    html_contains: Texts | None = None
    variant: Name | None = None


class ExpectedStep(Row):
    """A logged step (semantics.md §9)."""

    branch: Name | None = None
    step: Name | None = None
    action: Name | None = None
    outcome: Name | None = None
    at: Instant | None = None


class ExpectedExecution(Row):
    """A pass through a workflow, as the test ends."""

    branch: Name | None = None
    status: Literal["running", "completed", "converted", "exited", "failed", "held_out"] | None = None
    entered_at: Instant | None = None
    ended_at: Instant | None = None
    converted_at: Instant | None = None


class ExpectedWebhook(Row):
    """A webhook request."""

    branch: Name | None = None
    step: Name | None = None
    at: Instant | None = None
    url: Name | None = None


class ExpectedProfile(Definition):
    """A customer as the test ends: all tags, and the attributes named (null: there is none)."""

    tags: tuple[Name, ...] | None = None
    attributes: dict[str, JsonValue] = Field(default={})


class Expectation(Definition):
    """What must come of a test.

    `messages` are all there may be, unless `more_messages` is set or only `no_messages` is given; `webhooks`, if given,
    are all too. Of `steps` and `executions` there may be others.
    """

    messages: tuple[ExpectedMessage, ...] | None = None
    more_messages: Flag = False
    no_messages: tuple[ForbiddenMessage, ...] = ()
    executions: tuple[ExpectedExecution, ...] = ()
    no_executions: tuple[ExpectedExecution, ...] = ()
    steps: tuple[ExpectedStep, ...] = ()
    webhooks: tuple[ExpectedWebhook, ...] | None = None
    customers: dict[Name, ExpectedProfile] = Field(default={})

    @property
    def lists_all_messages(self) -> bool:
        """Whether a message that isn't listed is one too many."""
        return not self.more_messages and (self.messages is not None or not self.no_messages)

    @property
    def workflows(self) -> set[str]:
        """The workflows that it names."""
        rows: list[Row] = [*(self.messages or ()), *self.no_messages, *self.steps, *(self.webhooks or ())]
        return {one.workflow for one in [*rows, *self.executions, *self.no_executions] if one.workflow}
