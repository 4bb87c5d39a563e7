"""Attributes of conditions that are computed from events: windowed amounts and patterns."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from transforms.timing.durations import parse_duration

Metric = Literal["count", "total_value"]

EVENTS, PATTERN = "events.", "pattern."
_METRICS: dict[str, Metric] = {"count": "count", "sum": "total_value"}
_AMOUNT = re.compile(r"(.+)\.(count|sum)(?:\.(.+))?", re.DOTALL)
_LAST = re.compile(r"(.+)\.days_since", re.DOTALL)


@dataclass(frozen=True)
class Amount:
    """How many events `name` are in the window, or the sum of their values; no window: ever."""

    name: str
    metric: Metric
    window: timedelta | None


@dataclass(frozen=True)
class LastEvent:
    """Days since the last event `name`."""

    name: str


@dataclass(frozen=True)
class PatternTruth:
    """Whether the pattern `name` is true."""

    name: str


@dataclass(frozen=True)
class PatternScore:
    """The sum of weight * amount of the weighted_score pattern `name`."""

    name: str


Signal = Amount | LastEvent | PatternTruth | PatternScore


def signal_of(attribute: str) -> Signal | None:
    """What an attribute that starts with `events.` or `pattern.` stands for; None for any other.

    Names may hold dots and spaces: the attribute is read from its end.

    Raises:
        ValueError: it starts so, and goes on in a way that means nothing; the message says what is allowed.
    """
    if attribute.startswith(EVENTS):
        return _of_events(attribute)
    return _of_pattern(attribute) if attribute.startswith(PATTERN) else None


def _of_events(attribute: str) -> Signal:
    rest = attribute.removeprefix(EVENTS)
    if last := _LAST.fullmatch(rest):
        return LastEvent(last[1])
    amount = _AMOUNT.fullmatch(rest)
    if not amount:
        raise ValueError(
            f"{attribute!r} says nothing of events; allowed: events.<name>.count, events.<name>.sum, either "
            "with a window such as .30d, and events.<name>.days_since"
        )
    name, metric, window = amount.groups()
    try:
        return Amount(name, _METRICS[metric], parse_duration(window) if window else None)
    except ValueError:
        raise ValueError(
            f"{attribute!r}: {window!r} is not a window; allowed: a number and a unit, such as .30d or .12h"
        ) from None


def _of_pattern(attribute: str) -> Signal:
    name = attribute.removeprefix(PATTERN)
    scored = name.removesuffix(".score")
    if not scored:
        raise ValueError(
            f"{attribute!r} names no pattern; allowed: pattern.<name>, and pattern.<name>.score of a "
            "weighted_score pattern"
        )
    return PatternTruth(name) if scored == name else PatternScore(scored)
