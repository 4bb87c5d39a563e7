"""What looking at signals found: values as step functions of time, patterns turned true."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from transforms.columns.arrays import Bools, Ints
from transforms.tables.frames import AMOUNTS, INSTANT, Schema

FACTS: Schema = {"customer_id": pl.String, "at": INSTANT, "name": pl.String}


@dataclass(frozen=True)
class StepFunction:
    """Of K customers a value that changes in time, at N instants; by customer and time.

    Attributes:
        lane: `[N]` the customer: a row of `Signals.customers`.
        at: `[N]` µs.
        quiet: `[N]` whether the change causes nothing (history, too-late events); those of an instant come first.
        value: `[N]` after the change: an amount, a truth, µs for `LastEvent` (`ALWAYS`: never); or `[N, C]` amounts.
        first: `[K]`, or `[K, C]`, the value before all changes.
    """

    lane: Ints
    at: Ints
    quiet: Bools
    value: Any
    first: Any

    def before(self) -> Any:
        """`[N]` the value before each change: that of the change before, or `first`."""
        if not self.lane.size:
            return self.value
        before = np.empty_like(self.value)
        before[1:] = self.value[:-1]
        start = np.flatnonzero(np.append(True, self.lane[1:] != self.lane[:-1]))
        before[start] = self.first[self.lane[start]]
        return before


NOTHING = StepFunction(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0), np.zeros(0)
)


def _no_amounts() -> pl.DataFrame:
    return pl.DataFrame(schema=AMOUNTS)


@dataclass(frozen=True)
class Signals:
    """What was found, for K customers.

    Attributes:
        customers: `[K]` ids.
        facts: one row per pattern turned true: customer_id, at, name.
        signals: one for each of the plan.
        amounts: gives `frames.AMOUNTS` after the tick, of these customers; made only when asked for.
    """

    customers: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.String))
    facts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FACTS))
    signals: tuple[StepFunction, ...] = ()
    amounts: Callable[[], pl.DataFrame] = _no_amounts
