"""Compiled conditions and trigger matchers → verdicts, for many customers or facts at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transforms.columns.arrays import Array, Bools, Ints
from transforms.engine.lanes.lookups import values_at
from transforms.engine.lanes.memory import Lanes
from transforms.program.checks import AnyCheck, Check, GroupCheck, RecentCheck, SignalCheck, TagCheck
from transforms.program.model import Program


@dataclass(frozen=True)
class Asked:
    """Of whom checks are asked, one row each.

    Attributes:
        rows: the customers.
        facts: whose properties `event.X` reads.
        decision: the value codes of their executions' last decisions, or one code for all.
        at: the instants at which they are asked.
    """

    rows: Ints
    facts: Ints
    decision: Array | int
    at: Ints


def holds(lanes: Lanes, checks: Sequence[AnyCheck], asked: Asked) -> Bools:
    """Whether all `checks` hold, per row."""
    result = np.ones(asked.rows.size, np.bool_)
    for check in checks:
        result &= _verdict(lanes, check, asked)
    return result


def is_timed(checks: Sequence[AnyCheck]) -> bool:
    """Whether the verdict of `checks` may change with time alone."""
    return any(
        is_timed(one.checks) if isinstance(one, GroupCheck) else isinstance(one, RecentCheck | SignalCheck)
        for one in checks
    )


def _verdict(lanes: Lanes, check: AnyCheck, asked: Asked) -> Bools:
    match check:
        case GroupCheck():
            return _holds_group(lanes, check, asked)
        case TagCheck():
            return _holds_tags(lanes, check, asked.rows)
        case SignalCheck(signal=number, holds=expression):
            return lanes.tick.signals[number].holds(expression, asked.rows, asked.at)
        case RecentCheck(window=window):
            instants = lanes.tick.instants[_codes(lanes, check, asked)]
            recent: Bools = (asked.at - window < instants) & (instants <= asked.at)
            return recent
        case Check(truth=truth):
            verdict: Bools = lanes.tick.truth[truth][_codes(lanes, check, asked)]
            return verdict


def _codes(lanes: Lanes, check: Check | RecentCheck, asked: Asked) -> Array | int:
    """The values that a check looks at."""
    if check.source == "attribute":
        return values_at(lanes.profiles.attributes, asked.rows, check, lanes.tick.inside)
    if check.source == "event":
        return values_at(lanes.facts["codes"], asked.facts, check, lanes.tick.inside)
    return asked.decision


def _holds_group(lanes: Lanes, group: GroupCheck, asked: Asked) -> Bools:
    if group.any:
        result = np.zeros(asked.rows.size, np.bool_)
        for check in group.checks:
            result |= _verdict(lanes, check, asked)
    else:
        result = holds(lanes, group.checks, asked)
    return result ^ group.negated


def _holds_tags(lanes: Lanes, check: TagCheck, rows: Ints) -> Bools:
    profiles = lanes.profiles
    if check.tag is not None:
        has: Bools = profiles.tags[rows, check.tag]
        return has
    result = np.zeros(len(rows), np.bool_)
    for tags in check.lists:
        same = profiles.tag_count[rows] == len(tags)
        result |= same & profiles.tags[np.ix_(rows, np.array(sorted(tags), np.int64))].all(axis=1)
    return result ^ check.negated


def match_codes(
    program: Program, truth: Bools, inside: Array, codes: Array, matchers: Sequence[int]
) -> Bools:
    """Which of the `matchers` facts with these property codes satisfy: `[fact, every matcher]`."""
    result = np.zeros((len(codes), len(program.matchers)), np.bool_)
    for index in matchers:
        verdict = np.ones(len(codes), np.bool_)
        for check in program.matchers[index].checks:
            verdict &= truth[check.truth][values_at(codes, slice(None), check, inside)]
        result[:, index] = verdict
    return result
