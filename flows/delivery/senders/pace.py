"""How fast messages go out: at most so many a second, evenly spaced, however many connections or threads there are."""

import time
from threading import Lock


class Pace:
    """Hands out turns; may be asked from any thread."""

    def __init__(self, per_second: float | None) -> None:
        """Of so many turns a second; None: as fast as they are asked for."""
        self._gap = 1 / per_second if per_second else 0.0
        self._next, self._lock = 0.0, Lock()

    def wait(self) -> float:
        """Take the next turn; how many seconds there are until then."""
        if not self._gap:
            return 0.0
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        return turn - now
