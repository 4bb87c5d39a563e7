"""The same engine over history: files in, Parquet out; no store, nothing is sent."""

import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.archive import write_rows, write_text
from flows.facts import Facts, read_facts
from flows.load import deduplicated, latest, recognise, stage
from flows.settings import Limits
from flows.sources import Kind
from flows.warehouse import connect, frame, run_sql, sql_text
from transforms.compiling import compile_program
from transforms.folding import fold, fold_attributes, set_latest
from transforms.ledger import Decided
from transforms.program import Program
from transforms.state import EVENTS, WRITES, Cap, State, empty_state
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


@dataclass(frozen=True)
class Outcome:
    """What a backtest decided: the frames of `Decided`, the state at the end, and how many ticks it took."""

    tables: dict[str, pl.DataFrame]
    state: State
    facts: int
    waves: int
    ticks: int


def backtest(plan: Plan, progress: Progress = lambda _step, _share: None) -> dict[str, float]:
    """Run a backtest and write its tables; returns the summary that is also written as `summary.json`.

    Args:
        plan: what to run.
        progress: told what is being done, and which share of that is done.

    Raises:
        InputError: a file can't be loaded; nothing was written.
    """
    began = time.perf_counter()
    program = compile_program(plan.workflows)
    with connect() as con:
        progress("Loading customers", 0)
        counts = _load(con, plan, progress)
        state = _initial_state(con)
        facts = read_facts(con, "backtest_events", program)
        counts |= _counts(con)
        loaded = time.perf_counter()
        outcome = _decide(plan, program, state, facts, progress)
        decided = time.perf_counter()
        progress("Writing", 0)
        _write(con, plan.out, outcome, facts)
    summary = {
        **counts,
        **{name: len(table) for name, table in outcome.tables.items()},
        "facts": outcome.facts,
        "ticks": outcome.ticks,
        "waves": outcome.waves,
        "load_seconds": round(loaded - began, 3),
        "decide_seconds": round(decided - loaded, 3),
        "write_seconds": round(time.perf_counter() - decided, 3),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    write_text(plan.out / "summary.json", json.dumps(summary, indent=2))
    return summary


def _load(con: DuckDBPyConnection, plan: Plan, progress: Progress) -> dict[str, float]:
    bad = [_stage(con, plan, plan.customers, "customers", "customers_0")]
    customers = latest(con, "customers_0")
    con.execute(f"create temp table initial_customers as select * from {customers.relation}")
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
    return {"quarantined": sum(bad), "duplicates": distinct.duplicates + customers.duplicates}


def _stage(con: DuckDBPyConnection, plan: Plan, path: Path, kind: Kind, table: str) -> int:
    return stage(con, recognise(path, kind), table, plan.limits).bad


def _counts(con: DuckDBPyConnection) -> dict[str, float]:
    events, acting, unknown = run_sql(con, "backtest/counts.sql").fetchall()[0]
    return {"events": events, "history": events - acting, "unknown_customer": unknown}


def _initial_state(con: DuckDBPyConnection) -> State:
    entries = (
        "from initial_customers as c, json_each(c.attributes) as entry where entry.value::varchar <> 'null'"
    )
    value = "entry.key as attribute, entry.value::varchar as value, null::timestamptz as set_at"
    return replace(
        empty_state(),
        customers=frame(con, "select customer_id, true as known, created_at from initial_customers"),
        attributes=frame(con, f"select c.customer_id, {value} {entries}"),
        tags=frame(con, "select distinct customer_id, unnest(tags) as tag from initial_customers"),
    )


def _decide(plan: Plan, program: Program, state: State, facts: Facts, progress: Progress) -> Outcome:
    state = replace(state, attributes=fold_attributes(state.attributes, facts.silent))
    decisions: list[Decided] = []
    ends = list(_ends(plan, facts))
    before = None
    for number, now in enumerate(ends):
        progress("Deciding", number / len(ends))
        events, writes = (_between(frame, before, now) for frame in (facts.events, facts.writes))
        before = now
        if len(events) or len(writes) or _is_due(state, now):
            decisions.append(decide(program, state, events, writes, now=now, caps=plan.caps))
            state = fold(state, decisions[-1], writes, now=now, caps=plan.caps)
    return Outcome(
        _tables(program, plan, decisions),
        state,
        facts=sum(one.facts for one in decisions),
        waves=sum(one.waves for one in decisions),
        ticks=len(ends),
    )


def _ends(plan: Plan, facts: Facts) -> Iterator[datetime]:
    """The ticks' ends: every `tick` from the start (or the first fact) on, and the end itself."""
    first = plan.start or facts.events["at"].min()
    if plan.tick and isinstance(first, datetime):
        for number in range(1, (plan.end - first) // plan.tick + 1):
            yield first + number * plan.tick
        if (plan.end - first) % plan.tick == timedelta(0) and plan.end > first:
            return
    yield plan.end


def _between(frame: pl.DataFrame, before: datetime | None, now: datetime) -> pl.DataFrame:
    if before is None:
        return frame.filter(pl.col("at") <= now)
    return frame.filter((pl.col("at") > before) & (pl.col("at") <= now))


def _is_due(state: State, now: datetime) -> bool:
    return bool((state.executions["due_at"] <= now).any())


def _tables(program: Program, plan: Plan, decisions: Sequence[Decided]) -> dict[str, pl.DataFrame]:
    """All ticks' rows; of an execution, the last."""
    everything = decisions or [
        decide(program, empty_state(), pl.DataFrame(schema=EVENTS), pl.DataFrame(schema=WRITES), now=plan.end)
    ]
    tables = {name: pl.concat([getattr(one, name) for one in everything], how="diagonal") for name in TABLES}
    last = tables["executions"].unique("execution_id", keep="last", maintain_order=True)
    return {**tables, "executions": last.drop(pl.selectors.starts_with("event."))}


def _write(con: DuckDBPyConnection, out: Path, outcome: Outcome, facts: Facts) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, table in outcome.tables.items():
        table.write_parquet(out / f"{name}.parquet")
    state = outcome.state
    attributes = set_latest(state.attributes, facts.unseen)
    frames = {"final_customers": state.customers, "final_attributes": attributes, "final_tags": state.tags}
    for name, rows in frames.items():
        con.register(name, rows.to_arrow())
    write_rows(con, sql_text("backtest/profiles.sql"), out / "profiles.parquet")
    write_rows(con, "select file, line, reason, row from backtest_quarantine", out / "quarantine.parquet")
