"""The gates of a send (semantics.md §11): consent, frequency caps, then the times in which sends are allowed."""

from dataclasses import dataclass

import numpy as np

from transforms.columns.arrays import NEVER, Bools, Ints
from transforms.engine.waves.due import Due
from transforms.program.schedules import distinct
from transforms.program.send_times import SendTime, next_allowed


@dataclass(frozen=True)
class Judged:
    """Who may be sent a message now.

    Attributes:
        sent: those who may.
        refused: those who may not, by outcome.
        deferred: those who may later, by outcome, and when each.
    """

    sent: Due
    refused: dict[str, Due]
    deferred: dict[str, tuple[Due, Ints]]


def judge(due: Due) -> Judged:
    """Ask the gates of a message; nothing is counted for the caps yet.

    Transactional messages pass consent and caps; of send times they know only their own.
    """
    refused = {}
    if not due.flow.workflow.transactional:
        refuses, full = _refuses(due), _capped(due)
        if (refuses | full).any():
            refused["suppressed:consent"] = due.only(refuses)
            refused["suppressed:frequency_cap"] = due.only(~refuses & full)
            due = due.only(~refuses & ~full)
    if not due.flow.send_times:
        return Judged(due, refused, {})
    allowed = _next_allowed(due)
    sent, later = due.only(allowed == due.now), (allowed != due.now) & (allowed != NEVER)
    refused["suppressed:send_window"] = due.only(allowed == NEVER)
    return Judged(sent, refused, _deferred(due.only(later), allowed[later]))


def _refuses(due: Due) -> Bools:
    lanes, result = due.lanes, np.zeros(due.rows.size, np.bool_)
    for check in lanes.tick.program.refuses_consent:
        no = lanes.tick.truth[check.truth][lanes.profiles.attributes[due.rows, check.column]]
        if lanes.observer:
            lanes.observer.refuses(lanes, due.step, due.rows[no], check)
        result |= no
    return result


def _capped(due: Due) -> Bools:
    """A cap of N is full when the N-th newest message it counts lies within its window (t − W, t]."""
    lanes, result = due.lanes, np.zeros(due.rows.size, np.bool_)
    for cap, window, sends in lanes.counting(due.step.channel, due.flow.workflow.message_class):
        full = sends[due.rows, -1] > due.now - window if cap.messages else np.ones(due.rows.size, np.bool_)
        if lanes.observer:
            lanes.observer.refuses(lanes, due.step, due.rows[full], cap)
        result |= full
    return result


def _next_allowed(due: Due) -> Ints:
    """The first instant from now on at which the workflow's send times allow a send, per customer."""
    allowed, clocks = due.now.copy(), due.lanes.tick.clocks
    for zone, some in distinct(due.lanes.zones_of(due.rows)):
        times = [(one, clocks.zone(clocks.number(one.timezone, zone))) for one in due.flow.send_times]
        allowed[some] = next_allowed(times, allowed[some])
    return allowed


def _deferred(due: Due, allowed: Ints) -> dict[str, tuple[Due, Ints]]:
    """By the first of the send times that doesn't allow it now."""
    found: dict[str, tuple[Due, Ints]] = {}
    for one in due.flow.send_times:
        shut = _shut(one, due)
        found[f"deferred:{one.name}"] = due.only(shut), allowed[shut]
        due, allowed = due.only(~shut), allowed[~shut]
    return found


def _shut(time: SendTime, due: Due) -> Bools:
    """For whom a send time doesn't allow a send now."""
    now, clocks, shut = due.now, due.lanes.tick.clocks, np.zeros(due.rows.size, np.bool_)
    for zone, some in distinct(due.lanes.zones_of(due.rows)):
        shut[some] = ~time.allows(clocks.zone(clocks.number(time.timezone, zone)).local(now[some]))
    return shut
