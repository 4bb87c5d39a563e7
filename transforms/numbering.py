"""Customers → numbers: many ids at once, faster than a dictionary of them."""

import numpy as np
import polars as pl

from transforms.arrays import Array, Ints

_SEEDS = 1, 2
_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)
_HASH_BITS = 64


def numbered(ids: pl.Series) -> tuple[pl.Series, Ints]:
    """All distinct ids, and the number of each of `ids` among them.

    Two 64-bit hashes together stand for an id: ids of which both are equal are taken as one.
    """
    first, second = (ids.hash(seed).to_numpy() for seed in _SEEDS)
    leaders = _leaders(first, second)
    leads = np.zeros(first.size, np.bool_)
    leads[leaders] = True
    numbers = np.cumsum(leads) - 1
    return ids.gather(np.flatnonzero(leads)), numbers[leaders]


def _leaders(first: Array, second: Array) -> Ints:
    """For every row one row that stands for all with the same pair of hashes.

    Each row notes itself in a table at the place its hash gives; who is found there stands for the others. Rows that
    find another pair there than their own try again among themselves, at other places.
    """
    place = first >> np.uint64(_HASH_BITS - first.size.bit_length() - 1)
    table = np.zeros(2 << first.size.bit_length(), np.int32)
    table[place] = np.arange(first.size, dtype=np.int32)
    leaders = table[place]
    rest = np.flatnonzero((first[leaders] != first) | (second[leaders] != second))
    if rest.size:
        leaders[rest] = rest[_leaders(first[rest] * _MIX + second[rest], second[rest])]
    return leaders
