"""Executions at a step that is due: what steps, gates and moves are about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from transforms.columns.arrays import Array, Bools, Ints
from transforms.engine.lanes.checks import Asked, holds
from transforms.engine.lanes.memory import Lanes
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
    def place(self) -> tuple[Ints, int]:
        """Where they stand in columns `[C, W]`."""
        return self.rows, self.flow.slot

    @property
    def now(self) -> Ints:
        """The customers' present instants."""
        return self.lanes.queue.clock[self.rows]

    @property
    def executions(self) -> Ints:
        """Their rows in the executions ledger."""
        executions: Ints = self.lanes.executions.execution[self.place]
        return executions

    def of(self, rows: Ints) -> "Due":
        """The same step for other customers."""
        return replace(self, rows=rows)

    def only(self, some: Array) -> "Due":
        """Some of them, by a mask."""
        return replace(self, rows=self.rows[some])

    def holds(self, checks: Sequence[AnyCheck]) -> Bools:
        """For whom `checks` hold now, of the customer, the starting fact and the last decision."""
        stand = self.lanes.executions
        asked = Asked(self.rows, stand.context[self.place], stand.decision[self.place], self.now)
        return holds(self.lanes, checks, asked)
