"""semantics.md §7: the instants at which schedules fire, in any zone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from tests.oracle.instants import clock_time, first_reading, wall, written
from tests.oracle.values import duration

MARGIN = timedelta(days=2)
"""More than any clock differs from UTC, or is ever put back."""


@dataclass(frozen=True)
class Schedule:
    """What a trigger declares; equal ones of one workflow are one."""

    cron: str | None
    attribute: str | None
    offset: timedelta
    at: time | None
    timezone: str | None
    name: str = field(compare=False)
    """What tables call it: the cron text, or the attribute and its offset."""

    def instant_of(self, value: Any, where: ZoneInfo) -> datetime | None:
        """When it fires for a value of its attribute; None for what is no date, or past the calendar."""
        shown = written(value)
        if shown is None:
            return None
        try:
            due = self.offset + (first_reading(shown, where) if shown.tzinfo is None else shown)
            if self.at is not None:
                due = first_reading(datetime.combine(wall(due, where), self.at), where)
            return due.astimezone(UTC)
        except OverflowError:
            return None


def schedule_of(trigger: Mapping[str, Any]) -> Schedule | None:
    """The schedule that a trigger declares; None if it waits for another kind of fact."""
    config = trigger.get("config", {})
    if trigger["type"] != "time_based" or not ("cron" in config or "attribute" in config):
        return None
    at = config.get("at")
    return Schedule(
        config.get("cron"),
        config.get("attribute"),
        signed(config.get("offset", 0)),
        None if at is None else clock_time(at),
        config.get("timezone"),
        config.get("cron") or f"{config['attribute']} {config.get('offset', 0)}",
    )


def signed(offset: Any) -> timedelta:
    """`-3d`, `2h`, `0`."""
    if not isinstance(offset, str) or re.fullmatch(r"[+-]?\d+", offset):
        return timedelta(seconds=float(offset))
    pause = duration(offset.lstrip("+-"))
    return -pause if offset.startswith("-") else pause


@lru_cache
def cron_instants(cron: str, where: ZoneInfo, first: datetime, last: datetime) -> list[datetime]:
    """Every instant in [first, last] at which the clock shows what the cron text asks for, in order."""

    def shown() -> Iterator[datetime]:
        for asked in CronSim(cron, wall(first, where) - MARGIN):
            if asked > wall(last, where) + MARGIN:
                return
            yield first_reading(asked, where)

    return sorted({instant for instant in shown() if first <= instant <= last})
