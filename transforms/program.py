"""Workflows → one flat program: steps with explicit targets, and every condition as a row of a truth table.

All workflows' needs are united here: which attributes, properties, tags and facts the engine must see. What no
workflow can see never enters a wave.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import polars as pl

from transforms.conditions import at_least, at_most, holds
from transforms.durations import microseconds
from transforms.triggers import OWN_KEY
from transforms.values import canonical
from transforms.workflow import Action, Condition, Trigger, Workflow, version_of

END = "end"
FOLLOW_UP_PROPERTIES = ("workflow_id", "tag", "template_id", "old_value", "new_value")


@dataclass(frozen=True)
class Check:
    """One compiled condition: where to look (a column of that source) and which row of the truth table tells."""

    source: Literal["attribute", "event", "decision"]
    column: int
    truth: int


@dataclass(frozen=True)
class TagCheck:
    """A condition on `tags`: has one tag, or is exactly one of some tag lists (both as tag columns)."""

    tag: int | None = None
    lists: tuple[frozenset[int], ...] = ()
    negated: bool = False


AnyCheck = Check | TagCheck


@dataclass(frozen=True)
class Matcher:
    """What of a trigger depends on the fact alone: its type, its name (None: any), checks of its properties."""

    type: str
    name: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class CompiledTrigger:
    """A trigger: the matcher for the fact, and the checks that look at the customer."""

    matcher: int
    checks: tuple[AnyCheck, ...]


@dataclass(frozen=True)
class Step:
    """One step: what it does, where it goes next. `action` is None at the end of a flow."""

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
    matcher: int = -1
    column: int = -1
    value: int = -1

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
    """One version of one workflow; `slot` is the workflow's place in the order of workflow ids."""

    index: int
    slot: int
    workflow: Workflow
    version: str
    enters: bool
    triggers: tuple[CompiledTrigger, ...]
    branches: tuple[CompiledBranch, ...]
    goal: CompiledTrigger | None
    exits: tuple[CompiledTrigger, ...]
    waits: tuple[int, ...]
    reactors: list[int]  # the matchers of goal, exits and waits
    reentry_after: int
    first: int  # its steps are first … last
    last: int
    end: int


@dataclass(frozen=True)
class Program:
    """Everything the waves need of the workflows; columns are positions in the tuples of names."""

    flows: tuple[Flow, ...]
    slots: tuple[str, ...]
    steps: tuple[Step, ...]
    matchers: tuple[Matcher, ...]
    attributes: tuple[str, ...]
    properties: tuple[str, ...]
    tags: tuple[str, ...]
    truths: tuple[pl.Expr, ...]
    literals: dict[str, int]
    refuses_consent: tuple[Check, ...]

    @property
    def watches_every_attribute(self) -> bool:
        """Whether some trigger sees changes of any attribute, whatever its name."""
        return any(one.type == "attribute_change" and one.name is None for one in self.matchers)

    def matchers_of(self, fact_type: str, name: str) -> tuple[int, ...]:
        """The matchers that facts of this type and name may satisfy."""
        return tuple(
            index
            for index, one in enumerate(self.matchers)
            if one.type == fact_type and one.name in (None, name)
        )


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
        for name in FOLLOW_UP_PROPERTIES:
            self._column(self.properties, name)
        return Program(
            flows=tuple(self.flows),
            slots=tuple(self.slots),
            steps=tuple(self.steps),
            matchers=tuple(self.matchers),
            attributes=tuple(self.attributes),
            properties=tuple(self.properties),
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
        config = action.config
        match action.type:
            case "send_email":
                return {"value": self._literal(config.template_id)}
            case "add_tag" | "remove_tag":
                return {"column": self._column(self.tags, config.tag), "value": self._literal(config.tag)}
            case "update_attribute":
                return {
                    "column": self._column(self.attributes, config.attribute),
                    "value": self._literal(config.value),
                }
            case "branch_decision":
                criteria = [(name, self._checks(conditions)) for name, conditions in config.criteria.items()]
                self._decisions([*config.criteria, "default"])
                return {"criteria": tuple(criteria)}
            case "random_split":
                self._decisions(config.weights)
            case "wait_for_event":
                self._decisions(["event", "timeout"])
                event = Trigger(type=config.type, config=config.event)
                return {"matcher": self._matcher(event)}
        return {}

    def _trigger(self, trigger: Trigger) -> CompiledTrigger:
        about_customer = [one for one in trigger.conditions if not one.attribute.startswith("event.")]
        return CompiledTrigger(self._matcher(trigger), self._checks(about_customer))

    def _matcher(self, trigger: Trigger) -> int:
        own = OWN_KEY[trigger.type]
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

    def _decisions(self, names: Sequence[str] | dict[str, float]) -> None:
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


def listed_steps(program: Program) -> list[dict[str, Any]]:
    """Every step of the program in file order: workflow_id, version, branch, step, position, action_type, label."""
    return [
        {
            "workflow_id": program.flows[step.flow].workflow.workflow_id,
            "version": program.flows[step.flow].version,
            "branch": step.branch,
            "step": step.name,
            "position": step.position,
            "action_type": step.action_type,
            "label": _label(step.action),
        }
        for step in program.steps
        if step.action is not None
    ]


def _label(action: Action) -> str:
    """What people read of a step in reports: the template, the tag, how long."""
    config = action.config
    match action.type:
        case "send_email":
            return config.template_id or ""
        case "wait":
            return str(config.duration)
        case "add_tag" | "remove_tag":
            return config.tag
        case "update_attribute":
            return f"{config.attribute} = {canonical(config.value)}"
        case "trigger_webhook":
            return config.url
        case "branch_decision":
            return ", ".join([*config.criteria, "default"])
        case "random_split":
            return ", ".join(f"{name} {weight:.0%}" for name, weight in config.weights.items())
        case "wait_for_event":
            return ", ".join(f"{key} {value}" for key, value in config.event.items())
    return ""
