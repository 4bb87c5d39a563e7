"""A due message and its sources → the letter that goes out: personalized, rendered, addressed, with its links."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from hashlib import sha256
from operator import itemgetter
from typing import Any, Self

import orjson
import zstandard

from flows.delivery.contents import ContentKey
from flows.delivery.policies import Way
from flows.delivery.senders.base import Attachment, Outgoing
from flows.delivery.senders.mail_headers import mailbox, sender_of
from flows.errors import InputError
from flows.processes import ByFields
from transforms.content.errors import ContentError
from transforms.content.templates import (
    CompiledContent,
    ContentSource,
    Rendered,
    compile_content,
    render,
    used_names,
)
from transforms.content.values import Values
from transforms.definitions.content_rules import Rule
from transforms.delivery.link_places import LinkPlaces
from transforms.delivery.links import MessageLinks, links_of
from transforms.delivery.personalization import blocks_of, personalized, texts_of
from transforms.delivery.steps import STEP, StepKey
from transforms.people.addresses import AddressError, address_of, bare_address

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Prepared:
    """The sources of messages, compiled: once for all messages that are made of them.

    Attributes:
        content: what is rendered.
        version: of its sources (`ContentSource.version`).
        attributes: what of a profile it can name; None: anything.
        event: likewise of the event that started the execution.
        items: whether it can name what is recommended.
    """

    content: CompiledContent
    version: str
    attributes: frozenset[str] | None
    event: frozenset[str] | None
    items: bool

    @classmethod
    def of(cls, source: ContentSource) -> Self:
        """Compile the sources of a message.

        Raises:
            ContentError: they can't be.
        """
        content = compile_content(source)
        used = used_names(content)
        return cls(content, source.version, used.attributes, used.event, used.items)


def _as_it_is(mail: Outgoing) -> Outgoing:
    return mail


def _nothing_attached(_: Rendered) -> tuple[Attachment, ...]:
    return ()


@dataclass(frozen=True)
class Writer(ByFields):
    """What letters are written with; another process can do it, if its functions are such that it finds them.

    Attributes:
        contents: the sources of each step's message, of each variant's.
        rules: the personalization rules, in order.
        places: where links may lead.
        way: how a workflow's messages of a class go out.
        trap: what becomes of a mail before it leaves (in staging).
        attached: reads the files that go along with a rendered message.
        timezone: the zone of customers who have none.
    """

    contents: Mapping[ContentKey, ContentSource | ContentError]
    way: Callable[[str | None, str | None], Way]
    trap: Callable[[Outgoing], Outgoing] = _as_it_is
    attached: Callable[[Rendered], tuple[Attachment, ...]] = _nothing_attached
    rules: Sequence[Rule] = ()
    places: LinkPlaces = field(default_factory=LinkPlaces)
    timezone: str = "UTC"

    @cached_property
    def prepared(self) -> Callable[[ContentKey], Prepared | ContentError]:
        """The sources of a message, compiled once, or why they can't be."""
        return cache(lambda key: _prepared(self.contents.get(key)))

    @cached_property
    def ways(self) -> Callable[[str | None, str | None], Way]:
        """How messages go out, looked up once for each workflow and class."""
        return cache(self.way)

    @cached_property
    def by_name(self) -> Mapping[str, Rule]:
        """The rules by their names."""
        return {one.name: one for one in self.rules}

    def text(self, rule: str) -> Prepared | None:
        """The text of a rule, compiled once; None: it has none.

        Raises:
            ContentError: it can't be compiled.
        """
        found = self._texts(rule)
        if isinstance(found, ContentError):
            raise found
        return found

    @cached_property
    def _texts(self) -> Callable[[str], Prepared | ContentError | None]:
        texts = {one.name: one.text for one in self.rules if one.text}
        return cache(lambda rule: _prepared(ContentSource(None, texts[rule])) if rule in texts else None)

    @cached_property
    def rules_version(self) -> str:
        """16 hex digits that change with anything that the rules say."""
        return sha256(rules_text(self.rules).encode()).hexdigest()[:16]


def rules_text(rules: Sequence[Rule]) -> str:
    """Rules as JSON text."""
    return json.dumps(
        [one.model_dump(mode="json", exclude_defaults=True) for one in rules], ensure_ascii=False
    )


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
    return Letter(mail, rendered, missing, recorded, _said(writer, row, made_of, values))


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


def content_hash(rendered: Rendered) -> str:
    """16 hex digits of SHA-256 over what a message says: its subject and both parts."""
    said = "\0".join((rendered.subject, rendered.text, rendered.html or ""))
    return sha256(said.encode()).hexdigest()[:16]


def compressed(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """What messages were made of, as it is kept."""
    return zstandard.compress(b"\n".join(map(json_bytes, lines)), 1)


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """A JSON object in UTF-8; four times as fast as the standard library, which takes what is beyond 64 bits."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def said_lines(kept: bytes | None) -> list[dict[str, Any]]:
    """What messages were made of, of what is kept of a hand-over."""
    text = zstandard.decompress(kept).decode() if kept else ""
    return [json.loads(one) for one in text.split("\n") if one]


def _prepared(source: ContentSource | ContentError | None) -> Prepared | ContentError:
    if source is None:
        return ContentError("this step has no content any more")
    if isinstance(source, ContentError):
        return source
    try:
        return Prepared.of(source)
    except ContentError as error:
        return error


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


def _said(writer: Writer, row: Row, made_of: Sequence[Prepared], values: Values) -> dict[str, Any]:
    """What the message was made of: no more of its customer than its sources can name."""
    applied = row["rules"] or []
    return {
        "id": row["message_id"],
        "template": made_of[0].version,
        "rules": applied,
        "rules_version": writer.rules_version if applied else None,
        "values": {
            **vars(values),
            "attributes": _named(values.attributes, [one.attributes for one in made_of]),
            "event": _named(values.event, [one.event for one in made_of]),
        },
    }


def _named(values: Mapping[str, Any], wanted: Sequence[frozenset[str] | None]) -> Mapping[str, Any]:
    """Those of some values that are named somewhere."""
    named: set[str] = set()
    for one in wanted:
        if one is None:
            return values
        named |= one
    return {name: value for name, value in values.items() if name in named}
