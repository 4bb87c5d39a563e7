"""Schedules of workflows → alarms, each declared once."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from transforms.definitions.schedules import Schedule
from transforms.program.checks import CompiledTrigger, Inside
from transforms.program.model import Alarm
from transforms.timing.zones import CUSTOMER


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
            self.found[workflow_id, schedule] = replace(
                before,
                matchers=(*before.matchers, matcher),
                triggers=(*before.triggers, *triggers),
                flows=(*before.flows, *flows),
            )

    def alarms(self, place: Callable[[str], tuple[int, Inside | None]]) -> tuple[Alarm, ...]:
        """All of them; `place` says where an attribute is looked up."""
        return tuple(_placed(one, place) for one in self.found.values())


def _placed(alarm: Alarm, place: Callable[[str], tuple[int, Inside | None]]) -> Alarm:
    if alarm.schedule.attribute is None:
        return alarm
    column, inside = place(alarm.schedule.attribute)
    return replace(alarm, column=column, inside=inside)
