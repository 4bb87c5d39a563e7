"""Durations as workflow files write them (semantics.md §2)."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*")


def parse_duration(given: object) -> timedelta:
    """A number of seconds, or `<number><s|m|h|d|w>`, as a timedelta; a day is 24 h.

    Raises:
        ValueError: negative, too long for a timedelta, or of another form.
    """
    if isinstance(given, timedelta):
        return given
    seconds = _seconds(given)
    if seconds is None or seconds < 0:
        raise ValueError(
            f"{given!r} is not a duration: give seconds (3600) or a number and a unit, like 90s, 30m, 12h, 2d, 1w"
        )
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(f"{given!r} is longer than a duration can be (about 2.7 million years)") from None


def spoken(duration: timedelta) -> str:
    """A duration as workflow files write it, in the largest units that fit: `2d`, `1h 30m`, `0s`."""
    left = microseconds(duration) / 1_000_000
    parts = []
    for unit, size in sorted(SECONDS.items(), key=lambda item: -item[1]):
        if unit != "w" and left >= size:
            parts.append(f"{int(left // size)}{unit}")
            left %= size
    return " ".join(parts) or "0s"


def _seconds(given: object) -> float | None:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return given
    match = _DURATION.fullmatch(given) if isinstance(given, str) else None
    return float(match[1]) * SECONDS[match[2]] if match else None


def microseconds(duration: timedelta) -> int:
    """A duration in whole microseconds, the resolution of all instants."""
    return duration // timedelta(microseconds=1)


def instant_at(us: int) -> datetime:
    """The instant so many microseconds after 1970-01-01 UTC."""
    return EPOCH + timedelta(microseconds=us)


def epoch_us(instant: datetime) -> int:
    """An aware instant in microseconds since 1970-01-01 UTC."""
    return microseconds(instant - EPOCH)
