"""Accepted messages → what they say, written as dispatch writes them, from the profile of their own instant."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from flows.definitions.templates import Templates
from flows.delivery.chosen import with_choices
from flows.delivery.contents import read_contents
from flows.delivery.letters import write
from flows.delivery.sources import writer_of
from flows.settings import Settings
from transforms.content.errors import ContentError
from transforms.definitions.content_rules import Rule
from transforms.definitions.workflow import Workflow
from transforms.delivery.steps import messages_by_step
from transforms.delivery.variants import NO_WINNERS
from transforms.people.addresses import AddressError
from transforms.tables.frames import INSTANT

Row = dict[str, Any]


@dataclass(frozen=True)
class Profile:
    """Who a customer is at an instant."""

    attributes: Mapping[str, Any]
    tags: Sequence[str]
    created_at: datetime | None


class Writer:
    """Writes the messages of some workflows; each template is compiled once."""

    def __init__(
        self, workflows: Sequence[Workflow], templates: Templates, rules: Sequence[Rule], settings: Settings
    ) -> None:
        self._messages = messages_by_step(workflows)
        self._rules, self._settings = rules, settings
        self._writer = writer_of(settings, read_contents(templates, self._messages), rules)

    def mails(self, messages: pl.DataFrame, profiles: Sequence[Profile]) -> list[Row]:
        """What becomes of messages: their rows with `to, subject, text, html, status, reason`, some `variant`, `rules`.

        Args:
            messages: as they were decided, their ids as text, with the `trigger_properties` of their executions.
            profiles: of each message, who its customer is at its instant.
        """
        due = messages.with_columns(
            email=pl.Series([_text(one.attributes.get("email")) for one in profiles], dtype=pl.String),
            attributes=pl.Series([json.dumps(dict(one.attributes)) for one in profiles], dtype=pl.String),
            created_at=pl.Series([one.created_at for one in profiles], dtype=INSTANT),
            tags=pl.Series([one.tags for one in profiles], dtype=pl.List(pl.String)),
        )
        chosen = with_choices(self._settings, due, self._messages, self._rules, NO_WINNERS)
        return [
            {**row, **_choices(one), **self._mail(one)}
            for row, one in zip(messages.to_dicts(), chosen.to_dicts(), strict=True)
        ]

    def _mail(self, row: Row) -> Row:
        try:
            letter = write(self._writer, row)
        except AddressError as error:
            return {"status": "suppressed", "reason": str(error)}
        except ContentError as error:
            return {"status": "failed", "reason": str(error)}
        mail = letter.mail
        said = {"to": mail.to, "subject": mail.subject, "text": mail.text, "html": mail.html}
        return {**said, "status": "sent", "reason": letter.note}


def _choices(row: Row) -> Row:
    """Variant and rules of a message that has some."""
    return {key: row[key] for key in ("variant", "rules") if row[key]}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
