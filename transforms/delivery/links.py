"""The links of a message, and what its List-Unsubscribe header says (RFC 2369, RFC 8058).

A link exists only where something answers it: without `public_url` there are no pages for preferences and for viewing,
and a way to unsubscribe only if an address or a page of the user's own takes it.
"""

from dataclasses import dataclass
from urllib.parse import quote

from transforms.delivery.link_places import PLACEHOLDER, LinkPlaces
from transforms.delivery.signatures import PURPOSES, signed, token_body

_LONGEST = 900
"""Of a URI in a header: with angle brackets and the header's name it stays within a line's 998 (RFC 5322 §2.1.1)."""


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


def _pages(places: LinkPlaces, message_id: str, customer_id: str) -> dict[str, str]:
    if not places.public_url or not places.key:
        return {}
    body = token_body(message_id, customer_id)
    return {one: f"{places.public_url}/{one}/{signed(places.key, one, body)}" for one in PURPOSES}


def _filled(template: str, given: dict[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: quote(given[found[1]], safe=""), template)


def _mailto(address: str, message_id: str) -> str:
    """RFC 6068: the subject tells the message, for whoever reads that mailbox."""
    return f"mailto:{quote(address, safe='@')}?subject=unsubscribe%20{quote(message_id, safe='')}"
