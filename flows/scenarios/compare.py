"""What was expected and what came → the differences, each expected row held against the nearest that came."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flows.scenarios.cases import Case, instant
from flows.scenarios.mails import Row
from flows.scenarios.play import Outcome
from transforms.definitions.expectation import Expectation, ExpectedProfile

CONTAINS = "_contains"
"""The end of a key whose texts must all stand in what came."""


@dataclass(frozen=True)
class Difference:
    """One thing that isn't as expected.

    Attributes:
        kind: the key of the expectation that it is about.
        what: `different`: `came` is the nearest to what was expected, but for `keys`. `missing`: nothing came that is
            like it. `unexpected`, `forbidden`: what came that should not have. `unwritten`: nothing is expected yet.
        path: where the expectation stands in its test.
        why: what else is known that may explain it.
    """

    kind: str
    what: Literal["different", "missing", "unexpected", "forbidden", "unwritten"]
    path: tuple[str | int, ...]
    expected: Mapping[str, Any] | None = None
    came: Mapping[str, Any] | None = None
    keys: tuple[str, ...] = ()
    why: str | None = None


def differences(case: Case, outcome: Outcome) -> list[Difference]:
    """Everything of a case's outcome that isn't as it should be."""
    expect = case.scenario.expect
    if expect is None:
        return [Difference("expect", "unwritten", ())]
    return [
        *_listed("messages", [one.said for one in expect.messages or ()], outcome.messages, outcome),
        *_too_many_messages(expect, outcome),
        *_forbidden("no_messages", [one.said for one in expect.no_messages], _going(outcome)),
        *_listed("executions", [one.said for one in expect.executions], outcome.executions, outcome),
        *_forbidden("no_executions", [one.said for one in expect.no_executions], outcome.executions),
        *_listed("steps", [one.said for one in expect.steps], outcome.steps, outcome),
        *_webhooks(expect, outcome),
        *_customers(expect.customers, outcome.customers),
    ]


def pairs(expected: Sequence[Row], came: Sequence[Row]) -> dict[int, int]:
    """Which of what came each expected row is, where one agrees in every key: as many pairs as there can be."""
    taken: dict[int, int] = {}

    def place(number: int, seen: set[int]) -> bool:
        for other in fits[number]:
            if other not in seen:
                seen.add(other)
                if other not in taken or place(taken[other], seen):
                    taken[other] = number
                    return True
        return False

    fits = [[j for j, row in enumerate(came) if not unequal(one, row)] for one in expected]
    for number in range(len(expected)):
        place(number, set())
    return {number: other for other, number in taken.items()}


def unequal(expected: Row, came: Row) -> tuple[str, ...]:
    """The keys of an expected row that a row which came doesn't agree in."""
    return tuple(key for key, value in expected.items() if not _agrees(key, value, came))


def _agrees(key: str, value: Any, came: Row) -> bool:
    if key.endswith(CONTAINS):
        text = came.get(key.removesuffix(CONTAINS)) or ""
        return all(one in text for one in value)
    if key == "rules":
        return list(value) == (came.get(key) or [])
    return bool(came.get(key) == value)


def _listed(
    kind: str, expected: Sequence[Row], came: Sequence[Row], outcome: Outcome
) -> Iterator[Difference]:
    """Expected rows that didn't come, each with the nearest that nothing else expects."""
    paired = pairs(expected, came)
    left = [row for j, row in enumerate(came) if j not in paired.values()]
    for number, one in enumerate(expected):
        if number in paired:
            continue
        path = ("expect", kind, number)
        nearest = _nearest(one, left)
        keys = unequal(one, nearest) if nearest else ()
        if nearest is None:
            yield Difference(kind, "missing", path, expected=one, why=_explained(kind, one, outcome))
        else:
            left.remove(nearest)
            yield Difference(kind, "different", path, one, nearest, keys, nearest.get("reason"))


def _nearest(expected: Row, came: Sequence[Row]) -> Row | None:
    """What agrees in most keys, if that is at least half of them, and the customer."""
    wrong = [unequal(expected, row) for row in came]
    near = [
        (len(keys), j)
        for j, keys in enumerate(wrong)
        if len(keys) * 2 <= len(expected) and "customer" not in keys
    ]
    return came[min(near)[1]] if near else None


def _too_many_messages(expect: Expectation, outcome: Outcome) -> Iterator[Difference]:
    """Messages that nothing expects, and isn't near to."""
    if not expect.lists_all_messages:
        return
    expected = [one.said for one in expect.messages or ()]
    yield from _beyond("messages", expected, _going(outcome), outcome)


def _beyond(
    kind: str, expected: Sequence[Row], came: Sequence[Row], outcome: Outcome
) -> Iterator[Difference]:
    paired = set(pairs(expected, came).values())
    near = [one.came for one in _listed(kind, expected, came, outcome) if one.came]
    for number, row in enumerate(came):
        if number not in paired and not any(row is one for one in near):
            yield Difference(kind, "unexpected", ("expect",), came=row, why=row.get("reason"))


def _going(outcome: Outcome) -> list[Row]:
    """The messages that were sent, or would have been if nothing were wrong with them."""
    return [one for one in outcome.messages if one["status"] != "suppressed"]


def _forbidden(kind: str, expected: Sequence[Row], came: Sequence[Row]) -> Iterator[Difference]:
    for number, one in enumerate(expected):
        for row in came:
            if not unequal(one, row):
                yield Difference(kind, "forbidden", ("expect", kind, number), one, row)


def _webhooks(expect: Expectation, outcome: Outcome) -> Iterator[Difference]:
    if expect.webhooks is not None:
        expected = [one.said for one in expect.webhooks]
        yield from _listed("webhooks", expected, outcome.webhooks, outcome)
        yield from _beyond("webhooks", expected, outcome.webhooks, outcome)


def _customers(expected: Mapping[str, ExpectedProfile], came: Mapping[str, Row]) -> Iterator[Difference]:
    for name, one in expected.items():
        path = ("expect", "customers", name)
        profile = came.get(name, {"tags": [], "attributes": {}})
        held = {key: profile["attributes"].get(key) for key in one.attributes}
        said = {**one.attributes, **({} if one.tags is None else {"tags": sorted(one.tags)})}
        found = {"customer": name, **held, "tags": profile["tags"]}
        if keys := unequal(said, found):
            yield Difference("customers", "different", path, {"customer": name, **said}, found, keys)


def _explained(kind: str, expected: Row, outcome: Outcome) -> str | None:
    """Why a message may not have come: its step was held back, or its customer isn't on that way."""
    if kind != "messages":
        return None
    mine = _same(expected, ("customer", "workflow"))
    held = [one for one in outcome.steps if mine(one) and str(one["outcome"]).startswith("suppressed:")]
    if held:
        one = held[0]
        return f"step {one['step']} of {one['workflow']} was {one['outcome']} at {instant(one['at'])}"
    passes = [one for one in outcome.executions if mine(one)]
    if not passes:
        who, where = expected.get("customer"), expected.get("workflow", "any workflow")
        return f"{who} never entered {where}" if who else f"nobody entered {where}"
    told = ", ".join(f"{one['workflow']} ({one['branch']}): {one['status']}" for one in passes)
    return f"what was entered: {told}"


def _same(expected: Row, keys: Sequence[str]) -> Callable[[Row], bool]:
    said = {key: expected[key] for key in keys if key in expected}
    return lambda row: all(row[key] == value for key, value in said.items())
