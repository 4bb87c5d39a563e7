"""The filters and tests of templates, each paying for the size of what it works on (budget.py)."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from math import log2
from typing import Any, cast

from jinja2 import Undefined
from jinja2.filters import FILTERS as GIVEN_FILTERS
from jinja2.tests import TESTS as GIVEN_TESTS
from markupsafe import Markup, soft_str

from transforms.content import formats
from transforms.content.budget import handle
from transforms.content.campaign import with_campaign
from transforms.content.language import FILTERS, TESTS
from transforms.content.values import says_nothing

_JINJA_FILTERS = cast("Mapping[str, Callable[..., Any]]", GIVEN_FILTERS)
_JINJA_TESTS = cast("Mapping[str, Callable[..., Any]]", GIVEN_TESTS)
_STRIPTAGS_LIMIT = 20_000
_NUMBER_LENGTH = 100
_AT_ONCE = ("abs", "count", "default", "d", "first", "last", "length")
"""Filters that take no longer for longer values."""
_READING = ("eq", "equalto", "ge", "greaterthan", "gt", "in", "le", "lessthan", "lower", "lt", "ne", "upper")
"""Tests that go through their value."""


def filters() -> dict[str, Callable[..., Any]]:
    """Every filter that templates may use, by name."""
    own: dict[str, Callable[..., Any]] = {
        "default": _default, "d": _default, "int": _int, "trim": _trim, "replace": _replace, "striptags": _striptags,
        "sort": _sort, "url": with_campaign, "date": formats.date, "time": formats.time, "money": formats.money,
        "number": formats.number, "percent": formats.percent, "plural": formats.plural,
    }  # fmt: skip
    found = {name: own.get(name) or _JINJA_FILTERS[name] for name in FILTERS}
    return {name: one if name in _AT_ONCE else _paying(one) for name, one in found.items()}


def tests() -> dict[str, Callable[..., Any]]:
    """Every test that templates may use, by name."""
    symbols = ("==", "!=", "<", "<=", ">", ">=")
    return {
        name: _paying(_JINJA_TESTS[name]) if name in (*_READING, *symbols) else _JINJA_TESTS[name]
        for name in TESTS
    }


def _paying(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which pays for its value and arguments first."""
    first = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def paying(*args: Any, **kwargs: Any) -> Any:
        for one in args[first:]:
            if isinstance(one, str | Sequence | Mapping):
                handle(one)
        return function(*args, **kwargs)

    return paying


def _default(value: Any, instead: Any = "", boolean: bool = False) -> Any:
    """`default` of Jinja2, for which blank text has no value either."""
    nothing = isinstance(value, Undefined) or says_nothing(value) or (boolean and not value)
    return instead if nothing else value


def _int(value: Any, default: int = 0, base: int = 10) -> Any:
    """`int` of Jinja2; a text too long to be a number of use isn't one."""
    if isinstance(value, str) and len(value) > _NUMBER_LENGTH:
        return default
    return _JINJA_FILTERS["int"](value, default, base)


def _trim(value: Any, chars: str | None = None) -> str:
    handle(value, len(chars or " "))
    return soft_str(value).strip(chars)


def _replace(value: Any, old: str, new: str, count: int = -1) -> str:
    """`replace` of Jinja2; what it makes of a text is paid for before."""
    text = soft_str(value)
    handle(text, 1 + len(new) // max(len(old), 1))
    escaped = isinstance(text, Markup)
    return (
        text.replace(Markup.escape(old), Markup.escape(new), count)
        if escaped
        else text.replace(old, new, count)
    )


def _striptags(value: Any) -> str:
    """`striptags` of Jinja2, whose time grows with the square of the length.

    Raises:
        ValueError: the text is too long for that.
    """
    text = soft_str(value)
    if len(text) > _STRIPTAGS_LIMIT:
        raise ValueError(f"striptags takes at most {_STRIPTAGS_LIMIT:,} characters; given: {len(text):,}")
    handle(text, 1 + len(text) // 100)
    return Markup(text).striptags()  # noqa: S704 (tags are taken off, and what is left is plain text)


@wraps(_JINJA_FILTERS["sort"])
def _sort(environment: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
    if isinstance(value, str | Sequence | Mapping):
        handle(value, int(log2(len(value) + 2)))
    return _JINJA_FILTERS["sort"](environment, value, *args, **kwargs)
