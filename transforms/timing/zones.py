"""Wall clocks: local time ↔ instants, by the offsets of a time zone (the IANA database that Polars carries)."""

from dataclasses import dataclass
from datetime import datetime, time
from functools import cache, lru_cache
from zoneinfo import available_timezones

import numpy as np
import polars as pl

from transforms.columns.arrays import ALWAYS, NEVER, Ints

_SECOND = 1_000_000
DAY = 24 * 3600 * _SECOND
_YEAR = 365 * DAY


@dataclass(frozen=True)
class Zone:
    """S stretches of constant offset to UTC; `start[0]` is before all time.

    Attributes:
        start: when each begins, µs since 1970 UTC.
        offset: local minus UTC in it, µs.
    """

    start: Ints
    offset: Ints

    def local(self, instants: Ints) -> Ints:
        """The wall clock at instants, as µs since 1970-01-01 00:00 of it."""
        local: Ints = instants + self.offset[np.searchsorted(self.start, instants, side="right") - 1]
        return local

    def instant(self, local: Ints) -> Ints:
        """The instants of wall clock times: of a skipped one the first valid after, of a repeated one the first."""
        ends = np.append(self.start[1:] + self.offset[:-1], NEVER)
        place = np.searchsorted(ends, local, side="right")
        instants: Ints = np.maximum(local - self.offset[place], self.start[place])
        return instants

    def last_instant(self, local: Ints) -> Ints:
        """As `instant`, but of a repeated wall clock time the last."""
        begins = self.start[1:] + self.offset[1:]
        place = np.searchsorted(begins, local, side="right")
        last = local - self.offset[place]
        skipped = last < self.start[place]
        return np.where(skipped, self.instant(local), last)

    def next_change(self, instants: Ints) -> Ints:
        """When the offset changes next, `NEVER` if it doesn't."""
        return np.append(self.start, NEVER)[np.searchsorted(self.start, instants, side="right")]


@cache
def zone_of(name: str) -> Zone:
    """The zone's stretches from 1900 to 2200: where the offset differs half a day later, the change is between."""
    grid = np.arange(-70 * _YEAR, 230 * _YEAR, DAY // 2)
    offsets = _offsets(name, grid)
    changes = np.flatnonzero(offsets[1:] != offsets[:-1])
    starts = _changes(name, grid[changes], grid[changes + 1])
    return Zone(np.append(ALWAYS, starts), np.append(offsets[0], offsets[changes + 1]))


def day_at(local: Ints, clock: time) -> Ints:
    """The given wall clock time on the days of `local` (µs of wall clock)."""
    return local // DAY * DAY + time_of_day(clock)


def time_of_day(clock: time) -> int:
    """A wall clock time as µs since midnight."""
    return (clock.hour * 3600 + clock.minute * 60 + clock.second) * _SECOND + clock.microsecond


def _changes(name: str, low: Ints, high: Ints) -> Ints:
    """The first second with the offset of `high`, each between `low` and `high`: by halving."""
    target = _offsets(name, high)
    while (high - low > _SECOND).any():
        middle = (low + high) // (2 * _SECOND) * _SECOND
        there = _offsets(name, middle) == target
        low, high = np.where(there, low, middle), np.where(there, middle, high)
    return high


def _offsets(name: str, instants: Ints) -> Ints:
    there = pl.Series(instants).cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(name)
    offset = there.dt.base_utc_offset() + there.dt.dst_offset()
    result: Ints = offset.dt.total_microseconds().to_numpy()
    return result


CUSTOMER = "customer"
"""What stands for each customer's own time zone."""


@lru_cache(maxsize=10_000)
def zone_name(text: str) -> str | None:
    """The IANA name of the time zone that text names, None if nobody knows it.

    Case and blanks around don't count. Besides IANA's names, those of Windows (`W. Europe Standard Time`) and older
    ones that CLDR lists are known.
    """
    bare = text.strip()
    return bare if _is_zone(bare) else _further_names().get(bare.casefold())


def zone_names() -> list[str]:
    """The exact names of all time zones."""
    return sorted(set(_further_names().values()))


@cache
def _further_names() -> dict[str, str]:
    """Names in lower case → exact ones; where two lists have a name, IANA's counts."""
    # Nearly all runs meet exact names only.
    from babel.core import get_global

    exact = {name: name for name in sorted(available_timezones())}
    found = {**get_global("zone_aliases"), **get_global("windows_zone_mapping"), **exact}
    return {name.casefold(): zone for name, zone in found.items() if _is_zone(zone)}


@cache
def _is_zone(name: str) -> bool:
    """Whether this is the exact name of a time zone (IANA) that Polars knows."""
    try:
        found = pl.Series([datetime(1970, 1, 1)], dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(name)
    except pl.exceptions.ComputeError:
        return False
    # Polars also reads offsets and empty text, as other zones.
    return found.dtype == pl.Datetime("us", name)
