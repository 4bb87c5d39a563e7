"""Local wall clock times and time zones as definition files write them."""

import re
from datetime import time
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from transforms.definitions.base import nearest, refusal
from transforms.timing.zones import CUSTOMER, zone_name, zone_names

_ZONES = "the name of a time zone, like Europe/Berlin or UTC"
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?")


def parse_time(given: object) -> time:
    """`HH:MM` or `HH:MM:SS` as a wall clock time without a zone.

    Raises:
        ValueError: of another form.
    """
    if isinstance(given, time) and given.tzinfo is None and not given.microsecond:
        return given
    if isinstance(given, str) and _TIME.fullmatch(given):
        return time.fromisoformat(given)
    raise ValueError(f'given {given!r}; allowed: a time of day like "09:00" or "21:30:00"')


def written_time(of_day: time) -> str:
    """A time of day as definition files write it: `09:00`, or `21:30:15`."""
    return of_day.isoformat("seconds" if of_day.second else "minutes")


def parse_zone(name: str) -> str:
    """The IANA name of the time zone that is named.

    Raises:
        ValueError: not the name of one.
    """
    if (zone := zone_name(name)) is None:
        raise ValueError(f"given {name!r}; allowed: {_ZONES}{_meant(name, zone_names())}")
    return zone


def parse_zone_of(given: object) -> str:
    """The IANA name of the time zone that is named, or `customer`.

    Raises:
        ValueError: neither.
    """
    zone = zone_name(given) if isinstance(given, str) else None
    if given == CUSTOMER or zone:
        return zone or CUSTOMER
    raise ValueError(
        f"given {given!r}; allowed: customer, or {_ZONES}{_meant(given, [CUSTOMER, *zone_names()])}"
    )


def _meant(given: object, allowed: list[str]) -> str:
    """The nearest zone, as the end of a message."""
    close = nearest(given, allowed)
    return f"; did you mean {close!r}?" if close else ""


def _told(given: str) -> str:
    try:
        return parse_zone_of(given)
    except ValueError as error:
        raise refusal(str(error)) from None


TimeOfDay = Annotated[
    time,
    BeforeValidator(parse_time),
    PlainSerializer(written_time, return_type=str),
    WithJsonSchema(
        {
            "description": "A time of day: 09:00 or 21:30:00.",
            "type": "string",
            "pattern": f"^{_TIME.pattern}$",
        }
    ),
]
ZoneOf = Annotated[str, AfterValidator(_told)]
"""A time zone's name, or `customer`."""
