"""How many facts triggers were asked of, by what refused them first: counted for all while the engine decides.

The engine's own checks answer: keys of a trigger's config by name, then its conditions in the file's order
(`program/questions.py`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.columns.arrays import Bools, Ints, any_of, places
from transforms.columns.json_values import NULL_CODE
from transforms.engine.lanes.checks import Asked, holds
from transforms.engine.lanes.memory import Lanes, Scene
from transforms.engine.state import Cap
from transforms.program.checks import Check, CompiledTrigger
from transforms.program.model import Flow, Program, Step
from transforms.program.questions import Question, asked_by_trigger, place_in_file
from transforms.tables.frames import CONSIDERED

Kind = tuple[str, str | None]
"""Type and name of facts; no name: all of the type."""


@dataclass(frozen=True)
class _Trigger:
    """What a trigger asks of facts of its kind, a column of `Tally._kinds`."""

    flow: Flow
    number: int
    kind: int
    questions: tuple[Question, ...]

    def row(self, refusing: int, facts: int) -> tuple[str, str, str, str | None, int]:
        """A row of `frames.CONSIDERED`; `refusing` is the number of a question, the one behind the last: none."""
        question = self.questions[refusing] if refusing < len(self.questions) else None
        place, said = place_in_file(self.number, question), question.said if question else None
        return self.flow.workflow.workflow_id, self.flow.version, place, said, facts


class Unobserved:
    """What an observer leaves alone who looks at nothing but facts."""

    def enters(self, lanes: Lanes, flow: Flow, rows: Ints, facts: Ints) -> None:
        """Nothing is noted."""

    def meets(self, lanes: Lanes, flow: Flow, trigger: CompiledTrigger, rows: Ints, facts: Ints) -> None:
        """Nothing is noted."""

    def asks(self, lanes: Lanes, step: Step, rows: Ints) -> None:
        """Nothing is noted."""

    def chooses(self, lanes: Lanes, step: Step, rows: Ints) -> None:
        """Nothing is noted."""

    def refuses(self, lanes: Lanes, step: Step, rows: Ints, why: Check | Cap) -> None:
        """Nothing is noted."""


class Tally(Unobserved):
    """Counts what triggers ask of events, patterns and follow-ups; an observer of the lanes.

    Facts of schedules aren't counted: whom a cron can't let enter is never looked at.
    """

    everybody = False

    def __init__(self, program: Program) -> None:
        found = [(flow, number) for flow in program.flows for number, _ in enumerate(flow.triggers)]
        kinds = {(flow.index, number): _kind(program, flow, number) for flow, number in found}
        self._kinds: list[Kind] = sorted(set(kinds.values()), key=str)
        asked = [asked_by_trigger(program, flow, number) for flow, number in found]
        self._triggers = [
            _Trigger(flow, number, self._kinds.index(kinds[flow.index, number]), questions)
            for (flow, number), questions in zip(found, asked, strict=True)
        ]
        self._counts: list[Counter[int]] = [Counter() for _ in found]

    def wants(self, events: pl.DataFrame) -> Bools:
        """Those that a trigger looks for by their type and name, met or not."""
        self._of_events = _of_kinds(events, self._kinds)
        return any_of(self._of_events)

    def begin(self, scene: Scene) -> None:
        """The lanes are laid out."""
        self._of_events[scene.unseen] = False
        self._of_events = self._of_events.take(scene.rows, axis=0)
        self._scheduled = np.zeros(0, np.int64)

    def rings(self, facts: Ints, _alarm: int, /) -> None:
        """Leave these out."""
        self._scheduled = facts

    def sees(self, lanes: Lanes, rows: Ints, facts: Ints) -> None:
        """Ask the triggers that look for such facts, of each workflow until one lets in."""
        at = lanes.queue.clock[rows]
        known = places(lanes.profiles.known_from[rows] <= at)
        if not known.size or np.array_equal(facts, self._scheduled):
            return
        rows, facts, at = rows[known], facts[known], at[known]
        kinds = self._kinds_of(lanes, facts)
        entered, flow = np.zeros(rows.size, np.bool_), -1
        for trigger, counts in zip(self._triggers, self._counts, strict=True):
            if trigger.flow.index != flow:
                entered, flow = np.zeros(rows.size, np.bool_), trigger.flow.index
            some = places(kinds[:, trigger.kind] & ~entered)
            if some.size:
                asked = Asked(rows[some], facts[some], NULL_CODE, at[some])
                entered[some] = _ask(lanes, trigger, asked, counts)

    def _kinds_of(self, lanes: Lanes, facts: Ints) -> Bools:
        """Of which kinds facts are: `[fact, kind]`. A wave's are all events, or all follow-ups."""
        event = facts - lanes.events.first_fact
        if event[0] < len(self._of_events):
            return self._of_events.take(event, axis=0)
        made = [
            [fact_type == kind and named in (None, name) for kind, named in self._kinds]
            for fact_type, name in lanes.kinds
        ]
        found: Bools = np.array(made, np.bool_)[lanes.facts["kind"][facts]]
        return found

    def counted(self) -> pl.DataFrame:
        """`frames.CONSIDERED`, in no order."""
        told = zip(self._triggers, self._counts, strict=True)
        rows = [one.row(*found) for one, counts in told for found in counts.items() if found[1]]
        return pl.DataFrame(rows, schema=CONSIDERED, orient="row")


def together(counted: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """What several tallies counted, as one (`frames.CONSIDERED`), by workflow and place."""
    every = pl.concat([pl.DataFrame(schema=CONSIDERED), *counted])
    keys = [name for name in CONSIDERED if name != "facts"]
    return every.group_by(keys).agg(pl.col("facts").sum()).sort(keys)


def _kind(program: Program, flow: Flow, number: int) -> Kind:
    matcher = program.matchers[flow.triggers[number].matcher]
    return matcher.type, matcher.name


def _of_kinds(events: pl.DataFrame, kinds: list[Kind]) -> Bools:
    """Of which kinds events are: `[event, kind]`."""
    found = np.zeros((len(events), len(kinds)), np.bool_)
    for column, (fact_type, name) in enumerate(kinds):
        is_kind = pl.col("type") == fact_type
        named = is_kind if name is None else is_kind & (pl.col("name") == name)
        found[:, column] = events.select(named).to_series().fill_null(value=False)
    return found


def _ask(lanes: Lanes, trigger: _Trigger, asked: Asked, counts: Counter[int]) -> Bools:
    """Which of these no question refuses; what the others were refused by is counted."""
    left = np.ones(asked.rows.size, np.bool_)
    for number, question in enumerate(trigger.questions):
        before = int(left.sum())
        left &= holds(lanes, question.checks, asked)
        counts[number] += before - int(left.sum())
    counts[len(trigger.questions)] += int(left.sum())
    return left
