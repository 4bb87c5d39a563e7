"""For whom nothing comes of the crons that fire in a tick (semantics.md §7)."""

import numpy as np

from transforms.columns.arrays import Bools, Ints
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.alarms import firings, zones_for
from transforms.engine.lanes.checks import Asked, holds, is_timed
from transforms.engine.lanes.memory import Lanes
from transforms.program.schedules import distinct


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
    for zone, some in distinct(zones_for(lanes, alarm, rows)):
        instants = firings(lanes, number, zone)
        for instant in instants if timed else instants[:1]:
            facts, at = np.repeat(blank, some.size), np.full(some.size, instant)
            for one in alarm.triggers:
                result[some] |= holds(lanes, one.checks, Asked(rows[some], facts, NULL_CODE, at))
    return result
