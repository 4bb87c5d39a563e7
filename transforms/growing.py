"""Arrays that grow by appending rows: the engine's ledgers and its table of facts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_FIRST_CAPACITY = 1024


class Growing:
    """Named columns of equal length with amortized appends; a column may be two-dimensional.

    Args:
        columns: name → (dtype, shape of one row), the shape `()` for plain columns.
    """

    def __init__(self, columns: Mapping[str, tuple[Any, tuple[int, ...]]]) -> None:
        self.length = 0
        self._arrays = {
            name: np.zeros((_FIRST_CAPACITY, *shape), dtype) for name, (dtype, shape) in columns.items()
        }

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """The filled part of a column, writable in place."""
        return self._arrays[name][: self.length]

    def append(self, count: int, **values: Any) -> npt.NDArray[np.int64]:
        """Append `count` rows; scalars are repeated, unnamed columns are zero. Returns the new rows' numbers."""
        start, self.length = self.length, self.length + count
        for name, array in self._arrays.items():
            if len(array) < self.length:
                self._arrays[name] = _enlarged(array, self.length)
        for name, value in values.items():
            self._arrays[name][start : self.length] = value
        return np.arange(start, self.length)


def _enlarged(array: npt.NDArray[Any], needed: int) -> npt.NDArray[Any]:
    larger = np.zeros((max(needed, 2 * len(array)), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
