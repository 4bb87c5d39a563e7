"""What a fact does: running executions react, then triggers let customers enter (semantics.md §§6, 10)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transforms.columns.arrays import Array, Bools, Ints
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.checks import Asked, holds
from transforms.engine.lanes.memory import WAITING, Lanes
from transforms.engine.lanes.references import refers
from transforms.engine.waves.due import Due
from transforms.engine.waves.executions import convert, enter, finish, take_path
from transforms.program.checks import CompiledTrigger
from transforms.program.model import Flow


@dataclass(frozen=True)
class Seen:
    """Customers who see one fact each, now.

    Attributes:
        rows: the customers.
        facts: rows of the lanes' facts.
        match: `[row, matcher]`, what these satisfy.
        at: the instants.
    """

    rows: Ints
    facts: Ints
    match: Bools
    at: Ints

    def only(self, some: Array) -> "Seen":
        """Some of them, by a mask or their places."""
        return Seen(self.rows[some], self.facts[some], self.match[some], self.at[some])


def take_fact(lanes: Lanes, rows: Ints, facts: Ints) -> None:
    """Customers `rows` see one fact each: running executions react, then triggers are evaluated."""
    lanes.processed += rows.size
    seen = Seen(rows, facts, lanes.facts["match"].take(facts, axis=0), lanes.queue.clock[rows])
    for flow in lanes.tick.program.flows:
        _react(lanes, flow, seen)
    known = lanes.profiles.known_from[rows] <= seen.at
    if not known.all():
        seen = seen.only(known)
    for flow in lanes.tick.program.flows:
        _trigger(lanes, flow, seen)


def _react(lanes: Lanes, flow: Flow, seen: Seen) -> None:
    if not flow.reactors:
        return
    reacts = seen.match[:, flow.reactors].any(axis=1) & _runs(lanes, flow, seen.rows)
    if not reacts.any():
        return
    seen = seen.only(reacts)
    if flow.goal:
        convert(lanes, flow, seen.rows[_meets(lanes, flow, [flow.goal], seen)])
    leaves = _meets(lanes, flow, flow.exits, seen) & _runs(lanes, flow, seen.rows)
    finish(lanes, flow, seen.rows[leaves], "exited")
    _end_waits(lanes, flow, seen)


def _runs(lanes: Lanes, flow: Flow, rows: Ints) -> Bools:
    step = lanes.executions.step[rows, flow.slot]
    runs: Bools = (lanes.executions.phase[rows, flow.slot] > 0) & (flow.first <= step) & (step <= flow.last)
    return runs


def _meets(lanes: Lanes, flow: Flow, triggers: Sequence[CompiledTrigger], seen: Seen) -> Bools:
    decision = lanes.executions.decision[seen.rows, flow.slot]
    asked = Asked(seen.rows, seen.facts, decision, seen.at)
    result = np.zeros(seen.rows.size, np.bool_)
    starts = lanes.executions.context[seen.rows, flow.slot]
    for one in triggers:
        meant = seen.match[:, one.matcher] & refers(lanes, one.references, seen.facts, starts)
        result |= meant & holds(lanes, one.checks, asked)
    return result


def _end_waits(lanes: Lanes, flow: Flow, seen: Seen) -> None:
    """An awaited event has come (§9 `wait_for_event`)."""
    phase, stands = lanes.executions.phase, lanes.executions.step
    for number in flow.waits:
        step = lanes.tick.program.steps[number]
        waits = (phase[seen.rows, flow.slot] == WAITING) & (stands[seen.rows, flow.slot] == number)
        starts = lanes.executions.context[seen.rows, flow.slot]
        comes = seen.match[:, step.matcher] & refers(lanes, step.references, seen.facts, starts)
        take_path(Due(lanes, flow, step, seen.rows[waits & comes]), "event")


def _trigger(lanes: Lanes, flow: Flow, seen: Seen) -> None:
    if not flow.triggers:
        return
    fires = np.zeros(seen.rows.size, np.bool_)
    for one in flow.triggers:
        some = np.flatnonzero(seen.match[:, one.matcher] & ~fires)
        asked = Asked(seen.rows[some], seen.facts[some], NULL_CODE, seen.at[some])
        fires[some] = holds(lanes, one.checks, asked)
    if fires.any():
        enter(lanes, flow, seen.rows[fires], seen.facts[fires])
