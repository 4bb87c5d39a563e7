"""Triggers → matchers of facts, and checks of customers; what they ask for is noted on the way (semantics.md §6)."""

from transforms.definitions.references import is_reference, referred_property
from transforms.definitions.schedules import schedule_of
from transforms.definitions.triggers import OWN_KEYS
from transforms.definitions.workflow import Condition, Group, Trigger
from transforms.program.checks import Check, CompiledTrigger, Matcher, Reference
from transforms.program.compile_checks import CheckBuilder
from transforms.program.compile_schedules import AlarmBuilder
from transforms.program.compile_signals import SignalBuilder
from transforms.program.model import SCHEDULE


class TriggerBuilder:
    """Compiles triggers and awaited events; each has a matcher of its own."""

    def __init__(self, checks: CheckBuilder, signals: SignalBuilder, alarms: AlarmBuilder) -> None:
        self.checks = checks
        self.signals = signals
        self.alarms = alarms
        self.matchers: list[Matcher] = []

    def trigger(self, trigger: Trigger) -> CompiledTrigger:
        """A trigger, its conditions apart: those of the fact and those of the customer."""
        about_customer = [one for one in trigger.conditions if not about_fact(one)]
        references = self.references(trigger)
        return CompiledTrigger(self.matcher(trigger), self.checks.checks(about_customer), references)

    def references(self, trigger: Trigger) -> tuple[Reference, ...]:
        """What of a trigger refers to the fact that started the execution."""
        return tuple(
            one
            for key, value in trigger.config.items()
            if (name := referred_property(value)) is not None
            for one in self.checks.references(trigger.type, key, name)
        )

    def matcher(self, trigger: Trigger) -> int:
        """The number of a new matcher: what of a trigger depends on the fact alone."""
        asking_fact = [one for one in trigger.conditions if about_fact(one)]
        conditions = tuple(one for one in self.checks.checks(asking_fact) if isinstance(one, Check))
        schedule = schedule_of(trigger.type, trigger.config)
        if schedule:
            self.alarms.declare(len(self.matchers), schedule)
            self.matchers.append(Matcher(SCHEDULE, "", conditions))
            return len(self.matchers) - 1
        own = OWN_KEYS[trigger.type]
        config = [
            check
            for key, value in trigger.config.items()
            if key != own and not is_reference(value)
            for check in self.checks.config(trigger.type, key, value)
        ]
        given = trigger.config.get(own)
        name = None if given is None or is_reference(given) else str(given)
        self.matchers.append(Matcher(trigger.type, name, (*config, *conditions)))
        if trigger.type == "attribute_change" and name is not None:
            self.checks.column(self.checks.attributes, name)
        if trigger.type == "pattern" and name is not None:
            self.signals.pattern(name)
        return len(self.matchers) - 1


def about_fact(condition: Condition | Group) -> bool:
    """Whether a trigger's condition depends on the fact alone, and not on the instant."""
    if isinstance(condition, Group) or condition.operator == "within_last":
        return False
    return condition.attribute.startswith("event.")
