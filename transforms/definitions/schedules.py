"""Schedules: `time_based` triggers that fire by the clock or by a date attribute (semantics.md §7)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from cronsim import CronSim, CronSimError
from pydantic_core import InitErrorDetails

from transforms.definitions.base import advice, fault, key_fault
from transforms.definitions.clocks import parse_time, parse_zone_of
from transforms.timing.durations import parse_duration

SCHEDULE_KEYS: Mapping[str, list[str]] = {
    "cron": ["cron", "timezone"],
    "attribute": ["attribute", "offset", "at", "timezone"],
}
"""The key that makes a config a schedule → the keys the config may have."""

_ALL_KEYS = [*dict.fromkeys(key for keys in SCHEDULE_KEYS.values() for key in keys)]


@dataclass(frozen=True)
class Schedule:
    """When a schedule fires: by `cron`, or at the value of `attribute` + `offset`, moved to `at`.

    `timezone` is a zone's name, `customer`, or None for the configured default.
    """

    cron: str | None
    attribute: str | None
    offset: timedelta
    at: time | None
    timezone: str | None


def schedule_of(trigger_type: str, config: Mapping[str, Any]) -> Schedule | None:
    """The schedule that a valid trigger's config declares; None when it declares none."""
    if trigger_type != "time_based" or not _kinds(config):
        return None
    return Schedule(
        cron=config.get("cron"),
        attribute=config.get("attribute"),
        offset=parse_offset(config.get("offset", 0)),
        at=parse_time(config["at"]) if "at" in config else None,
        timezone=parse_zone_of(config["timezone"]) if "timezone" in config else None,
    )


def parse_offset(given: object) -> timedelta:
    """A duration that may be negative: a number of seconds, or `-3d`, `2h`.

    Raises:
        ValueError: of another form, or too long.
    """
    try:
        if isinstance(given, str) and given.strip() == "0":
            return timedelta(0)
        if isinstance(given, int | float) and given < 0:
            return -parse_duration(-given)
        if isinstance(given, str) and given.strip().startswith("-"):
            return -parse_duration(given.strip().removeprefix("-"))
        return parse_duration(given)
    except ValueError:
        raise ValueError(f"given {given!r}; allowed: -3d, 2h, 0, or another number of seconds") from None


def schedule_faults(config: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[InitErrorDetails] | None:
    """Faults of a `time_based` trigger's config as a schedule; None when no key of it is of a schedule.

    Args:
        config: what the file gives.
        path: where it stands in the mapping under validation.
    """
    return _faults(config, path) if any(key in config for key in _ALL_KEYS) else None


def _faults(config: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[InitErrorDetails]:
    kinds = _kinds(config)
    if len(kinds) == 2:
        yield key_fault((*path, kinds[1]), "given both 'cron' and 'attribute'; allowed: one of them")
    allowed = SCHEDULE_KEYS[kinds[0]] if len(kinds) == 1 else _ALL_KEYS
    for key, value in config.items():
        if not kinds and key in _ALL_KEYS:
            yield key_fault((*path, key), f"{key!r} needs a schedule; give 'cron' or 'attribute' beside it")
        elif kinds and key not in allowed:
            message = f"{key!r} can't stand in a schedule with {kinds[0]!r}; {advice(key, allowed)}"
            yield key_fault((*path, key), message)
        elif kinds and (wrong := _wrong(key, value)):
            yield fault((*path, key), wrong)


def _kinds(config: Mapping[str, Any]) -> list[str]:
    return [key for key in SCHEDULE_KEYS if key in config]


def _wrong(key: str, value: object) -> str | None:
    try:
        _READ[key](value)
    except ValueError as error:
        return str(error)
    return None


def parse_cron(given: object) -> str:
    """A cron expression of five fields.

    Raises:
        ValueError: of another form, or one that never fires.
    """
    if not isinstance(given, str) or len(given.split()) != 5:
        raise ValueError(
            f"given {given!r}; allowed: five fields (minute, hour, day of the month, month, day of the week), "
            'such as "0 9 * * 1"'
        )
    try:
        CronSim(given, datetime(2000, 1, 1))
    except CronSimError as error:
        if _is_cron(" ".join([*given.split()[:3], "*", "*"])) and str(error) == "Bad day-of-month":
            raise ValueError(
                f"given {given!r}, which never fires: no such month has such a day; allowed: a day that comes, such as "
                'L for the last one: "0 9 L * *"'
            ) from None
        field = str(error).removeprefix("Bad ")
        raise ValueError(f'given {given!r}, whose {field} no cron has; allowed: like "0 9 * * 1"') from None
    return given


def _is_cron(text: str) -> bool:
    try:
        CronSim(text, datetime(2000, 1, 1))
    except CronSimError:
        return False
    return True


def _read_attribute(given: object) -> None:
    other = ("event.", "events.", "pattern.", "execution.")
    if not isinstance(given, str) or not given or given.startswith(other) or given in ("tags", "customer_id"):
        raise ValueError(
            f"given {given!r}; allowed: created_at, or the name of a profile attribute that holds a date"
        )


_READ: Mapping[str, Callable[[object], object]] = {
    "cron": parse_cron,
    "attribute": _read_attribute,
    "offset": parse_offset,
    "at": parse_time,
    "timezone": parse_zone_of,
}
