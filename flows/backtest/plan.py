"""What to backtest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from flows.backtest.bucket import BACKTESTED, FACTS_AT_ONCE
from flows.buckets.partition import SMALLEST, how_many
from flows.formats.ways import Ways
from flows.settings import Limits
from transforms.definitions.patterns import Pattern
from transforms.definitions.send_times import QuietHours, SendWindow
from transforms.definitions.workflow import Workflow
from transforms.engine.state import Cap

Progress = Callable[[str, float], object]
MEMORY = 4_000_000_000
TABLES = tuple(one.name for one in BACKTESTED)
"""The names of all tables."""


@dataclass(frozen=True)
class Plan:
    """What to backtest.

    Attributes:
        customers: their file; None: events alone make customers known.
        start: events before it build profiles and trigger nothing; None: everything counts.
        end: events after it don't count.
        tick: length of a tick; None: one tick over everything.
        patterns: by name; those that no workflow names are left out.
        send_times: of all workflows that don't declare their own.
        timezone: the default of customers without one.
        limits: what one file may hold.
        ways: how files are read, where they don't tell.
        memory: about how many bytes to use; the more, the fewer buckets.
        processes: how many buckets to decide at once; None: as many as are worth it, two at most.
        buckets: how many buckets; None: by `memory`. The outcome is the same whatever it is.
        history: a prepared history, read instead of events and customers; None: there is none.
        tables: the names of the tables to write, of `BACKTESTED`.
        facts_at_once: about so many of a bucket are decided together, whatever `tick` is. The outcome is the same.
    """

    workflows: Sequence[Workflow]
    customers: Path | None
    events: Sequence[Path]
    out: Path
    end: datetime
    start: datetime | None = None
    tick: timedelta | None = None
    caps: Sequence[Cap] = ()
    patterns: Mapping[str, Pattern] = field(default_factory=dict)
    send_times: Sequence[QuietHours | SendWindow] = ()
    timezone: str = "UTC"
    limits: Limits = field(default_factory=Limits)
    ways: Ways = field(default_factory=Ways)
    memory: int = MEMORY
    processes: int | None = None
    buckets: int | None = None
    history: Path | None = None
    tables: Sequence[str] = TABLES
    facts_at_once: int = FACTS_AT_ONCE

    @property
    def customer_files(self) -> list[Path]:
        """The file of customers, if there is one."""
        return [self.customers] if self.customers else []

    def buckets_for(self, events: int, processes: int) -> int:
        """How many buckets so many events are dealt into."""
        return self.buckets or how_many(events, self.memory, processes)

    def processes_for(self, events: int) -> int:
        """How many processes decide so many events."""
        return self.processes or (2 if events >= 2 * SMALLEST else 1)
