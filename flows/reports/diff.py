"""`onward diff`: two sets of definitions decided over one history, and what differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.backtest.past import Past, prepared
from flows.backtest.plan import Plan, Progress
from flows.backtest.run import backtest
from flows.definitions.folder import Definitions
from flows.errors import InputError
from flows.settings import Settings
from transforms.answers.compare import Comparison, compare
from transforms.answers.figures import Outcome
from transforms.definitions.workflow import version_of
from transforms.engine.state import Cap

TABLES = ("executions", "steps", "messages", "goal_hits")
A_DAY = timedelta(days=1)
SAME, CHANGED, ADDED, REMOVED = "same", "changed", "added", "removed"


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes:
        name: `OLD` or `NEW`.
        given: the folder or file.
        found: the definitions in it.
        caps: the frequency caps that hold with them.
    """

    name: str
    given: Path
    found: Definitions
    caps: Sequence[Cap]

    @property
    def versions(self) -> dict[str, str]:
        """Each workflow's id, and its version."""
        return {one.workflow_id: version_of(one) for one in self.found.workflows}


@dataclass(frozen=True)
class Span:
    """Which part of the history counts, as it was asked for.

    Attributes:
        start: events before it build profiles and trigger nothing; None: see `last`.
        end: events after it don't count; None: the last event is the end.
        last: how long before the end the start is; None: everything counts, if there is no `start`.
    """

    start: datetime | None = None
    end: datetime | None = None
    last: timedelta | None = None


@dataclass(frozen=True)
class Period:
    """What the two were tried on.

    Attributes:
        start: events before it trigger nothing; None: everything counts.
        began: the start or the first event, whichever is later.
        end: the end.
        events: how many the history has, all in all.
        customers: how many of them came in files.
        quarantined: how many bad rows were left out.
    """

    start: datetime | None
    began: datetime
    end: datetime
    events: int
    customers: int
    quarantined: int

    @property
    def days(self) -> float:
        """How long it is; less than a day counts as one."""
        return max((self.end - self.began) / A_DAY, 1.0)


@dataclass(frozen=True)
class Difference:
    """What a change would have done.

    Attributes:
        old: the definitions before.
        new: those after.
        period: what they were tried on.
        compared: what differs.
    """

    old: Side
    new: Side
    period: Period
    compared: Comparison

    @property
    def workflows(self) -> dict[str, str]:
        """Each workflow's id: `same`, `changed`, or `added` or `removed` where only one side has it."""
        return _told(self.old.versions, self.new.versions)

    @property
    def patterns(self) -> dict[str, str]:
        """The same of each pattern."""
        return _told(self.old.found.patterns, self.new.found.patterns)

    @property
    def is_of_identical(self) -> bool:
        """Whether both sides say the same, in whatever spelling."""
        return _identical(self.old, self.new)


def diff(
    old: Side,
    new: Side,
    past: Past,
    span: Span,
    settings: Settings,
    progress: Progress = lambda _step, _share: None,
    samples: int = 3,
) -> Difference:
    """Decide both sides over the same history, and compare what came of it.

    Args:
        old: the definitions before.
        new: those after.
        past: the history.
        span: which part of it counts.
        settings: how files are read, when messages may go, the default time zone, how much memory there is.
        progress: told what is being done, and which share of that is done.
        samples: so many customers and messages of each kind and workflow are named.

    Raises:
        InputError: a file or the history can't be read, or there are no events in the period.
        WorkerError: a process was killed.
    """
    with prepared(past, settings, progress) as history, TemporaryDirectory(prefix="onward-diff-") as folder:
        told = history.manifest
        period = _period(span, told.first, told.last, (told.events, told.customers, told.quarantined))
        sides = [old] if _identical(old, new) else [old, new]
        for side in sides:
            plan = _plan(side, period, settings, history.folder, Path(folder) / side.name)
            backtest(plan, _naming(side, progress))
        progress("Comparing", 0)
        before, after = (_outcome(Path(folder) / side.name) for side in (old, sides[-1]))
        workflows = sorted({**old.versions, **new.versions})
        compared = compare(before, after, workflows, period.days, samples)
    return Difference(old, new, period, compared)


def _period(
    span: Span, first: datetime | None, last: datetime | None, counts: tuple[int, int, int]
) -> Period:
    """The period that is meant, of a history with events from `first` to `last`."""
    if first is None or last is None:
        raise InputError(
            "the history has no events, so no change can be tried on it; give files that have some"
        )
    end = span.end or last
    start = span.start or (end - span.last if span.last else None)
    if start and start > end:
        raise InputError(f"the start, {start:%Y-%m-%d %H:%M:%S}, is after the end, {end:%Y-%m-%d %H:%M:%S}")
    if first > end or (start and last < start):
        raise InputError(
            f"no events from {start or first:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S}; "
            f"the history's are from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S}"
        )
    return Period(start, max(start or first, first), end, *counts)


def _plan(side: Side, period: Period, settings: Settings, history: Path, out: Path) -> Plan:
    return Plan(
        workflows=side.found.workflows,
        customers=None,
        events=[],
        out=out,
        end=period.end,
        start=period.start,
        caps=side.caps,
        patterns=side.found.patterns,
        send_times=settings.send_times,
        timezone=settings.timezone,
        memory=settings.memory_bytes,
        history=history,
        tables=TABLES,
    )


def _naming(side: Side, progress: Progress) -> Progress:
    return lambda step, share: progress(f"{step} by {side.name}", share)


def _outcome(folder: Path) -> Outcome:
    return Outcome(**{name: pl.scan_parquet(folder / f"{name}.parquet") for name in TABLES})


def _identical(old: Side, new: Side) -> bool:
    return (old.versions, old.found.patterns, list(old.caps)) == (
        new.versions,
        new.found.patterns,
        list(new.caps),
    )


def _told(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, str]:
    return {name: _kind(name, old, new) for name in sorted({**old, **new})}


def _kind(name: str, old: Mapping[str, object], new: Mapping[str, object]) -> str:
    if name not in old or name not in new:
        return ADDED if name in new else REMOVED
    return SAME if old[name] == new[name] else CHANGED
