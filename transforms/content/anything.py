"""A stand-in for any value, to try templates with before there is a customer."""

from collections.abc import Iterator
from typing import Any


class Anything(str):
    """A stand-in for any value: a text, a number, an instant, a list of one and a mapping at once.

    Comparisons with it and its truth are as `holds` says, so that both branches of a condition can be tried.
    """

    __slots__ = ("holds",)
    holds: bool

    def __new__(cls, holds: bool) -> "Anything":
        """A stand-in of which everything that is asked holds, or nothing."""
        made = super().__new__(cls, "sample")
        made.holds = holds
        return made

    def __bool__(self) -> bool:
        return self.holds

    def __len__(self) -> int:
        return int(self.holds)

    def __iter__(self) -> Iterator[Any]:
        return iter([self] if self.holds else [])

    def __hash__(self) -> int:
        return super().__hash__()

    def _compared(self, _: object) -> bool:
        return self.holds

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = _compared
    __contains__ = _compared

    def __ne__(self, _: object) -> bool:
        return not self.holds

    def _number(self, *_: object) -> Any:
        return 1

    __int__ = __index__ = __abs__ = __round__ = __neg__ = __pos__ = _number
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __sub__ = __rsub__ = _number
    __mul__ = __rmul__ = __mod__ = __rmod__ = _number

    def __float__(self) -> float:
        return 1.0

    def __add__(self, other: Any) -> Any:
        return other

    __radd__ = __add__
