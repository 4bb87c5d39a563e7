"""State and event frames → lanes: the one vectorized pass before the waves.

Everything that needs no feedback happens here: values become codes, conditions a truth table, triggers' static
parts are matched against all events at once, and events that no workflow can see are dropped.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.columns.arrays import ALWAYS, NEVER, Ints
from transforms.columns.factorize import index_in
from transforms.engine.lanes.alarms import drop_idle_crons
from transforms.engine.lanes.customer_zones import Clocks
from transforms.engine.lanes.memory import IDLE, Events, Lanes, new_facts
from transforms.engine.layout.encode import Values, as_codes
from transforms.engine.layout.events import put_facts, seen_facts
from transforms.engine.layout.place_state import put_alarms, put_clocks, put_state
from transforms.engine.layout.placed import place
from transforms.engine.layout.reach import active_customers, with_cron_customers
from transforms.engine.state import Facts, State, Tick
from transforms.program.model import Program
from transforms.signals.lookup import SignalLookup, look_up
from transforms.signals.results import NOTHING, Signals
from transforms.timing.durations import epoch_us


@dataclass(frozen=True)
class Opened:
    """The lanes, and the frames their numbers point into.

    Attributes:
        dictionary: the values behind codes.
        events: the tick's visible events; the lanes' event e is row `event_rows[e]`.
        executions: those that ran before: the first facts, and the first of the executions ledger.
        alarms: `state.ALARMS` of the lanes' customers before the tick.
    """

    lanes: Lanes
    dictionary: pl.DataFrame
    events: pl.DataFrame
    event_rows: Ints
    executions: pl.DataFrame
    alarms: pl.DataFrame


def open_lanes(program: Program, state: State, facts: Facts, signals: Signals, tick: Tick) -> Opened:
    """Lay out the lanes of all customers with something to do in the tick."""
    names = _attribute_names(program, facts.writes)
    seen = seen_facts(program, facts, names, signals)
    active = active_customers(program, state, seen.events, tick)
    customers = with_cron_customers(program, state, active, tick)
    attributes = state.attributes.filter(pl.col("attribute").is_in(names))
    placed = place(state, seen.events, attributes, customers)
    values = as_codes(program, placed, seen.writes)

    lanes = _new_lanes(program, customers, names, values, tick)
    lanes.signals = _looked_up(program, signals, customers)
    put_state(lanes, placed, values)
    event_rows = put_facts(lanes, placed, seen.writes, values)
    if program.reads_clocks:
        put_clocks(lanes, placed, seen.writes, values, tick.timezone)
        put_alarms(lanes, placed.alarms, values.alarms)
        drop_idle_crons(lanes, np.arange(len(active), len(customers)))
    return Opened(lanes, values.dictionary, placed.events, event_rows, placed.executions, placed.alarms)


def _attribute_names(program: Program, writes: pl.DataFrame) -> tuple[str, ...]:
    """The attributes that some workflow sees: the program's, and if it sees all, those that are written."""
    if not program.reads_every_attribute:
        return program.attributes
    further = set(writes["attribute"].unique()) - set(program.attributes)
    return (*program.attributes, *sorted(further))


def _looked_up(program: Program, signals: Signals, customers: pl.Series) -> tuple[SignalLookup, ...]:
    if not (declared := program.signals.signals):
        return ()
    lane = index_in(signals.customers, customers)
    functions = signals.signals or (NOTHING,) * len(declared)
    return tuple(look_up(*one, lane) for one in zip(declared, functions, strict=True))


def _new_lanes(
    program: Program, customers: pl.Series, attributes: tuple[str, ...], values: Values, tick: Tick
) -> Lanes:
    count, slots = len(customers), max(len(program.slots), 1)
    nothing = np.zeros(0, np.int64)
    return Lanes(
        program=program,
        customers=customers,
        attribute_names=attributes,
        truth=values.truth,
        literals=values.literals,
        moments=values.moments,
        is_wall=values.is_wall,
        caps=tick.caps,
        clocks=Clocks((tick.timezone,), nothing, nothing),
        signals=(),
        since=ALWAYS if tick.since is None else epoch_us(tick.since),
        cron_since=tick.cron_since,
        until=epoch_us(tick.now),
        known_from=np.full(count, NEVER),
        attributes=np.zeros((count, len(attributes)), np.int32),
        set_at=np.full((count, len(attributes)), ALWAYS),
        tags=np.zeros((count, len(program.tags)), np.bool_),
        tag_count=np.zeros(count, np.int64),
        sends=[np.full((count, cap.messages), ALWAYS) for cap in tick.caps],
        alarm=np.full((count, len(program.alarms)), NEVER),
        due=np.full((count, slots), NEVER),
        step=np.zeros((count, slots), np.int64),
        phase=np.full((count, slots), IDLE, np.int8),
        execution=np.zeros((count, slots), np.int64),
        context=np.zeros((count, slots), np.int64),
        decision=np.zeros((count, slots), np.int32),
        last_entry=np.full((count, slots), ALWAYS),
        clock=np.full(count, ALWAYS),
        next_event=np.full(count, NEVER),
        cursor=np.zeros(count, np.int64),
        events_left=np.zeros(count, np.int64),
        head=np.full(count, -1),
        tail=np.full(count, -1),
        events=Events(0, nothing, nothing, nothing, nothing, nothing, nothing.astype(np.bool_)),
        facts=new_facts(program),
    )
