"""Compiled conditions and trigger matchers → verdicts, for many customers or facts at once."""

from collections.abc import Sequence

import numpy as np

from transforms.lanes import Array, Bools, Ints, Lanes
from transforms.program import AnyCheck, Program, TagCheck


def holds(lanes: Lanes, checks: Sequence[AnyCheck], rows: Ints, facts: Ints, decision: Array | int) -> Bools:
    """Whether all `checks` hold, per row: of the customers `rows`, the facts `event.X` reads, their decisions."""
    result = np.ones(len(rows), np.bool_)
    for check in checks:
        if isinstance(check, TagCheck):
            result &= _holds_tags(lanes, check, rows)
        elif check.source == "attribute":
            result &= lanes.truth[check.truth][lanes.attributes[rows, check.column]]
        elif check.source == "event":
            result &= lanes.truth[check.truth][lanes.facts["codes"][facts, check.column]]
        else:
            result &= lanes.truth[check.truth][decision]
    return result


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
