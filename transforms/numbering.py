"""Customers → numbers: many ids at once, faster than a dictionary of them."""

import numpy as np
import polars as pl

from transforms.arrays import Ints

_SEEDS = 1, 2


def numbered(ids: pl.Series) -> tuple[pl.Series, Ints]:
    """All distinct ids, and the number of each of `ids` among them.

    Two 64-bit hashes stand for an id while it is looked for among the others. Where only one of the two is equal,
    which one in 10¹⁸ pairs of ids is, the ids themselves are compared.
    """
    first, second = (ids.hash(seed) for seed in _SEEDS)
    order = first.arg_sort().to_numpy()
    one, other = first.to_numpy()[order], second.to_numpy()[order]
    begins = np.append(True, one[1:] != one[:-1])[: one.size]
    if (~begins[1:] & (other[1:] != other[:-1])).any():
        distinct = ids.unique(maintain_order=True)
        return distinct, ids.cast(pl.Enum(distinct)).to_physical().cast(pl.Int64).to_numpy()
    numbers = np.empty(one.size, np.int64)
    numbers[order] = np.cumsum(begins) - 1
    return ids.gather(order[begins]), numbers
