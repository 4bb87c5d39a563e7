"""What of a fact is compared with what of the fact that started an execution (`{from: event.x}`, semantics.md §6)."""

from collections.abc import Sequence

import numpy as np

from transforms.columns.arrays import Array, Bools, Ints
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.lookups import values_at
from transforms.engine.lanes.memory import Lanes
from transforms.program.checks import Comparison, Reference


def refers(lanes: Lanes, references: Sequence[Reference], facts: Ints, starts: Ints) -> Bools:
    """Whether all `references` hold.

    Args:
        lanes: where the facts are.
        references: of one trigger.
        facts: rows of those at hand.
        starts: rows of those that started the executions.
    """
    result = np.ones(facts.size, np.bool_)
    for one in references:
        wanted = values_at(lanes.facts["codes"], starts, one.start, lanes.tick.inside)
        if one.of is None:
            result &= lanes.facts["name"][facts] == wanted
        else:
            have = values_at(lanes.facts["codes"], facts, one.of, lanes.tick.inside)
            result &= _compare(lanes, one.comparison, have, wanted)
        result &= wanted != NULL_CODE
    return result


def _compare(lanes: Lanes, comparison: Comparison, have: Array, wanted: Array) -> Bools:
    """By code, or numbers by their ranks; `not_above` and `not_below` hold for what is no number, and null is 0."""
    if comparison == "equal":
        same: Bools = have == wanted
        return same
    ranks, negated = lanes.tick.ranks, comparison.startswith("not_")
    if negated:
        have = np.where(have == NULL_CODE, lanes.tick.code(0), have)
    first, second = ranks[have], ranks[wanted]
    both: Bools = (first >= 0) & _COMPARE[comparison.removeprefix("not_")](first, second)
    return (second >= 0) & (both ^ negated)


_COMPARE = {
    "at_least": np.greater_equal,
    "at_most": np.less_equal,
    "above": np.greater,
    "below": np.less,
}
