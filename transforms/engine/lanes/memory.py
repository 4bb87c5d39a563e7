"""The engine's working memory: one lane per customer, columns for everything the workflows can see.

Built from state frames at the start of a tick and read back at its end (`ledger.py`). Instants are integer
microseconds since 1970 UTC, values are codes of one dictionary (`values.py`), customers are row numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.columns.arrays import Array, Bools, Ints
from transforms.columns.growing import Growing, Log
from transforms.columns.json_values import canonical
from transforms.engine.lanes.customer_zones import Clocks
from transforms.engine.state import Cap
from transforms.program.model import Flow, Program, Step
from transforms.signals.lookup import SignalLookup
from transforms.timing.durations import microseconds

IDLE, DUE, DELAYED, WAITING = range(4)
PHASES = ("idle", "due", "delayed", "waiting")
STATUSES = ("running", "completed", "converted", "exited", "failed", "held_out", "paused")
RUNNING, PAUSED = 0, 6
OUTCOMES = (
    "done",
    "skipped",
    "suppressed:consent",
    "suppressed:frequency_cap",
    "waiting",
    "failed:out_of_range",
)
REFUSALS = ("running", "same_instant", "reentry_once", "reentry_after")


EXECUTION = ("lane", "flow", "entered", "branch", "fact", "status", "ended", "converted", "step", "phase")


@dataclass
class Ledgers:
    """What a tick decided, as growing columns."""

    executions: Growing = field(default_factory=lambda: Growing(dict.fromkeys(EXECUTION, (np.int64, ()))))
    steps: Log = field(default_factory=Log)  # execution, step, at, outcome
    messages: Log = field(default_factory=Log)  # execution, step, at
    webhooks: Log = field(default_factory=Log)  # execution, step, at
    refusals: Log = field(default_factory=Log)  # flow, lane, at, reason
    writes: Log = field(default_factory=Log)  # lane, attribute, code, set_at
    tags: Log = field(default_factory=Log)  # lane, tag, added, at


@dataclass(frozen=True)
class Events:
    """The tick's E events by customer, time and id; event e writes the rows `write_from[e]:write_from[e + 1]`."""

    first_fact: int  # the fact event 0 is
    at: Ints  # [E + 1], the last one never comes
    write_from: Ints  # [E + 1]
    write_attribute: Ints
    write_code: Array
    write_ts: Ints
    write_silent: Bools  # of the change an `attribute_change` event itself is


@dataclass
class Lanes:
    """Columns over C customers; `[C, W]` has one place per workflow, in the order of workflow ids."""

    program: Program
    customers: pl.Series
    attribute_names: tuple[str, ...]
    truth: Bools  # [condition, value code]
    literals: Ints  # program literal → value code
    moments: Ints  # value code → instant in µs, NEVER: none
    is_wall: Bools  # value code → whether that instant is a wall clock's
    caps: Sequence[Cap]
    clocks: Clocks
    signals: tuple[SignalLookup, ...]  # the program's signals
    since: int  # the tick's start, ALWAYS in the first
    cron_since: int  # from when on (exclusive) crons fire
    until: int

    known_from: Ints  # [C]
    attributes: Array  # [C, A] value codes
    set_at: Ints  # [C, A]
    tags: Bools  # [C, T]
    tag_count: Ints  # [C]
    sends: list[Ints]  # per cap [C, messages of the cap], newest first
    alarm: Ints  # [C, alarms of the program] when it fires next

    due: Ints  # [C, W]
    step: Ints  # [C, W]
    phase: npt.NDArray[np.int8]  # [C, W]
    execution: Ints  # [C, W] row of ledgers.executions
    context: Ints  # [C, W] row of facts: what started the execution
    decision: Array  # [C, W] value codes
    last_entry: Ints  # [C, W]

    clock: Ints  # [C] the instant at hand
    next_event: Ints  # [C]
    cursor: Ints  # [C] next event
    events_left: Ints  # [C]
    head: Ints  # [C] first follow-up fact waiting, -1: none
    tail: Ints  # [C]

    events: Events
    facts: Growing  # codes [X], match [M], next, kind
    ledgers: Ledgers = field(default_factory=Ledgers)
    kinds: list[tuple[str, str]] = field(default_factory=list)  # (type, name) of follow-up facts
    outcomes: list[str] = field(default_factory=lambda: list(OUTCOMES))
    seen_by: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    paused: list[int] = field(default_factory=list)  # slots whose executions take no step
    waves: int = 0
    processed: int = 0

    def flow_of(self, step: Step) -> Flow:
        """The flow a step belongs to."""
        return self.program.flows[step.flow]

    def code(self, text: str) -> int:
        """The value code of a string that the program knows: a workflow's id, a decision's name."""
        return int(self.literals[self.program.literals[canonical(text)]])

    def counting(self, channel: str | None, message_class: str | None) -> Iterator[tuple[Cap, int, Ints]]:
        """The caps that count messages of this channel and class, their windows in µs, and the newest messages."""
        for cap, sends in zip(self.caps, self.sends, strict=True):
            if cap.counts(channel, message_class):
                yield cap, microseconds(cap.window), sends

    def matchers_of(self, fact_type: str, name: str) -> tuple[int, ...]:
        """The matchers that follow-up facts of this type and name may satisfy."""
        if (fact_type, name) not in self.seen_by:
            self.seen_by[fact_type, name] = self.program.matchers_of(fact_type, name)
        return self.seen_by[fact_type, name]


def new_facts(program: Program) -> Growing:
    """An empty table of facts: property codes, matchers, the next in a customer's queue, its kind."""
    codes, match = (len(program.properties),), (len(program.matchers),)
    plain: tuple[int, ...] = ()
    return Growing(
        {
            "codes": (np.int32, codes),
            "match": (np.bool_, match),
            "next": (np.int64, plain),
            "kind": (np.int32, plain),
        }
    )
