"""What letters are written with, by the settings; and its keeping, so that a message can be shown as it went out."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial

import zstandard

from flows.delivery.contents import ContentKey, read_attachments
from flows.delivery.policies import link_places, trapped, way_of
from flows.delivery.send_ledger import SendLedger
from flows.delivery.writer import Writer, rules_text
from flows.settings import Settings
from transforms.content.errors import ContentError
from transforms.content.templates import ContentSource, files_of
from transforms.definitions.content_rules import Rule
from transforms.delivery.link_places import leading_nowhere

_KEEP = "insert or ignore into templates values (?, ?)"


def writer_of(
    settings: Settings, contents: Mapping[ContentKey, ContentSource | ContentError], rules: Sequence[Rule]
) -> Writer:
    """What letters are written with; in staging a click on their links changes nothing for anybody.

    Args:
        settings: who messages are from, and where their links lead.
        contents: the sources of messages.
        rules: the personalization rules.
    """
    places = link_places(settings.links)
    if settings.environment == "staging":
        places = leading_nowhere(places)
    return Writer(
        contents,
        partial(way_of, settings),
        partial(trapped, settings),
        partial(read_attachments, settings.templates),
        rules,
        places,
        settings.timezone,
    )


def keep_sources(ledger: SendLedger, writer: Writer) -> None:
    """Keep the sources of messages in the send ledger, each version once."""
    sources = [one for one in writer.contents.values() if isinstance(one, ContentSource)]
    kept: dict[str, Callable[[], str]] = {one.version: partial(source_text, one) for one in sources}
    if writer.rules:
        kept[writer.rules_version] = partial(rules_text, writer.rules)
    known = {version for (version,) in ledger.query("select version from templates")}
    new = {version: text for version, text in kept.items() if version not in known}
    ledger.change(_KEEP, [(version, zstandard.compress(text().encode())) for version, text in new.items()])


def source_text(source: ContentSource) -> str:
    """The sources of a message as JSON text, without files that it doesn't name."""
    return json.dumps({**asdict(source), "files": files_of(source)}, ensure_ascii=False)
