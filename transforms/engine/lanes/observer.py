"""Who looks on while the engine decides: told what is asked of whom, without a say in it."""

from dataclasses import dataclass
from typing import Protocol

import polars as pl

from transforms.columns.arrays import Bools, Ints
from transforms.engine.lanes.memory import Lanes
from transforms.engine.state import Cap
from transforms.program.checks import Check, CompiledTrigger
from transforms.program.model import Flow, Step


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


class Observer(Protocol):
    """Is told what is asked of customers `rows` while it is decided, and changes nothing (`recorder.py`, `tally.py`).

    Attributes:
        everybody: whether customers for whom there is nothing to do shall be looked at too.
    """

    everybody: bool

    def wants(self, events: pl.DataFrame) -> Bools:
        """Which events (`frames.EVENTS`) that some workflow looks for it wants to see though nothing comes of them."""

    def begin(self, scene: Scene) -> None:
        """The lanes are laid out."""

    def rings(self, facts: Ints, alarm: int, /) -> None:
        """These facts are a schedule's."""

    def sees(self, lanes: Lanes, rows: Ints, facts: Ints) -> None:
        """Triggers are asked of one fact each."""

    def enters(self, lanes: Lanes, flow: Flow, rows: Ints, facts: Ints) -> None:
        """They enter, and a branch is chosen."""

    def meets(self, lanes: Lanes, flow: Flow, trigger: CompiledTrigger, rows: Ints, facts: Ints) -> None:
        """A goal, or an exit, holds at one fact each."""

    def asks(self, lanes: Lanes, step: Step, rows: Ints) -> None:
        """The conditions of a step are asked."""

    def chooses(self, lanes: Lanes, step: Step, rows: Ints) -> None:
        """The criteria of a decision are asked."""

    def refuses(self, lanes: Lanes, step: Step, rows: Ints, why: Check | Cap) -> None:
        """Consent, or a full cap, holds a message back."""


class Unobserved:
    """What observers leave alone who look at nothing but facts (`Observer`)."""

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
