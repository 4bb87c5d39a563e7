"""What workflows ask of behavioral events: patterns, and the amounts that conditions read (semantics.md §8).

A `SignalPlan` unites what all workflows ask for; `evaluate.py` looks.
"""

from dataclasses import dataclass

from transforms.definitions.signals import Amount, LastEvent, Signal
from transforms.signals.patterns import AnyPattern, Ordered
from transforms.signals.windows import Term
from transforms.timing.durations import microseconds


def term_of(amount: Amount) -> Term:
    """What an amount counts or sums."""
    return Term(amount.name, amount.metric, None if amount.window is None else microseconds(amount.window))


def last_key(signal: LastEvent) -> str:
    """The signal's name in the store of amounts."""
    return f"last|{signal.name}"


@dataclass(frozen=True)
class SignalPlan:
    """The patterns (by name) and signals that workflows use."""

    patterns: tuple[AnyPattern, ...] = ()
    signals: tuple[Signal, ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """The distinct terms of patterns and signals."""
        declared = [term for one in self.patterns if not isinstance(one, Ordered) for term in one.terms]
        counted = [term_of(one) for one in self.signals if isinstance(one, Amount)]
        return tuple(dict.fromkeys([*declared, *counted]))

    @property
    def chains(self) -> tuple[Ordered, ...]:
        """The `ordered` patterns."""
        return tuple(one for one in self.patterns if isinstance(one, Ordered))

    @property
    def lasts(self) -> tuple[LastEvent, ...]:
        """The signals that tell when something last happened."""
        return tuple(one for one in self.signals if isinstance(one, LastEvent))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the behavioral events to look at."""
        chained = (name for one in self.chains for name in one.names)
        summed, dated = (one.name for one in self.terms), (one.name for one in self.lasts)
        return tuple(dict.fromkeys([*summed, *dated, *chained]))

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all stored amounts."""
        chained = (key for one in self.chains for key in one.keys)
        return (*(one.key for one in self.terms), *map(last_key, self.lasts), *chained)

    def shifts(self) -> dict[int, tuple[str, ...]]:
        """After how many µs events enter or leave a window, and which: what a tick must read again."""
        found: dict[int, dict[str, None]] = {}
        for term in self.terms:
            leaves = [] if term.window is None else [term.offset + term.window]
            for shift in (*([term.offset] if term.offset else []), *leaves):
                found.setdefault(shift, {})[term.name] = None
        return {shift: tuple(names) for shift, names in sorted(found.items())}
