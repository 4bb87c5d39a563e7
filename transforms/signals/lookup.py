"""Signals in the lanes: step functions of time, looked up at each customer's present instant."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from transforms.columns.arrays import ALWAYS, Bools, Ints, order_by
from transforms.columns.json_values import BOOLEAN, NULL, NUMBER, numbers_frame
from transforms.definitions.signals import LastEvent, PatternTruth, Signal
from transforms.signals.results import StepFunction
from transforms.timing.zones import DAY


@dataclass(frozen=True)
class SignalLookup:
    """One signal, sorted for look-ups by (lane, instant).

    Attributes:
        times: the distinct instants of changes.
        keys: `lane × (len(times) + 1) + place in times`, ascending.
        value: after the change.
    """

    signal: Signal
    times: Ints
    keys: Ints
    value: Any

    def at(self, rows: Ints, instants: Ints) -> tuple[Any, Bools]:
        """The values for lanes `rows` at `instants`, and for whom there is none yet."""
        width = self.times.size + 1
        wanted = rows * width + np.searchsorted(self.times, instants, side="right")
        place = np.searchsorted(self.keys, wanted, side="right") - 1
        none = (
            (place < 0) | (self.keys[place] // width != rows)
            if self.keys.size
            else np.ones(rows.size, np.bool_)
        )
        value = np.zeros(rows.size, self.value.dtype)
        value[~none] = self.value[place[~none]]
        return value, none

    def holds(self, expression: pl.Expr, rows: Ints, instants: Ints) -> Bools:
        """Whether a condition on the signal holds, per row.

        Args:
            expression: the operator's (`conditions.truth_of`).
            rows: lanes.
            instants: theirs.
        """
        verdict: Bools = self.values(rows, instants).select(expression).to_series().to_numpy()
        return verdict if verdict.size == rows.size else np.repeat(verdict, rows.size)

    def values(self, rows: Ints, instants: Ints) -> pl.DataFrame:
        """What conditions see of the signal, as rows of a dictionary (`json_values.numbers_frame`).

        Args:
            rows: lanes.
            instants: theirs.
        """
        value, none = self.at(rows, instants)
        match self.signal:
            case LastEvent():
                return numbers_frame((instants - value) / DAY, np.where(none, NULL, NUMBER))
            case PatternTruth():
                return numbers_frame(value.astype(float), np.full(rows.size, BOOLEAN))
        return numbers_frame(value, np.full(rows.size, NUMBER))


def look_up(signal: Signal, function: StepFunction, lane_of: Ints) -> SignalLookup:
    """A signal's step function in lanes; `lane_of` gives the lane of each of its customers, −1 for none."""
    nothing = ALWAYS if isinstance(signal, LastEvent) else 0
    begun = np.flatnonzero(function.first != nothing)
    lane = lane_of[np.concatenate([begun, function.lane])]
    at = np.concatenate([np.full(begun.size, ALWAYS), function.at])
    value = np.concatenate([function.first[begun], function.value])
    kept = lane >= 0
    lane, at, value = lane[kept], at[kept], value[kept]
    times = np.unique(at)
    place = np.searchsorted(times, at, side="right")
    order = order_by(lane, place, stable=True)
    return SignalLookup(signal, times, (lane * (times.size + 1) + place)[order], value[order])
