"""What workflows need beside their own facts: patterns and signals to watch, schedules to fire."""

from collections.abc import Callable, Mapping, Sequence

from transforms.definitions.clocks import CUSTOMER
from transforms.definitions.patterns import Pattern
from transforms.definitions.schedules import Schedule
from transforms.definitions.signals import PatternScore, PatternTruth, Signal
from transforms.program.model import Alarm, CompiledTrigger
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


class AlarmBuilder:
    """Unites equal schedules of one workflow into one alarm."""

    def __init__(self) -> None:
        self.schedules: dict[int, Schedule] = {}
        self.found: dict[tuple[str, Schedule], Alarm] = {}

    @property
    def zoned(self) -> bool:
        """Whether some schedule follows the customers' time zones."""
        return any(one.timezone == CUSTOMER for one in self.schedules.values())

    def declare(self, matcher: int, schedule: Schedule) -> None:
        """The facts of `schedule` satisfy `matcher`."""
        self.schedules[matcher] = schedule

    def add(
        self, workflow_id: str, flow: int, triggers: Sequence[CompiledTrigger], reactors: Sequence[int]
    ) -> None:
        """The schedules of one version of a workflow, in the order of its file."""
        for one in triggers:
            self._add(workflow_id, one.matcher, (one,), ())
        for matcher in reactors:
            self._add(workflow_id, matcher, (), (flow,))

    def _add(
        self, workflow_id: str, matcher: int, triggers: tuple[CompiledTrigger, ...], flows: tuple[int, ...]
    ) -> None:
        if schedule := self.schedules.get(matcher):
            before = self.found.get((workflow_id, schedule)) or Alarm(workflow_id, schedule, (), (), ())
            self.found[workflow_id, schedule] = Alarm(
                workflow_id,
                schedule,
                (*before.matchers, matcher),
                (*before.triggers, *triggers),
                (*before.flows, *flows),
            )

    def alarms(self, column: Callable[[str], int]) -> tuple[Alarm, ...]:
        """All of them; `column` gives the place of an attribute."""
        return tuple(
            Alarm(*vars(one).values())
            if (name := one.schedule.attribute) is None
            else Alarm(one.workflow_id, one.schedule, one.matchers, one.triggers, one.flows, column(name))
            for one in self.found.values()
        )
