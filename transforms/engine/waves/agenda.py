"""Who waits for what: customers by the kind of their next fact or step, in the order of semantics.md §3.

A kind is one integer, so that all customers' kinds are one array: nothing, an event, a follow-up fact, then one kind
for each schedule (`FIRST_ALARM` + its number in the program), then one for each step (`Agenda.first_step` + its own).
"""

import numpy as np

from transforms.columns.arrays import NEVER, Ints, places
from transforms.engine.lanes.memory import Lanes

NOTHING, EVENT, FOLLOW_UP, FIRST_ALARM = range(4)


class Agenda:
    """The customers with something left until the tick's end, by kind.

    Customers are independent, so who goes first is free. To keep waves few and large, the next one is that of
    the customer with most events left, and all who wait for the same kind of thing come along.
    """

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.first_step = FIRST_ALARM + len(lanes.tick.program.alarms)
        self.kinds = np.zeros(len(lanes.customers), np.int64)
        self.waiting: dict[int, list[Ints]] = {}
        slots = enumerate(lanes.executions.by_slot)
        self.slots = [one for number, one in slots if number not in lanes.tick.paused]
        self.put(np.arange(len(lanes.customers)))

    def put(self, rows: Ints) -> None:
        """Sort customers in by what is next for them."""
        self.kinds[rows] = kinds = self._next(rows)
        for kind in np.flatnonzero(np.bincount(kinds)).tolist():
            if kind != NOTHING:
                self.waiting.setdefault(kind, []).append(rows[places(kinds == kind)])

    def take(self) -> tuple[int, Ints] | None:
        """The next wave: its kind and its customers; None when nobody has anything left."""
        if not self.waiting:
            return None
        kind = self._most_urgent()
        return kind, np.concatenate(self.waiting.pop(kind))

    def _most_urgent(self) -> int:
        left = self.lanes.queue.events_left
        busiest = int(left.argmax())
        if left[busiest] and self.kinds[busiest] != NOTHING:
            return int(self.kinds[busiest])
        return max(self.waiting, key=lambda kind: sum(map(len, self.waiting[kind])))

    def _next(self, rows: Ints) -> Ints:
        lanes = self.lanes
        next_due, step = self._next_steps(rows)
        kinds = (self.first_step + step) * (next_due <= lanes.tick.until)  # NOTHING is 0
        event = lanes.queue.next_event[rows]
        if lanes.kinds:  # there have been follow-up facts
            queued = lanes.queue.head[rows] >= 0
            kinds[queued] = FOLLOW_UP
            next_due[queued] = lanes.queue.clock[rows[queued]]
        if lanes.tick.program.alarms:
            alarms = lanes.queue.alarm[rows]
            alarm = alarms.argmin(axis=1)
            at = alarms[np.arange(len(rows)), alarm]
            rings = (at <= next_due) & (at <= lanes.tick.until)
            kinds[rings], next_due[rings] = FIRST_ALARM + alarm[rings], at[rings]
        kinds[places((event <= next_due) & (event != NEVER))] = EVENT
        return kinds

    def _next_steps(self, rows: Ints) -> tuple[Ints, Ints]:
        """When the next step of customers is due, and which; of equal instants that of the first slot."""
        if not self.slots:
            return np.full(rows.size, NEVER), np.zeros(rows.size, np.int64)
        first, *others = self.slots
        next_due, step = first.due[rows], first.step[rows]
        for slot in others:
            due = slot.due[rows]
            if (sooner := places(due < next_due)).size:
                next_due[sooner], step[sooner] = due[sooner], slot.step[rows[sooner]]
        return next_due, step
