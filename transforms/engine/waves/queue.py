"""What comes next for customers, and the instant at hand: in the waves the only writer of the queue."""

import numpy as np

from transforms.columns.arrays import NEVER, Array, Ints
from transforms.engine.lanes.alarms import dates, next_cron, next_date
from transforms.engine.lanes.memory import Lanes
from transforms.timing.zones import CUSTOMER


def next_events(lanes: Lanes, rows: Ints) -> Ints:
    """Take each customer's next event, at its instant; returns which."""
    queue, at = lanes.queue, lanes.events.at
    events = queue.cursor[rows]
    queue.clock[rows] = at[events]
    queue.cursor[rows] = events + 1
    queue.events_left[rows] = left = queue.events_left[rows] - 1
    queue.next_event[rows] = np.where(left > 0, at[events + 1], NEVER)
    return events


def next_follow_ups(lanes: Lanes, rows: Ints) -> Ints:
    """Take the follow-up fact that waits longest for each customer; returns which."""
    facts = lanes.queue.head[rows]
    lanes.queue.head[rows] = lanes.facts["next"][facts]
    return facts


def ring(lanes: Lanes, number: int, rows: Ints) -> None:
    """An alarm fires, at its instant; a cron will again."""
    lanes.queue.clock[rows] = now = lanes.queue.alarm[rows, number]
    is_cron = lanes.tick.program.alarms[number].is_cron
    lanes.queue.alarm[rows, number] = next_cron(lanes, number, rows, now + 1) if is_cron else NEVER


def come_due(lanes: Lanes, slot: int, rows: Ints) -> None:
    """A step of the executions in `slot` is due, at its instant."""
    lanes.queue.clock[rows] = lanes.executions.by_slot[slot].due[rows]


def enqueue(lanes: Lanes, rows: Ints, facts: Ints) -> None:
    """One more follow-up fact waits for each customer."""
    queue = lanes.queue
    waiting = queue.head[rows] >= 0
    lanes.facts["next"][queue.tail[rows[waiting]]] = facts[waiting]
    queue.head[rows[~waiting]] = facts[~waiting]
    queue.tail[rows] = facts


def armed_for(lanes: Lanes, rows: Ints) -> list[Array]:
    """What each schedule goes by now: dates, as value codes; the customers' zones, by number."""
    alarms = enumerate(lanes.tick.program.alarms)
    return [lanes.zones_of(rows) if one.is_cron else dates(lanes, number, rows) for number, one in alarms]


def rearm(lanes: Lanes, rows: Ints, before: list[Array], *, by_event: bool) -> None:
    """Arm what really changed since it was as in `before`; follow the customers' zones.

    A zone that an event changes counts for this very instant, because schedules come after events (§3).
    """
    queue, tick = lanes.queue, lanes.tick
    for number, (was, now) in enumerate(zip(before, armed_for(lanes, rows), strict=True)):
        if not tick.program.alarms[number].is_cron:
            moved = rows[tick.changed(was, now)]
            queue.alarm[moved, number] = next_date(lanes, number, moved, queue.clock[moved])
        elif tick.program.alarms[number].schedule.timezone == CUSTOMER:
            moved = rows[was != now]
            first = np.maximum(queue.clock[moved] + (not by_event), tick.cron_since + 1)
            queue.alarm[moved, number] = next_cron(lanes, number, moved, first)
