"""Instants as text, and wall clocks: docs/decision-language.md "Conditions" and semantics.md §7, one at a time."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global

BEFORE_ALL_TIME = datetime.min.replace(tzinfo=UTC)
AFTER_ALL_TIME = datetime.max.replace(tzinfo=UTC)
BLANKS = " \t\n\r\x0b\x0c\u00a0\ufeff"
CENTURY = (946_684_800_000_000, 4_102_444_800_000_000)
"""2000 and 2100, µs since 1970."""


@lru_cache(maxsize=1)
def zone_names() -> dict[str, str]:
    """§7: the names of zones in lower case, IANA's and Windows'."""
    windows = {name.lower(): zone for name, zone in get_global("windows_zone_mapping").items()}
    return windows | {name.lower(): name for name in available_timezones() - {"Factory", "localtime"}}


def written(given: Any) -> datetime | None:
    """§2: the date, or date and time, of a text or a number; naive where there is no zone; None if it is neither.

    Of what a zone leads out of the calendar, or 24:00, nothing is left.
    """
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return None
    text = given.strip(BLANKS) if isinstance(given, str) else plain(given)
    day, rest = calendar_day(text)
    if day is None:
        return counted(text)
    if not rest:
        return datetime.combine(day, time())
    pause = clock(rest[1:]) if rest[0] in "Tt " else None
    try:
        return None if pause is None else datetime.combine(day, time(), pause[1]) + pause[0]
    except OverflowError:
        return None


def plain(number: float) -> str:
    """A number's digits without an exponent; whole ones without a fraction."""
    return f"{Decimal(repr(number)).normalize():f}"


def calendar_day(text: str) -> tuple[date | None, str]:
    """The day with which the text begins, and what follows it."""
    size = 10 if text[4:5] == "-" else 8
    digits, rest = text[:size], text[size:]
    if size == 8 and re.fullmatch(r"\.0+", rest):
        rest = ""
    form = r"[0-9]{4}-[0-9]{2}-[0-9]{2}" if size == 10 else r"[0-9]{8}"
    if not re.fullmatch(form, digits) or rest[:1].isdigit():
        return None, text
    digits = digits.replace("-", "")
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])), rest
    except ValueError:
        return None, text


def clock(text: str) -> tuple[timedelta, timezone | None] | None:
    """How long after midnight a text such as `09:30:15.5 +0200` is, and its zone."""
    found = re.fullmatch(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?(.*)", text)
    if found is None:
        return None
    hour, minute, second = (int(part or 0) for part in found.groups()[:3])
    fraction = int((found[4] or "")[:6].ljust(6, "0"))
    midnight = hour == 24 and minute == second == 0 and not found[4]
    if (hour > 23 and not midnight) or minute > 59 or second > 60:
        return None
    zone = named_offset(found[5])
    since = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=fraction)
    return None if zone == "none such" else (since, zone)


def named_offset(text: str) -> Any:
    """The zone of `Z`, `UTC`, `+02:00` and the like; None for none."""
    if text == "":
        return None
    if text in ("Z", "z", "UTC", " UTC"):
        return UTC
    found = re.fullmatch(r" ?([+-])([0-9]{2})(?::?([0-9]{2}))?", text)
    if found is None or int(found[2]) > 23 or int(found[3] or 0) > 59:
        return "none such"
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(-ahead if found[1] == "-" else ahead)


def counted(text: str) -> datetime | None:
    """§2: a count of s, ms, µs or ns since 1970, whichever leads into the years 2000 to 2099; never eight digits."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return None
    if len(text.lstrip("0").split(".")[0]) == 8:
        return None
    for size in (1, 1_000, 1_000_000, 1_000_000_000):
        micros = int(Fraction(text) * 1_000_000 / size)
        if CENTURY[0] <= micros < CENTURY[1]:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return None


def instant(given: Any) -> datetime | None:
    """§2: the instant that a text or a number means, UTC unless it has a zone."""
    found = written(given)
    if found is None:
        return None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        return None


def shown(at: datetime | None) -> str | None:
    """§2: an instant as text, without trailing zeros."""
    if at is None:
        return None
    text = at.strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0").rstrip("0").rstrip(".")
    return f"{text}Z"


def zone(name: Any) -> ZoneInfo | None:
    """The zone of this name, if it is one."""
    found = zone_names().get(name.strip().lower()) if isinstance(name, str) else None
    return ZoneInfo(found) if found else None


def wall(at: datetime, where: ZoneInfo) -> datetime:
    """What the clock on the wall shows at an instant."""
    return at.astimezone(where).replace(tzinfo=None)


def readings(shown: datetime, where: ZoneInfo) -> list[datetime]:
    """Every instant at which the clock shows this: none, one or two."""
    guesses = {shown.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(guess for guess in guesses if wall(guess, where) == shown)


def first_reading(shown: datetime, where: ZoneInfo) -> datetime:
    """§7: the first instant at which the clock shows this, or if it skips it, the first valid one after."""
    found = readings(shown, where)
    if found:
        return found[0]
    before, after = sorted(shown.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (0, 1))
    return change_between(before, after, where)


def change_between(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """The instant at which the zone's clock was changed, somewhere in (before, after]."""
    old = before.astimezone(where).utcoffset()
    while after - before > timedelta(microseconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(where).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def clock_time(given: str) -> time:
    """`09:00`."""
    hour, minute = map(int, given.split(":"))
    return time(hour, minute)


def plus(at: datetime, pause: timedelta | None) -> datetime:
    """So long after; never (None) or past the calendar's end is after all time."""
    try:
        return AFTER_ALL_TIME if pause is None else at + pause
    except OverflowError:
        return AFTER_ALL_TIME
