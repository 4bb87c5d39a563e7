"""Tests of workflows as their files declare them: who there is, what happens, and what must come of it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import AliasChoices, Field, GetJsonSchemaHandler, JsonValue
from pydantic_core import CoreSchema, InitErrorDetails

from transforms.definitions.base import Definition, Duration, Name, advice, fault, key_fault
from transforms.definitions.expectation import Expectation, Instant

KINDS = {
    "action": "behavioral",
    "attribute": "attribute_change",
    "source": "external_event",
    "trigger_time": "time_based",
}
"""The key that names an event → its type (semantics.md §4); of several the first counts, the others are properties."""

INTRODUCTION = "identify"
"""The action that makes a customer known who wasn't (semantics.md §4)."""


class Occurrence(Definition):
    """An event: `at` an instant, or `after` the one before; keys that aren't named here are its properties."""

    customer: Name | None = Field(
        default=None, description="Whom it happens to; not needed where there is one customer."
    )
    at: Instant | None = Field(default=None, description="When.")
    after: Duration | None = Field(default=None, description="How long after the event before it.")
    action: Name | None = Field(default=None, description="The name of an event that a customer does.")
    attribute: Name | None = Field(
        default=None, description="The attribute that changes; `old_value` and `new_value` beside it."
    )
    source: Name | None = Field(default=None, description="The system that an event from outside comes from.")
    trigger_time: Name | None = Field(default=None, description="The label of an event of the clock.")
    properties: dict[str, JsonValue] = Field(
        default={},
        description="Its properties; any key that isn't named here is one, too.",
    )
    attributes: dict[str, JsonValue] = Field(
        default={},
        description="Attributes that the event sets.",
    )

    @classmethod
    def normalized(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Properties in one place, wherever they stand."""
        if "attribute" not in given and "changed_attribute" in given:
            given = {"attribute": given["changed_attribute"], **given}
            del given["changed_attribute"]
        naming = next((key for key in KINDS if key in given), None)
        own = {"customer", "at", "after", "properties", "attributes", naming}
        further = {key: value for key, value in given.items() if key not in own}
        inside = given.get("properties", {})
        if not isinstance(inside, dict):
            return {key: value for key, value in given.items() if key in own}
        return {**{key: given[key] for key in given if key in own}, "properties": {**further, **inside}}

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """It has a name and one time."""
        if not any(key in given for key in KINDS):
            keys = list(given.get("properties") or ())
            close = next((found for key in keys if (found := _close(key))), "")
            yield fault((), f"missing key 'action' (or 'attribute', 'source', 'trigger_time'){close}")
        if "at" in given and "after" in given:
            yield key_fault(("after",), "given both 'at' and 'after'; allowed: one of them")

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Any further key is a property."""
        return {**super().__get_pydantic_json_schema__(core, handler), "additionalProperties": True}

    @property
    def kind(self) -> str:
        """The key that names it, one of `KINDS`."""
        return next(key for key in KINDS if getattr(self, key) is not None)


def _close(key: str) -> str:
    hint = advice(key, list(KINDS)).partition("; ")[2]
    return f"; given {key!r}, {hint}" if hint else ""


Person = dict[str, JsonValue] | None
"""A customer: `email`, `timezone`, `created_at`, `tags`; any other key is an attribute."""


class Scenario(Definition):
    """One test."""

    name: Name = Field(description="What must come of it, in words.")
    workflows: tuple[Name, ...] = Field(
        default=(),
        description="Those that take part; without it those of the file, else all that are active or drafts.",
    )
    customers: dict[Name, Person] = Field(
        default={},
        description="The customers there are, with their attributes; besides those of the file.",
    )
    start: Instant | None = Field(
        default=None,
        validation_alias=AliasChoices("from"),
        description="From when on crons fire, where no event says when the test begins.",
    )
    events: tuple[Occurrence, ...] = Field(default=(), description="What happens, in order.")
    until: Instant | None = Field(
        default=None, description="When it ends; without it, once nothing is due any more."
    )
    expect: Expectation | None = Field(
        default=None, description="What must come of it; `onward test --record` writes it."
    )

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """There is a first instant."""
        events = given.get("events")
        first = events[0] if isinstance(events, list) and events else None
        if isinstance(first, dict) and "at" not in first and "from" not in given:
            yield fault(("events", 0), "missing key 'at': the first event, or 'from' of the test, says when")
        if not events and "from" not in given:
            yield fault((), "nothing happens; give 'events', or 'from' (when the test begins)")

    @classmethod
    def unknown_names(cls, given: dict[str, Any], known: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        """Workflows are there."""
        return workflow_faults(given, known)


class ScenarioFile(Definition):
    """A file of tests; `customers` and `workflows` are those of each test that doesn't say otherwise."""

    workflows: tuple[Name, ...] = Field(
        default=(), description="Those that take part in each test that doesn't say otherwise."
    )
    customers: dict[Name, Person] = Field(
        default={},
        description="The customers of every test: `email`, `timezone`, `created_at`, `tags`; other keys are "
        "attributes.",
    )
    tests: tuple[Scenario, ...] = Field(description="The tests.")

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """Names of tests are unique, and what names a customer names one of the test's."""
        tests = given.get("tests")
        shared = list(_mapping(given.get("customers")))
        names: set[str] = set()
        for index, one in enumerate(tests if isinstance(tests, list) else ()):
            if not isinstance(one, dict):
                continue
            name = one.get("name")
            if isinstance(name, str) and name in names:
                yield fault(
                    ("tests", index, "name"), f"two tests are named {name!r}; allowed: a name once a file"
                )
            names.add(str(name))
            known = [*shared, *(key for key in _mapping(one.get("customers")) if key not in shared)]
            for path, message in _customer_faults(one, known):
                yield fault(("tests", index, *path), message)

    @classmethod
    def unknown_names(cls, given: dict[str, Any], known: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
        """Workflows are there."""
        return workflow_faults(given, known)


def workflow_faults(given: dict[str, Any], known: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    """Faults of names in the list `workflows`."""
    names, listed = known.get("workflows"), given.get("workflows")
    for index, name in enumerate(listed if isinstance(listed, list) else ()):
        if names is not None and isinstance(name, str) and name not in names:
            yield fault(("workflows", index), f"no workflow {name!r}; {advice(name, sorted(names))}")


_ROWS = ("messages", "no_messages", "executions", "no_executions", "steps", "webhooks")


def _customer_faults(
    test: Mapping[str, Any], known: list[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where a test names a customer that it hasn't, or should name one."""
    events = _dicts(test.get("events"))
    named = [*known, *(str(event.get("customer")) for _, event in events if _introduces(event))]
    for index, event in events:
        name = event.get("customer")
        if name is None and len(known) != 1:
            yield ("events", index), f"missing key 'customer'; allowed: {', '.join(known) or 'none yet'}"
        elif isinstance(name, str) and name not in named:
            yield ("events", index, "customer"), f"no customer {name!r}; {advice(name, named)}"
    expect = _mapping(test.get("expect"))
    for key in _ROWS:
        for index, row in _dicts(expect.get(key)):
            name = row.get("customer")
            if isinstance(name, str) and name not in named:
                yield ("expect", key, index, "customer"), f"no customer {name!r}; {advice(name, named)}"
    for name in _mapping(expect.get("customers")):
        if name not in named:
            yield ("expect", "customers", name), f"no customer {name!r}; {advice(name, named)}"


def _introduces(event: Mapping[str, Any]) -> bool:
    return event.get("action") == INTRODUCTION or "email" in _mapping(event.get("attributes"))


def _mapping(given: object) -> dict[str, Any]:
    return given if isinstance(given, dict) else {}


def _dicts(given: object) -> list[tuple[int, dict[str, Any]]]:
    found: Iterable[object] = given if isinstance(given, list) else ()
    return [(index, one) for index, one in enumerate(found) if isinstance(one, dict)]
