"""What every module of the engine calls its arrays, and how rows of numbers are ordered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

NEVER = np.iinfo(np.int64).max
ALWAYS = np.iinfo(np.int64).min
LAST_INSTANT = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z

_BITS = 63
_WORTH_THREADS = 100_000


@dataclass(frozen=True)
class Sorted:
    """Rows in order.

    Attributes:
        order: their numbers.
        last: the places at which a group of equal rows ends.
        columns: gives each group's keys.
    """

    order: Ints
    last: Ints
    columns: Callable[[], Sequence[Array]]

    @property
    def keys(self) -> Sequence[Array]:
        """The columns they are ordered by, of each group; made when asked for."""
        return self.columns()


def sorted_by(*keys: Array) -> Sorted:
    """Rows by several integer columns, the first one first."""
    packed = _packed(keys)
    if packed is None:
        order = np.lexsort(keys[::-1])
        columns = [key[order] for key in keys]
        changes = np.logical_or.reduce([key[1:] != key[:-1] for key in columns])
        last = _last(changes, order.size)
        return Sorted(order, last, lambda: [column[last] for column in columns])
    order = _order(packed.rows)
    rows = packed.rows[order]
    last = _last(rows[1:] != rows[:-1], order.size)
    return Sorted(order, last, partial(packed.unpacked, rows[last]))


def _last(changes: Bools, size: int) -> Ints:
    """Where groups of equal rows end, by whether each row differs from the one before."""
    return np.flatnonzero(np.append(changes, True)[:size])


def order_by(*keys: Array, stable: bool = False) -> Ints:
    """The order of rows by several integer columns, the first one first; if `stable`, equal rows keep their order."""
    packed = _packed(keys)
    return np.lexsort(keys[::-1]) if packed is None else _order(packed.rows, stable=stable)


@dataclass(frozen=True)
class _Packed:
    """Rows of several columns as one integer each: of every column so many bits, its lowest value as 0."""

    rows: Ints
    low: Sequence[int]
    widths: Sequence[int]

    def unpacked(self, rows: Ints) -> list[Ints]:
        """The columns of some rows."""
        shifts = [sum(self.widths[number + 1 :]) for number in range(len(self.widths))]
        return [
            ((rows >> shift) & ((1 << width) - 1)) + low
            for shift, width, low in zip(shifts, self.widths, self.low, strict=True)
        ]


def _packed(keys: Sequence[Array]) -> _Packed | None:
    """Columns whose ranges fit into 63 bits together as one, which is sorted several times as fast; else None."""
    if not keys[0].size:
        return _Packed(np.zeros(0, np.int64), [0] * len(keys), [0] * len(keys))
    bounds = [(int(key.min()), int(key.max())) for key in keys]
    widths = [(high - low).bit_length() for low, high in bounds]
    if sum(widths) > _BITS:
        return None
    packed = np.zeros(keys[0].size, np.int64)
    for key, (low, _), width in zip(keys, bounds, widths, strict=True):
        packed = (packed << width) | (key.astype(np.int64) - low)
    return _Packed(packed, [low for low, _ in bounds], widths)


def _order(packed: Ints, *, stable: bool = False) -> Ints:
    if stable or packed.size < _WORTH_THREADS:
        return np.argsort(packed, kind="stable")
    return pl.Series(packed).arg_sort().to_numpy()


def places(mask: Bools) -> Ints:
    """Where a mask holds; a sixth of what `np.flatnonzero` takes for a few rows, and waves are many."""
    where: Ints = mask.nonzero()[0]
    return where


def any_of(table: Bools) -> Bools:
    """Which rows have any; a fifth of what `any` takes along short rows."""
    found = np.zeros(len(table), np.bool_)
    for column in table.T:
        found |= column
    return found


def positions(names: pl.Series, among: Sequence[str], other: int | None = None) -> Ints:
    """Where each name stands in `among`, which are distinct; `other` for those that don't, None: all do."""
    numbers = names.cast(pl.Enum(among), strict=other is None).to_physical().cast(pl.Int64)
    places: Ints = (numbers.fill_null(other) if numbers.null_count() else numbers).to_numpy()
    return places


def instants(given: pl.Series, missing: int) -> Array:
    """Instants as microseconds since 1970, `missing` for null."""
    micros = given.cast(pl.Datetime("us", "UTC")).cast(pl.Int64)
    numbers: Array = (micros.fill_null(missing) if micros.null_count() else micros).to_numpy()
    return numbers
