"""Addresses of web pages in messages, with the parameters by which a shop's own statistics know a campaign."""

from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from jinja2 import Undefined

from transforms.content.anything import Anything
from transforms.content.budget import current
from transforms.content.values import says_nothing

_CAMPAIGN = ("source", "medium", "campaign", "term", "content", "id")
_LONGEST = 2_000


def with_campaign(value: Any, **parameters: Any) -> str:
    """An address with campaign parameters: `url(campaign="spring")` adds `utm_campaign=spring`; other names stay.

    What isn't given is `utm_medium=email`, and `utm_campaign` the workflow's id. What the address already has stays as
    it is, unless it is given here. What has no value is left out.

    Raises:
        ValueError: it isn't the address of a web page.
    """
    if isinstance(value, Undefined):
        return str(value)
    address = "https://example.com/" if isinstance(value, Anything) else str(value).strip()
    parts = _web_address(address)
    there = parse_qsl(parts.query, keep_blank_values=True)
    given = {_parameter(name): str(one) for name, one in parameters.items() if _says(one)}
    kept = [(name, one) for name, one in there if name not in given]
    named = {name for name, _ in there}
    added = {name: one for name, one in _usual().items() if name not in named} | given
    query = urlencode([*kept, *added.items()], quote_via=quote)
    return urlunsplit(parts._replace(query=query))


def _web_address(given: str) -> SplitResult:
    try:
        parts = urlsplit(given)
    except ValueError:
        parts = urlsplit("")
    if len(given) > _LONGEST or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"url needs an address that starts with https:// or http://; given: {given[:60]!r}")
    return parts


def _usual() -> dict[str, str]:
    campaign = current().campaign
    return {"utm_medium": "email", **({"utm_campaign": campaign} if campaign else {})}


def _parameter(name: str) -> str:
    return f"utm_{name}" if name in _CAMPAIGN else name


def _says(value: Any) -> bool:
    return not isinstance(value, Undefined) and not says_nothing(value)
