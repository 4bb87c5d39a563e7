"""Texts → numbers: many at once, by tables of their hashes, which is faster than a dictionary of texts.

Two 64-bit hashes together stand for a text: texts of which both are equal are taken as one.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.columns.arrays import Array, Ints

_SEEDS = 1, 2
_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)
_HASH_BITS = 64


def factorize(texts: pl.Series) -> tuple[pl.Series, Ints]:
    """All distinct texts, and the number of each of `texts` among them."""
    leaders = _leaders(_hashed(texts))
    leads = np.zeros(leaders.size, np.bool_)
    leads[leaders] = True
    numbers = np.cumsum(leads) - 1
    return texts[np.flatnonzero(leads)], numbers[leaders]


def index_in(texts: pl.Series, among: pl.Series) -> Ints:
    """Where each text stands among others, which are distinct; −1 for those that don't."""
    return _index_in(_hashed(texts), _hashed(among)).astype(np.int64)


@dataclass(frozen=True)
class _Hashes:
    first: Array
    second: Array

    def table(self) -> tuple[Array, Array]:
        """The slot of each text in a table of twice their number, by its first hash, and the table, −1 where none is.

        Of several with one slot the last is noted.
        """
        size = self.first.size.bit_length() + 1
        slot = self.slots(size)
        table = np.full(1 << size, -1, np.int32)
        table[slot] = np.arange(self.first.size, dtype=np.int32)
        return slot, table

    def slots(self, size: int) -> Ints:
        """The first `size` bits of the first hash."""
        slots: Ints = (self.first >> np.uint64(_HASH_BITS - size)).view(np.int64)
        return slots

    def differ(self, other: "_Hashes", rows: Array) -> Array:
        """Whether the texts differ from those that stand in `rows` of others."""
        differ: Array = (self.first != other.first.take(rows)) | (self.second != other.second.take(rows))
        return differ

    def mixed(self, rows: Ints) -> "_Hashes":
        """Some of the texts with another first hash, for another slot."""
        return _Hashes(self.first[rows] * _MIX + self.second[rows], self.second[rows])


def _hashed(texts: pl.Series) -> _Hashes:
    return _Hashes(*(texts.hash(seed).to_numpy() for seed in _SEEDS))


def _leaders(texts: _Hashes) -> Array:
    """For every row the row that stands for all of its text: the one noted in the table.

    Rows that find another text there try again among themselves, at other slots.
    """
    slot, table = texts.table()
    leaders = table.take(slot)
    rest = np.flatnonzero(texts.differ(texts, leaders))
    if rest.size:
        leaders[rest] = rest[_leaders(texts.mixed(rest))]
    return leaders


def _index_in(texts: _Hashes, among: _Hashes) -> Array:
    if not among.first.size:
        return np.full(texts.first.size, -1)
    slot, table = among.table()
    lost = np.flatnonzero(table[slot] != np.arange(slot.size))
    found = table.take(texts.slots(table.size.bit_length() - 1))
    missed = texts.differ(among, found)
    rest = np.flatnonzero(missed & (found >= 0))
    found[missed] = -1
    if lost.size and rest.size:
        again = _index_in(texts.mixed(rest), among.mixed(lost))
        found[rest] = np.where(again >= 0, lost[again], -1)
    return found
