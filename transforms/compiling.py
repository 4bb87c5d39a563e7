"""Workflows → one flat program; all workflows' needs are united on the way."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

import polars as pl

from transforms.clock_definition import CUSTOMER
from transforms.compiling_needs import AlarmBuilder, WatchBuilder
from transforms.conditions import (
    NEEDS_MOMENTS,
    above,
    at_least,
    at_most,
    below,
    holds,
    not_above,
    not_below,
)
from transforms.durations import microseconds, parse_duration
from transforms.pattern_definition import Pattern
from transforms.program import (
    EMAIL,
    END,
    FOLLOW_UP_PROPERTIES,
    SCHEDULE,
    ZONE,
    AnyCheck,
    Check,
    CompiledBranch,
    CompiledTrigger,
    Flow,
    GroupCheck,
    Matcher,
    Program,
    RecentCheck,
    SignalCheck,
    Step,
    TagCheck,
)  # fmt: skip
from transforms.schedule_definition import schedule_of
from transforms.send_times import SendTime, quiet_hours, send_window
from transforms.send_times_definition import QuietHours, SendWindow
from transforms.signal_definition import Signal, signal_of
from transforms.trigger_definition import OWN_KEYS
from transforms.values import canonical
from transforms.workflow import (
    Action,
    AddTag,
    BranchDecision,
    Condition,
    Conditions,
    Group,
    RandomSplit,
    RemoveTag,
    SendEmail,
    Trigger,
    TriggerWebhook,
    UpdateAttribute,
    Wait,
    WaitForEvent,
    Workflow,
    version_of,
)  # fmt: skip


def compile_program(
    current: Sequence[Workflow],
    older: Sequence[Workflow] = (),
    patterns: Mapping[str, Pattern] = MappingProxyType({}),
    send_times: Sequence[QuietHours | SendWindow] = (),
) -> Program:
    """Compile the `current` workflows and the `older` versions that executions still run (semantics.md §9).

    Only current, active workflows take entries.

    Args:
        current: the workflows as their files say.
        older: see above.
        patterns: by name; those that no workflow names are left out.
        send_times: of all workflows that don't declare their own.
    """
    versions = {(one.workflow_id, version_of(one)): (one, False) for one in older}
    versions |= {(one.workflow_id, version_of(one)): (one, one.is_active) for one in current}
    priority = {one.workflow_id: one.priority for one in (*older, *current)}
    compiler = _Compiler(sorted(priority, key=lambda name: (-priority[name], name)), patterns, send_times)
    for (_, version), (workflow, enters) in sorted(versions.items(), key=lambda item: item[0]):
        compiler.add(workflow, version, enters=enters)
    return compiler.program()


class _Compiler:
    def __init__(
        self,
        slots: Sequence[str],
        patterns: Mapping[str, Pattern],
        send_times: Sequence[QuietHours | SendWindow],
    ) -> None:
        self.slots = list(slots)
        self.send_times = send_times
        self.watched = WatchBuilder(patterns)
        self.alarms = AlarmBuilder()
        self.reads_moments = False
        self.flows: list[Flow] = []
        self.steps: list[Step] = []
        self.matchers: list[Matcher] = []
        self.attributes: dict[str, int] = {}
        self.properties: dict[str, int] = {}
        self.tags: dict[str, int] = {}
        self.truths: list[pl.Expr] = []
        self.known_truths: dict[tuple[str, str], int] = {}
        self.literals: dict[str, int] = {}
        self.position = 0

    def add(self, workflow: Workflow, version: str, *, enters: bool) -> None:
        flow, first = len(self.flows), len(self.steps)
        end = self._reserve()
        self.steps[end] = Step(flow, "", END, 0, None)
        branches = [
            CompiledBranch(name, self._checks(conditions), self._block(flow, name, actions, "", end))
            for name, conditions, actions in _ways(workflow)
        ]
        waits = tuple(pc for pc in range(first, len(self.steps)) if self.steps[pc].matcher >= 0)
        triggers = tuple(map(self._trigger, workflow.triggers)) if enters else ()
        goal = self._trigger(workflow.goal) if workflow.goal else None
        exits = tuple(map(self._trigger, workflow.exit_on))
        leaving = [one.matcher for one in (goal, *exits) if one]
        reactors = [*leaving, *(self.steps[pc].matcher for pc in waits)]
        self.alarms.add(workflow.workflow_id, flow, triggers, reactors)
        self.flows.append(
            Flow(
                index=flow,
                slot=self.slots.index(workflow.workflow_id),
                workflow=workflow,
                version=version,
                enters=enters,
                triggers=triggers,
                branches=tuple(branches),
                goal=goal,
                exits=exits,
                waits=waits,
                reactors=reactors,
                reentry_after=microseconds(workflow.reentry.after or timedelta(0)),
                send_times=self._send_times(workflow),
                first=first,
                last=len(self.steps) - 1,
                end=end,
            )
        )
        self._literal(workflow.workflow_id)

    def program(self) -> Program:
        refuses = [
            Condition(attribute="email_consent", operator="equals", value=False),
            Condition(attribute="subscription_status", operator="equals", value="unsubscribed"),
        ]
        sends = any(step.channel for step in self.steps)
        consent = tuple(self._check(one) for one in refuses if sends)
        zoned = self.alarms.zoned or any(
            one.timezone == CUSTOMER for flow in self.flows for one in flow.send_times
        )
        zone_column = self._column(self.attributes, ZONE) if zoned else -1
        alarms = self.alarms.alarms(lambda name: self._column(self.attributes, name))
        read = len(self.properties)
        for name in FOLLOW_UP_PROPERTIES:
            self._column(self.properties, name)
        return Program(
            flows=tuple(self.flows),
            slots=tuple(self.slots),
            steps=tuple(self.steps),
            matchers=tuple(self.matchers),
            attributes=tuple(self.attributes),
            properties=tuple(self.properties),
            read=read,
            tags=tuple(self.tags),
            truths=tuple(self.truths),
            literals=self.literals,
            refuses_consent=tuple(one for one in consent if isinstance(one, Check)),
            watch=self.watched.watch(),
            alarms=alarms,
            zone_column=zone_column,
            reads_moments=self.reads_moments or any(not one.is_cron for one in alarms),
        )

    def _block(self, flow: int, branch: str, actions: Sequence[Action], prefix: str, after: int) -> int:
        places = [self._reserve() for _ in actions]
        for index, (place, action) in enumerate(zip(places, actions, strict=True)):
            following = places[index + 1] if index + 1 < len(places) else after
            position, self.position = self.position, self.position + 1
            name = f"{prefix}{index}"
            targets = {
                path: self._block(flow, branch, steps, f"{name}.{path}.", following)
                for path, steps in getattr(action, "paths", {}).items()
            }
            self.steps[place] = Step(
                flow, branch, name, position, action,
                checks=self._checks(action.conditions),
                delay=microseconds(action.delay),
                next=following,
                targets=targets,
                **self._extras(action),
            )  # fmt: skip
        return places[0] if places else after

    def _extras(self, action: Action) -> dict[str, Any]:
        """The compiled fields of `Step` that only this type of action has."""
        match action:
            case SendEmail(config=config):
                return {"value": self._literal(config.template_id), "channel": EMAIL}
            case TriggerWebhook(config=config):
                return {"channel": config.channel}
            case Wait(config=config):
                return {"duration": microseconds(config.duration)}
            case AddTag(config=config) | RemoveTag(config=config):
                return {"column": self._column(self.tags, config.tag), "value": self._literal(config.tag)}
            case UpdateAttribute(config=config):
                column = self._column(self.attributes, config.attribute)
                return {"column": column, "value": self._literal(config.value)}
            case BranchDecision(config=config):
                self._literals([*config.criteria, "default"])
                return {
                    "criteria": tuple((name, self._checks(some)) for name, some in config.criteria.items())
                }
            case RandomSplit(config=config):
                self._literals(config.weights)
                return {"weights": tuple(config.weights.items())}
            case WaitForEvent(config=config):
                self._literals(["event", "timeout"])
                event = Trigger(type=config.type, config=config.event)
                timeout = None if config.timeout is None else microseconds(config.timeout)
                return {"matcher": self._matcher(event), "duration": timeout}
        return {}

    def _trigger(self, trigger: Trigger) -> CompiledTrigger:
        about_customer = [one for one in trigger.conditions if not _about_fact(one)]
        return CompiledTrigger(self._matcher(trigger), self._checks(about_customer))

    def _send_times(self, workflow: Workflow) -> tuple[SendTime, ...]:
        own = [one for one in (workflow.quiet_hours, workflow.send_window) if one]
        general = [] if workflow.transactional else self.send_times
        others = [one for one in general if not any(isinstance(one, type(mine)) for mine in own)]
        return tuple(
            quiet_hours(one) if isinstance(one, QuietHours) else send_window(one) for one in (*own, *others)
        )

    def _matcher(self, trigger: Trigger) -> int:
        about_fact = [one for one in trigger.conditions if _about_fact(one)]
        conditions = tuple(one for one in self._checks(about_fact) if isinstance(one, Check))
        schedule = schedule_of(trigger.type, trigger.config)
        if schedule:
            self.alarms.declare(len(self.matchers), schedule)
            self.matchers.append(Matcher(SCHEDULE, "", conditions))
            return len(self.matchers) - 1
        own = OWN_KEYS[trigger.type]
        config = [
            check for key, value in trigger.config.items() if key != own for check in self._config(key, value)
        ]
        name = None if (given := trigger.config.get(own)) is None else str(given)
        self.matchers.append(Matcher(trigger.type, name, (*config, *conditions)))
        if trigger.type == "attribute_change" and name is not None:
            self._column(self.attributes, name)
        if trigger.type == "pattern" and name is not None:
            self.watched.pattern(name)
        return len(self.matchers) - 1

    def _config(self, key: str, value: Any) -> list[Check]:
        """The checks of one key of a trigger's config (semantics.md §6)."""
        if key == "crosses_above":
            return self._crossing(value, ("above", above(value)), ("not_above", not_above(value)))
        if key == "crosses_below":
            return self._crossing(value, ("below", below(value)), ("not_below", not_below(value)))
        if key.startswith("minimum_"):
            return [self._property_check(key.removeprefix("minimum_"), "minimum", value, at_least(value))]
        if key.startswith("maximum_"):
            return [self._property_check(key.removeprefix("maximum_"), "maximum", value, at_most(value))]
        return [self._property_check(key, "equals", value, holds("equals", value))]

    def _crossing(self, bound: Any, new: tuple[str, pl.Expr], old: tuple[str, pl.Expr]) -> list[Check]:
        return [
            self._property_check("new_value", new[0], bound, new[1]),
            self._property_check("old_value", old[0], bound, old[1]),
        ]

    def _property_check(self, name: str, operator: str, value: Any, expression: pl.Expr) -> Check:
        return Check("event", self._column(self.properties, name), self._truth(operator, value, expression))

    def _checks(self, conditions: Sequence[Condition | Group]) -> tuple[AnyCheck, ...]:
        return tuple(self._group(one) if isinstance(one, Group) else self._check(one) for one in conditions)

    def _group(self, group: Group) -> GroupCheck:
        if group.negated is not None:
            return GroupCheck(self._checks(group.negated), negated=True)
        if group.any is not None:
            return GroupCheck(self._checks(group.any), any=True)
        return GroupCheck(self._checks(group.all or ()))

    def _check(self, condition: Condition) -> AnyCheck:
        name, operator, value = condition.attribute, condition.operator, condition.value
        self.reads_moments |= operator in NEEDS_MOMENTS
        if name == "tags":
            return self._tag_check(operator, value)
        if signal := signal_of(name):
            return self._signal_check(signal, operator, value)
        source, column = self._place(name)
        if operator == "within_last":
            return RecentCheck(source, column, microseconds(parse_duration(value)))
        return Check(source, column, self._truth(operator, value, holds(operator, value)))

    def _place(self, name: str) -> tuple[Literal["attribute", "event", "decision"], int]:
        if name == "execution.decision":
            return "decision", 0
        if name.startswith("event."):
            return "event", self._column(self.properties, name.removeprefix("event."))
        return "attribute", self._column(self.attributes, name)

    def _signal_check(self, signal: Signal, operator: str, value: Any) -> AnyCheck:
        if operator in ("before", "after", "within_last", "starts_with", "ends_with", "matches"):
            return GroupCheck((), any=True)  # no number is text or an instant
        return SignalCheck(self.watched.signal(signal), holds(operator, value))

    def _tag_check(self, operator: str, value: Any) -> TagCheck:
        match operator:
            case "contains" if isinstance(value, str):
                return TagCheck(tag=self._column(self.tags, value))
            case "equals":
                return TagCheck(lists=self._tag_lists([value]))
            case "not_equals":
                return TagCheck(lists=self._tag_lists([value]), negated=True)
            case "in_list":
                return TagCheck(lists=self._tag_lists(value))
            case "not_in_list":
                return TagCheck(lists=self._tag_lists(value), negated=True)
        return TagCheck(negated=operator == "exists")

    def _tag_lists(self, values: Sequence[Any]) -> tuple[frozenset[int], ...]:
        possible = [one for one in values if isinstance(one, list | tuple) and _could_be_tags(one)]
        return tuple(frozenset(self._column(self.tags, tag) for tag in one) for one in possible)

    def _truth(self, operator: str, value: Any, expression: pl.Expr) -> int:
        key = (operator, canonical(value))
        if key not in self.known_truths:
            self.known_truths[key] = len(self.truths)
            self.truths.append(expression)
        return self.known_truths[key]

    def _literals(self, names: Iterable[str]) -> None:
        for name in names:
            self._literal(name)

    def _literal(self, value: Any) -> int:
        return self.literals.setdefault(canonical(value), len(self.literals))

    @staticmethod
    def _column(columns: dict[str, int], name: str) -> int:
        return columns.setdefault(name, len(columns))

    def _reserve(self) -> int:
        self.steps.append(Step(-1, "", "", -1, None))
        return len(self.steps) - 1


def _about_fact(condition: Condition | Group) -> bool:
    """Whether a trigger's condition depends on the fact alone, and not on the instant."""
    if isinstance(condition, Group) or condition.operator == "within_last":
        return False
    return condition.attribute.startswith("event.")


def _ways(workflow: Workflow) -> list[tuple[str, Conditions, tuple[Action, ...]]]:
    branches = [(one.name, one.conditions, one.actions) for one in workflow.branches]
    return [*branches, ("default", (), workflow.actions)]


def _could_be_tags(values: Sequence[Any]) -> bool:
    texts = [one for one in values if isinstance(one, str)]
    return len(texts) == len(values) and sorted(set(texts)) == texts
