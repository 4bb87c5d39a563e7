"""What looking at signals found: step functions of time, patterns turned true."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from transforms.columns.arrays import Ints
from transforms.tables.frames import AMOUNTS, INSTANT, Schema

FACTS: Schema = {"customer_id": pl.String, "at": INSTANT, "name": pl.String}


@dataclass(frozen=True)
class StepFunction:
    """A signal as a step function: after each change its value, by lane and time.

    Attributes:
        lane: row of `Signals.customers`.
        at: µs; `ALWAYS` for what was so before the tick.
        value: a number, 0 or 1 for false or true, µs for `LastEvent`.
    """

    lane: Ints
    at: Ints
    value: Any


NOTHING = StepFunction(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def _no_amounts() -> pl.DataFrame:
    return pl.DataFrame(schema=AMOUNTS)


@dataclass(frozen=True)
class Signals:
    """What was found, for K customers.

    Attributes:
        customers: `[K]` ids.
        facts: one row per pattern turned true: customer_id, at, name.
        signals: one for each of the plan.
        amounts: gives `state.AMOUNTS` after the tick, of these customers; made only when asked for.
    """

    customers: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.String))
    facts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FACTS))
    signals: tuple[StepFunction, ...] = ()
    amounts: Callable[[], pl.DataFrame] = _no_amounts
