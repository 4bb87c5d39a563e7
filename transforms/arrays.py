"""What every module of the engine calls its arrays, and how rows of numbers are ordered."""

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


def order_by(*keys: Array, stable: bool = False) -> Ints:
    """The order of rows by several integer columns, the first one first; if `stable`, equal rows keep their order.

    Columns whose ranges fit into 63 bits together are sorted as one integer, which is several times as fast.
    """
    if not keys[0].size:
        return np.zeros(0, np.int64)
    bounds = [(int(key.min()), int(key.max())) for key in keys]
    widths = [(high - low).bit_length() for low, high in bounds]
    if sum(widths) > _BITS:
        return np.lexsort(keys[::-1])
    packed = np.zeros(keys[0].size, np.int64)
    for key, (low, _), width in zip(keys, bounds, widths, strict=True):
        packed = (packed << width) | (key.astype(np.int64) - low)
    if stable or packed.size < _WORTH_THREADS:
        return np.argsort(packed, kind="stable")
    return pl.Series(packed).arg_sort().to_numpy()
