"""What a fact does: running executions react, then triggers let customers enter (semantics.md §§6, 10)."""

import numpy as np

from transforms.columns.arrays import Bools, Ints
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.checks import holds
from transforms.engine.lanes.memory import WAITING, Lanes
from transforms.engine.waves.due import Due
from transforms.engine.waves.executions import convert, enter, finish, take_path
from transforms.program.checks import CompiledTrigger
from transforms.program.model import Flow


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
        take_path(Due(lanes, flow, step, rows[waits & match[:, step.matcher]]), "event")


def _trigger(lanes: Lanes, flow: Flow, rows: Ints, facts: Ints, match: Bools) -> None:
    if not flow.triggers:
        return
    fires = np.zeros(len(rows), np.bool_)
    for one in flow.triggers:
        candidates = np.flatnonzero(match[:, one.matcher] & ~fires)
        fires[candidates] = holds(lanes, one.checks, rows[candidates], facts[candidates], NULL_CODE)
    if fires.any():
        enter(lanes, flow, rows[fires], facts[fires])
