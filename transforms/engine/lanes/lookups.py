"""The values that conditions and schedules look at: of a whole name, else inside another value (semantics.md §5)."""

from typing import Protocol

import numpy as np

from transforms.columns.arrays import Array, Ints
from transforms.columns.json_values import NULL_CODE
from transforms.program.checks import Inside


class Place(Protocol):
    """A column, and where to look if it has nothing."""

    @property
    def column(self) -> int:
        """Of the whole name."""

    @property
    def inside(self) -> Inside | None:
        """The column and path of a name with dots."""


def values_at(table: Array, rows: Ints | slice, place: Place, inside: Array) -> Array:
    """Value codes of some rows of a table.

    Args:
        table: `[row, column]`, value codes.
        rows: which.
        place: where.
        inside: `[path, value code]`, what each value has there.
    """
    own: Array = table[rows, place.column]
    if place.inside is None:
        return own
    return np.where(own == NULL_CODE, inside[place.inside.path][table[rows, place.inside.column]], own)


def last_set(set_at: Ints, values: Array, rows: Ints, place: Place) -> Ints:
    """When what stands at a place of profiles was set; a value inside another also when the whole name was removed."""
    own: Ints = set_at[rows, place.column]
    if place.inside is None:
        return own
    holders = np.maximum(own, set_at[rows, place.inside.column])
    return np.where(values[rows, place.column] == NULL_CODE, holders, own)
