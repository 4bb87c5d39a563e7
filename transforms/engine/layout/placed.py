"""The frames that lanes are laid out from, by name, with the lane of each row's customer."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from transforms.columns.arrays import Ints
from transforms.columns.factorize import index_in
from transforms.engine.layout.fields import with_fields
from transforms.engine.state import Facts, State
from transforms.program.model import Program

_CUSTOMER = "customer_id"


@dataclass(frozen=True)
class Placed:
    """What concerns the customers who have a lane; `lane` is that of a row's customer.

    Attributes:
        ids: the customers, in the order of their lanes.
        attribute_names: the attributes that workflows see.
        writes: what the events write of them, without lanes.
        events: what comes, patterns among it (`events.seen_facts`).
        attributes: those that workflows see.
        customers, executions, tags, entries, sends, alarms: as in `State`.
    """

    ids: pl.Series
    attribute_names: tuple[str, ...]
    writes: pl.DataFrame
    events: pl.DataFrame
    attributes: pl.DataFrame
    customers: pl.DataFrame
    executions: pl.DataFrame
    tags: pl.DataFrame
    entries: pl.DataFrame
    sends: pl.DataFrame
    alarms: pl.DataFrame

    @cached_property
    def starts(self) -> pl.DataFrame:
        """The entries of which it matters what started them."""
        return self.entries.filter(pl.col("properties").is_not_null())


def place(
    program: Program, state: State, seen: Facts, attribute_names: tuple[str, ...], customers: pl.Series
) -> Placed:
    """Of the state and of the facts that workflows see, what concerns `customers`: one lane each."""
    attributes = with_fields(state, program, customers).filter(pl.col("attribute").is_in(attribute_names))
    frames = {**vars(state), "attributes": attributes, "events": seen.events}
    lanes = _lanes_of([frame[_CUSTOMER] for frame in frames.values()], customers)
    placed = map(_with_lane, frames.values(), lanes)
    return Placed(customers, attribute_names, seen.writes, **dict(zip(frames, placed, strict=True)))


def _lanes_of(owners: list[pl.Series], customers: pl.Series) -> list[Ints]:
    """The lane of every owner, −1 for customers without one; all are looked up at once."""
    return np.split(index_in(pl.concat(owners), customers), np.cumsum([len(one) for one in owners])[:-1])


def _with_lane(frame: pl.DataFrame, lane: Ints) -> pl.DataFrame:
    placed = frame.with_columns(lane=pl.Series(lane, dtype=pl.Int64))
    return placed if lane.min(initial=0) >= 0 else placed.filter(pl.col("lane") >= 0)
