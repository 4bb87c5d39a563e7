"""The engine's state between two ticks, as frames (design: current state is what the ledger folds to)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import polars as pl

from transforms.tables.frames import (
    ALARMS,
    ATTRIBUTES,
    CUSTOMERS,
    ENTRIES,
    EXECUTIONS,
    INTRODUCTIONS,
    SENDS,
    TAGS,
)
from transforms.timing.durations import epoch_us


@dataclass(frozen=True)
class State:
    """What a tick starts from.

    Attributes:
        customers: one row per customer: are they known, by a customer file or an event (`known`), since when
            (`created_at`, null: always), and if the tick makes them known, from which instant of it on (`since`).
        attributes: one row per customer and attribute: value as JSON text (null: removed) and the instant it was set at
            (null: before all time).
        tags: one row per customer and tag.
        executions: one row per *running* or *paused* execution, with one column `event.X` (JSON text) per property X of
            the starting fact that some workflow reads; missing columns count as null.
        entries: one row per workflow and customer: the last entry, held out or not, of which version, and where a goal
            refers to the starting fact its `properties` (JSON text), with columns `event.X` as for executions.
        sends: one row per accepted message that counts for frequency caps, at least those within the longest window.
        alarms: one row per customer and schedule by a date attribute that was armed: for which value, and when it fires
            (null: it has, or can't).
    """

    customers: pl.DataFrame
    attributes: pl.DataFrame
    tags: pl.DataFrame
    executions: pl.DataFrame
    entries: pl.DataFrame
    sends: pl.DataFrame
    alarms: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ALARMS))


@dataclass(frozen=True)
class Cap:
    """At most `messages` in any window of length `window` (semantics.md §11); of one channel or class, if given."""

    messages: int
    window: timedelta
    channel: str | None = None
    message_class: str | None = None

    def counts(self, channel: str | None, message_class: str | None) -> bool:
        """Whether a message of this channel and class is among those it counts."""
        return self.channel in (None, channel) and self.message_class in (None, message_class)


@dataclass(frozen=True)
class Facts:
    """What comes in a tick.

    Attributes:
        events: the events that act in it: columns of `frames.EVENTS` plus `event.X` (JSON text) per property X that
            some workflow reads; `at` is the instant an event acts at, `ts` its own time. Their order doesn't matter.
        writes: `frames.WRITES`: the profile updates that they carry; `ordinal` is 0 for the change that an
            `attribute_change` event itself is, then 1, 2, … in name order.
        introductions: `frames.INTRODUCTIONS`: the events that make an unknown customer known, also those that otherwise
            only update profiles; `created_at` is what their traits say.
    """

    events: pl.DataFrame
    writes: pl.DataFrame
    introductions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=INTRODUCTIONS))


@dataclass(frozen=True)
class Tick:
    """What bounds a tick.

    Attributes:
        now: its end, inclusive; aware, UTC.
        since: its start, exclusive: schedules fire after it, and what fell due before it, while its workflow was
            paused, acts then. None in the first.
        began: in the first tick, the instant from which on crons fire, inclusive; None: they don't.
        caps: frequency caps (semantics.md §11).
        timezone: the configured default.
    """

    now: datetime
    since: datetime | None = None
    began: datetime | None = None
    caps: Sequence[Cap] = ()
    timezone: str = "UTC"

    @property
    def cron_since(self) -> int:
        """From when on (µs, exclusive) crons fire."""
        if self.since is not None:
            return epoch_us(self.since)
        return epoch_us(self.now) if self.began is None else epoch_us(self.began) - 1


def empty_state() -> State:
    """A state without customers, as before the first load."""
    schemas = (CUSTOMERS, ATTRIBUTES, TAGS, EXECUTIONS, ENTRIES, SENDS)
    return State(*(pl.DataFrame(schema=schema) for schema in schemas))
