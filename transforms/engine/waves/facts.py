"""What a fact does: profile updates, then running executions react, then triggers (semantics.md §§4, 6, 10)."""

import numpy as np

from transforms.columns.arrays import Array, Bools, Ints
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.alarms import attributes_changed
from transforms.engine.lanes.checks import holds
from transforms.engine.lanes.memory import WAITING, Lanes
from transforms.engine.waves.executions import convert, enter, finish, log, take_path
from transforms.engine.waves.follow_ups import emit
from transforms.program.checks import CompiledTrigger
from transforms.program.model import Flow


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


def take_fact(lanes: Lanes, rows: Ints, facts: Ints) -> None:
    """Customers `rows` see one fact each: running executions react, then triggers are evaluated."""
    match = lanes.facts["match"].take(facts, axis=0)
    for flow in lanes.program.flows:
        _react(lanes, flow, rows, facts, match)
    known = lanes.known_from[rows] <= lanes.clock[rows]
    if not known.all():
        rows, facts, match = rows[known], facts[known], match[known]
    for flow in lanes.program.flows:
        _trigger(lanes, flow, rows, facts, match)


def _react(lanes: Lanes, flow: Flow, rows: Ints, facts: Ints, match: Bools) -> None:
    if not flow.reactors:
        return
    seen = match[:, flow.reactors].any(axis=1) & _runs(lanes, flow, rows)
    rows, facts, match = rows[seen], facts[seen], match[seen]
    if not rows.size:
        return
    if flow.goal:
        convert(lanes, flow, rows[_meets(lanes, flow, [flow.goal], rows, facts, match)])
    leaves = _meets(lanes, flow, flow.exits, rows, facts, match) & _runs(lanes, flow, rows)
    finish(lanes, flow, rows[leaves], "exited")
    _end_waits(lanes, flow, rows, match)


def _runs(lanes: Lanes, flow: Flow, rows: Ints) -> Bools:
    step = lanes.step[rows, flow.slot]
    runs: Bools = (lanes.phase[rows, flow.slot] > 0) & (flow.first <= step) & (step <= flow.last)
    return runs


def _meets(
    lanes: Lanes,
    flow: Flow,
    triggers: list[CompiledTrigger] | tuple[CompiledTrigger, ...],
    rows: Ints,
    facts: Ints,
    match: Bools,
) -> Bools:
    decision = lanes.decision[rows, flow.slot]
    result = np.zeros(len(rows), np.bool_)
    for one in triggers:
        result |= match[:, one.matcher] & holds(lanes, one.checks, rows, facts, decision)
    return result


def _end_waits(lanes: Lanes, flow: Flow, rows: Ints, match: Bools) -> None:
    """An awaited event has come (§9 `wait_for_event`)."""
    for number in flow.waits:
        step = lanes.program.steps[number]
        waits = (lanes.phase[rows, flow.slot] == WAITING) & (lanes.step[rows, flow.slot] == number)
        come = rows[waits & match[:, step.matcher]]
        if come.size:
            log(lanes, flow, come, number, "event")
            take_path(lanes, flow, step, come, "event")


def _trigger(lanes: Lanes, flow: Flow, rows: Ints, facts: Ints, match: Bools) -> None:
    if not flow.triggers:
        return
    fires = np.zeros(len(rows), np.bool_)
    for one in flow.triggers:
        candidates = np.flatnonzero(match[:, one.matcher] & ~fires)
        fires[candidates] = holds(lanes, one.checks, rows[candidates], facts[candidates], NULL_CODE)
    if fires.any():
        enter(lanes, flow, rows[fires], facts[fires])
