"""The waves: all customers who wait for one kind of thing take it together, until nobody waits for anything.

Per customer that is one fact or step at a time in the order of semantics.md §3; per wave it is a handful of array
operations.
"""

import numpy as np

from transforms.columns.arrays import NEVER, Ints
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.alarms import next_cron
from transforms.engine.lanes.checks import match_codes
from transforms.engine.lanes.memory import Lanes
from transforms.engine.waves.agenda import EVENT, FIRST_ALARM, FOLLOW_UP, Agenda
from transforms.engine.waves.facts import take_fact
from transforms.engine.waves.follow_ups import kind_of
from transforms.engine.waves.profiles import update_profiles
from transforms.engine.waves.steps import take_step


def run_waves(lanes: Lanes) -> None:
    """Take everything that lies before the tick's end, of all customers."""
    agenda = Agenda(lanes)
    while wave := agenda.take():
        kind, rows = wave
        if kind == EVENT:
            _take_events(lanes, rows)
        elif kind == FOLLOW_UP:
            _take_follow_ups(lanes, rows)
        elif kind < agenda.first_step:
            _take_alarm(lanes, kind - FIRST_ALARM, rows)
        else:
            take_step(lanes, lanes.program.steps[kind - agenda.first_step], rows)
        agenda.put(rows)
        lanes.waves += 1


def _take_events(lanes: Lanes, rows: Ints) -> None:
    lanes.processed += rows.size
    events = lanes.cursor[rows]
    lanes.clock[rows] = lanes.events.at[events]
    lanes.cursor[rows] = events + 1
    lanes.events_left[rows] = left = lanes.events_left[rows] - 1
    lanes.next_event[rows] = np.where(left > 0, lanes.events.at[events + 1], NEVER)
    update_profiles(lanes, rows, events)
    take_fact(lanes, rows, lanes.events.first_fact + events)


def _take_follow_ups(lanes: Lanes, rows: Ints) -> None:
    lanes.processed += rows.size
    facts = lanes.head[rows]
    lanes.head[rows] = lanes.facts["next"][facts]
    take_fact(lanes, rows, facts)


def _take_alarm(lanes: Lanes, number: int, rows: Ints) -> None:
    """A schedule fires (§7)."""
    lanes.processed += rows.size
    alarm = lanes.program.alarms[number]
    lanes.clock[rows] = now = lanes.alarm[rows, number]
    lanes.alarm[rows, number] = next_cron(lanes, number, rows, now + 1) if alarm.is_cron else NEVER
    codes = np.full((rows.size, len(lanes.program.properties)), NULL_CODE, np.int32)
    match = match_codes(lanes.program, lanes.truth, codes, alarm.matchers)
    kind = kind_of(lanes, "time_based", alarm.name)
    facts = lanes.facts.append(rows.size, codes=codes, match=match, next=-1, kind=kind)
    take_fact(lanes, rows, facts)
