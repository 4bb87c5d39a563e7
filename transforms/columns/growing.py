"""Columns that grow by appending rows: a `Log` is read once at the end, a `Growing` table any time."""

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
        if not count:
            return np.zeros(0, np.int64)
        for name, array in self._arrays.items():
            if len(array) < self.length:
                self._arrays[name] = _enlarged(array, self.length)
        for name, value in values.items():
            self._arrays[name][start : self.length] = value
        return np.arange(start, self.length)


class Log:
    """Named columns of equal length, of which rows are only appended; reading a column joins its pieces."""

    def __init__(self) -> None:
        self._pieces: list[tuple[int, Mapping[str, Any]]] = []

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A whole column."""
        whole = np.zeros(sum(count for count, _ in self._pieces), np.int64)
        start = 0
        for count, values in self._pieces:
            whole[start : start + count] = values[name]
            start += count
        return whole

    def append(self, count: int, **values: Any) -> None:
        """Append `count` rows; scalars are repeated. The arrays are kept as they are, not copied."""
        if count:
            self._pieces.append((count, values))


def _enlarged(array: npt.NDArray[Any], needed: int) -> npt.NDArray[Any]:
    larger = np.zeros((max(needed, 2 * len(array)), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
