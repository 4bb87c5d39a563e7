"""What workflows say, held against what the data has: likely mistakes that no single file shows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import polars as pl

from transforms.columns.json_values import intern
from transforms.definitions.base import nearest
from transforms.definitions.faults import shown_path
from transforms.definitions.patterns import Pattern
from transforms.definitions.schedules import schedule_of
from transforms.definitions.signals import Amount, LastEvent, signal_of
from transforms.definitions.triggers import OWN_KEYS
from transforms.definitions.walk import ENTRY, Path, actions_of, conditions_of, references_of, triggers_of
from transforms.definitions.workflow import Branch, Condition, Trigger, UpdateAttribute, Wait, Workflow
from transforms.lint.cascades import cascades
from transforms.program.compile_patterns import compile_pattern
from transforms.program.conditions import truth_of
from transforms.signals.patterns import Bounded
from transforms.timing.durations import spoken

ENOUGH_CONVERSIONS = 20
RECENT = timedelta(days=90)
_LOGGED = ("behavioral", "external_event", "time_based", "attribute_change")
_OTHER_SOURCES = ("event.", "events.", "pattern.", "execution.")
_FIELDS = ("tags", "customer_id", "created_at", "email", "timezone")
_OF_A_CHANGE = ("old_value", "new_value")
_OF_THE_INSTANT = ("within_last",)


@dataclass(frozen=True)
class Evidence:
    """What a store holds; empty parts say nothing about workflows.

    Attributes:
        attributes: the names of attributes that some customer has or had.
        names: (type, name) of every event ever loaded.
        properties: (type, name) of the events of the last 90 days → the properties they had.
        entries: (workflow_id, branch) → executions entered in the last 90 days.
        conversions: workflow_id → how many, and the time from entry within which 95 % of them happened.
        profiles: one row per known customer, one column (JSON text) per attribute of branches' conditions.
    """

    attributes: Collection[str] = ()
    names: Collection[tuple[str, str]] = ()
    properties: Mapping[tuple[str, str], Collection[str]] = field(default_factory=dict)
    entries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    conversions: Mapping[str, tuple[int, timedelta]] = field(default_factory=dict)
    profiles: pl.DataFrame = field(default_factory=pl.DataFrame)


_CONTRADICTION = (
    "never true: one term asks for more events than another allows in a longer window around it; "
    "give the earlier window an offset, such as {time_window: 7d, offset: 14d, min_count: 3}"
)


def lint(workflows: Sequence[Workflow], patterns: Mapping[str, Pattern], evidence: Evidence) -> Iterator[str]:
    """One sentence per likely mistake: where it stands, what the data says, what to do.

    Args:
        workflows: valid ones; those that aren't active are passed over.
        patterns: valid ones.
        evidence: what the data has.
    """
    active = [one for one in workflows if one.is_live]
    known = {*evidence.attributes, *_set_by_steps(active)}
    for workflow in active:
        found = [
            *_unknown_attributes(workflow, known if evidence.attributes else ()),
            *_unknown_names(workflow, known, evidence),
            *_unknown_properties(workflow, evidence.properties),
            *_untaken_branches(workflow, evidence),
            *_long_waits(workflow, evidence.conversions),
        ]
        yield from (f"{workflow.workflow_id}: {shown_path(path)}: {what}" for path, what in found)
    for name, pattern in patterns.items():
        compiled = compile_pattern(name, pattern)
        if isinstance(compiled, Bounded) and compiled.contradicts_itself:
            yield f"pattern {name}: {_CONTRADICTION}"
        types = [term.type for term in pattern.events]
        yield from (
            f"pattern {name}: events[{index}].type: {what}"
            for index, one in enumerate(types)
            if (what := _never_seen("behavioral", one, evidence.names))
        )
    yield from map(_circle, cascades(active))


def branch_attributes(workflows: Sequence[Workflow]) -> list[str]:
    """The attributes that conditions of branches look at: the columns `Evidence.profiles` needs."""
    conditions = [one for flow in workflows for branch in flow.branches for one in _plain(branch)]
    return sorted({one.attribute for one in conditions})


def _set_by_steps(workflows: Sequence[Workflow]) -> set[str]:
    steps = [action for one in workflows for _, action in actions_of(one)]
    return {one.config.attribute for one in steps if isinstance(one, UpdateAttribute)}


def _plain(branch: Branch) -> list[Condition]:
    return [one for one in branch.conditions if isinstance(one, Condition) and _is_plain(one)]


def _is_plain(condition: Condition) -> bool:
    """Whether the condition looks at a profile attribute."""
    return not condition.attribute.startswith(_OTHER_SOURCES) and condition.attribute not in _FIELDS


def _unknown_attributes(workflow: Workflow, known: Collection[str]) -> Iterator[tuple[Path, str]]:
    for path, _, condition in conditions_of(workflow) if known else ():
        if _is_plain(condition) and not _is_there(condition.attribute, known):
            yield path, _unknown_attribute(condition.attribute, known)
    for path, _, trigger in triggers_of(workflow) if known else ():
        schedule = schedule_of(trigger.type, trigger.config)
        name = schedule.attribute if schedule else None
        if name and name not in _FIELDS and not _is_there(name, known):
            yield (*path, "config", "attribute"), _unknown_attribute(name, known)


def _is_there(name: str, known: Collection[str]) -> bool:
    """Whether a name is known, or what it would be looked up in (semantics.md §5)."""
    return name in known or ("." in name and name.split(".", maxsplit=1)[0] in known)


def _unknown_attribute(name: str, known: Collection[str]) -> str:
    return f"no customer ever had an attribute {name!r}, and no step sets it{_hint(name, known)}"


def _unknown_names(
    workflow: Workflow, attributes: Collection[str], evidence: Evidence
) -> Iterator[tuple[Path, str]]:
    for path, _, trigger in triggers_of(workflow):
        name = _name(trigger)
        if name is None:
            continue
        if trigger.type == "attribute_change":
            if evidence.attributes and name not in attributes:
                yield path, _unknown_attribute(name, attributes)
        elif what := _never_seen(trigger.type, name, evidence.names):
            yield path, what
    for path, _, condition in conditions_of(workflow):
        signal = signal_of(condition.attribute)
        if isinstance(signal, Amount | LastEvent) and (
            what := _never_seen("behavioral", signal.name, evidence.names)
        ):
            yield path, what


def _never_seen(kind: str, name: str, names: Collection[tuple[str, str]]) -> str | None:
    if not names or (kind, name) in names:
        return None
    return f"no {kind} event {name!r} was ever loaded{_hint(name, {one for of, one in names if of == kind})}"


def _name(trigger: Trigger) -> str | None:
    """The name of the logged event the trigger looks for; None: any, or no such event (a schedule, a pattern)."""
    if trigger.type not in _LOGGED or "offset" in trigger.config or "cron" in trigger.config:
        return None
    name = trigger.config.get(OWN_KEYS[trigger.type])
    return name if isinstance(name, str) else None


def _unknown_properties(
    workflow: Workflow, recent: Mapping[tuple[str, str], Collection[str]]
) -> Iterator[tuple[Path, str]]:
    for path, _, trigger in triggers_of(workflow):
        there = _properties([trigger], recent)
        keys = [key for key in trigger.config if key != OWN_KEYS.get(trigger.type)]
        for key in keys if there is not None else ():
            name = key.removeprefix("minimum_").removeprefix("maximum_")
            if there is not None and not _is_there(name, there) and not key.startswith("crosses_"):
                config = path if path[-1] == "event" else (*path, "config")
                yield (*config, key), _unknown_property(name, there)
    entering = [trigger for _, where, trigger in triggers_of(workflow) if where == ENTRY]
    for path, owner, condition in conditions_of(workflow):
        there = _properties([owner] if owner else entering, recent)
        name = condition.attribute.removeprefix("event.")
        if there is not None and name != condition.attribute and not _is_there(name, there):
            yield path, _unknown_property(name, there)
    there = _properties(entering, recent)
    for path, name in references_of(workflow) if there is not None else ():
        if there is not None and not _is_there(name, there):
            yield path, _unknown_property(name, there)


def _properties(
    triggers: Sequence[Trigger], recent: Mapping[tuple[str, str], Collection[str]]
) -> set[str] | None:
    """The properties of the last 90 days' events that match; None if there are none, or one trigger needs none."""
    found: set[str] = set()
    for trigger in triggers:
        name = _name(trigger)
        matching = [some for (kind, one), some in recent.items() if (kind, one) == (trigger.type, name)]
        if not matching:
            return None
        found.update(*matching, _OF_A_CHANGE if trigger.type == "attribute_change" else ())
    return found if triggers else None


def _unknown_property(name: str, there: Collection[str]) -> str:
    return f"no matching event of the last 90 days had a property {name!r}{_hint(name, there)}"


def _untaken_branches(workflow: Workflow, evidence: Evidence) -> Iterator[tuple[Path, str]]:
    entries = sum(n for (one, _), n in evidence.entries.items() if one == workflow.workflow_id)
    for index, branch in enumerate(workflow.branches):
        plain = _plain(branch)
        taken = (workflow.workflow_id, branch.name) in evidence.entries
        if entries and not taken and plain and not _is_met(plain, evidence.profiles):
            yield (
                ("branches", index, "conditions"),
                f"none of {entries:,} entries of the last 90 days took branch {branch.name!r}, and no customer of "
                "today meets its conditions; check their values, or remove the branch",
            )


def _is_met(conditions: Sequence[Condition], profiles: pl.DataFrame) -> bool:
    """Whether some customer meets all conditions, as far as they can be told without an instant."""
    told = [one for one in conditions if one.operator not in _OF_THE_INSTANT and "." not in one.attribute]
    columns = {name: profiles[name] for name in {one.attribute for one in told}}
    dictionary, codes = intern(columns, ())
    meets = np.ones(len(profiles), np.bool_)
    for one in told:
        truth = dictionary.select(truth_of(one.operator, one.value).alias("holds"))["holds"]
        verdicts = truth.new_from_index(0, len(dictionary)) if len(truth) == 1 else truth
        meets &= verdicts.to_numpy()[codes[one.attribute]]
    return bool(meets.any())


def _long_waits(
    workflow: Workflow, conversions: Mapping[str, tuple[int, timedelta]]
) -> Iterator[tuple[Path, str]]:
    count, within = conversions.get(workflow.workflow_id, (0, timedelta(0)))
    for path, action in actions_of(workflow) if count >= ENOUGH_CONVERSIONS and workflow.goal else ():
        if isinstance(action, Wait) and action.config.duration > within:
            shown = spoken(timedelta(seconds=round(within.total_seconds())))
            yield (
                (*path, "config", "duration"),
                f"waits {spoken(action.config.duration)}, but 95 % of {count:,} conversions happened within {shown} of "
                "the entry: few who still convert are reached after it; wait less, or end there",
            )


def _circle(circle: Sequence[tuple[str, str]]) -> str:
    first = circle[0][0]
    steps = " → ".join(f"{workflow_id} ({words})" for workflow_id, words in circle)
    which = "starts itself" if len(circle) == 1 else "start each other"
    subject = first if len(circle) == 1 else " and ".join(workflow_id for workflow_id, _ in circle)
    return (
        f"{first}: triggers: {subject} {which} again and again: {steps} → {first}; narrow a trigger "
        "(workflow_id, tag), or give one of them reentry: {policy: once}"
    )


def _hint(name: str, known: Collection[str]) -> str:
    close = nearest(name, sorted(known))
    return f"; did you mean {close!r}?" if close else "; check its spelling, or load such data"
