"""The tick's events: which are visible, in which order they come, and what they write."""

from dataclasses import replace

import numpy as np
import polars as pl

from transforms.columns.arrays import (
    ALWAYS,
    NEVER,
    Bools,
    Ints,
    any_of,
    instants,
    order_by,
    positions,
    sorted_by,
)
from transforms.columns.json_values import NULL_CODE, Codes
from transforms.engine.lanes.memory import Lanes
from transforms.engine.layout.encode import Values, match_events
from transforms.engine.layout.placed import Placed
from transforms.engine.state import Facts
from transforms.program.model import FIELDS, Program
from transforms.signals.results import Signals
from transforms.tables.frames import EVENTS

_CUSTOMER = "customer_id"
_EVENT_RANK, _PATTERN_RANK = 0, 1


def seen_facts(program: Program, facts: Facts, attributes: tuple[str, ...], signals: Signals) -> Facts:
    """What of the facts some workflow sees, which reads `attributes`; the patterns turned true are among the events."""
    written = [name for name in attributes if name not in FIELDS]
    writes = facts.writes.filter(pl.col("attribute").is_in(written))
    return Facts(_with_patterns(_visible(program, facts.events, writes), signals), writes)


def _visible(program: Program, events: pl.DataFrame, writes: pl.DataFrame) -> pl.DataFrame:
    """The events whose type and name some workflow looks for, or that write what some workflow reads."""
    looked_for = pl.col("name").is_in(program.sees.names) | pl.col("type").is_in(program.sees.types)
    mask = events.select(looked_for).to_series()
    if mask.all():
        return events
    if len(writes):  # is_in of many ids is dear, so only the others are asked
        others = np.flatnonzero(~mask.to_numpy())
        mask = mask.scatter(others, events["event_id"].gather(others).is_in(writes["event_id"].implode()))
    return events.filter(mask)


def _with_patterns(events: pl.DataFrame, signals: Signals) -> pl.DataFrame:
    """The tick's events and, of rank 1, its patterns turned true (semantics.md §3)."""
    facts = signals.facts.select(
        _CUSTOMER,
        pl.col("at"),
        pl.col("name"),
        event_id=pl.lit(None, pl.String),
        ts=pl.col("at"),
        type=pl.lit("pattern"),
        properties=pl.lit("{}"),
        rank=pl.lit(_PATTERN_RANK, pl.Int8),
    )
    ranked = events.with_columns(rank=pl.lit(_EVENT_RANK, pl.Int8))
    return pl.concat([ranked, facts], how="diagonal").select(
        *EVENTS, "rank", pl.selectors.starts_with("event.")
    )


def put_facts(lanes: Lanes, placed: Placed, values: Values, unseen: Bools, further: Bools) -> Ints:
    """The events that matter, in their order, and what they write; their rows among those placed.

    Args:
        lanes: where they are put.
        placed: the events, among others.
        values: the codes of what they tell.
        unseen: those that only update profiles, because their customer isn't known yet at that instant.
        further: those that are put in though they don't matter.
    """
    match = match_events(lanes.tick.program, placed.events, values)
    match[unseen] = False
    written = _coded(placed, values)
    matters = _mattering(match, written["event"].to_numpy())
    rows = _in_order(placed.events, matters | further)
    lanes.events = replace(lanes.events, matters=matters[rows])
    codes = values.events.take(rows, axis=0)
    names = values.event_names[rows] if lanes.tick.program.named else NULL_CODE
    _put_events(lanes, placed.events, rows, codes, match.take(rows, axis=0), names)
    _put_writes(lanes, written, rows, len(placed.events))
    return rows


def _coded(placed: Placed, values: Values) -> pl.DataFrame:
    """The writes with their value codes and the rows of their events."""
    rows = placed.events.select("event_id", event=pl.int_range(pl.len(), dtype=pl.Int64))
    return placed.writes.with_columns(code=pl.Series(values.writes)).join(rows, on="event_id")


def _mattering(match: Bools, writing: Ints) -> Bools:
    """Which events match or write anything."""
    matters = any_of(match)
    matters[writing] = True
    return matters


def _in_order(events: pl.DataFrame, put: Bools) -> Ints:
    """The rows of the events that are `put`, by customer, time, rank and id (semantics.md §§3, 4)."""
    rows = np.flatnonzero(put)
    at, ts = (instants(events[name], NEVER)[rows] for name in ("at", "ts"))
    # Most events act at their own time, so this way the keys fit into one integer.
    found = sorted_by(events["lane"].to_numpy()[rows], at, events["rank"].to_numpy()[rows], ts - at)
    return _ties_by_id(events, rows[found.order], found.last)


def _ties_by_id(events: pl.DataFrame, rows: Ints, last: Ints) -> Ints:
    """Rows in order, of which groups of equal ones end at the places `last`; in these by id, patterns by name."""
    if last.size < rows.size:
        sizes = np.diff(last, prepend=-1)
        group = np.repeat(np.arange(last.size), sizes)
        tied = np.flatnonzero(sizes[group] > 1)
        tie = events.select(pl.coalesce("event_id", "name")).to_series().gather(rows[tied])
        frame = pl.DataFrame({"group": group[tied], "tie": tie})
        rows[tied] = rows[tied[frame.select(pl.arg_sort_by("group", "tie")).to_series()]]
    return rows


def _put_events(
    lanes: Lanes, events: pl.DataFrame, rows: Ints, codes: Codes, match: Bools, names: Codes | int
) -> None:
    """Events `rows` in this order: facts behind those that are there, and each customer's first one next."""
    at, lane = instants(events["at"], NEVER)[rows], events["lane"].to_numpy()[rows]
    first = lanes.facts.length
    lanes.facts.append(len(rows), codes=codes, match=match, name=names)
    lanes.events = replace(lanes.events, first_fact=first, at=np.append(at, NEVER))
    queue, left = lanes.queue, np.bincount(lane, minlength=len(lanes.customers))
    queue.cursor, queue.events_left = np.cumsum(left) - left, left
    queue.next_event = np.where(left > 0, lanes.events.at[queue.cursor], NEVER)


def _put_writes(lanes: Lanes, written: pl.DataFrame, rows: Ints, count: int) -> None:
    """What events write, event by event; of `count` events the `rows` have their place in the lanes, in this order."""
    event_of_row = np.zeros(count, np.int64)
    event_of_row[rows] = np.arange(len(rows))
    event = event_of_row[written["event"]]
    order = order_by(event, written["ordinal"].to_numpy())
    lanes.events = replace(
        lanes.events,
        write_from=np.append(0, np.cumsum(np.bincount(event, minlength=len(rows)))),
        write_attribute=positions(written["attribute"], lanes.tick.attribute_names)[order],
        write_code=written["code"].to_numpy()[order],
        write_ts=instants(written["ts"], ALWAYS)[order],
        write_is_event=written["ordinal"].to_numpy()[order] == 0,
    )
