"""Conditions of workflows (semantics.md §5) asked of messages that are due, over their distinct values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.columns.arrays import NEVER, Bools, Ints
from transforms.columns.json_values import Codes, intern, members
from transforms.definitions.conditions import Condition, Group
from transforms.definitions.walk import leaves
from transforms.program.conditions import NEEDS_INSTANTS, truth_of
from transforms.timing.durations import microseconds, parse_duration
from transforms.timing.instants import with_instants, written

_EVENT = "event."
_FIELDS = ("customer_id", "created_at", "tags")
"""What isn't an attribute."""


@dataclass(frozen=True)
class Values:
    """What conditions look at.

    Attributes:
        rows: how many messages.
        at: their instants, µs.
        columns: what conditions name → its distinct values (see `json_values.intern`), and the code of each message's.
    """

    rows: int
    at: Ints
    columns: Mapping[str, tuple[pl.DataFrame, Codes]]

    def all_hold(self, conditions: Iterable[Condition | Group]) -> Bools:
        """Of which messages all conditions hold."""
        verdict = np.ones(self.rows, np.bool_)
        for one in conditions:
            verdict &= self._group(one) if isinstance(one, Group) else self._single(one)
        return verdict

    def _group(self, group: Group) -> Bools:
        if group.negated is not None:
            return ~self.all_hold(group.negated)
        if group.any is None:
            return self.all_hold(group.all or ())
        verdict = np.zeros(self.rows, np.bool_)
        for one in group.any:
            verdict |= self.all_hold([one])
        return verdict

    def _single(self, condition: Condition) -> Bools:
        dictionary, codes = self.columns[condition.attribute]
        if condition.operator == "within_last":
            instants = dictionary["instant"].fill_null(NEVER).to_numpy()[codes]
            recent: Bools = (instants <= self.at) & (instants > self.at - _window(condition))
            return recent
        holds = dictionary.select(holds=truth_of(condition.operator, condition.value))
        truth: Bools = holds["holds"].to_numpy()
        return truth[codes]


def values_of(conditions: Sequence[Condition | Group], due: pl.DataFrame) -> Values:
    """What `conditions` look at, of messages that are due.

    Args:
        conditions: all that will be asked; none of them looks at a signal or a decision.
        due: one row per message: `at`, `attributes` and `trigger_properties` (JSON objects or null), and `customer_id`,
            `created_at` and `tags` (a list or null) where conditions ask for them.
    """
    asked = [one for _, one in leaves(conditions, ())]
    dated = {one.attribute for one in asked if one.operator in NEEDS_INSTANTS}
    columns = {}
    for name, texts in _texts(list(dict.fromkeys(one.attribute for one in asked)), due).items():
        dictionary, codes = intern({name: texts}, ())
        columns[name] = (with_instants(dictionary) if name in dated else dictionary, codes[name])
    return Values(len(due), due["at"].dt.epoch("us").to_numpy(), columns)


def _texts(names: Sequence[str], due: pl.DataFrame) -> dict[str, pl.Series]:
    """The values under names, as JSON texts."""
    event = {name.removeprefix(_EVENT): name for name in names if name.startswith(_EVENT)}
    fields = [name for name in _FIELDS if name in names]
    attributes = [name for name in names if name not in (*event.values(), *fields)]
    found = members(due["attributes"], attributes) if attributes else {}
    if event:
        properties = members(due["trigger_properties"], list(event))
        found |= {event[name]: texts for name, texts in properties.items()}
    if fields:
        written_out = due.select(pl.struct(_FIELD[name].alias(name) for name in fields).struct.json_encode())
        found |= members(written_out.to_series(), fields)
    return found


_FIELD = {
    "customer_id": pl.col("customer_id"),
    "created_at": written(pl.col("created_at")),
    "tags": pl.col("tags").cast(pl.List(pl.String)).fill_null(pl.lit([], pl.List(pl.String))).list.sort(),
}


def _window(condition: Condition) -> int:
    return microseconds(parse_duration(condition.value))
