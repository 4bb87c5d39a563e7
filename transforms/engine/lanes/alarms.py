"""When schedules fire next, and for whom nothing comes of it (semantics.md §7)."""

import numpy as np

from transforms.columns.arrays import NEVER, Bools, Ints
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.checks import Asked, holds, is_timed
from transforms.engine.lanes.memory import Lanes
from transforms.program.model import Alarm
from transforms.program.schedules import cron_instants, date_instants, distinct
from transforms.timing.zones import CUSTOMER


def next_cron(lanes: Lanes, number: int, rows: Ints, first: Ints) -> Ints:
    """The first instant of a cron from `first` on, in each customer's zone."""
    following = np.full(rows.size, NEVER)
    for zone, some in distinct(_zones(lanes, lanes.tick.program.alarms[number], rows)):
        instants = np.append(_instants(lanes, number, zone), NEVER)
        following[some] = instants[np.searchsorted(instants, first[some])]
    return following


def next_date(lanes: Lanes, number: int, rows: Ints, since: Ints) -> Ints:
    """When a schedule fires by what its attribute is now, if that is after `since`, when it was set."""
    tick, alarm = lanes.tick, lanes.tick.program.alarms[number]
    codes = lanes.profiles.attributes[rows, alarm.column]
    instants = np.full(rows.size, NEVER)
    for zone, some in distinct(_zones(lanes, alarm, rows)):
        values, wall = tick.instants[codes[some]], tick.is_wall[codes[some]]
        instants[some] = date_instants(alarm.schedule, values, wall, tick.clocks.zone(zone))
    return np.where(instants > np.maximum(since, tick.since), instants, NEVER)


def without_cron_entry(lanes: Lanes, rows: Ints) -> Ints:
    """Those of customers `rows` for whom no cron trigger's conditions hold whenever it fires in the tick.

    If nothing else happens to them until then, they are as they are now; the facts of a cron over millions of
    customers need never be made.
    """
    enters = np.zeros(rows.size, np.bool_)
    for number, alarm in enumerate(lanes.tick.program.alarms):
        if rows.size and alarm.is_cron and alarm.triggers:
            enters |= _enters(lanes, number, rows)
    return rows[~enters]


def _enters(lanes: Lanes, number: int, rows: Ints) -> Bools:
    alarm = lanes.tick.program.alarms[number]
    blank = lanes.facts.append(1, codes=NULL_CODE, next=-1)
    timed = any(is_timed(one.checks) for one in alarm.triggers)
    result = np.zeros(rows.size, np.bool_)
    for zone, some in distinct(_zones(lanes, alarm, rows)):
        instants = _instants(lanes, number, zone)
        for instant in instants if timed else instants[:1]:
            facts, at = np.repeat(blank, some.size), np.full(some.size, instant)
            for one in alarm.triggers:
                result[some] |= holds(lanes, one.checks, Asked(rows[some], facts, NULL_CODE, at))
    return result


def _instants(lanes: Lanes, number: int, zone: int) -> Ints:
    tick, cron = lanes.tick, lanes.tick.program.alarms[number].schedule.cron
    assert cron is not None
    return cron_instants(cron, tick.clocks.names[zone], tick.cron_since, tick.until)


def _zones(lanes: Lanes, alarm: Alarm, rows: Ints) -> Ints:
    named = alarm.schedule.timezone
    if named == CUSTOMER:
        return lanes.zones_of(rows)
    return np.full(rows.size, lanes.tick.clocks.number(named, 0))
