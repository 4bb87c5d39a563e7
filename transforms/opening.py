"""State and event frames → lanes: the one vectorized pass before the waves.

Everything that needs no feedback happens here: values become codes, conditions a truth table, triggers' static
parts are matched against all events at once, and events that no workflow can see are dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl

from transforms.coding import Values, as_codes, match_events
from transforms.durations import microseconds
from transforms.lanes import ALWAYS, IDLE, NEVER, Array, Bools, Events, Ints, Lanes, new_facts
from transforms.placing import (
    instants,
    positions,
    put_attributes,
    put_customers,
    put_entries,
    put_executions,
    put_sends,
    put_tags,
)  # fmt: skip
from transforms.program import Program
from transforms.state import Cap, State
from transforms.values import Codes

_CUSTOMER = "customer_id"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Opened:
    """The lanes, and the frames their numbers point into.

    Attributes:
        dictionary: the values behind codes.
        events: the tick's visible events; the lanes' event e is row `event_rows[e]`.
        executions: those that ran before: the first facts, and the first of the executions ledger.
    """

    lanes: Lanes
    dictionary: pl.DataFrame
    events: pl.DataFrame
    event_rows: Ints
    executions: pl.DataFrame


def open_lanes(
    program: Program,
    state: State,
    events: pl.DataFrame,
    writes: pl.DataFrame,
    caps: Sequence[Cap],
    now: datetime,
    since: datetime | None = None,
) -> Opened:
    """Lay out the lanes of all customers with something to do until `now`.

    Args:
        program: the compiled workflows.
        state: see `State`.
        events: columns of `state.EVENTS` plus `event.X` (JSON text) per property X of the program; `at` is the
            instant an event acts at, `ts` its own time.
        writes: columns of `state.WRITES`: the profile updates that events carry; `ordinal` is 0 for the change
            an `attribute_change` event itself is, then 1, 2, … in name order.
        caps: frequency caps.
        now: the tick's end; all events act by then.
        since: the tick's start; what fell due before, while paused, is due then.
    """
    attributes = _live_attributes(program, writes)
    writes = writes.filter(pl.col("attribute").is_in(attributes))
    events = _visible(program, events, writes)
    customers = _present(state, events, now)
    owned = state.attributes.filter(pl.col("attribute").is_in(attributes))
    placed = (events, state.executions, owned, state.customers, state.tags, state.entries, state.sends)
    lane, *owners = _lanes_of(customers, [frame[_CUSTOMER] for frame in placed])
    running, owned, known, tags, entries, sends = map(_with_lane, placed[1:], owners)
    values = as_codes(program, events, running, writes, owned)
    match = match_events(program, events, values.events, values.truth)
    written = _written(events, writes, values.writes)
    rows = _in_order(events, lane, match, written["event"].to_numpy())

    lanes = _new_lanes(program, customers, attributes, values, caps)
    put_customers(lanes, known)
    put_attributes(lanes, owned, values.attributes)
    put_tags(lanes, tags)
    put_entries(lanes, entries)
    put_sends(lanes, sends)
    put_executions(lanes, running, values, ALWAYS if since is None else microseconds(since - EPOCH))
    _put_events(lanes, instants(events["at"], NEVER)[rows], lane[rows], values.events[rows], match[rows])
    _put_writes(lanes, written, rows, len(events))
    return Opened(lanes, values.dictionary, events, rows, running)


def _live_attributes(program: Program, writes: pl.DataFrame) -> tuple[str, ...]:
    if not program.watches_every_attribute:
        return program.attributes
    further = set(writes["attribute"].unique()) - set(program.attributes)
    return (*program.attributes, *sorted(further))


def _visible(program: Program, events: pl.DataFrame, writes: pl.DataFrame) -> pl.DataFrame:
    """The events whose type and name some workflow looks for, or that write what some workflow reads."""
    names = {one.name for one in program.matchers if one.name is not None}
    any_name = {one.type for one in program.matchers if one.name is None}
    seen = pl.col("name").is_in(sorted(names)) | pl.col("type").is_in(sorted(any_name))
    if len(writes):
        seen |= pl.col("event_id").is_in(writes["event_id"].implode())
    mask = events.select(seen).to_series()
    return events if mask.all() else events.filter(mask)


def _present(state: State, events: pl.DataFrame, now: datetime) -> pl.Series:
    due = state.executions.filter((pl.col("due_at") <= now) & (pl.col("status") != "paused"))
    return pl.concat([events[_CUSTOMER], due[_CUSTOMER]]).unique(maintain_order=True)


def _lanes_of(customers: pl.Series, owners: Sequence[pl.Series]) -> list[Ints]:
    """The lane of every owner, -1 for customers without one."""
    lanes = (
        pl.concat(owners).cast(pl.Enum(customers), strict=False).to_physical().cast(pl.Int64).fill_null(-1)
    )
    return np.split(lanes.to_numpy(), np.cumsum([len(one) for one in owners])[:-1])


def _with_lane(frame: pl.DataFrame, lane: Ints) -> pl.DataFrame:
    """The rows of customers who have a lane, and which."""
    return frame.with_columns(lane=pl.Series(lane, dtype=pl.Int64)).filter(pl.col("lane") >= 0)


def _written(events: pl.DataFrame, writes: pl.DataFrame, codes: Codes) -> pl.DataFrame:
    """The writes with their value codes and the rows of their events."""
    rows = events.select("event_id", event=pl.int_range(pl.len(), dtype=pl.Int64))
    return writes.with_columns(code=pl.Series(codes)).join(rows, on="event_id")


def _in_order(events: pl.DataFrame, lane: Ints, match: Bools, writing: Ints) -> Ints:
    """The rows of events that match or write anything, by customer, time and id (semantics.md §§3, 4)."""
    seen = np.array(match.any(axis=1))
    seen[writing] = True
    rows = np.flatnonzero(seen)
    key = events.select("at", "ts", "event_id")[rows].with_columns(
        lane=pl.Series(lane[rows]), row=pl.Series(rows)
    )
    return key.sort("lane", "at", "ts", "event_id")["row"].to_numpy()


def _new_lanes(
    program: Program, customers: pl.Series, attributes: tuple[str, ...], values: Values, caps: Sequence[Cap]
) -> Lanes:
    count, slots = len(customers), max(len(program.slots), 1)
    recent = max((cap.messages for cap in caps), default=0)
    nothing = np.zeros(0, np.int64)
    return Lanes(
        program=program,
        customers=customers,
        attribute_names=attributes,
        truth=values.truth,
        literals=values.literals,
        caps=[(cap.messages, microseconds(cap.window)) for cap in caps],
        known_from=np.full(count, NEVER),
        attributes=np.zeros((count, len(attributes)), np.int32),
        set_at=np.full((count, len(attributes)), ALWAYS),
        tags=np.zeros((count, len(program.tags)), np.bool_),
        tag_count=np.zeros(count, np.int64),
        sends=np.full((count, recent), ALWAYS),
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


def _put_events(lanes: Lanes, at: Array, lane: Ints, codes: Codes, match: Bools) -> None:
    first = lanes.facts.length
    lanes.facts.append(len(at), codes=codes, match=match)
    lanes.events = replace(lanes.events, first_fact=first, at=np.append(at, NEVER))
    bounds = np.searchsorted(lane, np.arange(len(lanes.customers) + 1))
    lanes.cursor, lanes.events_left = bounds[:-1].copy(), np.diff(bounds)
    lanes.next_event = np.where(lanes.events_left > 0, lanes.events.at[lanes.cursor], NEVER)


def _put_writes(lanes: Lanes, written: pl.DataFrame, rows: Ints, count: int) -> None:
    event_of_row = np.zeros(count, np.int64)
    event_of_row[rows] = np.arange(len(rows))
    event = event_of_row[written["event"]]
    order = np.lexsort((written["ordinal"], event))
    lanes.events = replace(
        lanes.events,
        write_from=np.searchsorted(event[order], np.arange(len(rows) + 1)),
        write_attribute=positions(written["attribute"], lanes.attribute_names)[order],
        write_code=written["code"].to_numpy()[order],
        write_ts=instants(written["ts"], ALWAYS)[order],
        write_silent=written["ordinal"].to_numpy()[order] == 0,
    )
