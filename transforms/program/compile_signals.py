"""What workflows need beside their own facts: patterns and signals to watch, schedules to fire."""

from collections.abc import Mapping

from transforms.definitions.patterns import Pattern
from transforms.definitions.signals import PatternScore, PatternTruth, Signal
from transforms.signals.patterns import AnyPattern, compile_pattern
from transforms.signals.plan import Watch


class WatchBuilder:
    """Unites the patterns and signals that workflows name."""

    def __init__(self, patterns: Mapping[str, Pattern]) -> None:
        self.declared = patterns
        self.patterns: dict[str, AnyPattern] = {}
        self.signals: dict[Signal, int] = {}

    def pattern(self, name: str) -> None:
        """Watch a pattern; one that is gone, which only older versions still name, is never true."""
        if name in self.declared and name not in self.patterns:
            self.patterns[name] = compile_pattern(name, self.declared[name])

    def signal(self, signal: Signal) -> int:
        """Watch a signal; its number."""
        if isinstance(signal, PatternTruth | PatternScore):
            self.pattern(signal.name)
        return self.signals.setdefault(signal, len(self.signals))

    def watch(self) -> Watch:
        """Everything that was named, the patterns by name (semantics.md §3)."""
        return Watch(tuple(self.patterns[name] for name in sorted(self.patterns)), tuple(self.signals))
