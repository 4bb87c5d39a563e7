"""The engine: state + facts + now → what was decided.

A wave takes the earliest pending fact or due step of every customer — one each — and applies it to all of them
with columnar operations; waves repeat until nobody has anything left before `now`. Per customer that is one fact
at a time in the order of semantics.md §3; per wave it is a handful of array operations.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import polars as pl

from transforms.acting import act_due
from transforms.durations import microseconds
from transforms.lanes import NEVER, Ints, Lanes
from transforms.ledger import Decided, read_back
from transforms.observing import observe, update_profiles
from transforms.opening import open_lanes
from transforms.program import Program
from transforms.state import Cap, State

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decide(
    program: Program,
    state: State,
    events: pl.DataFrame,
    writes: pl.DataFrame,
    *,
    now: datetime,
    caps: Sequence[Cap] = (),
) -> Decided:
    """Decide everything that is due until `now`, for all customers.

    Args:
        program: the compiled workflows (`compile_program`).
        state: what the last tick left.
        events: the facts that act in this tick, see `open_lanes`; their order doesn't matter.
        writes: the profile updates they carry, see `open_lanes`.
        now: the tick's end, inclusive; aware, UTC.
        caps: frequency caps (semantics.md §11).
    """
    opened = open_lanes(program, state, events, writes, caps, now)
    _run(opened.lanes, microseconds(now - EPOCH))
    return read_back(opened)


def _run(lanes: Lanes, now: int) -> None:
    active = np.arange(len(lanes.customers))
    while (active := _pending(lanes, active, now)).size:
        _wave(lanes, active)
        lanes.waves += 1


def _pending(lanes: Lanes, active: Ints, now: int) -> Ints:
    lanes.next_due[active] = lanes.due[active].min(axis=1, initial=NEVER)
    left = np.minimum(lanes.next_event[active], lanes.next_due[active]) <= now
    return active[left | (lanes.head[active] >= 0)]


def _wave(lanes: Lanes, active: Ints) -> None:
    """One fact or step of every customer in `active`, by (time, rank): events, follow-up facts, due steps (§3)."""
    queued = lanes.head[active] >= 0
    follow_up = np.where(queued, lanes.clock[active], NEVER)
    is_event = lanes.next_event[active] <= np.minimum(follow_up, lanes.next_due[active])
    _take_events(lanes, active[is_event])
    _take_follow_ups(lanes, active[~is_event & queued])
    act_due(lanes, active[~is_event & ~queued])


def _take_events(lanes: Lanes, rows: Ints) -> None:
    if not rows.size:
        return
    lanes.processed += rows.size
    events = lanes.cursor[rows]
    lanes.clock[rows] = lanes.events_at[events]
    lanes.cursor[rows] = after = events + 1
    lanes.next_event[rows] = np.where(after < lanes.cursor_end[rows], lanes.events_at[after], NEVER)
    update_profiles(lanes, rows, events)
    observe(lanes, rows, lanes.first_event + events)


def _take_follow_ups(lanes: Lanes, rows: Ints) -> None:
    if not rows.size:
        return
    lanes.processed += rows.size
    facts = lanes.head[rows]
    lanes.head[rows] = lanes.facts["next"][facts]
    observe(lanes, rows, facts)
