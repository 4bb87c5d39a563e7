"""Instants as text, and wall clocks: docs/decision-language.md "Conditions" and semantics.md §7, one at a time."""

import re
from datetime import UTC, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

BEFORE_ALL_TIME = datetime.min.replace(tzinfo=UTC)
AFTER_ALL_TIME = datetime.max.replace(tzinfo=UTC)

ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
known_zones = lru_cache(maxsize=1)(available_timezones)


def written(given: Any) -> datetime | None:
    """A date or a date and time in ISO 8601; naive where the text has no offset; None if it is neither."""
    parts = ISO.fullmatch(given) if isinstance(given, str) else None
    if parts is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in parts.groups()[:6])
    fraction = int((parts[7] or "0").ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, fraction, tzinfo=offset_of(parts[8]))
    except ValueError:
        return None


def offset_of(given: str | None) -> timezone | None:
    """The zone of `Z` or `+02:00`; None for none."""
    if given is None or given == "Z":
        return UTC if given else None
    hours, minutes = int(given[1:3]), int(given[4:6])
    if minutes > 59:
        raise ValueError(given)
    ahead = timedelta(hours=hours, minutes=minutes)
    return timezone(-ahead if given[0] == "-" else ahead)


def instant(given: Any) -> datetime | None:
    """§5: the instant that a text means, UTC unless it has an offset."""
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
    return ZoneInfo(name) if isinstance(name, str) and name in known_zones() else None


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
