"""What is known of one customer: stored rows of what happened, and a record of why, of the engine run again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from transforms.answers.sentences import Row
from transforms.engine.recorder import Record, Tried
from transforms.program.model import Flow, Program, Step
from transforms.timing.durations import epoch_us


@dataclass(frozen=True)
class Stored:
    """One customer's rows of the public tables, by the names of their columns; of `program_steps` and versions all.

    Attributes:
        events: by time; also `at`, when each acted.
        versions: workflow_id, version, number, workflow_name, `since`: the end of the last tick before it was there
            (None: it was there from the first).
    """

    events: Sequence[Row] = ()
    executions: Sequence[Row] = ()
    steps: Sequence[Row] = ()
    messages: Sequence[Row] = ()
    webhooks: Sequence[Row] = ()
    entry_refusals: Sequence[Row] = ()
    goal_hits: Sequence[Row] = ()
    suppressions: Sequence[Row] = ()
    program_steps: Sequence[Row] = ()
    versions: Sequence[Row] = ()


@dataclass(frozen=True)
class Account:
    """Rows and record of one customer.

    Attributes:
        program: the workflows of now, by which the record was made.
        record: what the engine asked, run again over all of the customer's events.
    """

    customer: str
    stored: Stored
    program: Program
    record: Record = field(default_factory=Record)

    @cached_property
    def flows(self) -> Mapping[str, Flow]:
        """The workflows of now by their versions."""
        return {one.version: one for one in self.program.flows}

    @cached_property
    def versions(self) -> Mapping[str, Row]:
        """Every version there was, by its hash."""
        return {one["version"]: one for one in self.stored.versions}

    @cached_property
    def step_rows(self) -> Mapping[tuple[str, str, str], Row]:
        """The steps of every version, by version, branch and name."""
        return {(one["version"], one["branch"], one["step"]): one for one in self.stored.program_steps}

    @cached_property
    def _steps(self) -> Mapping[tuple[str, str, str], Step]:
        return {
            (self.program.flows[one.flow].version, one.branch, one.name): one for one in self.program.steps
        }

    def name(self, workflow_id: str) -> str:
        """A workflow as people know it: `Cart recovery (cart_recovery)`."""
        named = [one for one in self.stored.versions if one["workflow_id"] == workflow_id]
        last = max(named, key=lambda one: one["number"])["workflow_name"] if named else workflow_id
        return workflow_id if last == workflow_id else f"{last} ({workflow_id})"

    def number(self, version: str) -> str:
        """A version by its number: `version 2`."""
        found = self.versions.get(version)
        return f"version {found['number'] if found else version}"

    def step(self, row: Row) -> Step | None:
        """The step of now that a row of `steps` is of; None if its version isn't that of now."""
        return self._steps.get((row["version"], row["branch"], row["step"]))

    def tried_at(self, workflow_id: str, at: datetime) -> list[Tried]:
        """What the triggers of a workflow were asked at an instant."""
        return self._tried.get((workflow_id, epoch_us(at)), [])

    @cached_property
    def _tried(self) -> Mapping[tuple[str, int], list[Tried]]:
        found: dict[tuple[str, int], list[Tried]] = {}
        for one in self.record.tried:
            found.setdefault((one.flow.workflow.workflow_id, one.fact.at), []).append(one)
        return found


@dataclass(frozen=True)
class Entry:
    """One line of a timeline.

    Attributes:
        rank: where it comes among those of its instant.
        kind: `fact`, `entry`, `refusal`, `step`, `goal`, `end` or `suppression`.
        said: what happened.
        because: why, and what came of it, a sentence each.
        version: the number of the workflow's version that decided it.
        asked: of a fact, the ids of the workflows that look for it.
    """

    at: datetime
    rank: int
    kind: str
    workflow_id: str | None
    said: str
    because: tuple[str, ...] = ()
    version: int | None = None
    asked: tuple[str, ...] = ()
