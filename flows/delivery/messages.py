"""Pending messages → rendered mails, addressed, in the bytes of their sender."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from flows.delivery.contents import STEP, StepKey
from flows.delivery.dispatch import Channel, Composed
from flows.delivery.send_ledger import Kind, Part
from flows.delivery.senders.base import Outgoing, Sender
from transforms.content.errors import ContentError
from transforms.content.templates import CompiledContent, ContentSource, compile_content, render
from transforms.content.values import Values
from transforms.people.addresses import AddressError, address_of, bare_address
from transforms.tables.frames import Schema

MESSAGES = Kind("message", table="messages", key="message_id", query="delivery/messages.sql")
RECORDED: Schema = {
    **dict.fromkeys(("subject", "content_hash", "template_version", "variant"), pl.String),
    "rules": pl.List(pl.String),
    "sender": pl.String,
}
"""What the send ledger notes of each message, and the table of messages shows."""
_SAME = ("message_id", "customer_id", "workflow_id", "step", "template_id", "at")
"""What a mail has of its row as it stands."""


@dataclass(frozen=True)
class Letter:
    """One message, ready to be handed over.

    Attributes:
        mail: the message itself.
        note: what its `status_reason` shall say once it is sent.
    """

    mail: Outgoing
    note: str | None


def message_channel(
    contents: Mapping[StepKey, ContentSource | ContentError], sender: Sender, from_address: str
) -> Channel:
    """How messages go out: addressed and rendered one by one, and sent by `sender`.

    What is due has the columns `message_id, workflow_id, version, branch, step, customer_id, email, at, template_id,
    attributes` (JSON object), `trigger_properties` (JSON object or null). Placeholders without a value are noted.

    Args:
        contents: the sources of each step that sends.
        sender: who carries the messages.
        from_address: the From address.
    """

    @cache
    def compiled(step: StepKey) -> CompiledContent | ContentError:
        return _compiled(contents.get(step))

    def compose(due: pl.DataFrame, limit: int) -> Composed:
        return _composed(due, compiled, sender, from_address, limit)

    return Channel(MESSAGES, compose, sender)


def _composed(
    due: pl.DataFrame,
    compiled: Callable[[StepKey], CompiledContent | ContentError],
    sender: Sender,
    from_address: str,
    limit: int,
) -> Composed:
    letters: list[Letter] = []
    failures: dict[str, str] = {}
    held_back: dict[str, str] = {}
    for row in due.to_dicts():
        step = tuple(row[name] for name in STEP)
        try:
            letters.append(_letter(row, compiled(step), from_address))
        except AddressError as error:
            held_back[row["message_id"]] = str(error)
        except ContentError as error:
            failures[row["message_id"]] = str(error)
    parts = [_part(letters[start : start + limit], sender) for start in range(0, len(letters), limit)]
    return Composed(parts, failures, held_back)


def _part(letters: Sequence[Letter], sender: Sender) -> Part:
    mails = [one.mail for one in letters]
    return Part(
        sender.prepare(mails),
        notes={one.mail.message_id: one.note for one in letters},
        domains={one.message_id: one.to.rpartition("@")[2] for one in mails},
    )


def _compiled(source: ContentSource | ContentError | None) -> CompiledContent | ContentError:
    if isinstance(source, ContentError):
        return source
    try:
        return (
            ContentError("this step has no content any more") if source is None else compile_content(source)
        )
    except ContentError as error:
        return error


def _letter(row: Mapping[str, Any], content: CompiledContent | ContentError, from_address: str) -> Letter:
    given = row["email"] or ""
    if not given.strip():
        raise AddressError("no e-mail address")
    address = address_of(given)
    if isinstance(content, ContentError):
        raise content
    attributes, event = (json.loads(row[name] or "{}") for name in ("attributes", "trigger_properties"))
    customer = {"customer_id": row["customer_id"], "email": bare_address(given)}
    rendered = render(content, Values(attributes, event, customer, locale=attributes.get("locale") or "en"))
    same = {name: row[name] for name in _SAME}
    mail = Outgoing(
        to=address,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        sender=from_address,
        **same,
    )
    return Letter(mail, f"missing: {', '.join(rendered.missing)}" if rendered.missing else None)
