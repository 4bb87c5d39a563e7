"""Pending messages → rendered mails, addressed, in the bytes of their sender."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import polars as pl

from flows.delivery.contents import STEP, StepKey
from flows.delivery.dispatch import Channel, Composed
from flows.delivery.send_ledger import Kind
from flows.delivery.senders.base import Outgoing, Sender
from transforms.content.errors import ContentError
from transforms.content.templates import CompiledContent, ContentSource, compile_content, render
from transforms.content.values import Values
from transforms.people.addresses import AddressError, address_of, bare_address

MESSAGES = Kind("message", table="messages", key="message_id", query="delivery/messages.sql")
_SAME = ("message_id", "customer_id", "workflow_id", "step", "template_id", "at")
"""What a mail has of its row as it stands."""


def message_channel(contents: Mapping[StepKey, ContentSource | ContentError], sender: Sender) -> Channel:
    """How messages go out: addressed and rendered one by one, and sent by `sender`.

    What is due has the columns `message_id, workflow_id, version, branch, step, customer_id, email, at, template_id,
    attributes` (JSON object), `trigger_properties` (JSON object or null). Placeholders without a value are noted.

    Args:
        contents: the sources of each step that sends.
        sender: who carries the messages.
    """

    @cache
    def compiled(step: StepKey) -> CompiledContent | ContentError:
        return _compiled(contents.get(step))

    return Channel(MESSAGES, lambda due: _mails(due, compiled, sender), sender)


def _mails(
    due: pl.DataFrame, compiled: Callable[[StepKey], CompiledContent | ContentError], sender: Sender
) -> Composed:
    mails: list[Outgoing] = []
    notes: dict[str, str | None] = {}
    failures: dict[str, str] = {}
    for row in due.to_dicts():
        step = tuple(row[name] for name in STEP)
        try:
            mail, notes[row["message_id"]] = _mail(row, compiled(step))
            mails.append(mail)
        except (ContentError, AddressError) as error:
            failures[row["message_id"]] = str(error)
    return Composed(sender.prepare(mails), notes, failures)


def _compiled(source: ContentSource | ContentError | None) -> CompiledContent | ContentError:
    if isinstance(source, ContentError):
        return source
    try:
        return (
            ContentError("this step has no content any more") if source is None else compile_content(source)
        )
    except ContentError as error:
        return error


def _mail(row: Mapping[str, Any], content: CompiledContent | ContentError) -> tuple[Outgoing, str | None]:
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
        to=address, subject=rendered.subject, text=rendered.text, html=rendered.html, sender=rendered.sender or "",
        reply_to=rendered.reply_to, **same,
    )  # fmt: skip
    return mail, f"missing: {', '.join(rendered.missing)}" if rendered.missing else None
