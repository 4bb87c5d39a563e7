"""What letters are written with: the compiled sources of messages, the rules, the ways that they go."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from typing import Self

from flows.delivery.contents import ContentKey
from flows.delivery.policies import Way
from flows.delivery.senders.base import Attachment, Outgoing
from flows.processes import ByFields
from transforms.content.errors import ContentError
from transforms.content.templates import CompiledContent, ContentSource, Rendered, compile_content, used_names
from transforms.definitions.content_rules import Rule
from transforms.delivery.link_places import LinkPlaces


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


def _prepared(source: ContentSource | ContentError | None) -> Prepared | ContentError:
    if source is None:
        return ContentError("this step has no content any more")
    if isinstance(source, ContentError):
        return source
    try:
        return Prepared.of(source)
    except ContentError as error:
        return error
