"""The engine's working memory: one lane per customer, columns for everything the workflows can see.

Built from state frames at the start of a tick and read back at its end (`ledger.py`). Instants are integer
microseconds since 1970 UTC, values are codes of one dictionary (`json_values.py`), customers are row numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.columns.arrays import ALWAYS, NEVER, Array, Bools, Ints
from transforms.columns.growing import Growing, Log
from transforms.columns.json_values import canonical
from transforms.engine.lanes.customer_zones import Clocks
from transforms.engine.state import Cap
from transforms.program.checks import Check, CompiledTrigger
from transforms.program.model import Flow, Program, Step
from transforms.signals.lookup import SignalLookup
from transforms.timing.durations import microseconds

IDLE, DUE, DELAYED, WAITING = range(4)
PHASES = ("idle", "due", "delayed", "waiting")
STATUSES = ("running", "completed", "converted", "exited", "failed", "held_out", "paused")
RUNNING, PAUSED = 0, 6
NO_FLOW = -1
OUTCOMES = (
    "done",
    "skipped",
    "suppressed:consent",
    "suppressed:frequency_cap",
    "waiting",
    "failed:out_of_range",
)
REFUSALS = ("running", "same_instant", "reentry_once", "reentry_after")


EXECUTION = (
    *("lane", "flow", "entered", "branch", "fact", "status", "ended", "converted"),
    *("step", "phase", "decision", "variant"),
)


@dataclass
class Ledgers:
    """What a tick decided, as growing columns."""

    executions: Growing = field(default_factory=lambda: Growing(dict.fromkeys(EXECUTION, (np.int64, ()))))
    steps: Log = field(default_factory=Log)  # execution, step, at, outcome
    messages: Log = field(default_factory=Log)  # execution, step, at
    webhooks: Log = field(default_factory=Log)  # execution, step, at
    refusals: Log = field(default_factory=Log)  # flow, lane, at, reason
    goal_hits: Log = field(default_factory=Log)  # flow, lane, entered, fact, at
    writes: Log = field(default_factory=Log)  # lane, attribute, code, set_at
    tags: Log = field(default_factory=Log)  # lane, tag, added, at


@dataclass(frozen=True)
class Events:
    """The tick's E events by customer, time and id; event e writes the rows `write_from[e]:write_from[e + 1]`."""

    first_fact: int  # the fact event 0 is
    at: Ints  # [E + 1], the last one never comes
    matters: Bools  # [E] whether it is there for the workflows' sake, not only for an observer's
    write_from: Ints  # [E + 1]
    write_attribute: Ints
    write_code: Array
    write_ts: Ints
    write_is_event: Bools  # whether it is the change that an `attribute_change` event itself is

    @classmethod
    def empty(cls) -> "Events":
        """Nothing comes."""
        nothing, none = np.zeros(0, np.int64), np.zeros(0, np.bool_)
        return cls(0, nothing, none, nothing, nothing, nothing, nothing, none)


@dataclass(frozen=True)
class TickContext:
    """What stays as it is through a tick's waves."""

    program: Program
    attribute_names: tuple[str, ...]
    truth: Bools  # [condition, value code]
    inside: Array  # [path, value code] → what the value has there
    ranks: Ints  # value code → its place among all numbers, -1: no number; empty if nothing compares them
    names: Mapping[str, int]  # of follow-up facts → value codes; empty if nothing compares them
    spelled: Array  # value code of a number or boolean → that of the text that spells it, -1: none
    literals: Ints  # program literal → value code
    instants: Ints  # value code → instant in µs, NEVER: none
    is_wall: Bools  # value code → whether that instant is a wall clock's
    clocks: Clocks
    signals: tuple[SignalLookup, ...]  # the program's signals
    caps: Sequence[Cap]
    paused: list[int]  # slots whose executions take no step
    since: int  # the tick's start, ALWAYS in the first
    cron_since: int  # from when on (exclusive) crons fire
    until: int

    def code(self, value: str | int) -> int:
        """The value code of what the program knows: a workflow's id, a decision's name."""
        return int(self.literals[self.program.literals[canonical(value)]])

    def changed(self, old: Array, new: Array) -> Bools:
        """Where a value really changed: it isn't the same, nor only spelled now (semantics.md §5)."""
        changed: Bools = (old != new) & (self.spelled[old] != new)
        return changed

    def flow_of(self, step: Step) -> Flow:
        """The flow a step belongs to."""
        return self.program.flows[step.flow]


@dataclass
class Profiles:
    """What customers are and have, over C customers; in the waves only `waves/profiles.py` writes it."""

    known_from: Ints  # [C] since when there is a profile row
    attributes: Array  # [C, A] value codes
    set_at: Ints  # [C, A]
    tags: Bools  # [C, T]
    tag_count: Ints  # [C]
    sends: list[Ints]  # per cap [C, messages of the cap], newest first

    @classmethod
    def empty(cls, customers: int, tick: TickContext) -> "Profiles":
        """Nobody is known, nothing is set."""
        attributes = (customers, len(tick.attribute_names))
        return cls(
            known_from=np.full(customers, NEVER),
            attributes=np.zeros(attributes, np.int32),
            set_at=np.full(attributes, ALWAYS),
            tags=np.zeros((customers, len(tick.program.tags)), np.bool_),
            tag_count=np.zeros(customers, np.int64),
            sends=[np.full((customers, cap.messages), ALWAYS) for cap in tick.caps],
        )


@dataclass(frozen=True)
class Executions:
    """Where executions stand; `[W, C]` has one row per workflow, in the order of the program's slots.

    In the waves only `waves/executions.py` writes it.
    """

    due: Ints  # [W, C] when the step is due, NEVER: not by time
    step: Ints  # [W, C]
    phase: npt.NDArray[np.int8]  # [W, C]
    execution: Ints  # [W, C] row of ledgers.executions
    context: Ints  # [W, C] row of facts: what the latest entry came of, if it is read
    decision: Array  # [W, C] value codes
    variant: Array  # [W, C] value codes: what the last random split chose
    last_entry: Ints  # [W, C] held out or not
    entry_flow: Ints  # [W, C] the version of that entry, -1: none that is known

    @cached_property
    def by_slot(self) -> list["Executions"]:
        """Those of each workflow: the rows `[C]` of all columns, in which looking up takes a fifth as long."""
        columns = [getattr(self, one.name) for one in fields(self)]
        return [Executions(*rows) for rows in zip(*columns, strict=True)]

    @classmethod
    def empty(cls, customers: int, tick: TickContext) -> "Executions":
        """Nobody is in any workflow."""
        places = max(len(tick.program.slots), 1), customers
        return cls(
            due=np.full(places, NEVER),
            step=np.zeros(places, np.int64),
            phase=np.full(places, IDLE, np.int8),
            execution=np.zeros(places, np.int64),
            context=np.zeros(places, np.int64),
            decision=np.zeros(places, np.int32),
            variant=np.zeros(places, np.int32),
            last_entry=np.full(places, ALWAYS),
            entry_flow=np.full(places, NO_FLOW),
        )


@dataclass
class Queue:
    """What comes next for customers, and the instant at hand; in the waves only `waves/queue.py` writes it."""

    clock: Ints  # [C] the instant at hand
    next_event: Ints  # [C] when the next event comes
    cursor: Ints  # [C] which it is
    events_left: Ints  # [C]
    head: Ints  # [C] first follow-up fact waiting, -1: none
    tail: Ints  # [C] the last one
    alarm: Ints  # [C, alarms of the program] when it fires next

    @classmethod
    def empty(cls, customers: int, tick: TickContext) -> "Queue":
        """Nothing comes."""
        return cls(
            clock=np.full(customers, ALWAYS),
            next_event=np.full(customers, NEVER),
            cursor=np.zeros(customers, np.int64),
            events_left=np.zeros(customers, np.int64),
            head=np.full(customers, -1),
            tail=np.full(customers, -1),
            alarm=np.full((customers, len(tick.program.alarms)), NEVER),
        )


class Observer(Protocol):
    """Is told what is asked of customers `rows` while it is decided, and changes nothing (`recorder.py`, `tally.py`).

    Attributes:
        everybody: whether customers for whom there is nothing to do shall be looked at too.
    """

    everybody: bool

    def wants(self, events: pl.DataFrame) -> Bools:
        """Which events (`frames.EVENTS`) that some workflow looks for it wants to see though nothing comes of them."""

    def begin(self, scene: "Scene") -> None:
        """The lanes are laid out."""

    def rings(self, facts: Ints, alarm: int, /) -> None:
        """These facts are a schedule's."""

    def sees(self, lanes: "Lanes", rows: Ints, facts: Ints) -> None:
        """Triggers are asked of one fact each."""

    def enters(self, lanes: "Lanes", flow: Flow, rows: Ints, facts: Ints) -> None:
        """They enter, and a branch is chosen."""

    def meets(self, lanes: "Lanes", flow: Flow, trigger: CompiledTrigger, rows: Ints, facts: Ints) -> None:
        """A goal, or an exit, holds at one fact each."""

    def asks(self, lanes: "Lanes", step: Step, rows: Ints) -> None:
        """The conditions of a step are asked."""

    def chooses(self, lanes: "Lanes", step: Step, rows: Ints) -> None:
        """The criteria of a decision are asked."""

    def refuses(self, lanes: "Lanes", step: Step, rows: Ints, why: Check | Cap) -> None:
        """Consent, or a full cap, holds a message back."""


@dataclass
class Lanes:
    """C customers: what they are, where they stand, what comes next, and what was decided so far."""

    customers: pl.Series
    tick: TickContext
    profiles: Profiles
    executions: Executions
    queue: Queue
    events: Events
    facts: Growing  # codes [X], match [M], next, kind, name
    ledgers: Ledgers = field(default_factory=Ledgers)
    kinds: list[tuple[str, str]] = field(default_factory=list)  # (type, name) of follow-up facts
    outcomes: list[str] = field(default_factory=lambda: list(OUTCOMES))
    seen_by: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    observer: Observer | None = None
    waves: int = 0
    processed: int = 0

    @classmethod
    def empty(cls, customers: pl.Series, tick: TickContext) -> "Lanes":
        """Lanes of customers with nothing in them yet."""
        count = len(customers)
        return cls(
            customers=customers,
            tick=tick,
            profiles=Profiles.empty(count, tick),
            executions=Executions.empty(count, tick),
            queue=Queue.empty(count, tick),
            events=Events.empty(),
            facts=new_facts(tick.program),
        )

    def zones_of(self, rows: Ints) -> Ints:
        """The numbers of the customers' own zones, as of now; the default where nobody asks for them."""
        column = self.tick.program.zone_column
        if column < 0:
            return np.zeros(rows.size, np.int64)
        return self.tick.clocks.of(self.profiles.attributes[rows, column])

    def counting(self, channel: str | None, message_class: str | None) -> Iterator[tuple[Cap, int, Ints]]:
        """The caps that count messages of this channel and class, their windows in µs, and the newest messages."""
        for cap, sends in zip(self.tick.caps, self.profiles.sends, strict=True):
            if cap.counts(channel, message_class):
                yield cap, microseconds(cap.window), sends

    def matchers_of(self, fact_type: str, name: str) -> tuple[int, ...]:
        """The matchers that follow-up facts of this type and name may satisfy."""
        if (fact_type, name) not in self.seen_by:
            self.seen_by[fact_type, name] = self.tick.program.matchers_of(fact_type, name)
        return self.seen_by[fact_type, name]


@dataclass(frozen=True)
class Scene:
    """What there is before the first wave.

    Attributes:
        lanes: with the facts of the tick's events in them.
        texts: the JSON text of each value code.
        events: `frames.EVENTS` that some workflow looks for.
        unseen: those of them that only update profiles.
        rows: those that the lanes' events are, in their order.
        tags: `frames.TAGS` before the tick; those that no workflow names don't change in it.
    """

    lanes: Lanes
    texts: pl.Series
    events: pl.DataFrame
    unseen: Bools
    rows: Ints
    tags: pl.DataFrame


def new_facts(program: Program) -> Growing:
    """An empty table of facts: property codes, matchers, the next in a customer's queue, its kind, its name's code."""
    codes, match = (len(program.properties),), (len(program.matchers),)
    plain: tuple[int, ...] = ()
    return Growing(
        {
            "codes": (np.int32, codes),
            "match": (np.bool_, match),
            "next": (np.int64, plain),
            "kind": (np.int32, plain),
            "name": (np.int32, plain),
        }
    )
