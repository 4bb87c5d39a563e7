"""semantics.md §11: when the clock on the customer's wall allows a send."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.oracle.instants import change_between, clock_time, readings, wall
from tests.semantics.cases import Row

DAY = timedelta(days=1)
LONGEST = 14 * DAY
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@dataclass(frozen=True)
class Hours:
    """Quiet hours (`allows` outside of them), or a send window (`allows` within), in their zone."""

    start: time
    end: time
    days: frozenset[int]
    quiet: bool
    zone: ZoneInfo

    def allows(self, t: datetime) -> bool:
        """Whether sending is allowed at t."""
        return self.contains(wall(t, self.zone)) != self.quiet

    def contains(self, shown: datetime) -> bool:
        """Whether it is [start, end) of a named day; over midnight belongs to the day it starts on."""
        today, yesterday = shown.weekday() in self.days, (shown.weekday() - 1) % 7 in self.days
        clock = shown.time()
        if self.start < self.end:
            return today and self.start <= clock < self.end
        return (today and clock >= self.start) or (yesterday and clock < self.end)

    def edges(self, t: datetime) -> Iterator[datetime]:
        """The instants after t at which it may begin to allow: its own clock times, and changes of the clock."""
        for day in range(-1, LONGEST // DAY + 2):
            date = (wall(t, self.zone) + day * DAY).date()
            for clock in (self.start, self.end):
                yield from readings(datetime.combine(date, clock), self.zone)
            before, after = t + day * DAY, t + (day + 1) * DAY
            if before.astimezone(self.zone).utcoffset() != after.astimezone(self.zone).utcoffset():
                yield change_between(before, after, self.zone)


def hours(given: Row, quiet: bool, zone: ZoneInfo) -> Hours:
    """From `quiet_hours` or `send_window`."""
    days = frozenset(DAYS.index(day) for day in given.get("days", DAYS))
    return Hours(clock_time(given["start"]), clock_time(given["end"]), days, quiet, zone)


def first_allowed(asked: list[Hours], t: datetime) -> datetime | None:
    """The first instant after t, at most 14 days later, that all allow; None if there is none."""
    edges = {edge for one in asked for edge in one.edges(t) if t < edge <= t + LONGEST}
    return next((edge for edge in sorted(edges) if all(one.allows(edge) for one in asked)), None)
