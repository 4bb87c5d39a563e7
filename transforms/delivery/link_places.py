"""Where the links of messages may lead, as the settings `links` say."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

UNSUBSCRIBE_NAMES = ("customer_id", "email", "message_id")
"""What the template of an own page for unsubscribing may name."""

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_SAMPLE = "sample"


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


def leading_nowhere(places: LinkPlaces) -> LinkPlaces:
    """Places whose links look like real ones, for messages that are only looked at or tried.

    No endpoint takes their tokens, and a page of the user's own learns of nobody.
    """
    own = places.unsubscribe_url and PLACEHOLDER.sub(_SAMPLE, places.unsubscribe_url)
    return replace(places, key=places.key and _SAMPLE, unsubscribe_url=own)


def unsubscribe_url_faults(template: str) -> Iterator[str]:
    """What keeps a template from being an own page for unsubscribing."""
    allowed = ", ".join(f"{{{{ {name} }}}}" for name in UNSUBSCRIBE_NAMES)
    unknown = sorted({name for name in PLACEHOLDER.findall(template) if name not in UNSUBSCRIBE_NAMES})
    if unknown:
        yield f"given {{{{ {unknown[0]} }}}}, which isn't known here; allowed: {allowed}"
    sample = PLACEHOLDER.sub("x", template)
    if not _is_web_address(sample):
        yield (
            f"given {template!r}; allowed: an address in ASCII that starts with https:// or http:// and names a host, "
            f"with {allowed} in it"
        )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and url.isascii() and url.isprintable() and not set(" {}<>\"'") & set(url)
