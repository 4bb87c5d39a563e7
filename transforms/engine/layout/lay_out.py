"""State and event frames → lanes: the one vectorized pass before the waves.

Everything that needs no feedback happens here: values become codes, conditions a truth table, triggers' static
parts are matched against all events at once, and events that no workflow can see are dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.columns.arrays import ALWAYS, NEVER, Ints, instants
from transforms.columns.factorize import index_in
from transforms.engine.lanes.alarms import drop_idle_crons
from transforms.engine.lanes.customer_zones import Clocks
from transforms.engine.lanes.memory import IDLE, Events, Lanes, new_facts
from transforms.engine.layout.encode import Values, as_codes, match_events
from transforms.engine.layout.events import (
    coded_writes,
    in_order,
    put_events,
    put_writes,
    visible_events,
    with_patterns,
)
from transforms.engine.layout.place_state import (
    put_alarms,
    put_attributes,
    put_clocks,
    put_customers,
    put_entries,
    put_executions,
    put_sends,
    put_tags,
)
from transforms.engine.layout.reach import active_customers, with_cron_customers
from transforms.engine.state import Facts, State, Tick
from transforms.program.model import Program
from transforms.signals.lookup import look_up
from transforms.signals.results import NOTHING, Signals
from transforms.timing.durations import epoch_us

_CUSTOMER = "customer_id"


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
    attributes = _live_attributes(program, facts.writes)
    writes = facts.writes.filter(pl.col("attribute").is_in(attributes))
    events = with_patterns(visible_events(program, facts.events, writes), signals)
    owned = state.attributes.filter(pl.col("attribute").is_in(attributes))
    active = active_customers(program, state, events, tick)
    customers = with_cron_customers(program, state, active, tick)
    placed = (
        *(events, state.executions, owned, state.customers, state.tags, state.entries, state.sends),
        *(state.alarms, signals.customers.to_frame(_CUSTOMER)),
    )
    lane, *owners = _lanes_of(customers, [frame[_CUSTOMER] for frame in placed])
    running, owned, known, tags, entries, sends, alarms = map(_with_lane, placed[1:-1], owners[:-1])
    values = as_codes(program, events, running, writes, owned, alarms)
    match = match_events(program, events, values.events, values.truth)
    written = coded_writes(events, writes, values.writes)
    rows = in_order(events, lane, match, written["event"].to_numpy())

    lanes = _new_lanes(program, customers, attributes, values, tick)
    functions = signals.signals or (NOTHING,) * len(program.signals.signals)
    lanes.signals = tuple(
        look_up(*one, owners[-1]) for one in zip(program.signals.signals, functions, strict=True)
    )
    put_customers(lanes, known)
    put_attributes(lanes, owned, values.attributes)
    put_tags(lanes, tags)
    put_entries(lanes, entries)
    put_sends(lanes, sends)
    put_executions(lanes, running, values, lanes.since)
    codes, match = values.events.take(rows, axis=0), match.take(rows, axis=0)
    put_events(lanes, instants(events["at"], NEVER)[rows], lane[rows], codes, match)
    put_writes(lanes, written, rows, len(events))
    if program.reads_clocks:
        put_clocks(lanes, known, values, owned, writes, tick.timezone)
        put_alarms(lanes, alarms, values.alarms)
        drop_idle_crons(lanes, np.arange(len(active), len(customers)))
    return Opened(lanes, values.dictionary, events, rows, running, alarms)


def _live_attributes(program: Program, writes: pl.DataFrame) -> tuple[str, ...]:
    if not program.reads_every_attribute:
        return program.attributes
    further = set(writes["attribute"].unique()) - set(program.attributes)
    return (*program.attributes, *sorted(further))


def _lanes_of(customers: pl.Series, owners: Sequence[pl.Series]) -> list[Ints]:
    """The lane of every owner, -1 for customers without one."""
    return np.split(index_in(pl.concat(owners), customers), np.cumsum([len(one) for one in owners])[:-1])


def _with_lane(frame: pl.DataFrame, lane: Ints) -> pl.DataFrame:
    """The rows of customers who have a lane, and which."""
    return frame.with_columns(lane=pl.Series(lane, dtype=pl.Int64)).filter(pl.col("lane") >= 0)


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
