"""When sends are allowed: quiet hours and send windows of a wall clock (semantics.md §11)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transforms.columns.arrays import NEVER, Bools, Ints
from transforms.definitions.send_times import WEEK, QuietHours, SendWindow
from transforms.timing.zones import DAY, Zone, time_of_day

_FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday
_DAYS_AHEAD = 14


@dataclass(frozen=True)
class SendTime:
    """A part of the day, `[start, end)` in µs of wall clock, in which sends are allowed (or, quiet, aren't).

    Over midnight, when `end` isn't after `start`, it belongs to the day it starts on.

    Attributes:
        name: `quiet_hours` or `send_window`, as outcomes name it.
        days: the weekdays it starts on, Monday first.
        timezone: a zone's name, or `customer`.
    """

    name: str
    start: int
    end: int
    days: tuple[bool, ...]
    timezone: str

    @property
    def quiet(self) -> bool:
        """Whether it is the time in which nothing is sent."""
        return self.name == "quiet_hours"

    @property
    def opens(self) -> int:
        """The time of day at which sending may become allowed."""
        return self.end if self.quiet else self.start

    def allows(self, local: Ints) -> Bools:
        """Whether sending is allowed at wall clock times (µs)."""
        clock, weekday = local % DAY, (local // DAY + _FIRST_WEEKDAY) % 7
        days = np.array(self.days)
        today, yesterday = days[weekday], days[weekday - 1]
        if self.start < self.end:
            within = today & (self.start <= clock) & (clock < self.end)
        else:
            within = (today & (self.start <= clock)) | (yesterday & (clock < self.end))
        return ~within if self.quiet else within


def quiet_hours(declared: QuietHours) -> SendTime:
    """Quiet hours as numbers."""
    start, end = time_of_day(declared.start), time_of_day(declared.end)
    return SendTime("quiet_hours", start, end, (True,) * 7, declared.timezone)


def send_window(declared: SendWindow) -> SendTime:
    """A send window as numbers."""
    days = tuple(day in declared.days for day in WEEK)
    start, end = time_of_day(declared.start), time_of_day(declared.end)
    return SendTime("send_window", start, end, days, declared.timezone)


def next_allowed(times: Sequence[tuple[SendTime, Zone]], instants: Ints) -> Ints:
    """The first instant from `instants` on at which all `times` allow a send; `NEVER` if that's 14 days away.

    Sending becomes allowed only where a wall clock reaches the end of quiet hours or the start of a window, or
    where it is set forward or back.
    """
    found = np.where(_all_allow(times, instants), instants, NEVER)
    for one, zone in times:
        for candidate in _openings(one, zone, instants):
            good = (candidate > instants) & (candidate <= instants + _DAYS_AHEAD * DAY) & (candidate < found)
            good[good] = _all_allow(times, candidate[good])
            found = np.where(good, candidate, found)
    return found


def _openings(one: SendTime, zone: Zone, instants: Ints) -> list[Ints]:
    today = zone.local(instants) // DAY * DAY + one.opens
    days = [today + ahead * DAY for ahead in range(_DAYS_AHEAD + 1)]
    firsts, lasts = ([find(day) for day in days] for find in (zone.instant, zone.last_instant))
    return [*firsts, *lasts, zone.next_change(instants)]


def _all_allow(times: Sequence[tuple[SendTime, Zone]], instants: Ints) -> Bools:
    result = np.ones(instants.size, np.bool_)
    for one, zone in times:
        result &= one.allows(zone.local(instants))
    return result
