"""The frames that lanes are laid out from, by name, with the lane of each row's customer."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.columns.arrays import Ints
from transforms.columns.factorize import index_in
from transforms.engine.state import State

_CUSTOMER = "customer_id"


@dataclass(frozen=True)
class Placed:
    """What concerns the customers who have a lane; `lane` is that of a row's customer.

    Attributes:
        events: what comes, patterns among it (`events.seen_facts`).
        attributes: those that workflows see.
        customers, executions, tags, entries, sends, alarms: as in `State`.
    """

    events: pl.DataFrame
    attributes: pl.DataFrame
    customers: pl.DataFrame
    executions: pl.DataFrame
    tags: pl.DataFrame
    entries: pl.DataFrame
    sends: pl.DataFrame
    alarms: pl.DataFrame


def place(state: State, events: pl.DataFrame, attributes: pl.DataFrame, customers: pl.Series) -> Placed:
    """Of the state, the events and the attributes that workflows see, the rows of `customers`: one lane each."""
    frames = {**vars(state), "events": events, "attributes": attributes}
    lanes = _lanes_of([frame[_CUSTOMER] for frame in frames.values()], customers)
    return Placed(
        **{name: _with_lane(frame, lane) for (name, frame), lane in zip(frames.items(), lanes, strict=True)}
    )


def _lanes_of(owners: list[pl.Series], customers: pl.Series) -> list[Ints]:
    """The lane of every owner, −1 for customers without one; all are looked up at once."""
    return np.split(index_in(pl.concat(owners), customers), np.cumsum([len(one) for one in owners])[:-1])


def _with_lane(frame: pl.DataFrame, lane: Ints) -> pl.DataFrame:
    placed = frame.with_columns(lane=pl.Series(lane, dtype=pl.Int64))
    return placed if lane.min(initial=0) >= 0 else placed.filter(pl.col("lane") >= 0)
