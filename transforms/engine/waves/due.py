"""Executions at a step that is due: what steps, gates and moves are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from transforms.columns.arrays import Bools, Ints, places
from transforms.engine.lanes.checks import Asked, holds
from transforms.engine.lanes.memory import Executions, Lanes
from transforms.program.checks import AnyCheck
from transforms.program.model import Flow, Step


@dataclass(frozen=True)
class Due:
    """Executions that stand at one step which is due, or for which what it awaits has come.

    Attributes:
        flow: the step's.
        rows: their customers, each at its own present instant.
    """

    lanes: Lanes
    flow: Flow
    step: Step
    rows: Ints

    @property
    def stand(self) -> Executions:
        """Where the executions of the workflow stand, `[C]`."""
        return self.lanes.executions.by_slot[self.flow.slot]

    @cached_property
    def now(self) -> Ints:
        """The customers' present instants; not to be changed."""
        now: Ints = self.lanes.queue.clock[self.rows]
        return now

    @cached_property
    def executions(self) -> Ints:
        """Their rows in the executions ledger; not to be changed."""
        executions: Ints = self.stand.execution[self.rows]
        return executions

    def of(self, rows: Ints) -> "Due":
        """The same step for other customers."""
        return Due(self.lanes, self.flow, self.step, rows)

    def only(self, some: Bools) -> "Due":
        """Some of them, by a mask."""
        return self.of(self.rows[places(some)])

    def holds(self, checks: Sequence[AnyCheck]) -> Bools:
        """For whom `checks` hold now, of the customer, the starting fact and the last decision."""
        stand, rows = self.stand, self.rows
        return holds(self.lanes, checks, Asked(rows, stand.context[rows], stand.decision[rows], self.now))
