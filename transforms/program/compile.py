"""Workflows → one flat program; all workflows' needs are united on the way."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from transforms.definitions.patterns import Pattern
from transforms.definitions.references import referred_property
from transforms.definitions.send_times import QuietHours, SendWindow
from transforms.definitions.triggers import WORKFLOW_ACTIONS, Goal
from transforms.definitions.walk import has_hits
from transforms.definitions.workflow import (
    Action,
    AddTag,
    BranchDecision,
    Conditions,
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
from transforms.people.consent import FIELDS
from transforms.program.compile_checks import CheckBuilder
from transforms.program.compile_schedules import AlarmBuilder
from transforms.program.compile_signals import SignalBuilder
from transforms.program.compile_triggers import TriggerBuilder
from transforms.program.model import (
    EMAIL,
    END,
    FOLLOW_UP_PROPERTIES,
    ZONE,
    CompiledBranch,
    Flow,
    Program,
    Step,
)
from transforms.program.send_times import SendTime, quiet_hours, send_window
from transforms.timing.durations import microseconds
from transforms.timing.zones import CUSTOMER


def compile_program(
    current: Sequence[Workflow],
    older: Sequence[Workflow] = (),
    patterns: Mapping[str, Pattern] = MappingProxyType({}),
    send_times: Sequence[QuietHours | SendWindow] = (),
    counted: Mapping[str, Goal] = MappingProxyType({}),
) -> Program:
    """Compile the `current` workflows and the `older` versions that executions still run (semantics.md §9).

    Only current, active workflows take entries.

    Args:
        current: the workflows as their files say.
        older: see above.
        patterns: by name; those that no workflow names are left out.
        send_times: of all workflows that don't declare their own.
        counted: goals by which hits of workflows are counted instead of their versions' own, by workflow.
    """
    versions = {(one.workflow_id, version_of(one)): (one, False) for one in older}
    versions |= {(one.workflow_id, version_of(one)): (one, one.is_live) for one in current}
    priority = {one.workflow_id: one.priority for one in (*older, *current)}
    slots = sorted(priority, key=lambda name: (-priority[name], name))
    compiler = _Compiler(slots, patterns, send_times, counted)
    for (_, version), (workflow, enters) in sorted(versions.items(), key=lambda item: item[0]):
        compiler.add(workflow, version, enters=enters)
    return compiler.program()


class _Compiler:
    def __init__(
        self,
        slots: Sequence[str],
        patterns: Mapping[str, Pattern],
        send_times: Sequence[QuietHours | SendWindow],
        counted: Mapping[str, Goal],
    ) -> None:
        self.slots = list(slots)
        self.send_times = send_times
        self.counted = counted
        self.signals = SignalBuilder(patterns)
        self.checks = CheckBuilder(self.signals)
        self.alarms = AlarmBuilder()
        self.triggers = TriggerBuilder(self.checks, self.signals, self.alarms)
        self.flows: list[Flow] = []
        self.steps: list[Step] = []
        self.position = 0

    def add(self, workflow: Workflow, version: str, *, enters: bool) -> None:
        flow, first = len(self.flows), len(self.steps)
        end = self._reserve()
        self.steps[end] = Step(end, flow, "", END, 0, None)
        branches = [
            CompiledBranch(name, self.checks.checks(conditions), self._block(flow, name, actions, "", end))
            for name, conditions, actions in _ways(workflow)
        ]
        waits = tuple(pc for pc in range(first, len(self.steps)) if self.steps[pc].matcher >= 0)
        triggers = tuple(map(self.triggers.trigger, workflow.triggers)) if enters else ()
        goal = self.triggers.trigger(workflow.goal) if workflow.goal else None
        other = self.counted.get(workflow.workflow_id)
        counted = self.triggers.trigger(other) if other else goal
        exits = tuple(map(self.triggers.trigger, workflow.exit_on))
        leaving = [one.matcher for one in (goal, *exits) if one]
        reactors = [*leaving, *(self.steps[pc].matcher for pc in waits)]
        looked_for = [*reactors, counted.matcher] if counted and other else reactors
        self.alarms.add(workflow.workflow_id, flow, triggers, looked_for)
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
                counted=counted,
                goal_window=_goal_window(other or workflow.goal),
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
        self.checks.literal(workflow.workflow_id)

    def program(self) -> Program:
        sends = any(step.channel for step in self.steps)
        zoned = self.alarms.zoned or any(
            one.timezone == CUSTOMER for flow in self.flows for one in flow.send_times
        )
        zone_column = self.checks.column(self.checks.attributes, ZONE) if zoned else -1
        alarms = self.alarms.alarms(self.checks.attribute)
        refuses_consent = tuple(self.checks.refusal(one) for one in FIELDS if sends)
        read = len(self.checks.properties)
        for name in FOLLOW_UP_PROPERTIES:
            self.checks.column(self.checks.properties, name)
        return Program(
            flows=tuple(self.flows),
            slots=tuple(self.slots),
            steps=tuple(self.steps),
            matchers=tuple(self.triggers.matchers),
            attributes=tuple(self.checks.attributes),
            properties=tuple(self.checks.properties),
            read=read,
            tags=tuple(self.checks.tags),
            paths=tuple(self.checks.paths),
            named=tuple(WORKFLOW_ACTIONS) if self.checks.reads_names else (),
            compares=self.checks.compares,
            truths=tuple(self.checks.truths),
            literals=self.checks.literals,
            refuses_consent=refuses_consent,
            signals=self.signals.plan(),
            alarms=alarms,
            zone_column=zone_column,
            reads_instants=self.checks.reads_instants or any(not one.is_cron for one in alarms),
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
                place, flow, branch, name, position, action,
                checks=self.checks.checks(action.conditions),
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
                return {"value": self.checks.literal(config.template_id), "channel": EMAIL}
            case TriggerWebhook(config=config):
                return {"channel": config.channel}
            case Wait(config=config):
                return {"duration": microseconds(config.duration)}
            case AddTag(config=config) | RemoveTag(config=config):
                return {
                    "column": self.checks.column(self.checks.tags, config.tag),
                    "value": self.checks.literal(config.tag),
                }
            case UpdateAttribute(config=config):
                column = self.checks.column(self.checks.attributes, config.attribute)
                if (name := referred_property(config.value)) is not None:
                    return {"column": column, "start": self.checks.property(name)}
                return {"column": column, "value": self.checks.literal(config.value)}
            case BranchDecision(config=config):
                self.checks.literals_of([*config.criteria, "default"])
                return {
                    "criteria": tuple(
                        (name, self.checks.checks(some)) for name, some in config.criteria.items()
                    )
                }
            case RandomSplit(config=config):
                self.checks.literals_of(config.weights)
                total = sum(config.weights.values())
                return {"weights": tuple((name, one / total) for name, one in config.weights.items())}
            case WaitForEvent(config=config):
                self.checks.literals_of(["event", "timeout"])
                event = Trigger.model_construct(type=config.type, config=config.event)
                timeout = None if config.timeout is None else microseconds(config.timeout)
                references = self.triggers.references(event)
                return {
                    "matcher": self.triggers.matcher(event),
                    "references": references,
                    "duration": timeout,
                }
        return {}

    def _send_times(self, workflow: Workflow) -> tuple[SendTime, ...]:
        """Its own and those of all workflows, unless transactional; quiet hours first, whoever declares them (§11)."""
        own = [one for one in (workflow.quiet_hours, workflow.send_window) if one]
        general = [] if workflow.transactional else self.send_times
        others = [one for one in general if not any(isinstance(one, type(mine)) for mine in own)]
        ordered = sorted((*own, *others), key=lambda one: not isinstance(one, QuietHours))
        return tuple(quiet_hours(one) if isinstance(one, QuietHours) else send_window(one) for one in ordered)

    def _reserve(self) -> int:
        self.steps.append(Step(len(self.steps), -1, "", "", -1, None))
        return len(self.steps) - 1


def _goal_window(goal: Goal | None) -> int:
    """How long after an entry what matches the goal is a hit of it (§10), in µs; -1: nothing is."""
    return microseconds(goal.window) if goal and has_hits(goal) else -1


def _ways(workflow: Workflow) -> list[tuple[str, Conditions, tuple[Action, ...]]]:
    branches = [(one.name, one.conditions, one.actions) for one in workflow.branches]
    return [*branches, ("default", (), workflow.actions)]
