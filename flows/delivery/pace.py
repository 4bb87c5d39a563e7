"""How fast messages go out: evenly spaced, however many connections or threads there are."""

from collections.abc import Callable
from math import inf
from threading import Lock
from time import monotonic


class Pace:
    """Hands out turns to whoever asks, from any thread; nobody is made to wait in here."""

    def __init__(self, per_second: float | None = None, seconds: Callable[[], float] = monotonic) -> None:
        """Of so many turns a second, by a clock that never goes back; None: as fast as they are asked for."""
        self._gap = 1 / per_second if per_second else 0.0
        self._seconds, self._lock = seconds, Lock()
        self._next = self._held_until = 0.0

    def hold(self, seconds: float) -> None:
        """Let nothing leave for some seconds."""
        with self._lock:
            self._held_until = max(self._held_until, self._seconds() + seconds)

    def held(self) -> float:
        """For how many seconds nothing may leave."""
        return max(0.0, self._held_until - self._seconds())

    def turn(self, gap: float | None = None, patience: float = inf) -> float | None:
        """Take the next turn.

        Args:
            gap: for how many seconds no other turn follows; None: as its rate has it.
            patience: the most seconds that are waited while nothing may leave.

        Returns:
            How many seconds there are until then; None, and no turn is taken, where that is beyond `patience`.
        """
        with self._lock:
            now = self._seconds()
            if self._held_until - now > patience:
                return None
            turn = max(now, self._next, self._held_until)
            self._next = turn + (self._gap if gap is None else gap)
        return turn - now
