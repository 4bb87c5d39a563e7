"""One case of the engine — what goes in, what must come out — and short builders to write cases by hand."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

Row = dict[str, Any]
Json: TypeAlias = "bool | int | float | str | list[Json] | Row | None"

START = datetime(2026, 3, 2, tzinfo=UTC)
"""The first instant of hand-written cases: a Monday, midnight UTC."""


@dataclass
class Case:
    """Input of one run: definitions as in the files, customers, events, the end and what bounds sends.

    Events are dicts of semantics.md §4: event_id, customer_id, ts, type, name, value, properties,
    attributes. Customers have customer_id, created_at, attributes, tags, and perhaps a timezone. Caps are
    (messages, window), perhaps followed by the channel and message class they are for. A workflow may have one key that
    files haven't: `counted`, the goal by which its hits are counted instead of its own. Patterns are as in
    patterns.yaml; `timezone` is the configured default; quiet hours and send window are the settings.
    """

    workflows: list[Row]
    customers: list[Row]
    events: list[Row]
    end: datetime
    start: datetime | None = None
    caps: list[tuple[Any, ...]] = field(default_factory=list)
    patterns: dict[str, Row] = field(default_factory=dict)
    timezone: str = "UTC"
    quiet_hours: Row | None = None
    send_window: Row | None = None


@dataclass
class Result:
    """Output of one run: the contract's tables as lists of rows, steps in the order they happened."""

    executions: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    webhooks: list[Row] = field(default_factory=list)
    profiles: dict[str, Row] = field(default_factory=dict)
    refusals: list[Row] = field(default_factory=list)
    goal_hits: list[Row] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    considered: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By workflow and place in its file: facts that were refused there first; by a trigger alone: those it let in."""


Interpret = Callable[[Case], Result]
"""What decides a case: the oracle or the engine (the fixture `interpret`)."""


def at(minutes: float = 0, *, days: float = 0) -> datetime:
    """The instant so long after `START`."""
    return START + timedelta(minutes=minutes, days=days)


def event(name: str, ts: datetime, customer_id: str = "ann", **given: Any) -> Row:
    """An event; `type` is behavioral and the id tells type, name and time unless given."""
    row: Row = {
        "customer_id": customer_id,
        "ts": ts,
        "type": "behavioral",
        "name": name,
        "value": None,
        "properties": {},
        "attributes": None,
        **given,
    }
    return {"event_id": f"{row['type']}-{name}-{ts:%dT%H%M%S%f}-{customer_id}", **row}


def changed(attribute: str, new: Any, ts: datetime, old: Any = None, **given: Any) -> Row:
    """An `attribute_change` event."""
    properties = {"old_value": old, "new_value": new}
    return event(attribute, ts, **{"type": "attribute_change", "properties": properties, **given})


def customer(customer_id: str = "ann", *, created_at: datetime | None = None, **given: Any) -> Row:
    """A customer; keywords other than `tags` are attributes."""
    tags = given.pop("tags", [])
    return {"customer_id": customer_id, "created_at": created_at, "attributes": given, "tags": tags}


def trigger(action: str | None = None, type: str = "behavioral", *, when: Any = (), **config: Any) -> Row:  # noqa: A002
    """A trigger; `action` is the type's own key, `when` its conditions, keywords its other config keys."""
    own = {"attribute_change": "attribute", "external_event": "source", "time_based": "trigger_time"}
    named = {} if action is None else {own.get(type, "action"): action}
    return {"type": type, "config": {**named, **config}, "conditions": list(when)}


def condition(attribute: str, operator: str, value: Any = None) -> Row:
    """A condition."""
    return {"attribute": attribute, "operator": operator, "value": value}


def action(type: str, /, *, when: Any = (), delay: Any = 0, paths: Row | None = None, **config: Any) -> Row:  # noqa: A002
    """An action; `when` its conditions, `delay` in seconds or as text, keywords its config."""
    row: Row = {"type": type, "config": config}
    row |= {"conditions": list(when)} if when else {}
    row |= {"delay": delay} if delay else {}
    return row | ({"paths": paths} if paths is not None else {})


def send(template_id: str = "hello", **given: Any) -> Row:
    """A `send_email` action."""
    return action("send_email", template_id=template_id, **given)


def tag(name: str, **given: Any) -> Row:
    """An `add_tag` action."""
    return action("add_tag", tag=name, **given)


def wait(duration: Any, **given: Any) -> Row:
    """A `wait` action."""
    return action("wait", duration=duration, **given)


def workflow(*actions: Row, workflow_id: str = "w", on: Any = "go", **given: Any) -> Row:
    """A workflow entered by the behavioral event `on` (or by the trigger or triggers `on`)."""
    triggers = [trigger(on)] if isinstance(on, str) else [on] if isinstance(on, dict) else on
    return {
        "workflow_id": workflow_id,
        "workflow_name": f"Workflow {workflow_id}",
        "triggers": triggers,
        "actions": list(actions),
        **given,
    }


def case(
    workflows: Row | list[Row], *events: Row, customers: Any = None, end: Any = None, **given: Any
) -> Case:
    """A case over ten days (unless `end` is given) of the customer `ann` (unless `customers` are given)."""
    return Case(
        workflows=[workflows] if isinstance(workflows, dict) else workflows,
        customers=[customer()] if customers is None else customers,
        events=list(events),
        end=end or at(days=10),
        **given,
    )


def show(found: Case) -> str:
    """The case as readable JSON, for the message of a failed test."""
    return json.dumps(vars(found), indent=1, default=str, ensure_ascii=False)


def minutes(instant: datetime | None) -> float | None:
    """Minutes since `START`, for short expected rows."""
    return None if instant is None else (instant - START) / timedelta(minutes=1)


def steps_of(result: Result) -> list[tuple[Any, ...]]:
    """(workflow, minute, step, outcome) of every step, per workflow in the order they happened."""
    rows = sorted(result.steps, key=lambda row: (row["customer_id"], row["workflow_id"], row["at"]))
    return [(row["workflow_id"], minutes(row["at"]), row["step"], row["outcome"]) for row in rows]


def outcomes_of(result: Result, workflow_id: str = "w") -> list[tuple[Any, ...]]:
    """(minute, step, outcome) of one workflow's steps, in the order they happened."""
    return [row[1:] for row in steps_of(result) if row[0] == workflow_id]


def runs_of(result: Result) -> list[tuple[Any, ...]]:
    """(workflow, entered, branch, status, ended) of every execution, in minutes, by workflow and entry."""
    rows = sorted(
        result.executions, key=lambda row: (row["customer_id"], row["workflow_id"], row["entered_at"])
    )
    return [
        (
            row["workflow_id"],
            minutes(row["entered_at"]),
            row["branch"],
            row["status"],
            minutes(row["ended_at"]),
        )
        for row in rows
    ]


def ends_of(result: Result) -> list[tuple[Any, ...]]:
    """(workflow, entered, status, ended) of every execution."""
    return [
        (workflow_id, entered, status, ended) for workflow_id, entered, _, status, ended in runs_of(result)
    ]


def refusals_of(result: Result) -> list[tuple[Any, ...]]:
    """(workflow, minute, reason) of every refused entry."""
    rows = [(row["workflow_id"], minutes(row["at"]), row["reason"]) for row in result.refusals]
    return sorted(rows)


def messages_of(result: Result) -> list[tuple[Any, ...]]:
    """(workflow, minute, step, template) of every accepted message."""
    rows = [
        (row["workflow_id"], minutes(row["at"]), row["step"], row["template_id"]) for row in result.messages
    ]
    return sorted(rows, key=str)


def tags_of(result: Result, customer_id: str = "ann") -> list[str]:
    """The customer's tags at the end."""
    return list(result.profiles[customer_id]["tags"])


def attributes_of(result: Result, customer_id: str = "ann") -> Row:
    """The customer's attributes at the end."""
    found: Row = result.profiles[customer_id]["attributes"]
    return found
