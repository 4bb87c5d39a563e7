"""What one render may cost, counted while it runs; over it, that render ends and nothing else.

A step is a node of the template executed once, or 64 characters handled by a filter, comparison or join; room is the
characters written. Time and memory are thereby bounded whatever the values are: 100,000 steps take less than a second.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

STEP_LIMIT = 100_000
ROOM_LIMIT = 1_000_000
DEPTH_LIMIT = 30
_CHARACTERS_A_STEP = 64
_NESTING_LIMIT = 50


class BudgetError(ValueError):
    """A render costs more than it may; says which bound it passed."""


@dataclass
class Run:
    """One render: what it may still cost, whom it is for, what had no value and what must be looked at after.

    Attributes:
        steps: how many are left.
        room: how many characters may still be written.
        depth: how many macros and blocks are being called within one another.
        missing: names that printed as nothing, in order of use.
        suspicious: whether a printed value could begin a link that runs code.
        locale: the customer's, such as `de_AT`.
        timezone: the customer's zone.
        campaign: what `url` adds where the template names nothing else.
        printed: collects the values that an HTML part prints, a mark standing in place of each; None: none does.
    """

    steps: int = STEP_LIMIT
    room: int = ROOM_LIMIT
    depth: int = 0
    missing: list[str] = field(default_factory=list)
    suspicious: bool = False
    locale: str = "en"
    timezone: str = "UTC"
    campaign: str | None = None
    printed: list[str] | None = None


_RUN: ContextVar[Run] = ContextVar("the render that is under way")


def current() -> Run:
    """The render that is under way; outside of one, a fresh one."""
    return _RUN.get(None) or Run()


class Running:
    """A block in which what is rendered is counted on `run` (a generator's block takes twice as long)."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __enter__(self) -> Run:
        self._token = _RUN.set(self._run)
        return self._run

    def __exit__(self, *_: object) -> None:
        _RUN.reset(self._token)


def spend(cost: tuple[int, int]) -> bool:
    """Take steps and characters off what is left; true, so that it can stand in a condition.

    Raises:
        BudgetError: not so much is left.
    """
    run = _RUN.get()
    run.steps -= cost[0]
    run.room -= cost[1]
    if run.steps < 0 or run.room < 0:
        raise _over(run)
    return True


def handle(value: object, factor: int = 1) -> None:
    """Pay for going through a value `factor` times, deep lists and mappings whole.

    Raises:
        BudgetError: that much isn't left.
    """
    run = _RUN.get()
    run.steps -= 1 + weight(value, run.steps * _CHARACTERS_A_STEP) * factor // _CHARACTERS_A_STEP
    if run.steps < 0:
        raise _over(run)


def write(text: str) -> None:
    """Pay for a text that is printed.

    Raises:
        BudgetError: it doesn't fit any more.
    """
    run = _RUN.get()
    run.room -= len(text)
    if run.room < 0:
        raise _over(run)


@contextmanager
def deeper() -> Generator[None]:
    """Count a call within calls.

    Raises:
        BudgetError: calls are nested too deep.
    """
    run = _RUN.get()
    run.depth += 1
    if run.depth > DEPTH_LIMIT:
        raise BudgetError(
            f"macros or blocks call one another more than {DEPTH_LIMIT} deep; end the recursion"
        )
    try:
        yield
    finally:
        run.depth -= 1


def weight(value: object, most: int, nesting: int = 0) -> int:
    """How many characters a value holds, about; counting ends beyond `most`.

    Raises:
        BudgetError: its lists are nested too deep to be gone through.
    """
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, Mapping | Sequence):
        return 8
    if nesting > _NESTING_LIMIT:
        raise BudgetError(f"a value has lists nested more than {_NESTING_LIMIT} deep")
    total = 16 + 16 * len(value)
    parts = value.items() if isinstance(value, Mapping) else value
    for part in parts:
        total += weight(part, most, nesting + 1)
        if total > most:
            break
    return total


def _over(run: Run) -> BudgetError:
    if run.room < 0:
        return BudgetError(f"more than {ROOM_LIMIT:,} characters came out; loop over less, or print less")
    return BudgetError(f"more than {STEP_LIMIT:,} steps were needed; loop over less, or over shorter values")
