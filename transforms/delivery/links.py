"""Where the links of a message lead, and what its List-Unsubscribe header says (RFC 2369, RFC 8058).

A link exists only where something answers it: without `public_url` there are no pages for preferences and for viewing,
and a way to unsubscribe only if an address or a page of the user's own takes it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlsplit

from transforms.delivery.signatures import PURPOSES, signed, token_body

UNSUBSCRIBE_NAMES = ("customer_id", "email", "message_id")
"""What the template of an own page for unsubscribing may name."""

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_SAMPLE = "sample"
_LONGEST = 900
"""Of a URI in a header: with angle brackets and the header's name it stays within a line's 998 (RFC 5322 §2.1.1)."""


@dataclass(frozen=True)
class LinkPlaces:
    """Where links may lead; attributes as in the settings `links`.

    Attributes:
        public_url: without a slash at its end.
        key: signs the links of `public_url`; there if that is.
        unsubscribe_mailto: a bare address.
        unsubscribe_url: a template with `{{ name }}` of `UNSUBSCRIBE_NAMES`.
    """

    public_url: str | None = None
    key: str | None = field(default=None, repr=False)
    unsubscribe_mailto: str | None = None
    unsubscribe_url: str | None = None


@dataclass(frozen=True)
class MessageLinks:
    """The links of one message; None is one that doesn't exist.

    Attributes:
        unsubscribe_url: the page for unsubscribing.
        preferences_url: the page for preferences.
        view_url: the page that shows the message.
        list_unsubscribe: the URIs of List-Unsubscribe, the best first.
        one_click: whether the first of these takes the POST of RFC 8058.
    """

    unsubscribe_url: str | None = None
    preferences_url: str | None = None
    view_url: str | None = None
    list_unsubscribe: tuple[str, ...] = ()
    one_click: bool = False

    @property
    def names(self) -> dict[str, str]:
        """What templates know as `message.…`: the links that exist."""
        urls = ("unsubscribe_url", "preferences_url", "view_url")
        return {name: url for name in urls if (url := getattr(self, name)) is not None}


def links_of(places: LinkPlaces, message_id: str, customer_id: str, email: str) -> MessageLinks:
    """The links of a message to a customer; the same whenever it is called.

    Args:
        places: where links may lead.
        message_id: the message's id.
        customer_id: whose it is.
        email: the bare address that it goes to.
    """
    pages = _pages(places, message_id, customer_id)
    if places.unsubscribe_url:
        given = {"customer_id": customer_id, "email": email, "message_id": message_id}
        pages["unsubscribe"] = _filled(places.unsubscribe_url, given)
    mailto = places.unsubscribe_mailto and _mailto(places.unsubscribe_mailto, message_id)
    page = pages.get("unsubscribe")
    header = tuple(one for one in (page, mailto) if one and len(one) <= _LONGEST)
    return MessageLinks(
        page,
        pages.get("preferences"),
        pages.get("view"),
        header,
        one_click=not places.unsubscribe_url and header[:1] == (page,) and header[0].startswith("https:"),
    )


def leading_nowhere(places: LinkPlaces) -> LinkPlaces:
    """Places whose links look like real ones, for messages that are only looked at or tried.

    No endpoint takes their tokens, and a page of the user's own learns of nobody.
    """
    own = places.unsubscribe_url and _PLACEHOLDER.sub(_SAMPLE, places.unsubscribe_url)
    return replace(places, key=places.key and _SAMPLE, unsubscribe_url=own)


def unsubscribe_url_faults(template: str) -> Iterator[str]:
    """What keeps a template from being an own page for unsubscribing."""
    allowed = ", ".join(f"{{{{ {name} }}}}" for name in UNSUBSCRIBE_NAMES)
    unknown = sorted({name for name in _PLACEHOLDER.findall(template) if name not in UNSUBSCRIBE_NAMES})
    if unknown:
        yield f"given {{{{ {unknown[0]} }}}}, which isn't known here; allowed: {allowed}"
    sample = _PLACEHOLDER.sub("x", template)
    if not _is_web_address(sample):
        yield (
            f"given {template!r}; allowed: an address in ASCII that starts with https:// or http:// and names a host, "
            f"with {allowed} in it"
        )


def _pages(places: LinkPlaces, message_id: str, customer_id: str) -> dict[str, str]:
    if not places.public_url or not places.key:
        return {}
    body = token_body(message_id, customer_id)
    return {one: f"{places.public_url}/{one}/{signed(places.key, one, body)}" for one in PURPOSES}


def _filled(template: str, given: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: quote(given[found[1]], safe=""), template)


def _mailto(address: str, message_id: str) -> str:
    """RFC 6068: the subject tells the message, for whoever reads that mailbox."""
    return f"mailto:{quote(address, safe='@')}?subject=unsubscribe%20{quote(message_id, safe='')}"


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and url.isascii() and url.isprintable() and not set(" {}<>\"'") & set(url)
