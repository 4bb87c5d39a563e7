"""What is asked of one customer while the engine decides, noted part by part: why something happened, or didn't.

The engine's own checks answer each question; nothing of what they mean is written down a second time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from transforms.columns.arrays import ALWAYS, NEVER, Array, Bools, Ints, instants
from transforms.columns.json_values import NULL_CODE, canonical
from transforms.engine.lanes.checks import Asked, holds
from transforms.engine.lanes.lookups import last_set, values_at
from transforms.engine.lanes.memory import Lanes, Scene
from transforms.engine.state import Cap
from transforms.program.checks import AnyCheck, Check, CompiledTrigger, RecentCheck, SignalCheck, TagCheck
from transforms.program.model import Flow, Step
from transforms.program.questions import (
    Place,
    Question,
    Ways,
    asked_by_branches,
    asked_by_decision,
    asked_by_step,
    asked_by_trigger,
)


@dataclass(frozen=True)
class Look:
    """A value that was looked at: JSON text (None: null), and when it was set (µs; None: not by a profile's write)."""

    name: str
    value: str | None
    set_at: int | None = None


@dataclass(frozen=True)
class Answer:
    """One question, whether it held, and the values it saw."""

    place: Place
    said: str
    holds: bool
    looks: tuple[Look, ...]


@dataclass(frozen=True)
class Fact:
    """A fact that the customer saw.

    Attributes:
        number: its row among the lanes' facts.
        at: when it acted, µs.
        event_id: None of what isn't an event.
        ts: its own time, µs.
        is_known: whether the customer was known.
        known_from: since when, µs; `NEVER`: not at all.
    """

    number: int
    at: int
    type: str
    name: str | None
    event_id: str | None
    ts: int
    is_known: bool
    known_from: int


@dataclass(frozen=True)
class Tried:
    """A trigger whose type and name a fact has: what it asked further."""

    flow: Flow
    trigger: int
    fact: Fact
    answers: tuple[Answer, ...]

    @property
    def failed(self) -> tuple[Answer, ...]:
        """What didn't hold."""
        return tuple(one for one in self.answers if not one.holds)


Choice = tuple[tuple[str, tuple[Answer, ...]], ...]
"""Ways that were asked in their order: branches, or criteria of a decision; each with its answers."""


@dataclass
class Record:
    """Everything noted.

    Attributes:
        facts: in their order.
        tried: likewise.
        branches: by workflow's flow and entry (µs).
        met: which goal or exit (a trigger of the flow) held at which fact, by flow and instant.
        steps: by step and instant, what its conditions answered.
        decisions: by step and instant, what the criteria of a decision answered.
        gates: by step and instant, what held a message back: values of consent, full caps.
    """

    facts: list[Fact] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)
    branches: dict[tuple[int, int], Choice] = field(default_factory=dict)
    met: dict[tuple[int, int], list[tuple[CompiledTrigger, Fact]]] = field(default_factory=dict)
    steps: dict[tuple[int, int], tuple[Answer, ...]] = field(default_factory=dict)
    decisions: dict[tuple[int, int], Choice] = field(default_factory=dict)
    gates: dict[tuple[int, int], list[Look | Cap]] = field(default_factory=dict)


class Recorder:
    """Notes what is asked of `customer`; an observer of the lanes."""

    everybody = True

    def __init__(self, customer: str) -> None:
        self.customer = customer
        self.record = Record()
        self._lane = -1
        self._rung: dict[int, int] = {}
        self._seen: dict[int, Fact] = {}

    def wants(self, events: pl.DataFrame) -> Bools:
        """Every event."""
        return np.ones(len(events), np.bool_)

    def begin(self, scene: Scene) -> None:
        """The lanes are laid out."""
        lanes, self._texts, self._events = scene.lanes, scene.texts, scene.events[scene.rows]
        self._ts = instants(self._events["ts"], NEVER)
        lane = lanes.customers.index_of(self.customer)
        self._lane = -1 if lane is None else lane
        own = scene.tags.filter(
            pl.col("customer_id") == self.customer, ~pl.col("tag").is_in(lanes.tick.program.tags)
        )
        self._other_tags = own["tag"].to_list()

    def rings(self, facts: Ints, alarm: int) -> None:
        """These facts are a schedule's."""
        self._rung |= dict.fromkeys(facts.tolist(), alarm)

    def sees(self, lanes: Lanes, rows: Ints, facts: Ints) -> None:
        """Note the fact, and what each trigger of its type and name asks of it."""
        for place in np.flatnonzero(rows == self._lane).tolist():
            fact = self._fact(lanes, int(facts[place]))
            self.record.facts.append(fact)
            self._seen[fact.number] = fact
            self._try(lanes, fact)

    def enters(self, lanes: Lanes, flow: Flow, rows: Ints, facts: Ints) -> None:
        """Note what each branch asks."""
        for place in np.flatnonzero(rows == self._lane).tolist():
            at = self._now(lanes)
            asked = self._asked(int(facts[place]), NULL_CODE, at)
            ways = self._ways(lanes, asked_by_branches(flow), asked)
            self.record.branches[flow.index, at] = ways

    def meets(self, lanes: Lanes, flow: Flow, trigger: CompiledTrigger, rows: Ints, facts: Ints) -> None:
        """Note by which fact a goal or an exit holds."""
        for place in np.flatnonzero(rows == self._lane).tolist():
            fact = self._fact(lanes, int(facts[place]))
            self.record.met.setdefault((flow.index, fact.at), []).append((trigger, fact))

    def asks(self, lanes: Lanes, step: Step, rows: Ints) -> None:
        """Note what the conditions of a step ask."""
        if self._lane in rows:
            answers = self._answers(lanes, asked_by_step(step), self._asked_at(lanes, step))
            self.record.steps[step.index, self._now(lanes)] = answers

    def chooses(self, lanes: Lanes, step: Step, rows: Ints) -> None:
        """Note what the criteria of a decision ask."""
        if self._lane in rows:
            ways = self._ways(lanes, asked_by_decision(step), self._asked_at(lanes, step))
            self.record.decisions[step.index, self._now(lanes)] = ways

    def refuses(self, lanes: Lanes, step: Step, rows: Ints, why: Check | Cap) -> None:
        """Note the attribute that says no, or the cap that is full."""
        if self._lane in rows:
            found: Look | Cap = (
                why
                if isinstance(why, Cap)
                else self._look(
                    lanes, lanes.tick.attribute_names[why.column], why, self._asked_at(lanes, step)
                )
            )
            self.record.gates.setdefault((step.index, self._now(lanes)), []).append(found)

    def _now(self, lanes: Lanes) -> int:
        return int(lanes.queue.clock[self._lane])

    def _asked_at(self, lanes: Lanes, step: Step) -> Asked:
        """The one customer, whose execution stands at a step."""
        stand = lanes.executions.by_slot[lanes.tick.flow_of(step).slot]
        return self._asked(int(stand.context[self._lane]), int(stand.decision[self._lane]), self._now(lanes))

    def _asked(self, fact: int, decision: int, at: int) -> Asked:
        """The one customer, asked by way of a fact."""
        return Asked(np.array([self._lane]), np.array([fact]), decision, np.array([at]))

    def _fact(self, lanes: Lanes, number: int) -> Fact:
        if number in self._seen:
            return self._seen[number]
        at, known = self._now(lanes), int(lanes.profiles.known_from[self._lane])
        event = number - lanes.events.first_fact
        if 0 <= event < len(self._events):
            row = self._events.row(event, named=True)
            told = (row["type"], row["name"], row["event_id"], int(self._ts[event]))
        else:
            told = (*lanes.kinds[int(lanes.facts["kind"][number])], None, at)
        return Fact(number, at, *told, known <= at, known)

    def _try(self, lanes: Lanes, fact: Fact) -> None:
        program = lanes.tick.program
        rung = self._rung.get(fact.number)
        matchers = (
            program.alarms[rung].matchers if rung is not None else program.matchers_of(fact.type, fact.name)
        )
        asked = self._asked(fact.number, NULL_CODE, fact.at)
        for flow in program.flows:
            for number, one in enumerate(flow.triggers):
                if one.matcher in matchers:
                    answers = self._answers(lanes, asked_by_trigger(program, flow, number), asked)
                    self.record.tried.append(Tried(flow, number, fact, answers))

    def _ways(self, lanes: Lanes, ways: Ways, asked: Asked) -> Choice:
        return tuple((name, self._answers(lanes, questions, asked)) for name, questions in ways)

    def _answers(self, lanes: Lanes, questions: Sequence[Question], asked: Asked) -> tuple[Answer, ...]:
        return tuple(
            Answer(
                one.place,
                one.said,
                bool(holds(lanes, one.checks, asked)[0]),
                tuple(self._look(lanes, name, check, asked) for name, check in one.looks),
            )
            for one in questions
        )

    def _look(self, lanes: Lanes, name: str, check: AnyCheck, asked: Asked) -> Look:
        """The value that a check looks at, found as the check finds it."""
        match check:
            case TagCheck():
                return Look(name, self._tags(lanes))
            case SignalCheck(signal=number):
                told = lanes.tick.signals[number].values(asked.rows, asked.at)["json"][0]
                return Look(name, None if told == "null" else told)
            case Check(source="attribute") | RecentCheck(source="attribute"):
                profiles = lanes.profiles
                code = values_at(profiles.attributes, asked.rows, check, lanes.tick.inside)
                since = int(last_set(profiles.set_at, profiles.attributes, asked.rows, check)[0])
                return Look(name, self._text(code), None if since == ALWAYS else since)
            case Check(source="event") | RecentCheck(source="event"):
                return Look(
                    name, self._text(values_at(lanes.facts["codes"], asked.facts, check, lanes.tick.inside))
                )
            case Check() | RecentCheck():
                return Look(name, self._text(np.array([asked.decision])))
        return Look(name, None)

    def _text(self, code: Array) -> str | None:
        text: str | None = self._texts[int(code[0])]
        return text

    def _tags(self, lanes: Lanes) -> str:
        """All tags: those that workflows name as they are now, the others as they were before the tick."""
        named, has = lanes.tick.program.tags, lanes.profiles.tags[self._lane]
        return canonical(sorted([*self._other_tags, *(named[one] for one in np.flatnonzero(has))]))
