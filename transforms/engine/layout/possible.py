"""For whom a condition may hold, where not all of it can be judged: sets of customers from below and from above.

A set is a column of customers, or all customers but those, so that conditions that nearly everybody meets stay small.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Some:
    """Customers: those in `ids` (one column), or if `others` all but those."""

    ids: pl.DataFrame
    others: bool = False

    def __invert__(self) -> "Some":
        return Some(self.ids, not self.others)

    def __and__(self, other: "Some") -> "Some":
        if self.others and other.others:
            return Some(pl.concat([self.ids, other.ids]).unique(), others=True)
        some, asked = (other, self) if self.others else (self, other)
        return Some(some.ids.join(asked.ids, on=some.ids.columns, how="anti" if asked.others else "semi"))

    def __or__(self, other: "Some") -> "Some":
        return ~(~self & ~other)

    def of(self, customers: pl.LazyFrame) -> pl.LazyFrame:
        """Those of `customers` who are among them."""
        return customers.join(self.ids.lazy(), on=self.ids.columns, how="anti" if self.others else "semi")


@dataclass(frozen=True)
class Leaf:
    """What is asked of each customer, and answered."""

    asked: Any


@dataclass(frozen=True)
class Constant:
    """It holds for everybody, or for nobody."""

    holds: bool


@dataclass(frozen=True)
class Perhaps:
    """It holds for nobody else than that formula; whether for any of them isn't known."""

    formula: "Formula"


@dataclass(frozen=True)
class Not:
    """It holds for all others."""

    formula: "Formula"


@dataclass(frozen=True)
class Every:
    """All of them hold."""

    formulas: "Sequence[Formula]"


@dataclass(frozen=True)
class Either:
    """One of them holds, or several."""

    formulas: "Sequence[Formula]"


Formula = Leaf | Constant | Perhaps | Not | Every | Either
UNKNOWN = Perhaps(Constant(holds=True))


def asked_in(formula: Formula) -> Iterator[Any]:
    """What the leaves of a formula ask."""
    match formula:
        case Leaf(asked=asked):
            yield asked
        case Perhaps(formula=part) | Not(formula=part):
            yield from asked_in(part)
        case Every(formulas=parts) | Either(formulas=parts):
            for part in parts:
                yield from asked_in(part)


def customers_of(
    formula: Formula, answers: Mapping[Any, Some], nobody: Some, *, possible: bool = True
) -> Some:
    """For whom a formula may hold; if not `possible`, for whom it surely does.

    Args:
        formula: what is asked.
        answers: of its leaves.
        nobody: no customer, in a column of the answers' type.
        possible: see above.
    """
    match formula:
        case Leaf(asked=asked):
            return answers[asked]
        case Constant(holds=holds):
            return ~nobody if holds else nobody
        case Perhaps(formula=part):
            return customers_of(part, answers, nobody) if possible else nobody
        case Not(formula=part):
            return ~customers_of(part, answers, nobody, possible=not possible)
        case Every(formulas=parts):
            return reduce(
                Some.__and__,
                (customers_of(one, answers, nobody, possible=possible) for one in parts),
                ~nobody,
            )
        case Either(formulas=parts):
            return reduce(
                Some.__or__, (customers_of(one, answers, nobody, possible=possible) for one in parts), nobody
            )
