"""The waves: all customers who wait for one kind of thing take it together, until nobody waits for anything.

Per customer that is one fact or step at a time in the order of semantics.md §3; per wave it is a handful of array
operations.
"""

import numpy as np

from transforms.columns.arrays import Ints
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.checks import match_codes
from transforms.engine.lanes.memory import Lanes
from transforms.engine.waves.agenda import EVENT, FIRST_ALARM, FOLLOW_UP, Agenda
from transforms.engine.waves.facts import take_fact
from transforms.engine.waves.follow_ups import kind_of
from transforms.engine.waves.profiles import update_profiles
from transforms.engine.waves.queue import next_events, next_follow_ups, ring
from transforms.engine.waves.steps import take_step


def run_waves(lanes: Lanes) -> None:
    """Take everything that lies before the tick's end, of all customers."""
    agenda = Agenda(lanes)
    while wave := agenda.take():
        kind, rows = wave
        if kind == EVENT:
            _take_events(lanes, rows)
        elif kind == FOLLOW_UP:
            take_fact(lanes, rows, next_follow_ups(lanes, rows))
        elif kind < agenda.first_step:
            _take_alarm(lanes, kind - FIRST_ALARM, rows)
        else:
            take_step(lanes, lanes.tick.program.steps[kind - agenda.first_step], rows)
        agenda.put(rows)
        lanes.waves += 1


def _take_events(lanes: Lanes, rows: Ints) -> None:
    events = next_events(lanes, rows)
    update_profiles(lanes, rows, events)
    lanes.processed += int(lanes.events.matters[events].sum())
    take_fact(lanes, rows, lanes.events.first_fact + events)


def _take_alarm(lanes: Lanes, number: int, rows: Ints) -> None:
    """A schedule fires (§7); it isn't counted, since for whom nothing comes of a cron it may be left out."""
    ring(lanes, number, rows)
    program, alarm = lanes.tick.program, lanes.tick.program.alarms[number]
    codes = np.full((rows.size, len(program.properties)), NULL_CODE, np.int32)
    match = match_codes(program, lanes.tick.truth, lanes.tick.inside, codes, alarm.matchers)
    kind = kind_of(lanes, "time_based", alarm.name)
    facts = lanes.facts.append(rows.size, codes=codes, match=match, next=-1, kind=kind)
    if lanes.observer:
        lanes.observer.rings(facts, number)
    take_fact(lanes, rows, facts)
