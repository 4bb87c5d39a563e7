"""One bucket of a backtest: its files in, its decisions out as files; only a small summary is handed back."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import polars.selectors as cs
from duckdb import DuckDBPyConnection

from flows.backtest.ticks import TickEnds
from flows.buckets.partition import (
    CUSTOMER_COLUMNS,
    EVENT_COLUMNS,
    TIME_COLUMNS,
    behaviors_of,
    bucket_files,
)
from flows.decide.facts import Incoming, json_path, read_facts
from flows.decide.macros import make_macros as make_decide_macros
from flows.formats.staging import make_non_finite
from flows.warehouse import assign, connect, make_view, parquet, read_sql, run_sql, shown
from transforms.engine.decide import decide
from transforms.engine.fold import fold, fold_attributes
from transforms.engine.ledger import Decided
from transforms.engine.state import Cap, Facts, State, Tick, empty_state
from transforms.program.model import Program
from transforms.signals.evaluate import evaluate_signals
from transforms.tables.checks import EXECUTIONS, MESSAGES, PROFILES, STEPS, WEBHOOKS, Table, check
from transforms.tables.frames import AMOUNTS, BEHAVIORS, Schema
from transforms.tables.sql_types import duckdb_types

MICROSECOND = timedelta(microseconds=1)
FACTS_AT_ONCE = 20_000
LEDGER = (EXECUTIONS, STEPS, MESSAGES, WEBHOOKS)
BACKTESTED = (*LEDGER, PROFILES)


@dataclass(frozen=True)
class Paths:
    """Where a backtest's files lie: the buckets of event times, events and customers, and what was decided of each."""

    root: Path

    @property
    def event_times(self) -> Path:
        """The buckets of all events' times (`partition.Wanted.event_time`)."""
        return self.root / "event_times"

    @property
    def events(self) -> Path:
        """The buckets of events that are read whole."""
        return self.root / "events"

    @property
    def customers(self) -> Path:
        """The buckets of customers."""
        return self.root / "customers"

    def decided(self, table: str, bucket: int) -> Path:
        """A bucket's rows of one of the tables that a backtest writes, as an Arrow file."""
        return self.root / f"{table}-{bucket:05d}.arrow"


@dataclass(frozen=True)
class BucketPlan:
    """What is the same for all buckets: the workflows, and the ticks they are decided in.

    Attributes:
        ends: the ends of the ticks.
        start: events before it are history; None: there is none.
        began: the instant from which on crons fire; None: they don't.
        timezone: the default of customers without one.
        facts_at_once: ticks are decided together until they have about so many.
    """

    program: Program
    ends: TickEnds
    start: datetime | None = None
    began: datetime | None = None
    timezone: str = "UTC"
    caps: Sequence[Cap] = ()
    memory_limit: str | None = None
    threads: int | None = None
    facts_at_once: int = FACTS_AT_ONCE


@dataclass(frozen=True)
class BucketSummary:
    """What is known of a bucket: counts, rows of each table, seconds of each phase."""

    counts: dict[str, int]
    rows: dict[str, int]
    seconds: dict[str, float]


def run_bucket(paths: Paths, bucket: int, rules: BucketPlan) -> BucketSummary:
    """Decide a bucket.

    Args:
        paths: where its files are, and its decisions go.
        bucket: its number.
        rules: what to decide by.
    """
    marks = [time.perf_counter()]
    with connect(memory_limit=rules.memory_limit, threads=rules.threads) as con:
        _open(con, paths, bucket, rules)
        times = _event_times(paths, bucket)
        counts = _counts(times, read_sql(con, "backtest/known_since.sql"), rules.start)
        incoming = read_facts(con, "bucket_events", "bucket_customers", rules.program, behaviors=False)
        state = _state_before(con, rules.program, incoming)
        marks.append(time.perf_counter())
        behaviors = _behaviors(times, rules)
        decisions, state = _decide(rules, state, incoming, behaviors)
        marks.append(time.perf_counter())
        rows = _write(paths, bucket, decisions, _profiles(con, state, incoming))
        marks.append(time.perf_counter())
    counts |= {
        "facts": sum(one.facts for one in decisions),
        "waves": sum(one.waves for one in decisions),
    }
    names = ("load", "decide", "write")
    took = [after - before for before, after in itertools.pairwise(marks)]
    return BucketSummary(counts, rows, dict(zip(names, took, strict=True)))


def _open(con: DuckDBPyConnection, paths: Paths, bucket: int, rules: BucketPlan) -> None:
    """Make the views `bucket_events` and `bucket_customers`."""
    make_non_finite(con)
    make_decide_macros(con)
    assign(con, "timestamptz", backtest_start=rules.start or "-infinity")
    _view(con, "bucket_files", bucket_files(paths.events, bucket), EVENT_COLUMNS)
    _view(con, "bucket_customers", bucket_files(paths.customers, bucket), CUSTOMER_COLUMNS)
    run_sql(con, "backtest/bucket_events.sql")


def _view(con: DuckDBPyConnection, name: str, files: list[Path], columns: Schema) -> None:
    nothing = ", ".join(f"null::{kind} as {column}" for column, kind in duckdb_types(columns).items())
    listed = f"select {', '.join(columns)} from {parquet(*files)}"
    make_view(con, name, listed if files else f"select {nothing} limit 0")


def _state_before(con: DuckDBPyConnection, program: Program, incoming: Incoming) -> State:
    """The state before the start of the bucket's customers; attributes nobody sees aren't in it."""
    attributes = fold_attributes(_attributes(con, program), incoming.profile_only)
    return replace(
        empty_state(),
        customers=read_sql(con, "backtest/customers.sql"),
        attributes=attributes,
        tags=read_sql(con, "backtest/tags.sql"),
    )


def _attributes(con: DuckDBPyConnection, program: Program) -> pl.DataFrame:
    if program.reads_every_attribute:
        run_sql(con, "backtest/given_attributes.sql")
        return read_sql(con, "backtest/every_attribute.sql")
    paths = list(map(json_path, program.attributes))
    return read_sql(con, "backtest/attributes.sql", attributes=list(program.attributes), paths=paths)


def _event_times(paths: Paths, bucket: int) -> pl.LazyFrame:
    files = bucket_files(paths.event_times, bucket)
    return pl.scan_ipc(files, glob=False) if files else pl.LazyFrame(schema=TIME_COLUMNS)


def _counts(times: pl.LazyFrame, known: pl.DataFrame, start: datetime | None) -> dict[str, int]:
    """How many events there are, how many before the start, and how many of customers not known at their time."""
    acts = pl.lit(value=True) if start is None else pl.col("ts") >= start
    told = times.select(first=pl.col("ts").min(), events=pl.len(), history=(~acts).sum()).collect()
    first, events, history = told.row(0)
    # Most are known all the time: to leave their events out takes half as long as to look each one up.
    always = known.filter(pl.col("since") <= pl.lit(first, TIME_COLUMNS["ts"]))["customer_id"].implode()
    others = times.select(*TIME_COLUMNS).filter(acts, ~pl.col("customer_id").is_in(always)).collect()
    too_early = (pl.col("ts") < pl.col("since")).fill_null(value=True)
    unknown = others.join(known, on="customer_id", how="left").filter(too_early)
    return {"events": events, "history": history, "unknown_customer": len(unknown)}


def _behaviors(times: pl.LazyFrame, rules: BucketPlan) -> pl.DataFrame:
    # A bucket without events has no columns of windows either.
    if not rules.program.signals.names or "name" not in times.collect_schema():
        return pl.DataFrame(schema=BEHAVIORS)
    return behaviors_of(times, rules.start)


def _decide(
    rules: BucketPlan, state: State, incoming: Incoming, behaviors: pl.DataFrame
) -> tuple[list[Decided], State]:
    """Tick by tick; ticks with few facts are decided together.

    Windows are looked at once for all ticks: their amounts are functions of time.
    """
    found = evaluate_signals(
        rules.program.signals, behaviors, pl.DataFrame(schema=AMOUNTS),
        since=None, until=rules.ends.last, emit_from=rules.start,
    )  # fmt: skip
    given = [found.facts, *vars(incoming.facts).values()]
    spans = rules.ends.spans(given, rules.facts_at_once)
    decisions: list[Decided] = []
    for (before, now), turned, *facts in zip(spans.bounds(), *map(spans.deal, given), strict=True):
        coming, tick = Facts(*facts), _tick(rules, before, now)
        decisions.append(decide(rules.program, state, coming, replace(found, facts=turned), tick))
        state = fold(state, decisions[-1], coming.writes, tick)
    return decisions, state


def _tick(rules: BucketPlan, before: datetime | None, now: datetime) -> Tick:
    since = before or (rules.start - MICROSECOND if rules.start else None)
    return Tick(now, since, rules.began, rules.caps, rules.timezone)


def _write(paths: Paths, bucket: int, decisions: Sequence[Decided], profiles: pl.DataFrame) -> dict[str, int]:
    """Write the bucket's rows; of an execution, as its last tick left it. Returns how many of each table."""
    written = {}
    for table in LEDGER:
        rows = pl.concat([getattr(one, table.name) for one in decisions], how="diagonal")
        if table is EXECUTIONS:
            rows = rows.unique("execution_id", keep="last", maintain_order=True).drop(
                cs.starts_with("event.")
            )
        written[table.name] = _write_table(table, rows, paths.decided(table.name, bucket))
    written[PROFILES.name] = _write_table(PROFILES, profiles, paths.decided(PROFILES.name, bucket))
    return written


def _write_table(table: Table, rows: pl.DataFrame, file: Path) -> int:
    check(table, rows).write_ipc(file, compat_level=pl.CompatLevel.oldest())
    return len(rows)


def _profiles(con: DuckDBPyConnection, state: State, incoming: Incoming) -> pl.DataFrame:
    set_later = state.attributes.filter(pl.col("set_at").is_not_null())
    columns = ["customer_id", "attribute", "value"]
    changed = pl.concat([one.select(columns) for one in (set_later, incoming.unread)])
    with shown(con, changed_attributes=changed, final_tags=state.tags, final_customers=state.customers):
        return read_sql(con, "backtest/profiles.sql")
