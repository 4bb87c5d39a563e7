"""What must hold of the reports whatever the engine decided: random workflows, customers and events."""

import json
from collections.abc import Iterator

import polars as pl
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given, settings

from flows.reports.reconcile import differences
from flows.warehouse import frame, shown
from tests.engine import interface
from tests.engine.strategies import cases
from tests.reports.sums import TABLES, columns_of, counted_tables, tick
from tests.semantics.cases import Case
from transforms.definitions.reading import read_workflow
from transforms.engine.decide import decide
from transforms.engine.fold import fold
from transforms.engine.ledger import Decided
from transforms.engine.state import Cap, Tick
from transforms.program.compile import compile_program
from transforms.program.model import Program
from transforms.program.standing import with_held_by
from transforms.signals.results import Signals


@pytest.fixture(scope="module")
def con() -> Iterator[DuckDBPyConnection]:
    with counted_tables(on_sums=False) as con:
        yield con


@pytest.fixture(scope="module")
def counted() -> Iterator[DuckDBPyConnection]:
    with counted_tables() as con:
        yield con


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_drop_off_adds_up(con: DuckDBPyConnection, case: Case) -> None:
    program = compile_program([read_workflow(json.dumps(one), "case.json") for one in case.workflows])
    executions, steps = together(decided_in_two_ticks(program, case))
    executions = with_held_by(executions.with_columns(held_by=pl.lit(None, pl.String)), steps)
    store(con, program, executions=executions, steps=steps)
    places = con.sql("select * from report_drop_off").pl()
    summary = con.sql("select * from report_workflow_summary").pl()
    check_each_place(places)
    check_consecutive_places(places)
    check_running(places, executions)
    check_summary(summary, executions)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_sums_keep_up_with_what_the_engine_decides(counted: DuckDBPyConnection, case: Case) -> None:
    program = compile_program([read_workflow(json.dumps(one), "case.json") for one in case.workflows])
    for table in (*TABLES, "sums"):
        counted.execute(f"delete from {table}")
    store(counted, program)
    for number, decided in enumerate(decided_in_two_ticks(program, case)):
        keep_up(counted, decided, number)
        assert differences(counted).is_empty()


def keep_up(con: DuckDBPyConnection, decided: Decided, tick_id: int) -> None:
    """Write what a tick decided, with what holds executions now, and add it to the sums."""
    with shown(con, given=decided.executions.select("execution_id")):
        before = frame(
            con, "select execution_id, held_by from given left join executions using (execution_id)"
        )
    of_before = decided.executions.join(before, on="execution_id", maintain_order="left")
    tables = {
        "executions": with_held_by(of_before, decided.steps),
        "steps": decided.steps.with_columns(tick_id=pl.lit(tick_id)),
        "messages": decided.messages.with_columns(status=pl.lit("pending")),
    }
    none = {table: columns_of(con, table) for table in tables}
    whole = {
        table: pl.concat(
            [none[table], rows.select(name for name in none[table].columns if name in rows.columns)],
            how="diagonal_relaxed",
        )
        for table, rows in tables.items()
    }
    tick(con, **whole)


def together(ticks: list[Decided]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The executions and steps there are after ticks."""
    executions = pl.concat([one.executions for one in ticks])
    latest = executions.unique("execution_id", keep="last", maintain_order=True)
    return latest, pl.concat([one.steps for one in ticks])


def decided_in_two_ticks(program: Program, case: Case) -> list[Decided]:
    events = interface.first_of_each_id([one for one in case.events if one["ts"] <= case.end])
    times = sorted(one["ts"] for one in events)
    middle = times[len(times) // 2] if times else case.end
    caps = [Cap(*one) for one in case.caps]
    state, found = interface.state_of(case.customers), []
    for since, now in ((None, middle), (middle, case.end)):
        present = [one for one in events if (since is None or one["ts"] > since) and one["ts"] <= now]
        facts, tick = interface.facts_of(present, program), Tick(now, caps=caps)
        decided = decide(program, state, facts, Signals(), tick)
        state = fold(state, decided, facts.writes, tick)
        found.append(decided)
    return found


def store(con: DuckDBPyConnection, program: Program, **ledger: pl.DataFrame) -> None:
    flows = program.flows
    versions = [
        {"workflow_id": one.workflow.workflow_id, "version": one.version, "number": 1} for one in flows
    ]
    places = [
        {**versions[step.flow], "branch": step.branch, "step": step.name, "position": step.position}
        | {"action_type": step.action_type, "label": step.name}
        for step in program.steps
        if step.action
    ]
    frames = {
        "workflow_versions": pl.DataFrame(versions),
        "program_steps": pl.DataFrame(places, schema=[*PLACE_TYPES], schema_overrides=PLACE_TYPES),
        **ledger,
    }
    for table, rows in frames.items():
        con.execute(f"delete from {table}")
        columns = [name for (name,) in con.execute(f"select column_name from (describe {table})").fetchall()]
        given = rows.select(name for name in columns if name in rows.columns)  # noqa: F841 — DuckDB reads it
        con.execute(f"insert into {table} by name select * from given")


PLACE_TYPES = dict.fromkeys(["workflow_id", "version", "branch", "step", "action_type", "label"], pl.String)
PLACE_TYPES |= {"position": pl.Int32}


def check_each_place(places: pl.DataFrame) -> None:
    left = pl.sum_horizontal("left_here_converted", "left_here_exited", "left_here_failed")
    assert places.filter(left != pl.col("left_here")).is_empty()
    total = pl.sum_horizontal("passed", "waiting_here", "left_here")
    assert places.filter(total != pl.col("entered")).is_empty()
    assert places.filter(pl.any_horizontal(pl.col(pl.Int64) < 0)).is_empty()
    assert places.filter(~pl.col("pct_of_entries").is_between(0, 100)).is_empty()


def check_consecutive_places(places: pl.DataFrame) -> None:
    """At most as many enter a step as passed the one before it (for a path's first step: the decision)."""
    before = {(one["workflow_id"], one["branch"], one["step"]): one for one in places.to_dicts()}
    for (workflow, branch, step), place in before.items():
        *path, number = step.split(".")
        previous = ".".join([*path, str(int(number) - 1)]) if int(number) else ".".join(path[:-1])
        if previous:
            assert place["entered"] <= before[workflow, branch, previous]["passed"], step


def check_running(places: pl.DataFrame, executions: pl.DataFrame) -> None:
    """Everyone who runs stands somewhere, unless the branch has no steps left to wait in."""
    running = executions.filter(pl.col("status") == "running")
    assert places["waiting_here"].sum() == running.height


def check_summary(summary: pl.DataFrame, executions: pl.DataFrame) -> None:
    parts = pl.sum_horizontal("completed", "failed", "active", "converted", "exited")
    assert summary.filter(parts != pl.col("total_executions")).is_empty()
    assert summary.select(pl.sum_horizontal("total_executions", "held_out").sum()).item() == executions.height
