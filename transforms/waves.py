"""The engine: state + facts + now → what was decided.

A wave takes the earliest pending fact or due step of many customers — one each, all of one kind — and applies it
to all of them with columnar operations; waves repeat until nobody has anything left before `now`. Per customer
that is one fact at a time in the order of semantics.md §3; per wave it is a handful of array operations.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl

from transforms.acting import act
from transforms.agenda import EVENT, FIRST_STEP, FOLLOW_UP, Agenda
from transforms.durations import microseconds
from transforms.lanes import NEVER, Ints, Lanes
from transforms.ledger import Decided, read_back
from transforms.observing import observe, update_profiles
from transforms.opening import EPOCH, open_lanes
from transforms.program import Program
from transforms.state import Cap, State


def decide(
    program: Program,
    state: State,
    events: pl.DataFrame,
    writes: pl.DataFrame,
    *,
    now: datetime,
    since: datetime | None = None,
    caps: Sequence[Cap] = (),
) -> Decided:
    """Decide everything that is due until `now`, for all customers.

    Args:
        program: the compiled workflows (`compile_program`).
        state: what the last tick left.
        events: the facts that act in this tick, see `open_lanes`; their order doesn't matter.
        writes: the profile updates they carry, see `open_lanes`.
        now: the tick's end, inclusive; aware, UTC.
        since: the tick's start: what fell due before it, while its workflow was paused, acts then. None: nothing did.
        caps: frequency caps (semantics.md §11).
    """
    opened = open_lanes(program, state, events, writes, caps, now, since)
    _run(opened.lanes, microseconds(now - EPOCH))
    return read_back(opened)


def _run(lanes: Lanes, now: int) -> None:
    agenda = Agenda(lanes, now)
    while wave := agenda.take():
        kind, rows = wave
        if kind == EVENT:
            _take_events(lanes, rows)
        elif kind == FOLLOW_UP:
            _take_follow_ups(lanes, rows)
        else:
            act(lanes, kind - FIRST_STEP, rows)
        agenda.put(rows)
        lanes.waves += 1


def _take_events(lanes: Lanes, rows: Ints) -> None:
    lanes.processed += rows.size
    events = lanes.cursor[rows]
    lanes.clock[rows] = lanes.events.at[events]
    lanes.cursor[rows] = events + 1
    lanes.events_left[rows] = left = lanes.events_left[rows] - 1
    lanes.next_event[rows] = np.where(left > 0, lanes.events.at[events + 1], NEVER)
    update_profiles(lanes, rows, events)
    observe(lanes, rows, lanes.events.first_fact + events)


def _take_follow_ups(lanes: Lanes, rows: Ints) -> None:
    lanes.processed += rows.size
    facts = lanes.head[rows]
    lanes.head[rows] = lanes.facts["next"][facts]
    observe(lanes, rows, facts)
