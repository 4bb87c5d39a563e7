"""Row-for-row equality of two results, with a difference people can read."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.oracle.values import same, text
from tests.semantics.cases import Result, Row

EXECUTION = (
    "execution_id",
    "workflow_id",
    "customer_id",
    "entered_at",
    "branch",
    "status",
    "ended_at",
    "converted_at",
    "decision",
    "variant",
)
STEP = (
    "execution_id",
    "workflow_id",
    "customer_id",
    "entered_at",
    "branch",
    "step",
    "action_type",
    "at",
    "outcome",
)
MESSAGE = (
    "message_id",
    "execution_id",
    "workflow_id",
    "customer_id",
    "entered_at",
    "step",
    "at",
    "template_id",
)
WEBHOOK = ("execution_id", "workflow_id", "customer_id", "entered_at", "step", "at", "url")
HIT = ("execution_id", "workflow_id", "customer_id", "entered_at", "at", "event_id")
REFUSAL = ("workflow_id", "customer_id", "at", "reason")
SHOWN = 12


def assert_same(a: Result, b: Result, names: tuple[str, str] = ("expected", "found")) -> None:
    """Both results say the same; columns beyond the contract's are ignored.

    Steps of one execution must also come in the same order. A profile with neither attributes nor tags
    equals a missing one: whether an unknown customer who never told us anything has a row is not a decision.

    Raises:
        AssertionError: they differ; the message has the rows that only one of them has, table by table.
    """
    faults = [
        *_table("executions", EXECUTION, a.executions, b.executions, names),
        *_table("steps", STEP, a.steps, b.steps, names),
        *_order_of_steps(a.steps, b.steps, names),
        *_table("messages", MESSAGE, a.messages, b.messages, names),
        *_table("webhooks", WEBHOOK, a.webhooks, b.webhooks, names),
        *_table("refusals", REFUSAL, a.refusals, b.refusals, names),
        *_table("goal_hits", HIT, a.goal_hits, b.goal_hits, names),
        *_profiles(a.profiles, b.profiles, names),
        *_counts(a.counts, b.counts, names),
    ]
    assert not faults, "\n".join(["the results differ", *faults])


def _table(
    name: str, columns: tuple[str, ...], a: list[Row], b: list[Row], names: tuple[str, str]
) -> Iterable[str]:
    """The rows, as multisets, that only one side has."""
    left, right = (Counter(tuple(row[column] for column in columns) for row in rows) for rows in (a, b))
    for side, only in zip(names, (left - right, right - left), strict=True):
        rows = sorted(
            (_shown(columns, row) for row in only.elements()), key=lambda line: line.split(" @", 1)[-1]
        )
        if rows:
            yield f"{name}: only in {side} ({len(rows)}):"
            yield from (f"    {row}" for row in rows[:SHOWN])


def _shown(columns: tuple[str, ...], values: tuple[Any, ...]) -> str:
    """A row without its hashes (they follow from the rest), instants short."""
    named = {
        c: v for c, v in zip(columns, values, strict=True) if not c.endswith(("execution_id", "message_id"))
    }
    return " ".join(f"{column}={_brief(value)}" for column, value in named.items())


def _brief(value: Any) -> str:
    return f"{value:%m-%dT%H:%M:%S.%f}".removesuffix(".000000") if hasattr(value, "strftime") else str(value)


def _order_of_steps(a: list[Row], b: list[Row], names: tuple[str, str]) -> Iterable[str]:
    """Executions whose steps come in another order."""
    left, right = _sequences(a), _sequences(b)
    for execution in sorted(left.keys() & right.keys()):
        if left[execution] != right[execution] and Counter(left[execution]) == Counter(right[execution]):
            yield f"steps of {execution} come in another order:"
            yield f"    {names[0]}: {left[execution]}"
            yield f"    {names[1]}: {right[execution]}"


def _sequences(steps: list[Row]) -> dict[str, list[tuple[str, str]]]:
    """Per execution, its (step, outcome) by time, as produced within one instant."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in sorted(steps, key=lambda row: row["at"]):
        found.setdefault(row["execution_id"], []).append((row["step"], row["outcome"]))
    return found


def _profiles(a: dict[str, Row], b: dict[str, Row], names: tuple[str, str]) -> Iterable[str]:
    nobody: Row = {"attributes": {}, "tags": []}
    for customer_id in sorted(a.keys() | b.keys()):
        left, right = (side.get(customer_id, nobody) for side in (a, b))
        if not same(left["attributes"], right["attributes"]) or list(left["tags"]) != list(right["tags"]):
            yield f"profile of {customer_id}:"
            for side, profile in zip(names, (left, right), strict=True):
                yield f"    {side}: {text(profile['attributes'])} tags={list(profile['tags'])}"


def _counts(a: dict[str, int], b: dict[str, int], names: tuple[str, str]) -> Iterable[str]:
    """The counts both sides know."""
    for reason in sorted(a.keys() & b.keys()):
        if a[reason] != b[reason]:
            yield f"count of {reason}: {a[reason]} in {names[0]}, {b[reason]} in {names[1]}"
