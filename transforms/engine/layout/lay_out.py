"""State and event frames → lanes: the one vectorized pass before the waves.

Everything that needs no feedback happens here: values become codes, conditions a truth table, triggers' static
parts are matched against all events at once, and events that no workflow can see are dropped.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from transforms.columns.arrays import ALWAYS, Bools, Ints
from transforms.columns.factorize import index_in
from transforms.columns.json_values import NULL
from transforms.engine.introductions import too_early
from transforms.engine.lanes.customer_zones import Clocks, read_clocks
from transforms.engine.lanes.memory import Lanes, Observer, TickContext
from transforms.engine.layout.encode import Values, as_codes
from transforms.engine.layout.events import put_facts, seen_facts
from transforms.engine.layout.place_state import put_alarms, put_state
from transforms.engine.layout.placed import Placed, place
from transforms.engine.layout.reach import active_customers, with_cron_customers
from transforms.engine.state import Facts, State, Tick
from transforms.program.model import ZONE, Program
from transforms.signals.lookup import SignalLookup, look_up
from transforms.signals.results import NOTHING, Signals
from transforms.timing.durations import epoch_us


@dataclass(frozen=True)
class Opened:
    """The lanes, and the frames their numbers point into.

    Attributes:
        dictionary: the values behind codes.
        events: the tick's visible events; the lanes' event e is row `event_rows[e]`.
        unseen: those of them that only update profiles.
        executions: those that ran before: the first facts, and the first of the executions ledger.
        alarms: `frames.ALARMS` of the lanes' customers before the tick.
        introduced: `frames.INTRODUCED`: whom the tick makes known.
    """

    lanes: Lanes
    dictionary: pl.DataFrame
    events: pl.DataFrame
    unseen: Bools
    event_rows: Ints
    executions: pl.DataFrame
    alarms: pl.DataFrame
    introduced: pl.DataFrame

    @cached_property
    def texts(self) -> pl.Series:
        """The JSON texts of value codes; null for null."""
        return self.dictionary.select(pl.when(pl.col("kind") != NULL).then("json")).to_series()


def open_lanes(
    program: Program,
    state: State,
    facts: Facts,
    introduced: pl.DataFrame,
    signals: Signals,
    tick: Tick,
    observer: Observer | None = None,
) -> Opened:
    """Lay out the lanes of all customers with something to do in the tick.

    Args:
        program: the compiled workflows.
        state: before the tick.
        facts: what comes in it.
        introduced: whom it makes known.
        signals: what they found in it.
        tick: its bounds.
        observer: for whose sake some of what comes to nothing shall happen all the same.
    """
    names = _attribute_names(program, facts.writes)
    seen = seen_facts(program, facts, names, signals)
    active = active_customers(program, state, seen.events, tick)
    if observer and observer.everybody:
        active = pl.concat([active, state.customers["customer_id"]]).unique(maintain_order=True)
    customers = with_cron_customers(program, state, active, tick)
    placed = place(program, state, seen, names, customers)
    values = as_codes(program, placed)
    lanes = Lanes.empty(customers, _context(program, placed, values, signals, tick))
    put_state(lanes, placed, values)
    unseen = too_early(placed.events, introduced).to_numpy()
    further = observer.wants(placed.events) if observer else np.zeros(len(unseen), np.bool_)
    event_rows = put_facts(lanes, placed, values, unseen, further)
    if program.alarms:
        put_alarms(lanes, placed.alarms, values.alarms, np.arange(len(active), len(customers)))
    return Opened(
        lanes,
        values.dictionary,
        placed.events,
        unseen,
        event_rows,
        placed.executions,
        placed.alarms,
        introduced,
    )


def _attribute_names(program: Program, writes: pl.DataFrame) -> tuple[str, ...]:
    """The attributes that some workflow sees: the program's, and if it sees all, those that are written."""
    if not program.reads_every_attribute:
        return program.attributes
    further = set(writes["attribute"].unique()) - set(program.attributes)
    return (*program.attributes, *sorted(further))


def _context(program: Program, placed: Placed, values: Values, signals: Signals, tick: Tick) -> TickContext:
    return TickContext(
        program=program,
        attribute_names=placed.attribute_names,
        truth=values.truth,
        inside=values.inside,
        ranks=values.ranks,
        names=values.names,
        spelled=values.spelled,
        literals=values.literals,
        instants=values.instants,
        is_wall=values.is_wall,
        clocks=_clocks(program, placed, values, tick.timezone),
        signals=_looked_up(program, signals, placed.ids),
        caps=tick.caps,
        paused=_paused_slots(program, placed.executions),
        since=ALWAYS if tick.since is None else epoch_us(tick.since),
        cron_since=tick.cron_since,
        until=epoch_us(tick.now),
    )


def _clocks(program: Program, placed: Placed, values: Values, default: str) -> Clocks:
    """The zones: the default, and those that the attribute `timezone` may name in the tick."""
    if not program.reads_clocks:
        return Clocks((default,), np.zeros(0, np.int64))
    told = [values.literals]
    for frame, codes in ((placed.attributes, values.attributes), (placed.writes, values.writes)):
        told.append(codes[(frame["attribute"] == ZONE).to_numpy()])
    if any(step.start and step.column == program.zone_column for step in program.steps):
        told.append(np.arange(len(values.dictionary)))
    return read_clocks(default, program.zones, values.dictionary, np.concatenate(told))


def _looked_up(program: Program, signals: Signals, customers: pl.Series) -> tuple[SignalLookup, ...]:
    if not (declared := program.signals.signals):
        return ()
    lane = index_in(signals.customers, customers)
    functions = signals.signals or (NOTHING,) * len(declared)
    return tuple(look_up(*one, lane) for one in zip(declared, functions, strict=True))


def _paused_slots(program: Program, executions: pl.DataFrame) -> list[int]:
    paused = set(executions.filter(pl.col("status") == "paused")["workflow_id"])
    return [slot for slot, workflow in enumerate(program.slots) if workflow in paused]
