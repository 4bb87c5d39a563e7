"""A due message and its sources → the letter that goes out: personalized, rendered, addressed, with its links."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from flows.delivery.kept import content_hash, said_of
from flows.delivery.senders.base import Outgoing
from flows.delivery.senders.mail_headers import mailbox, sender_of
from flows.delivery.writer import Prepared, Writer
from flows.errors import InputError
from transforms.content.errors import ContentError
from transforms.content.templates import CompiledContent, Rendered, render
from transforms.content.values import Values
from transforms.delivery.links import MessageLinks, links_of
from transforms.delivery.personalization import blocks_of, personalized, texts_of
from transforms.delivery.steps import STEP, StepKey
from transforms.people.addresses import AddressError, address_of, bare_address

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Letter:
    """One message, ready to be handed over.

    Attributes:
        mail: the message itself.
        rendered: what came out of its sources.
        missing: names that had no value.
        recorded: what is noted of what it says: `messages.RECORDED`.
        said: what it was made of, so that it can be shown as it went out.
    """

    mail: Outgoing
    rendered: Rendered
    missing: tuple[str, ...]
    recorded: dict[str, Any]
    said: dict[str, Any]

    @property
    def note(self) -> str | None:
        """What its `status_reason` shall say once it is sent."""
        return f"missing: {', '.join(self.missing)}" if self.missing else None


def write(writer: Writer, row: Row) -> Letter:
    """The letter of one message that is due.

    Args:
        writer: what it is written with.
        row: of `sql/delivery/messages.sql`, with `variant`, `rules` (names), `items` (JSON text or null) and
            `items_fault` (why there are none, or null).

    Raises:
        AddressError: the customer has no address that mail can be sent to.
        ContentError: the message can't be rendered.
    """
    address = _address(row)
    prepared = writer.prepared((_step(row), row["variant"]))
    if isinstance(prepared, ContentError):
        raise prepared
    links = links_of(writer.places, row["message_id"], row["customer_id"], address)
    texts = map(writer.text, row["rules"] or ())
    made_of = [prepared, *(one for one in texts if one)]
    values = _values(writer, row, links, _items(row) if any(one.items for one in made_of) else [])
    rendered, missing = with_rules(writer, prepared.content, values, row["rules"] or ())
    mail = _outgoing(writer, row, address, rendered, links)
    recorded = _recorded(row, prepared, rendered)
    return Letter(mail, rendered, missing, recorded, said_of(writer, row, made_of, values))


def with_rules(
    writer: Writer, content: CompiledContent, values: Values, applied: Sequence[str]
) -> tuple[Rendered, tuple[str, ...]]:
    """A message with what the rules add that apply to it, and the names that had no value.

    Raises:
        ContentError: it can't be rendered.
    """
    if not applied:
        rendered = render(content, values)
        return rendered, rendered.missing
    rules = [writer.by_name[name] for name in applied]
    compiled = {one.name: text.content for one in rules if (text := writer.text(one.name))}
    texts, missing = texts_of(rules, compiled, lambda one: render(one, values))
    blocks = blocks_of(rules, texts)
    rendered = render(content, replace(values, blocks=blocks))
    whole = personalized(rendered, rules, texts, blocks.printed)
    return whole, tuple(dict.fromkeys([*rendered.missing, *missing]))


_step: Callable[[Row], StepKey] = itemgetter(*STEP)


def _address(row: Row) -> str:
    given = row["email"] or ""
    if not given.strip():
        raise AddressError("no e-mail address")
    return address_of(given)


def _items(row: Row) -> list[Any]:
    """What is recommended to a message's customer."""
    if row["items_fault"]:
        raise ContentError(row["items_fault"])
    with suppress(ValueError, RecursionError):
        if isinstance(items := json.loads(row["items"] or "[]"), list):
            return items
    raise ContentError(
        f"items of customer {row['customer_id']!r} are {row['items'][:60]!r}; allowed: a list, or a JSON array as text"
    )


def _values(writer: Writer, row: Row, links: MessageLinks, items: Sequence[Any]) -> Values:
    attributes = json.loads(row["attributes"] or "{}")
    event = json.loads(row["trigger_properties"] or "{}")
    zone = attributes.get("timezone")
    return Values(
        attributes,
        event,
        {
            "customer_id": row["customer_id"],
            "email": bare_address(row["email"]),
            "created_at": row["created_at"] and row["created_at"].isoformat(),
        },
        {
            "workflow_id": row["workflow_id"],
            "execution_id": row["execution_id"],
            "branch": row["branch"],
            "entered_at": row["entered_at"].isoformat(),
        },
        links.names,
        items=items,
        locale=str(attributes.get("locale") or "en"),
        timezone=zone if isinstance(zone, str) and zone.strip() else writer.timezone,
    )


def _outgoing(writer: Writer, row: Row, to: str, rendered: Rendered, links: MessageLinks) -> Outgoing:
    way = writer.ways(row["workflow_id"], row["message_class"])
    may_leave = not row["transactional"]
    mail = Outgoing(
        message_id=row["message_id"],
        customer_id=row["customer_id"],
        workflow_id=row["workflow_id"],
        step=row["step"],
        template_id=row["template_id"],
        at=row["at"],
        message_class=row["message_class"],
        variant=row["variant"],
        to=to,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        sender=rendered.sender or way.from_address,
        reply_to=rendered.reply_to or way.reply_to,
        unsubscribe=links.list_unsubscribe if may_leave else (),
        one_click=links.one_click and may_leave,
        pool=way.pool,
        attachments=writer.attached(rendered) if rendered.attachments else (),
    )
    _check_addresses(mail)
    return writer.trap(mail)


def _check_addresses(mail: Outgoing) -> None:
    """That a template hasn't made an address of From or Reply-To that none is: that is its messages' fault alone."""
    try:
        sender_of(mail)
        if mail.reply_to:
            mailbox("reply_to", mail.reply_to)
    except InputError as error:
        raise ContentError(str(error)) from error


def _recorded(row: Row, prepared: Prepared, rendered: Rendered) -> dict[str, Any]:
    return {
        "subject": rendered.subject,
        "content_hash": content_hash(rendered),
        "template_version": prepared.version,
        "variant": row["variant"],
        "rules": row["rules"] or [],
    }
