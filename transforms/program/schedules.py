"""Schedules → the instants at which they fire (semantics.md §7)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import takewhile

import numpy as np
from cronsim import CronSim

from transforms.columns.arrays import LAST_INSTANT, NEVER, Bools, Ints
from transforms.definitions.schedules import Schedule
from transforms.timing.durations import microseconds
from transforms.timing.zones import DAY, Zone, day_at, zone_of

_EPOCH = datetime(1970, 1, 1)  # of wall clocks
_EARLIEST = -LAST_INSTANT


@lru_cache(maxsize=256)
def cron_instants(cron: str, timezone: str, since: int, until: int) -> Ints:
    """The instants of a cron expression in `(since, until]`, µs since 1970, in a zone's wall clock; not to be changed.

    A tick asks several times, and each of its buckets again.
    """
    zone = zone_of(timezone)
    first, last = (int(one) for one in zone.local(np.array([since - DAY, until + DAY])))
    walls = takewhile(lambda wall: wall <= _wall(last), CronSim(cron, _wall(first)))
    local = np.fromiter((microseconds(wall - _EPOCH) for wall in walls), np.int64)
    instants = np.unique(zone.instant(local))
    return instants[(since < instants) & (instants <= until)]


def date_instants(schedule: Schedule, values: Ints, is_wall: Bools, zone: Zone) -> Ints:
    """When the values of a date attribute fire.

    Args:
        schedule: with `attribute`.
        values: µs since 1970 UTC, or of the wall clock; `NEVER` for none.
        is_wall: which of them are wall clock times.
        zone: the zone of wall clock times and of `at`.

    Returns:
        Instants, `NEVER` where there is none.
    """
    none = values == NEVER
    given = np.where(none, 0, values)
    instants = np.where(is_wall, zone.instant(given), given) + microseconds(schedule.offset)
    if schedule.at is not None:
        instants = zone.instant(day_at(zone.local(instants), schedule.at))
    possible = ~none & (instants > _EARLIEST) & (instants <= LAST_INSTANT)
    return np.where(possible, instants, NEVER)


def _wall(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def distinct(zones: Ints) -> Iterator[tuple[int, Ints]]:
    """Each zone number and the places where it stands."""
    for zone in np.unique(zones):
        yield int(zone), np.flatnonzero(zones == zone)
