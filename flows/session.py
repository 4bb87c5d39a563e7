"""One run: its connection, its settings, its clock, and whom to tell what is being done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from flows.settings import Settings

Clock = Callable[[], datetime]
Say = Callable[[str], object]


def wall_clock() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def silent(_sentence: str) -> None:
    """Tells nobody."""


def drawn(done: int, total: int, width: int = 20) -> str:
    """A bar of how far something is, with the numbers."""
    full = width * done // total
    return f"{'━' * full}{'╌' * (width - full)} {done:,} of {total:,}"


@dataclass(frozen=True)
class Session:
    """What every function that works on a store is given.

    Attributes:
        con: the store's one connection.
        settings: where things lie, and how the run goes.
        say: told what is being done, for a status line or a log.
        clock: the wall clock, for `sent_at` and the like; it decides nothing, but says which `now`
            is too far ahead.
    """

    con: DuckDBPyConnection
    settings: Settings
    say: Say = silent
    clock: Clock = wall_clock
