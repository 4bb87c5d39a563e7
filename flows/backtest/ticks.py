"""The ticks of a backtest: where they end, and which are decided together.

What is decided doesn't depend on where ticks end (docs/semantics.md), so ticks with few facts are decided as one.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from transforms.columns.arrays import NEVER, Ints, instants
from transforms.timing.durations import epoch_us, microseconds


@dataclass(frozen=True)
class TickEnds:
    """The ends of ticks: every `every` after `began`, and `last` itself. As many as there are, they take no room.

    Attributes:
        last: the end of the last tick.
        began: from which on ticks are counted; None: there is one tick.
        every: how long each is; None: there is one.
    """

    last: datetime
    began: datetime | None = None
    every: timedelta | None = None

    def __len__(self) -> int:
        """How many ticks there are."""
        if self.began is None or self.every is None or self.began >= self.last:
            return 1
        whole, rest = divmod(self.last - self.began, self.every)
        return whole + bool(rest)

    def __getitem__(self, number: int) -> datetime:
        """The end of a tick, counted from 0."""
        if self.began is None or self.every is None or number >= len(self) - 1:
            return self.last
        return self.began + (number + 1) * self.every

    def tick_of(self, at: Ints) -> Ints:
        """The tick in which each instant (µs since 1970) lies; `len(self)` where none is."""
        late = at > epoch_us(self.last)
        if self.began is None or self.every is None:
            return np.where(late, 1, 0)
        passed = np.minimum(at, epoch_us(self.last)) - epoch_us(self.began)
        number = np.clip(-(-passed // microseconds(self.every)) - 1, 0, len(self) - 1)
        return np.where(late, len(self), number)

    def spans(self, facts: Sequence[pl.DataFrame], at_once: int) -> "Spans":
        """These ticks in spans: at most one for every `at_once` facts (rows with `at`), and one for the rest."""
        if len(self) == 1:
            return Spans(self, np.zeros(1, np.int64))
        ticks = np.sort(self.tick_of(np.concatenate([_at(one) for one in facts])))
        lasts = ticks[ticks < len(self)][at_once - 1 :: at_once]
        return Spans(self, np.unique([*lasts, len(self) - 1]))


@dataclass(frozen=True)
class Spans:
    """Ticks that are decided together: those up to each of `lasts`, by number, after those before."""

    ends: TickEnds
    lasts: Ints

    def bounds(self) -> list[tuple[datetime | None, datetime]]:
        """Of each span the end of the one before, None for the first, and its own end."""
        ends = [self.ends[number] for number in self.lasts.tolist()]
        return list(zip([None, *ends[:-1]], ends, strict=True))

    def deal(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        """The rows (with `at`) that come in each span, in the order in which they were given."""
        if len(self.lasts) == 1 and (_at(rows) <= epoch_us(self.ends.last)).all():
            return [rows]
        spans = np.searchsorted(self.lasts, self.ends.tick_of(_at(rows)))
        order = np.argsort(spans, kind="stable")
        cuts = np.searchsorted(spans[order], np.arange(len(self.lasts) + 1))
        return [rows[order[first:after]] for first, after in itertools.pairwise(cuts)]


def _at(rows: pl.DataFrame) -> Ints:
    return instants(rows["at"], NEVER)
