"""Compiled conditions and matchers: what of a customer or a fact is asked."""

from dataclasses import dataclass
from typing import Literal

import polars as pl


@dataclass(frozen=True)
class Inside:
    """Where a value is looked up if none has the whole name: in the value of a column, along a path of the program."""

    column: int
    path: int


@dataclass(frozen=True)
class Check:
    """One compiled condition: where to look (a column of that source) and which row of the truth table tells."""

    source: Literal["attribute", "event", "decision"]
    column: int
    truth: int
    inside: Inside | None = None


@dataclass(frozen=True)
class TagCheck:
    """A condition on `tags`: has one tag, or is exactly one of some tag lists (both as tag columns)."""

    tag: int | None = None
    lists: tuple[frozenset[int], ...] = ()
    negated: bool = False


@dataclass(frozen=True)
class RecentCheck:
    """A condition `within_last`: the value is an instant in `(t − window, t]` (µs)."""

    source: Literal["attribute", "event", "decision"]
    column: int
    window: int
    inside: Inside | None = None


@dataclass(frozen=True)
class SignalCheck:
    """A condition on a signal of the plan: what the operator says of its value at t."""

    signal: int
    holds: pl.Expr

    def __hash__(self) -> int:
        """Expressions don't hash."""
        return hash(self.signal)


@dataclass(frozen=True)
class GroupCheck:
    """Any, or all, of some checks; negated: not so."""

    checks: tuple["AnyCheck", ...]
    any: bool = False
    negated: bool = False


AnyCheck = Check | TagCheck | RecentCheck | SignalCheck | GroupCheck


Comparison = Literal["equal", "at_least", "at_most", "above", "below", "not_above", "not_below"]


@dataclass(frozen=True)
class Property:
    """Where a property of facts stands."""

    column: int
    inside: Inside | None = None


@dataclass(frozen=True)
class Reference:
    """What a fact has (`of`; None: its name), compared with what the fact that started the execution has."""

    of: Property | None
    comparison: Comparison
    start: Property


@dataclass(frozen=True)
class Matcher:
    """What of a trigger depends on the fact alone: its type, its name (None: any), checks of its properties.

    The facts of a schedule say themselves which matchers they satisfy; those are of type `SCHEDULE`.
    """

    type: str
    name: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class CompiledTrigger:
    """A trigger: the matcher for the fact, the checks that look at the customer, and those at the starting fact."""

    matcher: int
    checks: tuple[AnyCheck, ...]
    references: tuple[Reference, ...] = ()
