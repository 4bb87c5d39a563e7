"""The gates of a send (semantics.md §11): consent, then frequency caps."""

import numpy as np

from transforms.lanes import Bools, Ints, Lanes
from transforms.program import Flow


def accepted(lanes: Lanes, flow: Flow, rows: Ints) -> tuple[Ints, dict[str, Ints]]:
    """Which of the customers `rows` get the message, and who doesn't, by outcome.

    Accepted messages are counted for the caps; transactional ones pass and aren't counted.
    """
    if flow.workflow.transactional:
        return rows, {}
    consents = ~_refuses(lanes, rows)
    fits = ~_capped(lanes, rows)
    sent = rows[consents & fits]
    _count(lanes, sent)
    return sent, {"suppressed:consent": rows[~consents], "suppressed:frequency_cap": rows[consents & ~fits]}


def _refuses(lanes: Lanes, rows: Ints) -> Bools:
    result = np.zeros(len(rows), np.bool_)
    for check in lanes.program.refuses_consent:
        result |= lanes.truth[check.truth][lanes.attributes[rows, check.column]]
    return result


def _capped(lanes: Lanes, rows: Ints) -> Bools:
    """A cap of N is full when the N-th newest accepted message lies within its window (t − W, t]."""
    result = np.zeros(len(rows), np.bool_)
    for messages, window in lanes.caps:
        if messages == 0:
            return np.ones(len(rows), np.bool_)
        result |= lanes.sends[rows, messages - 1] > lanes.clock[rows] - window
    return result


def _count(lanes: Lanes, rows: Ints) -> None:
    if lanes.sends.shape[1]:
        lanes.sends[rows, 1:] = lanes.sends[rows, :-1]
        lanes.sends[rows, 0] = lanes.clock[rows]
