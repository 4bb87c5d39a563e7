"""Compiled conditions and trigger matchers → verdicts, for many customers or facts at once."""

from collections.abc import Sequence

import numpy as np

from transforms.columns.arrays import Array, Bools, Ints
from transforms.engine.lanes.memory import Lanes
from transforms.program.checks import AnyCheck, Check, GroupCheck, RecentCheck, SignalCheck, TagCheck
from transforms.program.model import Program


def holds(lanes: Lanes, checks: Sequence[AnyCheck], rows: Ints, facts: Ints, decision: Array | int) -> Bools:
    """Whether all `checks` hold now, per row: of the customers `rows`, the facts `event.X` reads, their decisions."""
    result = np.ones(len(rows), np.bool_)
    for check in checks:
        result &= _verdict(lanes, check, rows, facts, decision)
    return result


def is_timed(checks: Sequence[AnyCheck]) -> bool:
    """Whether the verdict of `checks` may change with time alone."""
    return any(
        is_timed(one.checks) if isinstance(one, GroupCheck) else isinstance(one, RecentCheck | SignalCheck)
        for one in checks
    )


def _verdict(lanes: Lanes, check: AnyCheck, rows: Ints, facts: Ints, decision: Array | int) -> Bools:
    match check:
        case GroupCheck():
            return _holds_group(lanes, check, rows, facts, decision)
        case TagCheck():
            return _holds_tags(lanes, check, rows)
        case SignalCheck(signal=number, holds=expression):
            return lanes.signals[number].holds(expression, rows, lanes.clock[rows])
        case RecentCheck(window=window):
            moments = lanes.moments[_codes(lanes, check, rows, facts, decision)]
            now = lanes.clock[rows]
            recent: Bools = (now - window < moments) & (moments <= now)
            return recent
        case Check(truth=truth):
            verdict: Bools = lanes.truth[truth][_codes(lanes, check, rows, facts, decision)]
            return verdict


def _codes(
    lanes: Lanes, check: Check | RecentCheck, rows: Ints, facts: Ints, decision: Array | int
) -> Array | int:
    """The values that a check looks at."""
    if check.source == "attribute":
        attributes: Array = lanes.attributes[rows, check.column]
        return attributes
    if check.source == "event":
        properties: Array = lanes.facts["codes"][facts, check.column]
        return properties
    return decision


def _holds_group(lanes: Lanes, group: GroupCheck, rows: Ints, facts: Ints, decision: Array | int) -> Bools:
    if group.any:
        result = np.zeros(len(rows), np.bool_)
        for check in group.checks:
            result |= _verdict(lanes, check, rows, facts, decision)
    else:
        result = holds(lanes, group.checks, rows, facts, decision)
    return result ^ group.negated


def _holds_tags(lanes: Lanes, check: TagCheck, rows: Ints) -> Bools:
    if check.tag is not None:
        has: Bools = lanes.tags[rows, check.tag]
        return has
    result = np.zeros(len(rows), np.bool_)
    for tags in check.lists:
        same = lanes.tag_count[rows] == len(tags)
        result |= same & lanes.tags[np.ix_(rows, np.array(sorted(tags), np.int64))].all(axis=1)
    return result ^ check.negated


def match_codes(program: Program, truth: Bools, codes: Array, matchers: Sequence[int]) -> Bools:
    """Which of the `matchers` facts with these property codes satisfy: `[fact, every matcher]`."""
    result = np.zeros((len(codes), len(program.matchers)), np.bool_)
    for index in matchers:
        verdict = np.ones(len(codes), np.bool_)
        for check in program.matchers[index].checks:
            verdict &= truth[check.truth][codes[:, check.column]]
        result[:, index] = verdict
    return result
