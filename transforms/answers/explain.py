"""What came of one customer, and why: a timeline, and for each workflow never entered what stood against it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from transforms.answers.account import Account, Entry
from transforms.answers.entries import entry_of, refusal_of
from transforms.answers.sentences import Row, a_fact, instant
from transforms.answers.steps import lines_of
from transforms.answers.why_not import WhyNot, at_of, nobody_enters, why_not
from transforms.columns.json_values import canonical
from transforms.engine.recorder import Answer
from transforms.timing.durations import instant_at


@dataclass(frozen=True)
class Explanation:
    """Everything that is told of a customer.

    Attributes:
        timeline: in time.
        why_not: of each active workflow never entered, by id.
    """

    customer: str
    timeline: tuple[Entry, ...]
    why_not: tuple[WhyNot, ...]


def explain(account: Account, workflow_id: str | None = None) -> Explanation:
    """Tell what happened and why.

    Args:
        account: rows and record of the customer.
        workflow_id: of one workflow only; None: of all.
    """
    wanted = [
        one
        for one in _entries(account)
        if None in (workflow_id, one.workflow_id) or one.workflow_id == workflow_id
    ]
    timeline = sorted([*_facts(account, workflow_id), *wanted], key=lambda one: (one.at, one.rank))
    missed = _never_entered(account, workflow_id)
    return Explanation(account.customer, tuple(timeline), tuple(missed))


def _never_entered(account: Account, workflow_id: str | None) -> list[WhyNot]:
    entered = {one["workflow_id"] for one in account.stored.executions}
    by_id = sorted(account.program.flows, key=lambda flow: flow.workflow.workflow_id)
    active = {one.workflow.workflow_id: one for one in by_id if one.enters}
    if workflow_id is not None and workflow_id not in active.keys() | entered:
        return [nobody_enters(account, workflow_id)]
    wanted = [name for name in active if workflow_id in (None, name)]
    return [why_not(account, active[name]) for name in wanted if name not in entered]


def as_json(found: Explanation) -> dict[str, Any]:
    """The same as JSON values; instants are ISO texts, values that conditions saw JSON texts."""
    return {
        "customer_id": found.customer,
        "timeline": [
            {
                "at": one.at.isoformat(),
                "kind": one.kind,
                "workflow_id": one.workflow_id,
                "version": one.version,
                "said": one.said,
                "because": list(one.because),
            }
            for one in found.timeline
        ],
        "why_not": [_missed(one) for one in found.why_not],
    }


def _missed(one: WhyNot) -> dict[str, Any]:
    at, nearest = at_of(one), one.nearest
    return {
        "workflow_id": one.workflow_id,
        "said": one.said,
        "at": at and at.isoformat(),
        "trigger": nearest and nearest.trigger,
        "fact": nearest
        and {"type": nearest.fact.type, "name": nearest.fact.name, "event_id": nearest.fact.event_id},
        "failed": [_failed(answer) for answer in one.failed],
        "because": list(one.because),
    }


def _failed(answer: Answer) -> dict[str, Any]:
    saw = [
        {"name": one.name, "value": one.value, "set_at": None if one.set_at is None else instant(one.set_at)}
        for one in answer.looks
    ]
    return {"place": list(answer.place), "said": answer.said, "saw": saw}


def _entries(account: Account) -> Iterator[Entry]:
    steps: dict[str, list[Row]] = {}
    for row in account.stored.steps:
        steps.setdefault(row["execution_id"], []).append(row)
    for execution in account.stored.executions:
        own = steps.get(execution["execution_id"], [])
        version = account.versions.get(execution["version"])
        for one in (entry_of(account, execution), *lines_of(account, execution, own)):
            yield replace(one, version=version["number"]) if version and one.version is None else one
    yield from (refusal_of(account, row) for row in account.stored.entry_refusals)
    yield from (_suppression(row) for row in account.stored.suppressions)


def _suppression(row: Row) -> Entry:
    source = f", by {row['source']}" if row["source"] else ""
    said = f"suppressed: {row['reason'].replace('_', ' ')}{source}; nothing more is sent to the customer"
    return Entry(row["at"], 1, "suppression", None, said)


def _facts(account: Account, workflow_id: str | None) -> Iterator[Entry]:
    """The facts that some workflow sees (or the one asked for); those that executions cause are told where they do."""
    asked: dict[int, set[str]] = {}
    for one in account.record.tried:
        if workflow_id in (None, one.flow.workflow.workflow_id):
            asked.setdefault(one.fact.number, set()).add(one.flow.workflow.workflow_id)
    told = {one["event_id"]: _given(one) for one in account.stored.events}
    for fact in account.record.facts:
        is_cause = fact.event_id is None and fact.type not in ("pattern", "time_based")
        by = sorted(asked.get(fact.number, ()))
        if is_cause or (workflow_id is not None and not by):
            continue
        given = told.get(fact.event_id, "") if fact.event_id else ""
        said = a_fact(fact.type, fact.name, fact.event_id) + given
        late = f" (late: it happened {instant(fact.ts)})" if fact.ts != fact.at else ""
        unknown = "" if fact.is_known else "; the customer wasn't known"
        yield Entry(instant_at(fact.at), 0, "fact", None, f"{said}{late}{unknown}", asked=tuple(by))


def _given(event: Row) -> str:
    """What an event brought: its value, then its properties."""
    value = "" if event["value"] is None else f", value {canonical(event['value'])}"
    return value + (f": {event['properties']}" if event["properties"] not in (None, "{}") else "")
