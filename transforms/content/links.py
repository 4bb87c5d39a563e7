"""Links of a rendered HTML part: none may run code or carry a document in itself, however it is disguised."""

import re
from collections.abc import Iterator
from html import unescape

_ATTRIBUTES = "href|src|action|formaction|background|poster|data|cite|srcset|longdesc|xlink:href"
_LINK = re.compile(
    rf"""(?<![\w:-])(?P<attribute>{_ATTRIBUTES})\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'>][^\s>]*))""",
    re.IGNORECASE,
)
_UNQUOTED = re.compile(
    r"""<[A-Za-z][\w-]*(?:[^<>"'{]|"[^"]*"|'[^']*'|\{(?!\{))*?\s[\w:-]{1,50}\s*=\s*(?:\{%[^%]*%\}\s*)?\{\{"""
)
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\u00ad\u200b-\u200f\u2028\u2029\ufeff]+")
_RUNS_CODE = ("javascript:", "vbscript:", "data:", "livescript:")
_SPLIT_SCHEME = re.compile(
    rf"""(?<![\w:-])(?:{_ATTRIBUTES})\s*=\s*["']?[^"'>/?#:]{{0,300}}[}}%]\}}[^"'>/?#]{{0,300}}:""",
    re.IGNORECASE,
)


def refused_link(html: str) -> str | None:
    """The first link that runs code or carries a document in itself; None: there is none.

    Entities, blanks and characters that browsers pass over are passed over here.
    """
    return next((value for _, value in links(html) if _runs_code(value)), None)


def may_split_scheme(source: str) -> bool:
    """Whether a template puts together the beginning of a link of a value and a colon of its own."""
    return _SPLIT_SCHEME.search(source) is not None


def unquoted_value(source: str) -> int | None:
    """The line of the first attribute in an HTML template whose value is a placeholder without quotes around it.

    There a value with a blank in it would go on as an attribute of its own.
    """
    found = _UNQUOTED.search(source)
    return source.count("\n", 0, found.end()) + 1 if found else None


def links(html: str) -> Iterator[tuple[str, str]]:
    """The links of an HTML part: the attribute in lower case, and its value without entities."""
    for match in _LINK.finditer(html):
        value = match["double"] or match["single"] or match["bare"] or ""
        yield match["attribute"].lower(), unescape(value)


def _runs_code(value: str) -> bool:
    start = _INVISIBLE.sub("", value[:2_000]).lower()
    return start.startswith(_RUNS_CODE)
