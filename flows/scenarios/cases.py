"""Files of tests → cases: one test each, with whom it has, when things happen and where it stands in its file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from flows.definitions.scenarios import ScenariosOfFile
from transforms.definitions.faults import Fault, shown_path
from transforms.definitions.scenario import KINDS, Occurrence, Person, Scenario

COLUMNS = ("email", "timezone", "created_at", "tags")
"""What a customer's keys are, but for `attributes`; any other is an attribute."""


@dataclass(frozen=True)
class Case:
    """One test.

    Attributes:
        source: the file that it stands in.
        index: its place there, from 0.
        customers: the file's and its own.
        workflows: the ids of those that take part; empty: all that can.
        times: the instant of each of its events.
    """

    source: ScenariosOfFile
    index: int
    customers: Mapping[str, Person]
    workflows: tuple[str, ...]
    times: tuple[datetime, ...]

    @property
    def scenario(self) -> Scenario:
        """As the file says it."""
        return self.source.file.tests[self.index]

    @property
    def name(self) -> str:
        """The test's name."""
        return self.scenario.name

    @property
    def file(self) -> Path:
        """The file that it stands in."""
        return self.source.path

    @property
    def place(self) -> str:
        """Its file and line."""
        return f"{self.file}:{self.source.places['tests', self.index][0]}"

    @property
    def began(self) -> datetime | None:
        """From when on crons fire."""
        return self.scenario.start or min(self.times, default=None)

    @property
    def last(self) -> datetime:
        """The last instant that it names."""
        return max([one for one in (self.scenario.start, *self.times) if one])

    def fault(self, message: str, *path: str | int) -> str:
        """A fault of what stands at `path` inside the test, with its place."""
        inside = ("tests", self.index, *path)
        known = next(inside[:n] for n in range(len(inside), -1, -1) if inside[:n] in self.source.places)
        return str(Fault(str(self.file), *self.source.places[known], shown_path(inside), message))


def cases_of(source: ScenariosOfFile) -> list[Case]:
    """The cases of a file, in its order."""
    file = source.file
    return [
        Case(
            source,
            index,
            {**file.customers, **one.customers},
            one.workflows or file.workflows,
            _times(one),
        )
        for index, one in enumerate(file.tests)
    ]


def _times(scenario: Scenario) -> tuple[datetime, ...]:
    """The instants of events; `after` counts from the one before."""
    times: list[datetime] = []
    for one in scenario.events:
        before = times[-1] if times else scenario.start
        if one.at is not None:
            times.append(one.at)
        elif before is not None and one.after is not None:
            times.append(before + one.after)
        elif before is not None:
            times.append(before)
    return tuple(times)


def customer_row(customer_id: str, person: Person) -> dict[str, JsonValue]:
    """A customer as a customer file has one; without `email`, the address is the id at example.com."""
    given = dict(person or {})
    inside = given.pop("attributes", None)
    attributes = {key: value for key, value in given.items() if key not in COLUMNS}
    return {
        "email": f"{customer_id}@example.com",
        **{key: given[key] for key in COLUMNS if key in given},
        "customer_id": customer_id,
        "attributes": {**attributes, **inside} if isinstance(inside, dict) else attributes,
    }


def event_row(case: Case, number: int) -> dict[str, JsonValue]:
    """An event of a case in the seed's shape (contract.md)."""
    event: Occurrence = case.scenario.events[number]
    naming = "changed_attribute" if event.kind == "attribute" else event.kind
    return {
        **event.properties,
        "event_type": KINDS[event.kind],
        naming: getattr(event, event.kind),
        "customer_id": event.customer or next(iter(case.customers)),
        "timestamp": case.times[number].isoformat(),
        "attributes": dict(event.attributes),
    }


def instant(value: datetime) -> str:
    """An instant as tests write it: in UTC, without seconds where there are none."""
    moment = value.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="auto" if moment.second or moment.microsecond else "minutes")
