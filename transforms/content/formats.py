"""Dates, money and numbers as a customer's language writes them (Unicode CLDR, through Babel)."""

import re
from datetime import UTC, date as Date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import Undefined

from transforms.content.budget import current
from transforms.content.values import Anything

if TYPE_CHECKING:
    from babel import Locale

_SIZES = ("short", "medium", "long", "full")
_LONGEST_PATTERN = 100
_MOST = Decimal(10) ** 15
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SECONDS_LIMIT = 1e11
"""Numbers beyond it are milliseconds, as JavaScript counts."""


def date(value: Any, format: str = "medium", zone: str | None = None) -> str:  # noqa: A002
    """A date in the customer's language and zone.

    Args:
        value: an instant or day of ISO 8601, or seconds since 1970; a day has no zone.
        format: `short`, `medium`, `long`, `full`, or a pattern of CLDR such as `d MMMM y, HH:mm`.
        zone: instead of the customer's.

    Raises:
        ValueError: it isn't a date.
    """
    from babel.dates import format_date, format_datetime

    if isinstance(value, Undefined):
        return str(value)
    when, locale, pattern = _date_of(value), _locale(current().locale), _pattern(format)
    if not isinstance(when, datetime):
        return format_date(when, pattern, locale=locale)
    local = when.astimezone(_zone(zone or current().timezone))
    return (format_date if pattern in _SIZES else format_datetime)(local, pattern, locale=locale)


def time(value: Any, format: str = "short", zone: str | None = None) -> str:  # noqa: A002
    """The time of day in the customer's language and zone; arguments as for `date`.

    Raises:
        ValueError: it isn't an instant.
    """
    from babel.dates import format_time

    if isinstance(value, Undefined):
        return str(value)
    when = _date_of(value)
    if not isinstance(when, datetime):
        raise ValueError(f"time needs an instant; given the day {when}")
    local = when.astimezone(_zone(zone or current().timezone))
    return format_time(local, _pattern(format), locale=_locale(current().locale))


def money(value: Any, currency: Any) -> str:
    """An amount with its currency, such as `19.9|money("EUR")`: €19.90, 19,90 €.

    Raises:
        ValueError: it isn't a number, or `currency` isn't a code of ISO 4217.
    """
    from babel.numbers import format_currency

    if isinstance(value, Undefined):
        return str(value)
    code = "EUR" if isinstance(currency, Anything) else str(currency)
    if not _CURRENCY.fullmatch(code):
        raise ValueError(f"money needs a currency of three letters such as 'EUR'; given: {code[:20]!r}")
    return format_currency(_number_of(value), code.upper(), locale=_locale(current().locale))


def number(value: Any, decimals: Any = None) -> str:
    """A number as the customer's language writes it, with so many `decimals` if they are given.

    Raises:
        ValueError: it isn't a number.
    """
    from babel.numbers import format_decimal

    if isinstance(value, Undefined):
        return str(value)
    pattern = None if decimals is None else f"#,##0{_decimals(decimals)}"
    return format_decimal(_number_of(value), pattern, locale=_locale(current().locale))


def percent(value: Any, decimals: Any = 0) -> str:
    """A share as percent: 0.15 is 15%.

    Raises:
        ValueError: it isn't a number.
    """
    from babel.numbers import format_percent

    if isinstance(value, Undefined):
        return str(value)
    locale = _locale(current().locale)
    pattern = str(locale.percent_formats[None].pattern).replace("0", f"0{_decimals(decimals)}", 1)
    return format_percent(_number_of(value), pattern if decimals else None, locale=locale)


def plural(value: Any, one: Any = "", other: Any = "", **forms: Any) -> str:
    """The form of a word that goes with a number, by the rules of the customer's language (CLDR).

    `{{ n }} {{ n|plural("item", "items") }}`; languages with more forms take `zero`, `two`, `few`, `many` by name. `zero`
    stands for 0 in every language.

    Raises:
        ValueError: it isn't a number, or a form has another name.
    """
    if unknown := set(forms) - {"zero", "two", "few", "many"}:
        raise ValueError(
            f"plural has no form {sorted(unknown)[0]!r}; allowed: zero, one, two, few, many, other"
        )
    if isinstance(value, Undefined):
        return str(value)
    amount = _number_of(len(value) if isinstance(value, list) else value)
    forms |= {"one": one, "other": other}
    chosen = "zero" if amount == 0 and "zero" in forms else _locale(current().locale).plural_form(amount)
    return str(forms.get(chosen, other))


def _date_of(value: Any) -> Date | datetime:
    if isinstance(value, Anything):
        return datetime(2026, 1, 1, tzinfo=UTC)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return _read_date(value)
    except (ValueError, OverflowError, OSError) as error:
        given = str(value)[:40]
        raise ValueError(f"date needs an instant such as 2026-03-01T12:00:00Z; given: {given!r}") from error


def _read_date(value: Any) -> Date | datetime:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000 if abs(value) > _SECONDS_LIMIT else value, UTC)
    text = str(value).strip()
    if _DAY.fullmatch(text):
        return Date.fromisoformat(text)
    found = datetime.fromisoformat(text[:40])
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number_of(value: Any) -> Decimal:
    """A number, or a text that is one.

    Raises:
        ValueError: it isn't, or it is too large.
    """
    if isinstance(value, Anything):
        return Decimal(1)
    text = "" if isinstance(value, bool) else str(value).strip()
    try:
        found = Decimal(text[:50])
        if found.is_finite() and abs(found) < _MOST:
            # Zeros behind the point would count: 1.0 is plural in most languages.
            return round(found, 12).normalize() if found % 1 else Decimal(int(found))
    except InvalidOperation:
        pass
    raise ValueError(f"a number is needed, below 1e15; given: {str(value)[:40]!r}")


def _decimals(given: Any) -> str:
    if isinstance(given, Anything):
        return ".00"
    if not isinstance(given, int) or not 0 <= given <= 10:
        raise ValueError(f"decimals must be 0 to 10; given: {str(given)[:20]!r}")
    return f".{'0' * given}" if given else ""


def _pattern(given: Any) -> str:
    text = str(given)
    if len(text) > _LONGEST_PATTERN:
        raise ValueError(f"a date's pattern has at most {_LONGEST_PATTERN} characters; given: {len(text)}")
    return "medium" if isinstance(given, Anything) else text


@lru_cache(maxsize=512)
def _locale(name: str) -> "Locale":
    """A locale of Babel; one that nobody knows is English."""
    from babel import Locale, UnknownLocaleError

    for one in (name.replace("-", "_"), name[:2], "en"):
        try:
            return Locale.parse(one)
        except (ValueError, UnknownLocaleError):
            continue
    raise ValueError(name)


@lru_cache(maxsize=512)
def _zone(name: Any) -> tzinfo:
    """A time zone; one that nobody knows is UTC."""
    from babel.dates import get_timezone

    try:
        return get_timezone(str(name)[:60])
    except LookupError:
        return UTC
