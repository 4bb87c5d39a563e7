"""What workflows need beside their own facts: the patterns and signals that they name."""

from collections.abc import Mapping

from transforms.definitions.patterns import Pattern
from transforms.definitions.signals import PatternScore, PatternTruth, Signal
from transforms.program.compile_patterns import compile_pattern
from transforms.signals.patterns import AnyPattern
from transforms.signals.plan import SignalPlan


class SignalBuilder:
    """Unites the patterns and signals that workflows name."""

    def __init__(self, patterns: Mapping[str, Pattern]) -> None:
        self.declared = patterns
        self.patterns: dict[str, AnyPattern] = {}
        self.signals: dict[Signal, int] = {}

    def pattern(self, name: str) -> None:
        """Ask for a pattern; one that is gone, which only older versions still name, is never true."""
        if name in self.declared and name not in self.patterns:
            self.patterns[name] = compile_pattern(name, self.declared[name])

    def signal(self, signal: Signal) -> int:
        """Ask for a signal; its number."""
        if isinstance(signal, PatternTruth | PatternScore):
            self.pattern(signal.name)
        return self.signals.setdefault(signal, len(self.signals))

    def plan(self) -> SignalPlan:
        """Everything that was named, the patterns by name (semantics.md §3)."""
        return SignalPlan(tuple(self.patterns[name] for name in sorted(self.patterns)), tuple(self.signals))
