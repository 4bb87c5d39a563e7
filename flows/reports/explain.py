"""Why a customer got, or did not get, what: its stored rows, and the same engine run again for it alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection

from flows.backtest.bucket import bucket_shown, state_before
from flows.buckets.partition import CUSTOMER_COLUMNS, EVENT_COLUMNS, key_of
from flows.decide.facts import read_facts
from flows.definitions.folder import load_definitions
from flows.definitions.rules import Rules, rules_of
from flows.errors import InputError
from flows.reports.frames import open_reports
from flows.settings import Settings
from flows.store.archive import archived_file
from flows.store.opening import ask_state
from flows.store.prepared import event_files
from flows.warehouse import assign, connect, frame, one_file, read_sql, run_sql, shown
from transforms.answers.account import Account, Stored
from transforms.answers.explain import Explanation, explain
from transforms.definitions.base import advice
from transforms.engine.decide import decide
from transforms.engine.recorder import Record, Recorder
from transforms.engine.state import Cap, Tick
from transforms.program.compile import compile_program
from transforms.program.model import Program
from transforms.signals.evaluate import evaluate_signals
from transforms.tables.frames import AMOUNTS, INSTANT, Schema

_TABLES = (
    "executions",
    "steps",
    "messages",
    "webhooks",
    "entry_refusals",
    "goal_hits",
    "suppressions",
    "program_steps",
    "versions",
)
_LATE: Schema = {"event_id": pl.String, "previous": INSTANT}


@dataclass(frozen=True)
class Explained:
    """What is told of a customer.

    Attributes:
        until: what happened later isn't told.
        notes: what limits what is told, a sentence each.
    """

    found: Explanation
    until: datetime
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Past:
    """What came in of one customer.

    Attributes:
        events: `partition.EVENT_COLUMNS`.
        customers: `partition.CUSTOMER_COLUMNS`: what a file said of the customer first, if any did.
        late: of events that acted later than they happened, the start of the tick in which they did.
        first: the instant of the store's first event, from which on crons fire.
    """

    events: pl.DataFrame
    customers: pl.DataFrame
    late: pl.DataFrame
    first: datetime | None


def explain_customer(
    settings: Settings, customer: str, workflow_id: str | None = None, at: datetime | None = None
) -> Explained:
    """Tell what came of a customer and why.

    Args:
        settings: where things lie.
        customer: the id.
        workflow_id: of one workflow only.
        at: what happened later isn't told; None: until the last run.

    Raises:
        InputError: nothing is known of the customer, or of the workflow; or nothing was run yet.
    """
    definitions = load_definitions(settings.workflows, settings.patterns, settings.templates)
    rules = rules_of(settings, definitions)
    with open_reports(settings) as con:
        until = _until(con, at)
        stored = {
            name: read_sql(con, f"reports/explain/{name}.sql", customer=customer, until=until)
            for name in _TABLES
        }
        _check_workflow(workflow_id, rules, stored["versions"])
        past = _past(con, settings, customer, until)
    if past.events.is_empty() and past.customers.is_empty() and stored["executions"].is_empty():
        raise InputError(f"{customer!r}: there are no events, no customer files and no executions of that id")
    program = compile_program(rules.workflows, (), rules.patterns, rules.send_times)
    record, events = _decided_again(program, rules, past, customer, until)
    rows = {name: found.to_dicts() for name, found in stored.items()}
    account = Account(customer, Stored(events=events, **rows), program, record)
    return Explained(explain(account, workflow_id), until, tuple(_notes(at, until, definitions.faults)))


def _until(con: DuckDBPyConnection, at: datetime | None) -> datetime:
    found: list[tuple[datetime | None]] = con.execute("select max(now) from ticks").fetchall()
    last = found[0][0]
    if last is None:
        raise InputError("nothing was run yet, so there is nothing to explain; `onward run` decides")
    return min(last, at) if at else last


def _check_workflow(workflow_id: str | None, rules: Rules, versions: pl.DataFrame) -> None:
    known = sorted({*(one.workflow_id for one in rules.workflows), *versions["workflow_id"]})
    if workflow_id is not None and workflow_id not in known:
        raise InputError(f"--workflow {workflow_id!r}: no such workflow; {advice(workflow_id, known)}")


def _notes(at: datetime | None, until: datetime, faults: Sequence[str]) -> list[str]:
    notes = [f"{len(faults)} faults in workflow files; those are left out: `onward validate` tells them"]
    early = [f"the last run was until {until:%Y-%m-%d %H:%M:%S}Z; what comes later isn't decided yet"]
    return [*(notes if faults else []), *(early if at and at > until else [])]


def _past(con: DuckDBPyConnection, settings: Settings, customer: str, until: datetime) -> _Past:
    files = ask_state(settings, lambda state: event_files(settings, state, key_of(customer))) or []
    asked = {"customer": customer, "until": until}
    names = [one_file(one) for one in files]
    events = read_sql(con, "reports/explain/events.sql", files=names, **asked) if names else None
    batches = read_sql(con, "reports/explain/batches.sql", until=until)
    given = [
        one_file(archived_file(settings, "customers", name))
        for name in batches.filter(pl.col("kind") == "customers")["archive"]
    ]
    first = batches.filter(pl.col("kind") == "events")["earliest"].min()
    return _Past(
        events if events is not None else pl.DataFrame(schema=EVENT_COLUMNS),
        read_sql(con, "reports/explain/customers.sql", files=given, **asked)
        if given
        else pl.DataFrame(schema=CUSTOMER_COLUMNS),
        _late(con, settings, customer, batches),
        first if isinstance(first, datetime) else None,
    )


def _late(con: DuckDBPyConnection, settings: Settings, customer: str, batches: pl.DataFrame) -> pl.DataFrame:
    """The customer's events that were loaded after the tick that covered their time."""
    late = batches.filter(
        pl.col("kind") == "events", pl.col("earliest").is_null() | (pl.col("earliest") <= pl.col("previous"))
    ).drop_nulls("previous")
    if late.is_empty():
        return pl.DataFrame(schema=_LATE)
    files = [one_file(archived_file(settings, "events", name)) for name in late["archive"]]
    told = pl.DataFrame({"file": files, "previous": late["previous"]})
    with shown(con, late_batches_told=told):
        return read_sql(con, "reports/explain/late.sql", files=files, customer=customer)


def _decided_again(
    program: Program, rules: Rules, past: _Past, customer: str, until: datetime
) -> tuple[Record, list[dict[str, Any]]]:
    """What the engine asked of the customer, and the customer's events with the instants at which they acted."""
    recorder = Recorder(customer)
    with (
        connect() as con,
        bucket_shown(con, past.events, past.customers, None),
        shown(con, late_events=past.late),
    ):
        assign(con, "interval", explain_max_lateness=rules.max_lateness)
        run_sql(con, "reports/explain/acting_events.sql")
        incoming = read_facts(con, "acting_events", "bucket_customers", program, unread=False)
        state = state_before(con, program, incoming, every=program.reads_every_attribute)
        signals = evaluate_signals(
            program.signals, incoming.behaviors, pl.DataFrame(schema=AMOUNTS),
            since=None, until=until, emit_from=None,
        )  # fmt: skip
        tick = Tick(until, None, past.first, [Cap(*one) for one in rules.caps], rules.timezone)
        decide(program, state, incoming.facts, signals, tick, recorder)
        events = frame(con, 'from acting_events order by "at", ts, event_id').to_dicts()
    return recorder.record, events
