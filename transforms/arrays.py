"""What every module of the engine calls its arrays, and how rows of numbers are ordered."""

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

NEVER = np.iinfo(np.int64).max
ALWAYS = np.iinfo(np.int64).min
LAST_INSTANT = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z

_BITS = 62


def order_by(*keys: Array) -> Ints:
    """The order of rows by several integer columns, the first one first; rows equal in all keep their order.

    Columns whose ranges fit into 62 bits together are sorted as one integer, which is several times as fast.
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
    return np.argsort(packed, kind="stable")
