"""Workflows → one flat program; all workflows' needs are united on the way."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from transforms.conditions import at_least, at_most, holds
from transforms.durations import microseconds
from transforms.program import (
    END,
    FOLLOW_UP_PROPERTIES,
    AnyCheck,
    Check,
    CompiledBranch,
    CompiledTrigger,
    Flow,
    Matcher,
    Program,
    Step,
    TagCheck,
)  # fmt: skip
from transforms.trigger_definition import OWN_KEYS
from transforms.values import canonical
from transforms.workflow import (
    Action,
    AddTag,
    BranchDecision,
    Condition,
    RandomSplit,
    RemoveTag,
    SendEmail,
    Trigger,
    UpdateAttribute,
    Wait,
    WaitForEvent,
    Workflow,
    version_of,
)  # fmt: skip


def compile_program(current: Sequence[Workflow], older: Sequence[Workflow] = ()) -> Program:
    """Compile the `current` workflows and the `older` versions that executions still run (semantics.md §9).

    Only current, active workflows take entries.
    """
    versions = {(one.workflow_id, version_of(one)): (one, False) for one in older}
    versions |= {(one.workflow_id, version_of(one)): (one, one.is_active) for one in current}
    compiler = _Compiler(sorted({workflow_id for workflow_id, _ in versions}))
    for (_, version), (workflow, enters) in sorted(versions.items(), key=lambda item: item[0]):
        compiler.add(workflow, version, enters=enters)
    return compiler.program()


class _Compiler:
    def __init__(self, slots: Sequence[str]) -> None:
        self.slots = list(slots)
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
        goal = self._trigger(workflow.goal) if workflow.goal else None
        exits = tuple(map(self._trigger, workflow.exit_on))
        leaving = [one.matcher for one in (goal, *exits) if one]
        self.flows.append(
            Flow(
                index=flow,
                slot=self.slots.index(workflow.workflow_id),
                workflow=workflow,
                version=version,
                enters=enters,
                triggers=tuple(map(self._trigger, workflow.triggers)) if enters else (),
                branches=tuple(branches),
                goal=goal,
                exits=exits,
                waits=waits,
                reactors=[*leaving, *(self.steps[pc].matcher for pc in waits)],
                reentry_after=microseconds(workflow.reentry.after or timedelta(0)),
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
        sends = any(step.action_type == "send_email" for step in self.steps)
        consent = tuple(self._check(one) for one in refuses if sends)
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
                return {"value": self._literal(config.template_id)}
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
        about_customer = [one for one in trigger.conditions if not one.attribute.startswith("event.")]
        return CompiledTrigger(self._matcher(trigger), self._checks(about_customer))

    def _matcher(self, trigger: Trigger) -> int:
        own = OWN_KEYS[trigger.type]
        config = [self._config_check(key, value) for key, value in trigger.config.items() if key != own]
        about_fact = [one for one in trigger.conditions if one.attribute.startswith("event.")]
        name = trigger.config.get(own)
        conditions = [one for one in self._checks(about_fact) if isinstance(one, Check)]
        self.matchers.append(
            Matcher(trigger.type, name if name is None else str(name), (*config, *conditions))
        )
        if trigger.type == "attribute_change" and name is not None:
            self._column(self.attributes, str(name))
        return len(self.matchers) - 1

    def _config_check(self, key: str, value: Any) -> Check:
        if key.startswith("minimum_"):
            return self._property_check(key.removeprefix("minimum_"), "minimum", value, at_least(value))
        if key.startswith("maximum_"):
            return self._property_check(key.removeprefix("maximum_"), "maximum", value, at_most(value))
        return self._property_check(key, "equals", value, holds("equals", value))

    def _property_check(self, name: str, operator: str, value: Any, expression: pl.Expr) -> Check:
        return Check("event", self._column(self.properties, name), self._truth(operator, value, expression))

    def _checks(self, conditions: Sequence[Condition]) -> tuple[AnyCheck, ...]:
        return tuple(map(self._check, conditions))

    def _check(self, condition: Condition) -> AnyCheck:
        name, operator, value = condition.attribute, condition.operator, condition.value
        if name == "tags":
            return self._tag_check(operator, value)
        truth = self._truth(operator, value, holds(operator, value))
        if name == "execution.decision":
            return Check("decision", 0, truth)
        if name.startswith("event."):
            return Check("event", self._column(self.properties, name.removeprefix("event.")), truth)
        return Check("attribute", self._column(self.attributes, name), truth)

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


def _ways(workflow: Workflow) -> list[tuple[str, tuple[Condition, ...], tuple[Action, ...]]]:
    branches = [(one.name, one.conditions, one.actions) for one in workflow.branches]
    return [*branches, ("default", (), workflow.actions)]


def _could_be_tags(values: Sequence[Any]) -> bool:
    texts = [one for one in values if isinstance(one, str)]
    return len(texts) == len(values) and sorted(set(texts)) == texts
