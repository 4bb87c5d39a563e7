"""How much of what is due may go out now: per hour, per recipient's domain, by a plan for a new domain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from math import floor, log

import polars as pl

EVERY_OTHER = "*"
"""The domain that stands for each one without a bound of its own."""

_BEYOND = 2**53
"""More than anybody sends a day, and still exact as a float."""


@dataclass(frozen=True)
class WarmUpPlan:
    """So many messages on the first day (UTC), each day `growth` times more; after `days` days there is no bound."""

    start: date
    first_day: int
    growth: float
    days: int

    def bound(self, day: date) -> int | None:
        """How many messages may go out on a day; before the start as many as on the first day; None: no bound."""
        since = max((day - self.start).days, 0)
        if since >= self.days or log(self.first_day) + since * log(self.growth) >= log(_BEYOND):
            return None
        return floor(self.first_day * self.growth**since)


@dataclass(frozen=True)
class Bounds:
    """How much goes out at most.

    Attributes:
        per_hour: messages in any hour, over all senders.
        domain_per_hour: a recipient's domain, in lower case → messages to it in any hour; `*`: each other domain.
        warm_up: a plan per day.
    """

    per_hour: int | None = None
    domain_per_hour: Mapping[str, int] = field(default_factory=dict)
    warm_up: WarmUpPlan | None = None


def let_through(due: pl.DataFrame, sent: pl.DataFrame, bounds: Bounds, now: datetime) -> pl.Series:
    """Which of the due messages may go out now: the oldest first, each if there is room for it in every bound.

    Args:
        due: one row per message: `message_id`, `at`, `domain` (the recipient's, in lower case).
        sent: one row per domain: `domain`, `last_hour` (messages that went out in the hour before `now`), `today` (that
            went out since the UTC day of `now` began).
        bounds: how much goes out at most.
        now: the instant of sending.

    Returns:
        True or false per row of `due`, in its order.
    """
    totals = sent.select(pl.col("last_hour", "today").sum())
    room = _room(bounds, now, *(int(one or 0) for one in totals.row(0)))
    in_order = due.select("domain", "at", "message_id").with_row_index("place").sort("at", "message_id")
    asked = in_order.with_columns(_domain_room(bounds, sent))
    among = pl.int_range(pl.len()).over("domain")
    fits = asked.select("place", fits=pl.col("room").is_null() | (among < pl.col("room")))
    if room is not None:
        # A message that its domain holds back takes no room from the others.
        fits = fits.with_columns(fits=pl.col("fits") & (pl.col("fits").cum_sum() <= room))
    return fits.sort("place")["fits"].alias("let_through")


def _room(bounds: Bounds, now: datetime, last_hour: int, today: int) -> int | None:
    """How many messages may go out in all; None: any number."""
    daily = bounds.warm_up.bound(now.date()) if bounds.warm_up else None
    rooms = [
        most - so_far for most, so_far in ((bounds.per_hour, last_hour), (daily, today)) if most is not None
    ]
    return max(min(rooms), 0) if rooms else None


def _domain_room(bounds: Bounds, sent: pl.DataFrame) -> pl.Expr:
    """How many messages may go to the row's domain; null: any number."""
    domain, hour = pl.col("domain"), sent.group_by("domain").agg(pl.col("last_hour").sum())
    own = {name: most for name, most in bounds.domain_per_hour.items() if name != EVERY_OTHER}
    other = bounds.domain_per_hour.get(EVERY_OTHER)
    most = domain.replace_strict(list(own), list(own.values()), default=other, return_dtype=pl.Int64)
    went = domain.replace_strict(hour["domain"], hour["last_hour"], default=0, return_dtype=pl.Int64)
    return (most - went).alias("room")
