"""A tick in which many executions are due at one instant: steps per second of `decide` alone, without a store."""

import argparse
import time
from datetime import timedelta

import polars as pl

from tests.benchmarks.generate import START, customer_ids
from transforms.definitions.workflow import Workflow
from transforms.engine.decide import decide
from transforms.engine.fold import fold
from transforms.engine.state import Facts, State, Tick, empty_state
from transforms.program.compile import compile_program
from transforms.signals.results import Signals
from transforms.tables.frames import CUSTOMERS, EVENTS, WRITES

FULL = 1_000_000
DAY = timedelta(days=1)
WORKFLOW = {
    "workflow_id": "everybody",
    "workflow_name": "Everybody",
    "triggers": [{"type": "behavioral", "config": {"action": "go"}}],
    "actions": [
        {"type": "wait", "config": {"duration": "1d"}},
        {"type": "send_email", "config": {"template_id": "hello", "subject": "Hello", "content": "Hello."}},
        {"type": "add_tag", "config": {"tag": "greeted"}},
    ],
}


def measure(executions: int) -> str:
    """Let so many customers enter and wait, then take the tick in which all are due."""
    program = compile_program([Workflow.model_validate(WORKFLOW)])
    who = pl.select(pl.int_range(executions)).to_series().to_numpy()
    state = _state(customer_ids(who))
    entering = _events(state)
    facts, tick = Facts(entering, pl.DataFrame(schema=WRITES)), Tick(START)
    decided = decide(program, state, facts, Signals(), tick)
    state = fold(state, decided, facts.writes, tick)
    assert len(state.executions) == executions
    facts, tick = Facts(entering.clear(), facts.writes), Tick(START + DAY, START)
    began, cpu = time.perf_counter(), time.process_time()
    decided = decide(program, state, facts, Signals(), tick)
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    assert len(decided.messages) == executions
    steps = len(decided.steps)
    return (
        f"decide() with {executions:,} executions due at once: {steps:,} steps in {took:.2f} s (cpu {spent:.2f}), "
        f"{decided.waves:,} waves → {steps / took / 1e6:.2f} M steps/s (cpu {steps / spent / 1e6:.2f} M)"
    )


def _state(ids: pl.Series) -> State:
    known = pl.DataFrame(
        {"customer_id": ids, "known": True, "created_at": None, "since": None}, schema=CUSTOMERS
    )
    fresh = empty_state()
    return State(known, fresh.attributes, fresh.tags, fresh.executions, fresh.entries, fresh.sends)


def _events(state: State) -> pl.DataFrame:
    given = state.customers.select(
        "customer_id",
        event_id="customer_id",
        ts=pl.lit(START),
        at=pl.lit(START),
        type=pl.lit("behavioral"),
        name=pl.lit("go"),
        properties=pl.lit("{}"),
    )
    return given.select(*EVENTS).cast(dict(EVENTS))  # type: ignore[arg-type]


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the size asked for; prints and returns the line."""
    parser = argparse.ArgumentParser(prog="due_at_once", description="Many executions due at one instant.")
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} executions, as by default")
    parser.add_argument("--executions", type=int, default=FULL)
    given = parser.parse_args(arguments)
    line = measure(FULL if given.full else given.executions)
    print(line, flush=True)
    return [line]


if __name__ == "__main__":
    main()
