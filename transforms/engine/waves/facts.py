"""What a fact does: it may reach goals, running executions react, then customers enter (semantics.md §§6, 10)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transforms.columns.arrays import Bools, Ints, places
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

    def only(self, some: Ints) -> "Seen":
        """Some of them, by their places."""
        return Seen(self.rows[some], self.facts[some], self.match[some], self.at[some])


def take_fact(lanes: Lanes, rows: Ints, facts: Ints) -> None:
    """Customers `rows` see one fact each: goals, running executions, then triggers are asked."""
    seen = Seen(rows, facts, lanes.facts["match"].take(facts, axis=0), lanes.queue.clock[rows])
    flows, matched = lanes.tick.program.flows, set(np.flatnonzero(seen.match.any(axis=0)).tolist())
    for flow in flows:
        if flow.counted and flow.counted.matcher in matched:
            _note_hits(lanes, flow, flow.counted, seen)
        if not matched.isdisjoint(flow.reactors):
            _react(lanes, flow, seen)
    if lanes.observer:
        lanes.observer.sees(lanes, rows, facts)
    known = lanes.profiles.known_from[rows] <= seen.at
    if not known.all():
        seen = seen.only(places(known))
    for flow in flows:
        _trigger(lanes, flow, seen, [one for one in flow.triggers if one.matcher in matched])


def _note_hits(lanes: Lanes, flow: Flow, goal: CompiledTrigger, seen: Seen) -> None:
    """Those whose latest entry was of this version, not too long ago, reach its goal: held out, running or neither."""
    stand = lanes.executions.by_slot[flow.slot]
    is_open = (stand.entry_flow[seen.rows] == flow.index) & seen.match[:, goal.matcher]
    if not (some := places(is_open & (seen.at - stand.last_entry[seen.rows] <= flow.goal_window))).size:
        return
    hit = seen.only(some)
    hit = hit.only(places(_meets(lanes, flow, [goal], hit)))
    if hit.rows.size:
        entered = stand.last_entry[hit.rows]
        lanes.ledgers.goal_hits.append(
            hit.rows.size, flow=flow.index, lane=hit.rows, entered=entered, fact=hit.facts, at=hit.at
        )


def _react(lanes: Lanes, flow: Flow, seen: Seen) -> None:
    meant = places(np.logical_or.reduce([seen.match[:, one] for one in flow.reactors]))
    reacts = meant[_runs(lanes, flow, seen.rows[meant])]
    if not reacts.size:
        return
    seen = seen.only(reacts)
    if flow.goal:
        convert(lanes, flow, seen.rows[_meets(lanes, flow, [flow.goal], seen)])
    leaves = _meets(lanes, flow, flow.exits, seen) & _runs(lanes, flow, seen.rows)
    finish(lanes, flow, seen.rows[leaves], "exited")
    _end_waits(lanes, flow, seen)


def _runs(lanes: Lanes, flow: Flow, rows: Ints) -> Bools:
    stand = lanes.executions.by_slot[flow.slot]
    step = stand.step[rows]
    runs: Bools = (stand.phase[rows] > 0) & (flow.first <= step) & (step <= flow.last)
    return runs


def _meets(lanes: Lanes, flow: Flow, triggers: Sequence[CompiledTrigger], seen: Seen) -> Bools:
    stand = lanes.executions.by_slot[flow.slot]
    asked = Asked(seen.rows, seen.facts, stand.decision[seen.rows], seen.at)
    result = np.zeros(seen.rows.size, np.bool_)
    starts = stand.context[seen.rows]
    for one in triggers:
        meant = seen.match[:, one.matcher] & refers(lanes, one.references, seen.facts, starts)
        met = meant & holds(lanes, one.checks, asked)
        if lanes.observer:
            lanes.observer.meets(lanes, flow, one, seen.rows[met], seen.facts[met])
        result |= met
    return result


def _end_waits(lanes: Lanes, flow: Flow, seen: Seen) -> None:
    """An awaited event has come (§9 `wait_for_event`)."""
    stand = lanes.executions.by_slot[flow.slot]
    for number in flow.waits:
        step = lanes.tick.program.steps[number]
        waits = (stand.phase[seen.rows] == WAITING) & (stand.step[seen.rows] == number)
        starts = stand.context[seen.rows]
        comes = seen.match[:, step.matcher] & refers(lanes, step.references, seen.facts, starts)
        take_path(Due(lanes, flow, step, seen.rows[waits & comes]), "event")


def _trigger(lanes: Lanes, flow: Flow, seen: Seen, triggers: Sequence[CompiledTrigger]) -> None:
    """Customers enter by the first of `triggers` that fires."""
    if not triggers:
        return
    fires = np.zeros(seen.rows.size, np.bool_)
    for one in triggers:
        some = places(seen.match[:, one.matcher] & ~fires)
        asked = Asked(seen.rows[some], seen.facts[some], NULL_CODE, seen.at[some])
        fires[some] = holds(lanes, one.checks, asked)
    if (entering := places(fires)).size:
        enter(lanes, flow, seen.rows[entering], seen.facts[entering])
