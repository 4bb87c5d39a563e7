"""The events that made a pattern true, or that a windowed amount counted (semantics.md §8)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from transforms.answers.sentences import Row, some_events
from transforms.definitions.signals import Amount, LastEvent, PatternScore, PatternTruth, signal_of
from transforms.program.model import Program
from transforms.signals.patterns import AnyPattern, Ordered
from transforms.signals.plan import term_of
from transforms.signals.windows import Term


def of_pattern(program: Program, name: str | None, events: Sequence[Row], at: datetime) -> list[str]:
    """A sentence per term of the pattern of that name: its events at an instant, in time.

    Args:
        program: which compiled the pattern; one that is gone has none.
        name: of the pattern.
        events: the customer's (`ts`, `at`, `type`, `name`), in time.
        at: when the pattern turned true.
    """
    found = [one for one in program.signals.patterns if one.name == name]
    return [said for one in found for said in _of_pattern(one, events, at)]


def of_signal(program: Program, attribute: str, events: Sequence[Row], at: datetime) -> list[str]:
    """The same of what a condition's attribute counts; nothing of attributes of the profile."""
    match signal_of(attribute):
        case Amount() as amount:
            return [_of_term(term_of(amount), events, at)]
        case LastEvent(name=name):
            return [some_events(name, _named(name, events, at)[-1:], None)]
        case PatternTruth(name=name) | PatternScore(name=name):
            return of_pattern(program, name, events, at)
    return []


def _of_pattern(pattern: AnyPattern, events: Sequence[Row], at: datetime) -> Iterator[str]:
    if isinstance(pattern, Ordered):
        yield from (some_events(one["name"], [one], None) for one in _chain(pattern, events, at))
    else:
        yield from (_of_term(term, events, at) for term in pattern.terms)


def _of_term(term: Term, events: Sequence[Row], at: datetime) -> str:
    """The events in the window of a term: t − offset − window < ts ≤ t − offset."""
    until = at - timedelta(microseconds=term.offset)
    window = None if term.window is None else timedelta(microseconds=term.window)
    some = [
        one
        for one in _named(term.name, events, at)
        if one["ts"] <= until and (window is None or until - window < one["ts"])
    ]
    return some_events(term.name, some, window)


def _named(name: str, events: Sequence[Row], at: datetime) -> list[Row]:
    return [one for one in events if one["name"] == name and one["type"] == "behavioral" and one["at"] <= at]


def _chain(pattern: Ordered, events: Sequence[Row], at: datetime) -> list[Row]:
    """The first chain of events that ended by `at`, one of each name in turn."""
    chains: list[list[Row]] = [[] for _ in pattern.names]
    for event in events:
        if event["type"] != "behavioral" or event["at"] > at:
            continue
        # From the last link, so that an event doesn't follow itself.
        for link in reversed(range(len(chains))):
            before = chains[link - 1] if link else []
            if event["name"] == pattern.names[link] and (not link or _in_time(pattern, link, before, event)):
                chains[link] = [*before, event]
        if chains[-1]:
            return chains[-1]
    return []


def _in_time(pattern: Ordered, link: int, before: Sequence[Row], event: Row) -> bool:
    within = pattern.within[link]
    return bool(before) and (
        within is None or event["at"] - before[-1]["at"] <= timedelta(microseconds=within)
    )
