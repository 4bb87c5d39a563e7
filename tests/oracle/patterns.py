"""semantics.md §8, a customer and an instant at a time: what is in a window is counted anew whenever it is asked.

`History` is all of a customer's `behavioral` events that matter, in the order in which they acted.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tests.oracle.instants import plus
from tests.oracle.values import duration
from tests.semantics.cases import Row

NOTHING = timedelta(0)


@dataclass(slots=True)
class Arrival:
    """An event and the instant it acts at: its own `ts`, or for a late one where its tick starts (§4)."""

    at: datetime
    event: Row
    too_late: bool

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """§3, §4: events of one instant go by id, late ones by their own time first."""
        return self.at, self.event["ts"], self.event["event_id"]


History = Sequence[Arrival]


def exact(number: Any) -> Decimal:
    """A number as it is written, to 6 decimals."""
    return Decimal(str(number)).quantize(Decimal("0.000001"))


@dataclass(frozen=True)
class Window:
    """Events of one name, over a window that ends `offset` ago; no length: all history."""

    type: str
    length: timedelta | None = None
    offset: timedelta = NOTHING

    def enters(self, arrival: Arrival) -> datetime:
        """The instant from which the event is in the window."""
        return max(plus(arrival.event["ts"], self.offset), arrival.at)

    def leaves(self, arrival: Arrival) -> datetime:
        """The instant from which it isn't any more."""
        return max(plus(plus(arrival.event["ts"], self.offset), self.length), arrival.at)

    def seen(self, history: History) -> Iterable[Arrival]:
        """The events of this name."""
        return (arrival for arrival in history if arrival.event["name"] == self.type)

    def inside(self, history: History, t: datetime) -> list[Arrival]:
        """The events that are in the window at t."""
        return [one for one in self.seen(history) if self.enters(one) <= t < self.leaves(one)]

    def count(self, history: History, t: datetime) -> Decimal:
        """How many are inside."""
        return Decimal(len(self.inside(history, t)))

    def total(self, history: History, t: datetime) -> Decimal:
        """The sum of their values; an event without one adds nothing."""
        values = [one.event["value"] for one in self.inside(history, t)]
        return sum((exact(value) for value in values if value is not None), Decimal(0))


@dataclass(frozen=True)
class Term:
    """A term of a pattern, keys in either spelling."""

    window: Window
    given: Row

    @classmethod
    def of(cls, given: Row) -> "Term":
        """From a row of `events`."""
        length, offset = either(given, "time_window", "timeWindow"), given.get("offset")
        window = Window(
            given["type"],
            None if length is None else duration(length),
            NOTHING if offset is None else duration(offset),
        )
        return cls(window, given)

    def amount(self, history: History, t: datetime) -> Decimal:
        """The number of its events at t, or the sum of their values."""
        asked = self.window.total if self.given.get("metric") == "total_value" else self.window.count
        return asked(history, t)

    def is_between(self, history: History, t: datetime) -> bool:
        """`min_count ≤ amount ≤ max_count`, those given."""
        amount = self.amount(history, t)
        low = either(self.given, "min_count", "minCount")
        high = either(self.given, "max_count", "maxCount")
        return (low is None or exact(low) <= amount) and (high is None or amount <= exact(high))

    def is_reached(self, history: History, t: datetime) -> bool:
        """`amount ≥ threshold`."""
        return self.amount(history, t) >= exact(self.given["threshold"])


def either(given: Row, key: str, other: str) -> Any:
    """The value under one of two spellings."""
    return given.get(key, given.get(other))


class Pattern:
    """A pattern of `patterns.yaml`, asked about any history at any instant."""

    def __init__(self, name: str, given: Row) -> None:
        self.name = name
        self.given = given
        self.terms = [Term.of(term) for term in given["events"]]
        self.types = {term.window.type for term in self.terms}

    def changes(self, history: History) -> set[datetime]:
        """The instants at which something enters or leaves."""
        found = set()
        for term in self.terms:
            for arrival in term.window.seen(history):
                found |= {arrival.at, term.window.enters(arrival), term.window.leaves(arrival)}
        return found

    def is_true(self, history: History, t: datetime) -> bool:
        """Whether it is true at t, all changes at t applied."""
        kind = self.given["pattern"]
        if kind == "ordered":
            return has_chain(self.terms, [arrival for arrival in history if arrival.at <= t])
        if not self.has_begun(history, t):
            return False
        if kind == "sequence":
            return all(term.is_between(history, t) for term in self.terms)
        if kind == "weighted_score":
            return self.score(history, t) >= exact(self.given["threshold"])
        enough = any if self.given.get("match", "all") == "any" else all
        return enough(term.is_reached(history, t) for term in self.terms)

    def has_begun(self, history: History, t: datetime) -> bool:
        """Whether an event of one of its terms has ever entered."""
        return any(term.window.enters(one) <= t for term in self.terms for one in term.window.seen(history))

    def score(self, history: History, t: datetime) -> Decimal:
        """The sum of weight * amount."""
        return sum((exact(term.given["weight"]) * term.amount(history, t) for term in self.terms), Decimal(0))


def has_chain(terms: list[Term], history: History) -> bool:
    """Whether the terms' events occur in this order, each within its `within` of the one before."""
    ends = [place for place, one in enumerate(history) if one.event["name"] == terms[0].window.type]
    for term in terms[1:]:
        within = term.given.get("within")
        longest = timedelta.max if within is None else duration(within)
        ends = [
            place
            for place, one in enumerate(history)
            if one.event["name"] == term.window.type
            and any(end < place and one.at - history[end].at <= longest for end in ends)
        ]
    return bool(ends)


@dataclass(frozen=True)
class Counted:
    """`events.NAME.count.30d`, `events.NAME.sum`, `events.NAME.days_since`."""

    window: Window
    asked: str

    def value(self, history: History, t: datetime) -> float | None:
        """What the condition sees at t."""
        if self.asked == "count":
            return float(self.window.count(history, t))
        if self.asked == "sum":
            return float(self.window.total(history, t))
        acted = [one.event["ts"] for one in self.window.seen(history) if one.at <= t]
        return (t - max(acted)) / timedelta(days=1) if acted else None


COUNTED = re.compile(r"events\.(.+)\.(?:(days_since)|(count|sum)(?:\.(\d+(?:\.\d+)?[smhdw]))?)", re.DOTALL)


@lru_cache
def counted(attribute: str) -> Counted | None:
    """What a condition's `attribute` counts; None if it is another kind of attribute."""
    parts = COUNTED.fullmatch(attribute)
    if parts is None:
        return None
    length = None if parts[4] is None else duration(parts[4])
    return Counted(Window(parts[1], length), parts[2] or parts[3])
