"""What came in of one customer, from the archive, and the engine's answers when it decides that again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection

from flows.backtest.before import bucket_shown, state_before
from flows.buckets.partition import CUSTOMER_COLUMNS, EVENT_COLUMNS, key_of
from flows.decide.facts import Incoming, read_facts
from flows.definitions.rules import Rules
from flows.settings import Settings
from flows.store.archive import archived_file
from flows.store.opening import ask_state
from flows.store.prepared import event_files
from flows.warehouse import assign, frame, make_view, one_file, read_sql, run_sql, shown
from transforms.engine.decide import decide
from transforms.engine.recorder import Record, Recorder
from transforms.engine.state import Cap, State, Tick
from transforms.program.model import Program
from transforms.signals.evaluate import evaluate_signals
from transforms.tables.frames import AMOUNTS, INSTANT, Schema

_LATE: Schema = {"event_id": pl.String, "previous": INSTANT}
_CUSTOMERS: Schema = {**CUSTOMER_COLUMNS, "since": INSTANT}


@dataclass(frozen=True)
class Past:
    """What came in of one customer.

    Attributes:
        events: `partition.EVENT_COLUMNS`.
        customers: `partition.CUSTOMER_COLUMNS`: what a file said of the customer first, if any did; and `since`, the
            start of the tick in which that came (null: of the first one).
        late: of events that acted later than they happened, the start of the tick in which they did.
        first: the instant of the store's first event, from which on crons fire.
    """

    events: pl.DataFrame
    customers: pl.DataFrame
    late: pl.DataFrame
    first: datetime | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing came in."""
        return self.events.is_empty() and self.customers.is_empty()


def read_past(con: DuckDBPyConnection, settings: Settings, customer: str, until: datetime) -> Past:
    """Read a customer's events until an instant, and first profile.

    Args:
        con: a connection to what is published.
        settings: where the archive lies.
        customer: the id.
        until: later events aren't read.

    Raises:
        ArchiveError: a file is gone or damaged.
        WarehouseError: likewise.
    """
    files = ask_state(settings, lambda state: event_files(settings, state, key_of(customer))) or []
    named = [one_file(one) for one in files]
    events = pl.DataFrame(schema=EVENT_COLUMNS)
    if named:
        events = read_sql(con, "reports/explain/events.sql", files=named, customer=customer, until=until)
    batches = read_sql(con, "reports/explain/batches.sql", until=until)
    of_events = batches.filter(pl.col("kind") == "events")
    late = _perhaps_late(of_events, events["ts"])
    first = of_events["earliest"].min()
    return Past(
        events,
        _found(
            con, settings, "customers", batches.filter(pl.col("kind") == "customers"), customer, _CUSTOMERS
        ),
        _found(con, settings, "late", late, customer, _LATE),
        first if isinstance(first, datetime) else None,
    )


def _perhaps_late(batches: pl.DataFrame, times: pl.Series) -> pl.DataFrame:
    """The batches in which events of these times would have come too late for the tick that covered them."""
    if times.is_empty():
        return batches.clear()
    ordered = times.sort()
    first = batches["earliest"].fill_null(ordered.min())
    before = ordered.search_sorted(first, side="left")
    until = ordered.search_sorted(batches["previous"], side="right")
    return batches.filter(batches["previous"].is_not_null() & (until > before))


def _found(
    con: DuckDBPyConnection,
    settings: Settings,
    name: str,
    batches: pl.DataFrame,
    customer: str,
    schema: Schema,
) -> pl.DataFrame:
    """What a query finds of a customer in archived files, whose ticks' starts it reads as `files_told`."""
    if batches.is_empty():
        return pl.DataFrame(schema=schema)
    files: Sequence[Path] = [
        archived_file(settings, *one) for one in batches.select("kind", "archive").iter_rows()
    ]
    told = pl.DataFrame({"file": list(map(str, files)), "previous": batches["previous"]}).with_row_index(
        "number"
    )
    with shown(con, files_told=told):
        return read_sql(
            con, f"reports/explain/{name}.sql", files=list(map(one_file, files)), customer=customer
        )


def decide_again(
    con: DuckDBPyConnection, program: Program, rules: Rules, past: Past, customer: str, until: datetime
) -> tuple[Record, list[dict[str, Any]]]:
    """Let the engine decide all that came of a customer, in one tick.

    Args:
        con: a connection, where only temporary things are made.
        program: the compiled workflows.
        rules: what else it decides by.
        past: what came.
        customer: the id.
        until: the tick's end.

    Returns:
        What was asked, and the events with the instants at which they acted.
    """
    recorder = Recorder(customer)
    customers = past.customers.select(*CUSTOMER_COLUMNS)
    with bucket_shown(con, past.events, customers, None), shown(con, late_events=past.late):
        assign(con, "interval", explain_max_lateness=rules.max_lateness)
        run_sql(con, "reports/explain/acting_events.sql")
        from_first = (
            "from bucket_customers"
            if past.customers["since"].null_count()
            else "from bucket_customers limit 0"
        )
        make_view(con, "known_at_first", from_first)
        incoming = read_facts(con, "acting_events", "known_at_first", program, unread=False)
        state = state_before(con, program, incoming, every=program.reads_every_attribute)
        signals = evaluate_signals(
            program.signals, incoming.behaviors, pl.DataFrame(schema=AMOUNTS),
            since=None, until=until, emit_from=None,
        )  # fmt: skip
        tick = Tick(until, None, past.first, [Cap(*one) for one in rules.caps], rules.timezone)
        decide(program, _known_since(state, past, incoming), incoming.facts, signals, tick, recorder)
        events = frame(con, 'from acting_events order by "at", ts, event_id').to_dicts()
    return recorder.record, events


def _known_since(state: State, past: Past, incoming: Incoming) -> State:
    """The customer is known since the tick in which a file said so, unless an event said so before."""
    since = past.customers["since"].drop_nulls()
    if since.is_empty():
        return state
    told = incoming.facts.introductions["at"].min()
    if told is not None and told <= since[0]:
        return replace(state, customers=state.customers.clear())
    known = pl.max_horizontal(pl.lit(since[0], INSTANT), "created_at")
    return replace(state, customers=state.customers.with_columns(since=known))
