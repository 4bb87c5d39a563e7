"""The same engine over history: files in, Parquet out; no store, nothing is sent.

Customers are independent, so they are decided bucket by bucket, a few at once: memory is bounded by the buckets in
work, not by the history. Rows go from file to file (`bucket.py`), never through the process that deals the buckets.
"""

import json
import resource
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.backtest.bucket import BACKTESTED, FACTS_AT_ONCE, BucketPlan, BucketSummary, Paths, run_bucket
from flows.backtest.tables import bucket_tables
from flows.backtest.ticks import TickEnds
from flows.buckets.partition import (
    CUSTOMER_COLUMNS,
    EVENT_COLUMNS,
    SMALLEST,
    bucket_files,
    how_many,
    split,
    wanted_by,
)
from flows.buckets.pool import in_processes
from flows.files import write_text
from flows.formats.canonical import Canonical, Scratch, damage_named, read_canonical, united
from flows.formats.duplicates import distinct
from flows.formats.shapes import Kind
from flows.formats.ways import Ways
from flows.settings import Limits
from flows.warehouse import connect, parquet, sql_text, write_rows
from transforms.definitions.patterns import Pattern
from transforms.definitions.send_times import QuietHours, SendWindow
from transforms.definitions.workflow import Workflow
from transforms.engine.state import Cap
from transforms.program.compile import compile_program
from transforms.program.model import Program

Progress = Callable[[str, float], object]
MEMORY = 4_000_000_000


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
    facts_at_once: int = FACTS_AT_ONCE

    @property
    def customer_files(self) -> list[Path]:
        """The file of customers, if there is one."""
        return [self.customers] if self.customers else []


class _Stopwatch:
    """Seconds spent in each phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Generator[None]:
        began = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds


@dataclass(frozen=True)
class _Loaded:
    """What became of the files: buckets on disk, and counts."""

    buckets: int
    processes: int
    began: datetime | None
    ends: TickEnds
    quarantine: tuple[Path, ...]
    counts: dict[str, int]


def backtest(plan: Plan, progress: Progress = lambda _step, _share: None) -> dict[str, float]:
    """Run a backtest and write its tables; returns the summary that is also written as `summary.json`.

    Args:
        plan: what to run.
        progress: told what is being done, and which share of that is done.

    Raises:
        InputError: a file can't be loaded; nothing was written.
        WorkerError: a process was killed; nothing was written.
    """
    watch, totals = _Stopwatch(), Counter[str]()
    program = compile_program(plan.workflows, (), plan.patterns, plan.send_times)
    with TemporaryDirectory(prefix="onward-backtest-") as folder:
        paths = Paths(Path(folder))
        with watch.phase("load"), damage_named([*plan.customer_files, *plan.events]):
            loaded = _load(plan, program, paths, progress)
        peak = _peak(resource.RUSAGE_SELF)
        rows = Counter[str]()
        with bucket_tables(paths, [one.name for one in BACKTESTED], plan.out) as tables:
            for bucket, told in _decided(_rules(plan, program, loaded), loaded, paths, progress):
                totals.update(told.counts)
                rows.update(told.rows)
                began = time.perf_counter()
                tables.add(bucket)
                joining = time.perf_counter() - began
                for name, seconds in (*told.seconds.items(), ("write", joining)):
                    watch.add(name, seconds / loaded.processes)
        with watch.phase("write"):
            _write_quarantine(loaded, plan.out)
    summary = {
        **loaded.counts,
        **totals,
        **rows,
        "ticks": len(loaded.ends),
        "buckets": loaded.buckets,
        "processes": loaded.processes,
        **{f"{name}_seconds": round(seconds, 3) for name, seconds in watch.seconds.items()},
        "peak_rss_bytes": max(peak, _peak(resource.RUSAGE_SELF))
        + loaded.processes * _peak(resource.RUSAGE_CHILDREN) * (loaded.processes > 1),
    }
    write_text(plan.out / "summary.json", json.dumps(summary, indent=2))
    return summary


def _load(plan: Plan, program: Program, paths: Paths, progress: Progress) -> _Loaded:
    with connect(memory_limit=f"{plan.memory // 2**20}MiB") as con:
        scratch = Scratch(con, paths.root, plan.limits, plan.ways)
        customers, repeated_customers = _read(scratch, "customers", plan.customer_files, progress)
        events, repeated_events = _read(scratch, "events", plan.events, progress)
    processes = plan.processes or (2 if events.good >= 2 * SMALLEST else 1)
    buckets = plan.buckets or how_many(events.good, plan.memory, processes)
    progress("Splitting", 0)
    wanted = wanted_by(program)
    counted = [part.scan().filter(pl.col("ts") <= plan.end) for part in events.parts]
    split([part.scan() for part in customers.parts], CUSTOMER_COLUMNS, buckets, paths.customers)
    split(counted, wanted.event_time, buckets, paths.event_times, plain=True)
    split([rows.filter(wanted.whole) for rows in counted], EVENT_COLUMNS, buckets, paths.events)
    began = plan.start or _first(paths, buckets)
    counts = {
        "quarantined": customers.bad + events.bad,
        "duplicates": repeated_customers + repeated_events,
    }
    return _Loaded(
        buckets,
        min(processes, buckets),
        began,
        TickEnds(plan.end, began, plan.tick),
        (*customers.quarantine, *events.quarantine),
        counts,
    )


def _read(scratch: Scratch, kind: Kind, files: Sequence[Path], progress: Progress) -> tuple[Canonical, int]:
    """The files' good rows, each key once, and how many were left out for that."""
    found = []
    for number, path in enumerate(files):
        progress(f"Loading {kind}", number / len(files))
        found.append(read_canonical(scratch, path, kind, number))
    every = united(found)
    parts, repeated = distinct(every.parts, kind)
    return replace(every, parts=parts), repeated


def _first(paths: Paths, buckets: int) -> datetime | None:
    """The instant of the first event that counts."""
    files = [file for bucket in range(buckets) for file in bucket_files(paths.event_times, bucket)]
    first: datetime | None = pl.scan_ipc(files).select(pl.col("ts").min()).collect().item() if files else None
    return first


def _rules(plan: Plan, program: Program, loaded: _Loaded) -> BucketPlan:
    return BucketPlan(
        program,
        loaded.ends,
        plan.start,
        loaded.began,
        plan.timezone,
        plan.caps,
        memory_limit=f"{plan.memory // (2 * loaded.processes) // 2**20}MiB",
        threads=1 if loaded.processes > 1 else None,
        facts_at_once=plan.facts_at_once,
    )


def _decided(
    rules: BucketPlan, loaded: _Loaded, paths: Paths, progress: Progress
) -> Iterator[tuple[int, BucketSummary]]:
    """Each bucket with what is known of it, once it is decided."""
    call = partial(_run, paths, rules)
    progress("Deciding", 0)
    answers = in_processes(call, range(loaded.buckets), loaded.processes, threads=1)
    for number, answer in enumerate(answers, 1):
        progress("Deciding", number / loaded.buckets)
        yield answer


def _run(paths: Paths, rules: BucketPlan, bucket: int) -> BucketSummary:
    return run_bucket(paths, bucket, rules)


def _write_quarantine(loaded: _Loaded, out: Path) -> None:
    bad = f"from {parquet(*loaded.quarantine)}" if loaded.quarantine else ""
    with connect() as con:
        write_rows(con, bad or sql_text("backtest/no_quarantine.sql"), out / "quarantine.parquet")


def _peak(who: int) -> int:
    return resource.getrusage(who).ru_maxrss * 1024
