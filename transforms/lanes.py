"""The engine's working memory: one lane per customer, columns for everything the workflows can see.

Built from state frames at the start of a tick and read back at its end (`ledger.py`). Instants are integer
microseconds since 1970 UTC, values are codes of one dictionary (`values.py`), customers are row numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from transforms.growing import Growing
from transforms.program import AnyCheck, Flow, Program, TagCheck
from transforms.values import NULL_CODE, canonical

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

NEVER = np.iinfo(np.int64).max
ALWAYS = np.iinfo(np.int64).min
LAST_INSTANT = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z

IDLE, DUE, DELAYED, WAITING = range(4)
PHASES = ("idle", "due", "delayed", "waiting")
STATUSES = ("running", "completed", "converted", "exited", "failed", "held_out")
RUNNING = 0
OUTCOMES = (
    "done",
    "skipped",
    "suppressed:consent",
    "suppressed:frequency_cap",
    "waiting",
    "failed:out_of_range",
)
REFUSALS = ("running", "same_instant", "reentry_once", "reentry_after")


@dataclass
class Ledgers:
    """What a tick decided, as growing columns."""

    executions: Growing
    steps: Growing
    messages: Growing
    webhooks: Growing
    refusals: Growing
    writes: Growing
    tags: Growing


@dataclass
class Lanes:
    """Columns over C customers; `[C, W]` has one place per workflow, in the order of workflow ids."""

    program: Program
    customers: pl.Series
    attribute_names: tuple[str, ...]
    truth: Bools  # [condition, value code]
    literals: Ints  # program literal → value code
    caps: Sequence[tuple[int, int]]  # (messages, window in µs)

    known_from: Ints  # [C]
    attributes: Array  # [C, A] value codes
    set_at: Ints  # [C, A]
    tags: Bools  # [C, T]
    tag_count: Ints  # [C]
    sends: Ints  # [C, longest cap], newest first

    due: Ints  # [C, W]
    step: Ints  # [C, W]
    phase: npt.NDArray[np.int8]  # [C, W]
    execution: Ints  # [C, W] row of ledgers.executions
    context: Ints  # [C, W] row of facts: what started the execution
    decision: Array  # [C, W] value codes
    last_entry: Ints  # [C, W]

    clock: Ints  # [C] the instant at hand
    next_due: Ints  # [C]
    next_event: Ints  # [C]
    cursor: Ints  # [C] next event
    cursor_end: Ints  # [C]
    head: Ints  # [C] first follow-up fact waiting, -1: none
    tail: Ints  # [C]

    events_at: Ints  # [E]
    first_event: int  # row of facts of event 0
    write_from: Ints  # [E + 1] into the columns below
    write_attribute: Ints
    write_code: Array
    write_ts: Ints
    write_silent: Bools

    facts: Growing  # codes [X], match [M], next, kind
    ledgers: Ledgers
    kinds: list[tuple[str, str]] = field(default_factory=list)  # (type, name) of follow-up facts
    outcomes: list[str] = field(default_factory=lambda: list(OUTCOMES))
    seen_by: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    waves: int = 0
    processed: int = 0

    def code(self, text: str) -> int:
        """The value code of a string that the program knows: a workflow's id, a decision's name."""
        return int(self.literals[self.program.literals[canonical(text)]])

    def matchers_of(self, fact_type: str, name: str) -> tuple[int, ...]:
        """The matchers that follow-up facts of this type and name may satisfy."""
        if (fact_type, name) not in self.seen_by:
            self.seen_by[fact_type, name] = self.program.matchers_of(fact_type, name)
        return self.seen_by[fact_type, name]


def holds(lanes: Lanes, checks: Sequence[AnyCheck], rows: Ints, facts: Ints, decision: Array | int) -> Bools:
    """Whether all `checks` hold, per row: of the customers `rows`, the facts `event.X` reads, their decisions."""
    result = np.ones(len(rows), np.bool_)
    for check in checks:
        if isinstance(check, TagCheck):
            result &= _holds_tags(lanes, check, rows)
        elif check.source == "attribute":
            result &= lanes.truth[check.truth][lanes.attributes[rows, check.column]]
        elif check.source == "event":
            result &= lanes.truth[check.truth][lanes.facts["codes"][facts, check.column]]
        else:
            result &= lanes.truth[check.truth][decision]
    return result


def _holds_tags(lanes: Lanes, check: TagCheck, rows: Ints) -> Bools:
    if check.tag is not None:
        has: Bools = lanes.tags[rows, check.tag]
        return has
    result = np.zeros(len(rows), np.bool_)
    for tags in check.lists:
        same = lanes.tag_count[rows] == len(tags)
        result |= same & lanes.tags[np.ix_(rows, np.array(sorted(tags), np.int64))].all(axis=1)
    return result ^ check.negated


def matched(lanes: Lanes, codes: Array, matchers: Sequence[int]) -> Bools:
    """Which of the `matchers` facts with these property codes satisfy: `[fact, every matcher]`."""
    return match_codes(lanes.program, lanes.truth, codes, matchers)


def match_codes(program: Program, truth: Bools, codes: Array, matchers: Sequence[int]) -> Bools:
    """As `matched`, before the lanes exist."""
    result = np.zeros((len(codes), len(program.matchers)), np.bool_)
    for index in matchers:
        verdict = np.ones(len(codes), np.bool_)
        for check in program.matchers[index].checks:
            verdict &= truth[check.truth][codes[:, check.column]]
        result[:, index] = verdict
    return result


def emit(lanes: Lanes, rows: Ints, fact_type: str, name: str, **properties: Any) -> None:
    """Queue a follow-up fact (rank 3) at their present instant for customers `rows`, if any workflow can see it.

    `properties` are value codes, one each or one for all.
    """
    matchers = lanes.matchers_of(fact_type, name)
    if not matchers or not len(rows):
        return
    codes = np.full((len(rows), len(lanes.program.properties)), NULL_CODE, np.int32)
    for key, value in properties.items():
        codes[:, lanes.program.properties.index(key)] = value
    match = matched(lanes, codes, matchers)
    seen = match.any(axis=1)
    _enqueue(lanes, rows[seen], codes[seen], match[seen], _kind(lanes, fact_type, name))


def emit_action(lanes: Lanes, rows: Ints, flow: Flow, name: str, **properties: Any) -> None:
    """Queue a `workflow_action` fact of an execution of `flow`."""
    if rows.size and lanes.matchers_of("workflow_action", name):
        workflow = lanes.code(flow.workflow.workflow_id)
        emit(lanes, rows, "workflow_action", name, workflow_id=workflow, **properties)


def _kind(lanes: Lanes, fact_type: str, name: str) -> int:
    if (fact_type, name) not in lanes.kinds:
        lanes.kinds.append((fact_type, name))
    return lanes.kinds.index((fact_type, name))


def _enqueue(lanes: Lanes, rows: Ints, codes: Array, match: Bools, kind: int) -> None:
    new = lanes.facts.append(len(rows), codes=codes, match=match, next=-1, kind=kind)
    waiting = lanes.head[rows] >= 0
    lanes.facts["next"][lanes.tail[rows[waiting]]] = new[waiting]
    lanes.head[rows[~waiting]] = new[~waiting]
    lanes.tail[rows] = new
