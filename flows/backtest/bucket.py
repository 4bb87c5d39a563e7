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

from flows.buckets.partition import behaviors_of, bucket_files
from flows.decide.facts import Facts, json_path, read_facts
from flows.warehouse import connect, literal, read_sql, run_sql, shown, sql_text
from transforms.engine.decide import decide
from transforms.engine.fold import fold, fold_attributes
from transforms.engine.ledger import Decided
from transforms.engine.state import Cap, State, empty_state
from transforms.program.model import Program
from transforms.signals.evaluate import evaluate_signals
from transforms.tables.frames import AMOUNTS, BEHAVIORS

MICROSECOND = timedelta(microseconds=1)
LEDGER = ("executions", "steps", "messages", "webhooks")
TABLES = (*LEDGER, "profiles")
_EVENTS = {
    "customer_id": "varchar", "ts": "timestamptz", "type": "varchar", "name": "varchar", "value": "double",
    "event_id": "varchar", "properties": "varchar", "attributes": "varchar",
}  # fmt: skip
_MOMENTS = {"customer_id": "varchar", "ts": "timestamptz"}
_CUSTOMERS = {
    "customer_id": "varchar", "created_at": "timestamptz", "attributes": "varchar", "tags": "varchar[]",
    "timezone": "varchar",
}  # fmt: skip


@dataclass(frozen=True)
class Paths:
    """Where a backtest's files lie: the buckets of moments, events and customers, and what was decided of each."""

    root: Path

    @property
    def moments(self) -> Path:
        """The buckets of all events' moments (`buckets.Wanted.moment`)."""
        return self.root / "moments"

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
    """

    program: Program
    ends: Sequence[datetime]
    start: datetime | None = None
    began: datetime | None = None
    timezone: str = "UTC"
    caps: Sequence[Cap] = ()
    memory_limit: str | None = None
    threads: int | None = None


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
        events, acting, unknown = run_sql(con, "backtest/counts.sql").fetchall()[0]
        facts = read_facts(con, "bucket_events", rules.program, behaviors=False)
        state = _state_before(con, rules.program, facts)
        marks.append(time.perf_counter())
        behaviors = _behaviors(bucket_files(paths.moments, bucket), rules)
        decisions, state = _decide(rules, state, facts, behaviors)
        marks.append(time.perf_counter())
        rows = _write(paths, bucket, decisions, _profiles(con, state, facts))
        marks.append(time.perf_counter())
    counts = {
        "events": events,
        "history": events - acting,
        "unknown_customer": unknown,
        "facts": sum(one.facts for one in decisions),
        "waves": sum(one.waves for one in decisions),
    }
    names = ("load", "decide", "write")
    took = [after - before for before, after in itertools.pairwise(marks)]
    return BucketSummary(counts, rows, dict(zip(names, took, strict=True)))


def _open(con: DuckDBPyConnection, paths: Paths, bucket: int, rules: BucketPlan) -> None:
    """Make the views `bucket_events` and `bucket_customers`."""
    con.execute(sql_text("inbox/staging/macros.sql"))
    con.execute("set variable backtest_start = coalesce($1, '-infinity'::timestamptz)", [rules.start])
    _view(con, "bucket_moments", bucket_files(paths.moments, bucket), _MOMENTS)
    _view(con, "bucket_files", bucket_files(paths.events, bucket), _EVENTS)
    _view(con, "bucket_customers", bucket_files(paths.customers, bucket), _CUSTOMERS)
    run_sql(con, "backtest/bucket_events.sql")


def _view(con: DuckDBPyConnection, name: str, files: list[Path], columns: dict[str, str]) -> None:
    nothing = ", ".join(f"null::{kind} as {column}" for column, kind in columns.items())
    listed = f"from read_parquet([{', '.join(map(literal, files))}])"
    query = f"select {', '.join(columns)} {listed}" if files else f"select {nothing} limit 0"
    con.execute(f"create temp view {name} as {query}")


def _state_before(con: DuckDBPyConnection, program: Program, facts: Facts) -> State:
    """The state before the start of the bucket's customers; attributes nobody sees aren't in it."""
    attributes = fold_attributes(_attributes(con, program), facts.profile_only)
    return replace(
        empty_state(),
        customers=read_sql(con, "backtest/customers.sql"),
        attributes=attributes,
        tags=read_sql(con, "backtest/tags.sql"),
    )


def _attributes(con: DuckDBPyConnection, program: Program) -> pl.DataFrame:
    if program.reads_every_attribute:
        return read_sql(con, "backtest/every_attribute.sql")
    paths = list(map(json_path, program.attributes))
    return read_sql(con, "backtest/attributes.sql", attributes=list(program.attributes), paths=paths)


def _behaviors(files: list[Path], rules: BucketPlan) -> pl.DataFrame:
    if not files or not rules.program.signals.names:
        return pl.DataFrame(schema=BEHAVIORS)
    return behaviors_of(pl.scan_parquet(files), rules.start)


def _decide(
    rules: BucketPlan, state: State, facts: Facts, behaviors: pl.DataFrame
) -> tuple[list[Decided], State]:
    """Tick by tick; ticks in which nothing can happen are passed over.

    Windows are looked at once for all ticks: their amounts are functions of time.
    """
    found = evaluate_signals(
        rules.program.signals, behaviors, pl.DataFrame(schema=AMOUNTS),
        since=None, until=rules.ends[-1], emit_from=rules.start,
    )  # fmt: skip
    decisions: list[Decided] = []
    before = None
    for now in rules.ends:
        events, writes, patterns = (
            _between(one, before, now) for one in (facts.events, facts.writes, found.facts)
        )
        tick = _Tick(events, writes, patterns, now)
        if not decisions or tick.matters(state, rules.program):
            since = before or (rules.start - MICROSECOND if rules.start else None)
            decided = decide(
                rules.program, state, tick.events, tick.writes,
                now=now, since=since, began=rules.began, caps=rules.caps, timezone=rules.timezone,
                signals=replace(found, facts=tick.patterns),
            )  # fmt: skip
            decisions.append(decided)
            state = fold(state, decided, tick.writes, now=now, caps=rules.caps)
        before = now
    return decisions, state


@dataclass(frozen=True)
class _Tick:
    """What comes in a tick."""

    events: pl.DataFrame
    writes: pl.DataFrame
    patterns: pl.DataFrame
    now: datetime

    def matters(self, state: State, program: Program) -> bool:
        """Whether anything can happen in it."""
        comes = any(len(one) for one in (self.events, self.writes, self.patterns))
        return comes or bool(program.alarms) or bool((state.executions["due_at"] <= self.now).any())


def _between(rows: pl.DataFrame, before: datetime | None, now: datetime) -> pl.DataFrame:
    since = pl.lit(value=True) if before is None else pl.col("at") > before
    mask = rows.select(since & (pl.col("at") <= now)).to_series()
    return rows if mask.all() else rows.filter(mask)


def _write(paths: Paths, bucket: int, decisions: Sequence[Decided], profiles: pl.DataFrame) -> dict[str, int]:
    """Write the bucket's rows; of an execution, as its last tick left it. Returns how many of each table."""
    written = {}
    for name in LEDGER:
        rows = pl.concat([getattr(one, name) for one in decisions], how="diagonal")
        if name == "executions":
            rows = rows.unique("execution_id", keep="last", maintain_order=True).drop(
                cs.starts_with("event.")
            )
        written[name] = _write_table(rows, paths.decided(name, bucket))
    written["profiles"] = _write_table(profiles, paths.decided("profiles", bucket))
    return written


def _write_table(rows: pl.DataFrame, file: Path) -> int:
    rows.write_ipc(file, compat_level=pl.CompatLevel.oldest())
    return len(rows)


def _profiles(con: DuckDBPyConnection, state: State, facts: Facts) -> pl.DataFrame:
    set_later = state.attributes.filter(pl.col("set_at").is_not_null())
    columns = ["customer_id", "attribute", "value"]
    changed = pl.concat([one.select(columns) for one in (set_later, facts.unread)])
    with shown(con, changed_attributes=changed, final_tags=state.tags):
        return read_sql(con, "backtest/profiles.sql")
