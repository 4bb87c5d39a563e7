"""Attributes written, by events and by steps, and the facts that tell of real changes (semantics.md §4)."""

import numpy as np

from transforms.columns.arrays import Array, Bools, Ints
from transforms.engine.lanes.alarms import attributes_changed
from transforms.engine.lanes.memory import Lanes
from transforms.engine.waves.follow_ups import emit


def update_profiles(lanes: Lanes, rows: Ints, events: Ints) -> None:
    """Apply the writes of one event per customer, in order; real changes cause follow-up facts (§4, 1)."""
    writes, end = lanes.events.write_from[events], lanes.events.write_from[events + 1]
    while (pending := writes < end).any():
        rows, writes, end = rows[pending], writes[pending], end[pending]
        attribute, code, ts = (
            lanes.events.write_attribute[writes],
            lanes.events.write_code[writes],
            lanes.events.write_ts[writes],
        )
        before, changed = set_attributes(lanes, rows, attribute, code, ts)
        attributes_changed(lanes, rows[changed], attribute[changed], by_event=True)
        told = changed & ~lanes.events.write_silent[writes]
        tell_changes(lanes, rows[told], attribute[told], before[told], code[told])
        writes = writes + 1


def set_attributes(lanes: Lanes, rows: Ints, attribute: Array, code: Array, ts: Array) -> tuple[Array, Bools]:
    """Set one attribute per customer unless it was set with a later time; returns old codes and what changed."""
    place = (rows, attribute)
    before = lanes.attributes[place]
    applies = ts >= lanes.set_at[place]
    applied = (rows[applies], attribute[applies])
    lanes.attributes[applied], lanes.set_at[applied] = code[applies], ts[applies]
    lanes.ledgers.writes.append(
        int(applies.sum()), lane=applied[0], attribute=applied[1], code=code[applies], set_at=ts[applies]
    )
    return before, applies & (before != code)


def tell_changes(lanes: Lanes, rows: Ints, attribute: Array, old: Array, new: Array) -> None:
    """Queue an `attribute_change` fact for each changed attribute, one per customer."""
    for column in np.flatnonzero(np.bincount(attribute)):
        one = attribute == column
        name = lanes.attribute_names[column]
        emit(lanes, rows[one], "attribute_change", name, old_value=old[one], new_value=new[one])
