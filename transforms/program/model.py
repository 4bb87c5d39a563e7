"""The compiled form of all workflows: steps with explicit targets, conditions as rows of one truth table.

It also says what the engine must see: which attributes, properties, tags and facts. What no workflow can see
never enters a wave.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl

from transforms.definitions.schedules import Schedule
from transforms.definitions.workflow import Action, Workflow
from transforms.program.checks import AnyCheck, Check, CompiledTrigger, Inside, Matcher, Property, Reference
from transforms.program.send_times import SendTime
from transforms.signals.plan import SignalPlan
from transforms.timing.durations import spoken
from transforms.timing.zones import CUSTOMER

END = "end"
EMAIL = "email"
SCHEDULE = "schedule"
ZONE = "timezone"
"""The attribute that says whose wall clock a customer lives by."""
CUSTOMER_ID, CREATED_AT = FIELDS = ("customer_id", "created_at")
"""What conditions and schedules read of a profile like attributes, though no event or step writes it."""
FOLLOW_UP_PROPERTIES = ("workflow_id", "tag", "template_id", "old_value", "new_value")


@dataclass(frozen=True)
class Step:
    """One step: what it does, where it goes next. `action` is None at the end of a flow."""

    index: int
    flow: int
    branch: str
    name: str
    position: int
    action: Action | None
    checks: tuple[AnyCheck, ...] = ()
    delay: int = 0
    next: int = -1
    targets: dict[str, int] = field(default_factory=dict)
    criteria: tuple[tuple[str, tuple[AnyCheck, ...]], ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    channel: str | None = None  # of a message: email, or that of a webhook request
    duration: int | None = None  # µs: of a wait, or until a time-out
    matcher: int = -1  # of the awaited event
    references: tuple[Reference, ...] = ()  # of the awaited event
    column: int = -1  # of the tag or attribute
    value: int = -1  # the literal that is set, or that follow-up facts tell
    start: Property | None = None  # of the starting fact, that is set

    @property
    def action_type(self) -> str:
        """The action's type, `end` past the last step."""
        return self.action.type if self.action else END


@dataclass(frozen=True)
class CompiledBranch:
    """A way through a workflow: taken when its checks hold, starting at step `start`."""

    name: str
    checks: tuple[AnyCheck, ...]
    start: int


@dataclass(frozen=True)
class Flow:
    """One version of one workflow; `slot` is the workflow's place in the program's slots."""

    index: int
    slot: int
    workflow: Workflow
    version: str
    enters: bool
    triggers: tuple[CompiledTrigger, ...]
    branches: tuple[CompiledBranch, ...]
    goal: CompiledTrigger | None
    counted: CompiledTrigger | None  # the goal that hits are counted by: its own, unless another is asked for
    goal_window: int  # µs after an entry in which what matches that is a hit, -1: nothing is
    exits: tuple[CompiledTrigger, ...]
    waits: tuple[int, ...]
    reactors: list[int]  # the matchers of goal, exits and waits
    reentry_after: int
    send_times: tuple[SendTime, ...]
    first: int  # its steps are first … last
    last: int
    end: int


@dataclass(frozen=True)
class Alarm:
    """A schedule that one workflow declares, perhaps several times, perhaps in several versions.

    Attributes:
        matchers: those that its fact satisfies.
        triggers: through which it lets customers enter.
        flows: the versions whose goals, exits or waits look for it.
        column: of its attribute; −1 for a cron.
        inside: where the date is looked up if no attribute has the whole name.
    """

    workflow_id: str
    schedule: Schedule
    matchers: tuple[int, ...]
    triggers: tuple[CompiledTrigger, ...]
    flows: tuple[int, ...]
    column: int = -1
    inside: Inside | None = None

    @property
    def is_cron(self) -> bool:
        """Whether it fires by a cron expression."""
        return self.schedule.cron is not None

    @property
    def name(self) -> str:
        """What tables call its facts: the cron expression, or attribute and offset."""
        if self.schedule.cron is not None:
            return self.schedule.cron
        offset = self.schedule.offset
        sign = "-" if offset < timedelta(0) else ""
        return f"{self.schedule.attribute} {sign}{spoken(abs(offset))}"

    @property
    def key(self) -> str:
        """Its name in the store of alarms."""
        zone, at = self.schedule.timezone or "", self.schedule.at or ""
        return f"{self.workflow_id}|{self.name}|{at}|{zone}"


@dataclass(frozen=True)
class Sees:
    """Which events some workflow looks for: those with one of the names, and all of one of the types."""

    names: tuple[str, ...]
    types: tuple[str, ...]


@dataclass(frozen=True)
class Program:
    """Everything the waves need of the workflows; columns are positions in the tuples of names.

    Attributes:
        slots: the workflows by priority, then id: the order of steps that are due at one instant.
        alarms: the schedules, by workflow id, then as they stand in the file.
        paths: the keys along which conditions and schedules look into lists and objects.
        named: the names that follow-up facts of workflows may have, if names are compared with properties.
        compares: whether numbers of two facts are compared.
        zone_column: of the attribute `timezone`, −1 where no schedule and no send time asks for it.
    """

    flows: tuple[Flow, ...]
    slots: tuple[str, ...]
    steps: tuple[Step, ...]
    matchers: tuple[Matcher, ...]
    attributes: tuple[str, ...]
    properties: tuple[str, ...]  # those that workflows read, then what else follow-up facts tell
    read: int  # how many of the properties workflows read
    tags: tuple[str, ...]
    truths: tuple[pl.Expr, ...]
    literals: dict[str, int]
    refuses_consent: tuple[Check, ...]
    signals: SignalPlan = field(default_factory=SignalPlan)
    alarms: tuple[Alarm, ...] = ()
    paths: tuple[tuple[str, ...], ...] = ()
    named: tuple[str, ...] = ()
    zone_column: int = -1
    reads_instants: bool = False
    compares: bool = False

    @property
    def sees(self) -> Sees:
        """Which events it looks for; besides them it sees those that write attributes it reads."""
        names = {one.name for one in self.matchers if one.name is not None}
        types = {one.type for one in self.matchers if one.name is None}
        return Sees(tuple(sorted(names)), tuple(sorted(types)))

    @property
    def acts_alone(self) -> bool:
        """Whether something may happen to customers without an event or a due step: patterns, signals, schedules."""
        named = any(one.type == "pattern" for one in self.matchers)
        return named or bool(self.signals.signals) or bool(self.alarms)

    @property
    def reads_clocks(self) -> bool:
        """Whether wall clocks matter to any workflow."""
        return bool(self.alarms) or any(flow.send_times for flow in self.flows)

    @property
    def zones(self) -> list[str]:
        """The time zones that schedules and send times name."""
        named = [one.schedule.timezone for one in self.alarms]
        named += [one.timezone for flow in self.flows for one in flow.send_times]
        return sorted({one for one in named if one is not None and one != CUSTOMER})

    @property
    def reads_every_attribute(self) -> bool:
        """Whether some trigger sees changes of any attribute, whatever its name."""
        return any(one.type == "attribute_change" and one.name is None for one in self.matchers)

    def matchers_of(self, fact_type: str | None, name: str | None) -> tuple[int, ...]:
        """The matchers that facts of this type and name may satisfy; None: one that no matcher names."""
        return tuple(
            index
            for index, one in enumerate(self.matchers)
            if one.type == fact_type and one.name in (None, name)
        )
