"""Attributes, tags and counted messages written, by events and by steps: in the waves the only writer of profiles."""

import numpy as np

from transforms.columns.arrays import Array, Bools, Ints, places
from transforms.engine.lanes.memory import Lanes
from transforms.engine.waves.follow_ups import emit
from transforms.engine.waves.queue import armed_for, rearm


def update_profiles(lanes: Lanes, rows: Ints, events: Ints) -> None:
    """Apply the writes of one event per customer, in order; real changes cause follow-up facts (§4, 1)."""
    everybody, before = rows, armed_for(lanes, rows)
    writes, end = lanes.events.write_from[events], lanes.events.write_from[events + 1]
    while (pending := writes < end).any():
        rows, writes, end = rows[pending], writes[pending], end[pending]
        attribute, code, ts = (
            lanes.events.write_attribute[writes],
            lanes.events.write_code[writes],
            lanes.events.write_ts[writes],
        )
        old, changed = set_attributes(lanes, rows, attribute, code, ts)
        told = places(changed & ~lanes.events.write_is_event[writes])
        tell_changes(lanes, rows[told], attribute[told], old[told], code[told])
        writes = writes + 1
    rearm(lanes, everybody, before, by_event=True)


def set_attributes(lanes: Lanes, rows: Ints, attribute: Array, code: Array, ts: Array) -> tuple[Array, Bools]:
    """Set one attribute per customer unless it was set with a later time; returns old codes and what changed."""
    profiles = lanes.profiles
    before = profiles.attributes[rows, attribute]
    applies = ts >= profiles.set_at[rows, attribute]
    if (some := places(applies)).size < rows.size:
        rows, attribute, new, ts = rows[some], attribute[some], code[some], ts[some]
    else:
        new = code
    profiles.attributes[rows, attribute], profiles.set_at[rows, attribute] = new, ts
    lanes.ledgers.writes.append(rows.size, lane=rows, attribute=attribute, code=new, set_at=ts)
    return before, applies & lanes.tick.changed(before, code)


def tell_changes(lanes: Lanes, rows: Ints, attribute: Array, old: Array, new: Array) -> None:
    """Queue an `attribute_change` fact for each changed attribute, one per customer."""
    for column in np.bincount(attribute).nonzero()[0].tolist():
        name = lanes.tick.attribute_names[column]
        if not lanes.matchers_of("attribute_change", name):
            continue
        one = places(attribute == column)
        emit(lanes, rows[one], "attribute_change", name, old_value=old[one], new_value=new[one])


def set_tag(lanes: Lanes, rows: Ints, tag: int, *, has: bool) -> None:
    """Customers have a tag from now on, or haven't; only real changes are written."""
    profiles = lanes.profiles
    changed = rows[profiles.tags[rows, tag] != has]
    profiles.tags[changed, tag] = has
    profiles.tag_count[changed] += 1 if has else -1
    now = lanes.queue.clock[changed]
    lanes.ledgers.tags.append(changed.size, lane=changed, tag=tag, added=has, at=now)


def count_messages(lanes: Lanes, rows: Ints, channel: str | None, message_class: str | None) -> None:
    """One more message to each customer now, for the caps that count it (§11)."""
    sends = lanes.profiles.sends
    for number, cap in enumerate(lanes.tick.caps):
        if cap.messages and cap.counts(channel, message_class):
            sends[number][rows, 1:] = sends[number][rows, :-1]
            sends[number][rows, 0] = lanes.queue.clock[rows]
