"""When schedules fire (semantics.md §7)."""

import numpy as np

from transforms.columns.arrays import NEVER, Array, Ints
from transforms.engine.lanes.lookups import values_at
from transforms.engine.lanes.memory import Lanes
from transforms.program.model import Alarm
from transforms.program.schedules import cron_instants, date_instants, distinct
from transforms.timing.zones import CUSTOMER


def next_cron(lanes: Lanes, number: int, rows: Ints, first: Ints) -> Ints:
    """The first instant of a cron from `first` on, in each customer's zone."""
    following = np.full(rows.size, NEVER)
    for zone, some in distinct(zones_for(lanes, lanes.tick.program.alarms[number], rows)):
        instants = np.append(firings(lanes, number, zone), NEVER)
        following[some] = instants[np.searchsorted(instants, first[some])]
    return following


def next_date(lanes: Lanes, number: int, rows: Ints, since: Ints) -> Ints:
    """When a schedule fires by what its attribute is now, if that is after `since`, when it was set."""
    tick, alarm = lanes.tick, lanes.tick.program.alarms[number]
    codes = dates(lanes, number, rows)
    instants = np.full(rows.size, NEVER)
    for zone, some in distinct(zones_for(lanes, alarm, rows)):
        values, wall = tick.instants[codes[some]], tick.is_wall[codes[some]]
        instants[some] = date_instants(alarm.schedule, values, wall, tick.clocks.zone(zone))
    return np.where(instants > np.maximum(since, tick.since), instants, NEVER)


def dates(lanes: Lanes, number: int, rows: Ints) -> Array:
    """The value codes that a schedule by a date attribute goes by."""
    alarm = lanes.tick.program.alarms[number]
    return values_at(lanes.profiles.attributes, rows, alarm, lanes.tick.inside)


def firings(lanes: Lanes, number: int, zone: int) -> Ints:
    """When a cron fires in the tick, in the zone of this number."""
    tick, cron = lanes.tick, lanes.tick.program.alarms[number].schedule.cron
    assert cron is not None
    return cron_instants(cron, tick.clocks.names[zone], tick.cron_since, tick.until)


def zones_for(lanes: Lanes, alarm: Alarm, rows: Ints) -> Ints:
    """The numbers of the zones in which a schedule goes by the clock: its own, or the customers'."""
    named = alarm.schedule.timezone
    if named == CUSTOMER:
        return lanes.zones_of(rows)
    return np.full(rows.size, lanes.tick.clocks.number(named, 0))
