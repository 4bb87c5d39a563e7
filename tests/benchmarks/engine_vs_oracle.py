"""The engine against the oracle on one input: events and steps per second, and that both decide the same.

The engine starts from frames (`watch`, `decide`), and from the events' Parquet files (with `read_facts`); the oracle
from plain dicts, the least it can start from. The engine's figures are medians of `--runs`; the oracle runs once, on
its one core. Ratios compare the engine's wall clock with the oracle's processor time, and processor time with
processor time. `--without-patterns` leaves out the triggers that are patterns, of which the oracle is slow.
"""

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection

from flows.decide.facts import Incoming, read_facts
from flows.decide.macros import make_macros
from flows.warehouse import connect, literal
from tests.benchmarks.generate import PATTERNS, WORKFLOWS, Load, Size, generated
from tests.engine import interface
from tests.engine.compare import assert_same
from tests.oracle import interpreter
from tests.semantics.cases import Case, Result
from transforms.definitions.yaml_text import read_yaml
from transforms.engine.decide import decide
from transforms.engine.fold import fold, set_latest
from transforms.engine.ledger import Decided
from transforms.engine.state import State, Tick
from transforms.program.model import Program
from transforms.signals.evaluate import evaluate_signals
from transforms.tables.frames import AMOUNTS

GOAL = 100
TABLES = ("executions", "steps", "messages", "webhooks", "goal_hits", "refusals")


@dataclass(frozen=True)
class Timed:
    """What a call took, in seconds."""

    wall: float
    cpu: float

    def __add__(self, other: "Timed") -> "Timed":
        return Timed(self.wall + other.wall, self.cpu + other.cpu)


def timed(call: Callable[[], Any]) -> tuple[Timed, Any]:
    """Run `call` without garbage from before in the way; returns its times and its result."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return Timed(time.perf_counter() - wall, time.process_time() - cpu), result


def median(runs: list[Timed]) -> Timed:
    """The medians of wall and processor time."""
    return Timed(statistics.median(one.wall for one in runs), statistics.median(one.cpu for one in runs))


def compare(size: Size, runs: int, *, check: bool, patterns: bool) -> Iterator[str]:
    """Run both on a load of this size.

    Raises:
        AssertionError: they decide differently.
    """
    load = generated(size)
    case = case_of(load, patterns=patterns)
    program = interface.program_of(case)
    state = interface.state_of(case.customers)
    gc.collect()
    gc.freeze()  # neither's time shall depend on how many dicts wait outside it
    reading, deciding, incoming, decided = run_engine(load, program, state, runs)
    thinking, expected = timed(lambda: interpreter.decide(case))
    gc.unfreeze()
    counts = {name: len(getattr(decided, name)) for name in TABLES}
    assert counts == {name: len(getattr(expected, name)) for name in TABLES}, "engine and oracle differ"
    if check:
        assert_same(expected, result_of(case, state, incoming, decided), ("oracle", "engine"))
    amount, facts = size.events + counts["steps"], len(incoming.facts.events)
    yield (
        f"input: {size.events:,} events ({facts:,} facts for the engine), {size.customers:,} customers; "
        f"{', '.join(f'{n:,} {name}' for name, n in counts.items())}; {decided.waves:,} waves; "
        f"equal {'row for row' if check else 'in number'}"
    )
    yield (
        f"read_facts {reading.wall:.2f} s (cpu {reading.cpu:.2f}), watch and decide {deciding.wall:.2f} s "
        f"(cpu {deciding.cpu:.2f}), oracle {thinking.wall:.2f} s (cpu {thinking.cpu:.2f})"
    )
    yield line("engine (watch+decide)", amount, deciding, thinking)
    yield line("engine (facts+watch+decide)", amount, reading + deciding, thinking)


def line(name: str, amount: int, took: Timed, oracle_took: Timed) -> str:
    """One comparison: rates in millions of events and steps per second, and the ratios."""
    rate, slow = amount / took.wall / 1e6, amount / oracle_took.cpu / 1e6
    return (
        f"{name} {rate:.2f} M events+steps/s, oracle {slow:.3f} M → {oracle_took.cpu / took.wall:.1f}× "
        f"(cpu/cpu {oracle_took.cpu / took.cpu:.1f}×; goal ≥ {GOAL}×)"
    )


def run_engine(
    load: Load, program: Program, state: State, runs: int
) -> tuple[Timed, Timed, Incoming, Decided]:
    """Medians of reading the facts and of deciding, and what came of it."""
    reading, deciding = [], []
    with connect() as con:
        view_events(con, load)
        for _ in range(runs):
            took, incoming = timed(partial(read_facts, con, "bench_events", "bench_customers", program))
            reading.append(took)
            took, decided = timed(partial(decide_load, program, state, incoming, load))
            deciding.append(took)
    return median(reading), median(deciding), incoming, decided


def decide_load(program: Program, state: State, incoming: Incoming, load: Load) -> Decided:
    """Watch the patterns and decide, as one tick over everything."""
    amounts = pl.DataFrame(schema=AMOUNTS)
    signals = evaluate_signals(
        program.signals, incoming.behaviors, amounts, since=None, until=load.end, emit_from=None
    )
    return decide(program, state, incoming.facts, signals, Tick(load.end))


def view_events(con: DuckDBPyConnection, load: Load) -> None:
    """`bench_events`, as a tick sees them, each acting at its own time, and `bench_customers`."""
    make_macros(con)
    con.execute(
        f'create temp view bench_events as select *, ts as "at", true as acts from read_parquet({literal(load.events)})'
    )
    con.execute(f"create temp view bench_customers as from read_parquet({literal(load.customers)})")


def case_of(load: Load, *, patterns: bool) -> Case:
    """The load as plain dicts, JSON parsed; triggers that are patterns only where `patterns` are wanted."""
    events = pl.read_parquet(load.events).drop("received_at").to_dicts()
    for one in events:
        one["properties"] = json.loads(one["properties"])
        one["attributes"] = one["attributes"] and json.loads(one["attributes"])
    customers = pl.read_parquet(load.customers).drop("email", "timezone").to_dicts()
    for one in customers:
        one["attributes"] = json.loads(one["attributes"])
    workflows: list[Any] = [
        read_yaml(file.read_text("utf-8")).value for file in sorted(WORKFLOWS.glob("*.yaml"))
    ]
    for one in [] if patterns else workflows:
        one["triggers"] = [trigger for trigger in one["triggers"] if trigger["type"] != "pattern"]
    declared: Any = read_yaml(PATTERNS.read_text("utf-8")).value
    return Case(workflows, customers, events, load.end, patterns=declared)


def result_of(case: Case, state: State, incoming: Incoming, decided: Decided) -> Result:
    """The engine's decisions as the oracle's tables."""
    result = Result()
    interface.collect(result, decided)
    state = fold(state, decided, incoming.facts.writes, Tick(case.end))
    attributes = set_latest(state.attributes, incoming.unread)
    return interface.finished(case, result, replace(state, attributes=attributes))


def main(arguments: list[str] | None = None) -> list[str]:
    """Compare at the size asked for; prints and returns the lines."""
    parser = argparse.ArgumentParser(prog="engine_vs_oracle", description="Engine against oracle.")
    parser.add_argument("--full", action="store_true", help="compare every row, as with --check")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--check", action="store_true", help="compare every row, not only their numbers")
    parser.add_argument(
        "--without-patterns", action="store_true", help="leave out triggers that are patterns"
    )
    given = parser.parse_args(arguments)
    size, check, patterns = (
        Size(given.events, given.customers),
        given.check or given.full,
        not given.without_patterns,
    )
    lines = []
    for one in compare(size, given.runs, check=check, patterns=patterns):
        print(one, flush=True)
        lines.append(one)
    return lines


if __name__ == "__main__":
    main()
