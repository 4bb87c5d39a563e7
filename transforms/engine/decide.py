"""The engine: state + facts + now → what was decided.

A wave takes the earliest pending fact or due step of many customers — one each, all of one kind — and applies it
to all of them with columnar operations; waves repeat until nobody has anything left before `now`. Per customer
that is one fact at a time in the order of semantics.md §3; per wave it is a handful of array operations.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl

from transforms.columns.arrays import NEVER, Ints
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.alarms import next_cron
from transforms.engine.lanes.checks import match_codes
from transforms.engine.lanes.memory import Lanes
from transforms.engine.layout.lay_out import open_lanes
from transforms.engine.ledger import Decided, read_back
from transforms.engine.state import Cap, State, Tick
from transforms.engine.waves.agenda import EVENT, FIRST_ALARM, FOLLOW_UP, Agenda
from transforms.engine.waves.facts import take_fact, update_profiles
from transforms.engine.waves.follow_ups import kind_of
from transforms.engine.waves.steps import take_step
from transforms.program.model import Program
from transforms.signals.results import Signals

_NO_SIGNALS = Signals()


def decide(
    program: Program,
    state: State,
    events: pl.DataFrame,
    writes: pl.DataFrame,
    *,
    now: datetime,
    since: datetime | None = None,
    began: datetime | None = None,
    caps: Sequence[Cap] = (),
    timezone: str = "UTC",
    signals: Signals = _NO_SIGNALS,
) -> Decided:
    """Decide everything that is due until `now`, for all customers.

    Args:
        program: the compiled workflows (`compile_program`).
        state: what the last tick left.
        events: the facts that act in this tick, see `open_lanes`; their order doesn't matter.
        writes: the profile updates they carry, see `open_lanes`.
        now: the tick's end, inclusive; aware, UTC.
        since: the tick's start, exclusive: schedules fire after it, and what fell due before it, while its workflow was
            paused, acts then. None: the first tick.
        began: in the first tick, from when on (inclusive) crons fire; None: they don't.
        caps: frequency caps (semantics.md §11).
        timezone: the configured default.
        signals: where patterns turned true in the tick, and the signals that conditions read (`evaluate_signals`).
    """
    tick = Tick(now, since, began, caps, timezone)
    opened = open_lanes(program, state, events, writes, signals, tick)
    _run(opened.lanes)
    return read_back(opened)


def _run(lanes: Lanes) -> None:
    agenda = Agenda(lanes)
    while wave := agenda.take():
        kind, rows = wave
        if kind == EVENT:
            _take_events(lanes, rows)
        elif kind == FOLLOW_UP:
            _take_follow_ups(lanes, rows)
        elif kind < agenda.first_step:
            _take_alarm(lanes, kind - FIRST_ALARM, rows)
        else:
            take_step(lanes, kind - agenda.first_step, rows)
        agenda.put(rows)
        lanes.waves += 1


def _take_alarm(lanes: Lanes, number: int, rows: Ints) -> None:
    """A schedule fires (§7)."""
    lanes.processed += rows.size
    alarm = lanes.program.alarms[number]
    lanes.clock[rows] = now = lanes.alarm[rows, number]
    lanes.alarm[rows, number] = next_cron(lanes, number, rows, now + 1) if alarm.is_cron else NEVER
    codes = np.full((rows.size, len(lanes.program.properties)), NULL_CODE, np.int32)
    match = match_codes(lanes.program, lanes.truth, codes, alarm.matchers)
    kind = kind_of(lanes, "time_based", alarm.name)
    facts = lanes.facts.append(rows.size, codes=codes, match=match, next=-1, kind=kind)
    take_fact(lanes, rows, facts)


def _take_events(lanes: Lanes, rows: Ints) -> None:
    lanes.processed += rows.size
    events = lanes.cursor[rows]
    lanes.clock[rows] = lanes.events.at[events]
    lanes.cursor[rows] = events + 1
    lanes.events_left[rows] = left = lanes.events_left[rows] - 1
    lanes.next_event[rows] = np.where(left > 0, lanes.events.at[events + 1], NEVER)
    update_profiles(lanes, rows, events)
    take_fact(lanes, rows, lanes.events.first_fact + events)


def _take_follow_ups(lanes: Lanes, rows: Ints) -> None:
    lanes.processed += rows.size
    facts = lanes.head[rows]
    lanes.head[rows] = lanes.facts["next"][facts]
    take_fact(lanes, rows, facts)
