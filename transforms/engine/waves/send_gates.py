"""The gates of a send (semantics.md §11): consent, frequency caps, then the times in which sends are allowed."""

from dataclasses import dataclass

import numpy as np

from transforms.columns.arrays import NEVER, Bools, Ints
from transforms.engine.lanes.alarms import customer_zones
from transforms.engine.lanes.memory import Lanes
from transforms.program.model import Flow, Step
from transforms.program.schedules import distinct
from transforms.program.send_times import next_allowed


@dataclass(frozen=True)
class Judged:
    """Who may be sent a message now.

    Attributes:
        sent: customers who may.
        refused: who may not, by outcome.
        deferred: who may later, by outcome: customers, and when each.
    """

    sent: Ints
    refused: dict[str, Ints]
    deferred: dict[str, tuple[Ints, Ints]]


def judge(lanes: Lanes, flow: Flow, step: Step, rows: Ints) -> Judged:
    """Ask the gates of a message to customers `rows`; those that may be sent are counted for the caps.

    Transactional messages pass consent and caps and aren't counted; of send times they know only their own.
    """
    refused = {}
    if not flow.workflow.transactional:
        refuses, full = _refuses(lanes, rows), _capped(lanes, flow, step, rows)
        refused = {"suppressed:consent": rows[refuses], "suppressed:frequency_cap": rows[~refuses & full]}
        rows = rows[~refuses & ~full]
    if not flow.send_times:
        _count(lanes, flow, step, rows)
        return Judged(rows, refused, {})
    allowed = _next_allowed(lanes, flow, rows)
    now = allowed == lanes.clock[rows]
    _count(lanes, flow, step, rows[now])
    refused["suppressed:send_window"] = rows[allowed == NEVER]
    later = ~now & (allowed != NEVER)
    return Judged(rows[now], refused, _deferred(lanes, flow, rows[later], allowed[later]))


def _refuses(lanes: Lanes, rows: Ints) -> Bools:
    result = np.zeros(len(rows), np.bool_)
    for check in lanes.program.refuses_consent:
        result |= lanes.truth[check.truth][lanes.attributes[rows, check.column]]
    return result


def _capped(lanes: Lanes, flow: Flow, step: Step, rows: Ints) -> Bools:
    """A cap of N is full when the N-th newest message it counts lies within its window (t − W, t]."""
    result = np.zeros(len(rows), np.bool_)
    for cap, window, sends in lanes.counting(step.channel, flow.workflow.message_class):
        if cap.messages == 0:
            return np.ones(len(rows), np.bool_)
        result |= sends[rows, -1] > lanes.clock[rows] - window
    return result


def _count(lanes: Lanes, flow: Flow, step: Step, rows: Ints) -> None:
    if flow.workflow.transactional:
        return
    for cap, _, sends in lanes.counting(step.channel, flow.workflow.message_class):
        if cap.messages:
            sends[rows, 1:] = sends[rows, :-1]
            sends[rows, 0] = lanes.clock[rows]


def _next_allowed(lanes: Lanes, flow: Flow, rows: Ints) -> Ints:
    """The first instant from now on at which the workflow's send times allow a send, per customer."""
    allowed: Ints = lanes.clock[rows]
    own = customer_zones(lanes, rows)
    for zone, some in distinct(own):
        times = [(one, lanes.clocks.zone(lanes.clocks.number(one.timezone, zone))) for one in flow.send_times]
        allowed[some] = next_allowed(times, allowed[some])
    return allowed


def _deferred(lanes: Lanes, flow: Flow, rows: Ints, allowed: Ints) -> dict[str, tuple[Ints, Ints]]:
    """By the first of the send times that doesn't allow it now."""
    found: dict[str, tuple[Ints, Ints]] = {}
    own = customer_zones(lanes, rows)
    for one in flow.send_times:
        shut = np.zeros(rows.size, np.bool_)
        for zone, some in distinct(own):
            clock = lanes.clocks.zone(lanes.clocks.number(one.timezone, zone))
            shut[some] = ~one.allows(clock.local(lanes.clock[rows[some]]))
        found[f"deferred:{one.name}"] = rows[shut], allowed[shut]
        rows, allowed, own = rows[~shut], allowed[~shut], own[~shut]
    return found
