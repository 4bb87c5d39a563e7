"""Alarms in the lanes: when each schedule fires next for each customer (semantics.md §7)."""

import numpy as np

from transforms.columns.arrays import ALWAYS, NEVER, Array, Bools, Ints
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.checks import holds, is_timed
from transforms.engine.lanes.memory import Lanes
from transforms.program.model import Alarm
from transforms.program.schedules import cron_instants, date_instants, distinct
from transforms.timing.zones import CUSTOMER


def set_crons(lanes: Lanes) -> None:
    """The first instant of every cron, for everybody."""
    everybody = np.arange(len(lanes.customers))
    first = np.full(everybody.size, lanes.cron_since + 1)
    for number, alarm in enumerate(lanes.program.alarms):
        if alarm.is_cron:
            lanes.alarm[:, number] = next_cron(lanes, number, everybody, first)


def next_cron(lanes: Lanes, number: int, rows: Ints, first: Ints) -> Ints:
    """The first instant of a cron from `first` on, in each customer's zone."""
    following = np.full(rows.size, NEVER)
    for zone, some in distinct(_zones(lanes, lanes.program.alarms[number], rows)):
        instants = np.append(_instants(lanes, number, zone), NEVER)
        following[some] = instants[np.searchsorted(instants, first[some])]
    return following


def arm_dates(lanes: Lanes, number: int, rows: Ints, moments: Ints) -> None:
    """Arm a schedule by what its attribute is, if that is later than `moments` at which it was set."""
    alarm = lanes.program.alarms[number]
    codes = lanes.attributes[rows, alarm.column]
    instants = np.full(rows.size, NEVER)
    for zone, some in distinct(_zones(lanes, alarm, rows)):
        values, wall = lanes.moments[codes[some]], lanes.is_wall[codes[some]]
        instants[some] = date_instants(alarm.schedule, values, wall, lanes.clocks.zone(zone))
    lanes.alarm[rows, number] = np.where(instants > np.maximum(moments, lanes.since), instants, NEVER)


def attributes_changed(lanes: Lanes, rows: Ints, attribute: Array, *, by_event: bool) -> None:
    """Arm what attributes that really changed now stand for; follow the customers' zones.

    A zone that an event changes counts for this very instant, because schedules come after events (§3).
    """
    for number, alarm in enumerate(lanes.program.alarms):
        if alarm.is_cron and alarm.schedule.timezone is not None:
            moved = rows[attribute == lanes.program.zone_column]
            since = np.maximum(lanes.clock[moved] + (not by_event), lanes.cron_since + 1)
            lanes.alarm[moved, number] = next_cron(lanes, number, moved, since)
        elif not alarm.is_cron:
            set_anew = rows[attribute == alarm.column]
            arm_dates(lanes, number, set_anew, lanes.clock[set_anew])


def drop_idle_crons(lanes: Lanes, candidates: Ints) -> None:
    """Forget the crons of customers for whom no trigger's conditions hold whenever one fires.

    Nothing else happens to these customers until then, so they are as they are now; the facts of a cron over
    millions of customers are never made.
    """
    if candidates.size:
        wanted = np.zeros(candidates.size, np.bool_)
        for number, alarm in enumerate(lanes.program.alarms):
            if alarm.is_cron and alarm.triggers:
                wanted |= _enters(lanes, number, alarm, candidates)
        crons = np.flatnonzero([alarm.is_cron for alarm in lanes.program.alarms])
        lanes.alarm[np.ix_(candidates[~wanted], crons)] = NEVER


def _enters(lanes: Lanes, number: int, alarm: Alarm, rows: Ints) -> Bools:
    blank = lanes.facts.append(1, codes=NULL_CODE, next=-1)
    result = np.zeros(rows.size, np.bool_)
    for zone, some in distinct(_zones(lanes, alarm, rows)):
        instants = _instants(lanes, number, zone)
        timed = any(is_timed(one.checks) for one in alarm.triggers)
        for instant in instants if timed else instants[:1]:
            lanes.clock[rows[some]] = instant
            for one in alarm.triggers:
                facts = np.repeat(blank, some.size)
                result[some] |= holds(lanes, one.checks, rows[some], facts, NULL_CODE)
    lanes.clock[rows] = ALWAYS
    return result


def _instants(lanes: Lanes, number: int, zone: int) -> Ints:
    cron = lanes.program.alarms[number].schedule.cron
    assert cron is not None
    return cron_instants(cron, lanes.clocks.names[zone], lanes.cron_since, lanes.until)


def _zones(lanes: Lanes, alarm: Alarm, rows: Ints) -> Ints:
    named = alarm.schedule.timezone
    if named == CUSTOMER:
        return customer_zones(lanes, rows)
    return np.full(rows.size, lanes.clocks.number(named, 0))


def customer_zones(lanes: Lanes, rows: Ints) -> Ints:
    """The numbers of the customers' own zones, as of now; the default where nobody asks for them."""
    column = lanes.program.zone_column
    if column < 0:
        return np.zeros(rows.size, np.int64)
    return lanes.clocks.of(rows, lanes.attributes[rows, column])
