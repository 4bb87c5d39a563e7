"""The same engine over history: files in, Parquet out; no store, nothing is sent.

Customers are independent, so they are decided bucket by bucket: memory is bounded by a bucket, not by the history.
"""

import json
import resource
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import polars.selectors as cs
from duckdb import DuckDBPyConnection

from flows.archive import write_rows, write_text
from flows.facts import Facts, read_facts
from flows.load import deduplicated, latest, recognise, stage
from flows.queries import literal
from flows.settings import Limits
from flows.sources import Kind
from flows.warehouse import connect, frame, run_sql, sql_text
from transforms.compiling import compile_program
from transforms.folding import fold, fold_attributes, set_latest
from transforms.ledger import Decided
from transforms.program import Program
from transforms.state import Cap, State, empty_state
from transforms.waves import decide
from transforms.workflow import Workflow

Progress = Callable[[str, float], object]
TABLES = ("executions", "steps", "messages", "webhooks")
_ROOM = 10**12  # batch_order of the next file starts that much later


@dataclass(frozen=True)
class Plan:
    """What to backtest.

    Attributes:
        start: events before it build profiles and trigger nothing; None: everything counts.
        end: events after it don't count.
        tick: length of a tick; None: one tick over everything.
        limits: what one file may hold.
        bucket_events: customers are decided in buckets of about so many events, to bound memory; the outcome
            is the same whatever it is.
    """

    workflows: Sequence[Workflow]
    customers: Path
    events: Sequence[Path]
    out: Path
    end: datetime
    start: datetime | None = None
    tick: timedelta | None = None
    caps: Sequence[Cap] = ()
    limits: Limits = field(default_factory=Limits)
    bucket_events: int = 2_500_000


class _Stopwatch:
    """Seconds spent in each phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Generator[None]:
        began = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


def backtest(plan: Plan, progress: Progress = lambda _step, _share: None) -> dict[str, float]:
    """Run a backtest and write its tables; returns the summary that is also written as `summary.json`.

    Args:
        plan: what to run.
        progress: told what is being done, and which share of that is done.

    Raises:
        InputError: a file can't be loaded; nothing was written.
    """
    watch, totals = _Stopwatch(), Counter[str]()
    program = compile_program(plan.workflows)
    with connect() as con, TemporaryDirectory(prefix="onward-backtest-") as folder:
        with watch.phase("load"):
            counts = _load(con, plan, progress)
            ends = list(_ends(con, plan))
        buckets = max(1, round(counts["events"] / plan.bucket_events))
        for bucket in range(buckets):
            progress("Deciding", bucket / buckets)
            with watch.phase("load"):
                state, facts = _read_bucket(con, program, bucket, buckets)
            with watch.phase("decide"):
                decisions, state = _decide(plan, program, state, facts, ends)
            with watch.phase("write"):
                _write_part(con, Path(folder), bucket, decisions, state)
            totals.update(
                facts=sum(one.facts for one in decisions), waves=sum(one.waves for one in decisions)
            )
        with watch.phase("write"):
            progress("Writing", 0)
            rows = _merge_parts(con, Path(folder), plan.out)
    phases = {f"{name}_seconds": round(seconds, 3) for name, seconds in watch.seconds.items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    summary = {
        **counts,
        **rows,
        **totals,
        "ticks": len(ends),
        "buckets": buckets,
        **phases,
        "peak_rss_bytes": peak,
    }
    write_text(plan.out / "summary.json", json.dumps(summary, indent=2))
    return summary


def _load(con: DuckDBPyConnection, plan: Plan, progress: Progress) -> dict[str, float]:
    bad = [_stage(con, plan, plan.customers, "customers", "customers_0")]
    customers = latest(con, "customers_0")
    con.execute(f"create temp table backtest_customers as select * from {customers.relation}")
    names = []
    for number, path in enumerate(plan.events):
        progress("Loading events", number / len(plan.events))
        bad.append(_stage(con, plan, path, "events", f"events_{number}"))
        names.append(f"select * replace (batch_order + {number * _ROOM} as batch_order) from events_{number}")
    con.execute(f"create temp view backtest as {' union all by name '.join(names)}")
    staged = [f"select file, line, reason, row from {one}" for one in ("customers_0", "backtest")]
    bad_rows = f"select * from ({' union all '.join(staged)}) where reason is not null"
    con.execute(f"create temp view backtest_quarantine as {bad_rows}")
    distinct = deduplicated(con, "backtest")
    con.execute("set variable backtest_start = coalesce($1, '-infinity'::timestamptz)", [plan.start])
    con.execute("set variable backtest_end = $1::timestamptz", [plan.end])
    con.execute(f"create temp view backtest_events as {sql_text('backtest/events.sql')}")
    events, acting, unknown = run_sql(con, "backtest/counts.sql").fetchall()[0]
    return {
        "events": events,
        "history": events - acting,
        "unknown_customer": unknown,
        "quarantined": sum(bad),
        "duplicates": distinct.duplicates + customers.duplicates,
    }


def _stage(con: DuckDBPyConnection, plan: Plan, path: Path, kind: Kind, table: str) -> int:
    return stage(con, recognise(path, kind), table, plan.limits).bad


def _ends(con: DuckDBPyConnection, plan: Plan) -> Iterator[datetime]:
    """The ticks' ends: every `tick` from the start (or the first event) on, and the end itself."""
    if plan.tick:
        ((first,),) = con.execute(
            "select coalesce($1, min(ts)) from backtest_events", [plan.start]
        ).fetchall()
        number, last = 1, first
        while first and (last := first + number * plan.tick) < plan.end:
            yield last
            number += 1
    yield plan.end


def _read_bucket(con: DuckDBPyConnection, program: Program, bucket: int, buckets: int) -> tuple[State, Facts]:
    """The state before the start, and the facts, of the customers of one bucket."""
    among = f"where hash(customer_id) % {buckets} = {bucket}" if buckets > 1 else ""
    for name in ("events", "customers"):
        con.execute(f"create or replace temp view bucket_{name} as select * from backtest_{name} {among}")
    facts = read_facts(con, "bucket_events", program)
    entries = (
        "from bucket_customers as c, json_each(c.attributes) as entry where entry.value::varchar <> 'null'"
    )
    value = "entry.key as attribute, entry.value::varchar as value, null::timestamptz as set_at"
    attributes = frame(con, f"select c.customer_id, {value} {entries}")
    state = replace(
        empty_state(),
        customers=frame(con, "select customer_id, true as known, created_at from bucket_customers"),
        attributes=fold_attributes(set_latest(attributes, facts.unseen), facts.silent),
        tags=frame(con, "select distinct customer_id, unnest(tags) as tag from bucket_customers"),
    )
    return state, facts


def _decide(
    plan: Plan, program: Program, state: State, facts: Facts, ends: Sequence[datetime]
) -> tuple[list[Decided], State]:
    """Tick by tick; ticks in which nothing can happen are passed over."""
    decisions: list[Decided] = []
    before = None
    for now in ends:
        events, writes = (_between(one, before, now) for one in (facts.events, facts.writes))
        before = now
        if not decisions or len(events) or len(writes) or (state.executions["due_at"] <= now).any():
            decisions.append(decide(program, state, events, writes, now=now, caps=plan.caps))
            state = fold(state, decisions[-1], writes, now=now, caps=plan.caps)
    return decisions, state


def _between(rows: pl.DataFrame, before: datetime | None, now: datetime) -> pl.DataFrame:
    since = pl.lit(value=True) if before is None else pl.col("at") > before
    mask = rows.select(since & (pl.col("at") <= now)).to_series()
    return rows if mask.all() else rows.filter(mask)


def _write_part(
    con: DuckDBPyConnection, folder: Path, bucket: int, decisions: Sequence[Decided], state: State
) -> None:
    """One bucket's rows; of an execution, as its last tick left it."""
    for name in TABLES:
        rows = pl.concat([getattr(one, name) for one in decisions], how="diagonal")
        if name == "executions":
            rows = rows.unique("execution_id", keep="last", maintain_order=True).drop(
                cs.starts_with("event.")
            )
        rows.write_parquet(folder / f"{name}-{bucket:05d}.parquet")
    final = {"customers": state.customers, "attributes": state.attributes, "tags": state.tags}
    for name, rows in final.items():
        con.register(f"final_{name}", rows.to_arrow())
    write_rows(con, sql_text("backtest/profiles.sql"), folder / f"profiles-{bucket:05d}.parquet")
    for name in final:
        con.unregister(f"final_{name}")


def _merge_parts(con: DuckDBPyConnection, folder: Path, out: Path) -> dict[str, int]:
    """All buckets' rows as one file per table, and the quarantine; how many rows each table has."""
    rows = {}
    for name in (*TABLES, "profiles"):
        parts = f"read_parquet({literal(folder / f'{name}-*.parquet')})"
        write_rows(con, f"select * from {parts}", out / f"{name}.parquet")
        ((rows[name],),) = con.execute(f"select count(*) from {parts}").fetchall()
    write_rows(con, "select file, line, reason, row from backtest_quarantine", out / "quarantine.parquet")
    return rows
