"""Messages of a hand-over, noted as begun a few at a time: as many as go out in a fraction of a second.

What a crash finds begun and unanswered is unknown for ever after, so it shall be little; and a note waits for the disk,
so it isn't one for each.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from flows.delivery.pace import Pace
from flows.delivery.senders.base import Answer, Recorder
from flows.errors import OnwardError

_SHORT, _LONG = 0.1, 0.3  # seconds
_MOST = 128
_GATHER = 0.01  # seconds for which an answer waits for others


def next_size(size: int, took: float) -> int:
    """How many are begun at once after so many, which took so many seconds."""
    if took < _SHORT:
        return min(2 * size, _MOST)
    return max(size // 2, 1) if took > _LONG else size


class UnreachableError(OnwardError):
    """There is no connection to be had now; those that there are may go on."""


class Named(Protocol):
    """A message that is to go out."""

    @property
    def message_id(self) -> str:
        """Its id."""
        ...


_Mail = TypeVar("_Mail", bound=Named)


class Windows(Generic[_Mail]):
    """The messages of one hand-over, for several tasks of one event loop that each take one after another.

    Attributes:
        is_done: whether somebody has asked for more than there were.
    """

    def __init__(self, mails: Sequence[_Mail], recorder: Recorder, pace: Pace, first: int) -> None:
        """Of some messages, the first so many of which are begun at first."""
        self._left: Iterator[_Mail] = iter(mails)
        self._unasked = len(mails)
        self._recorder, self._pace, self._size = recorder, pace, first
        self._begun: deque[_Mail] = deque()
        self._since = 0.0
        self._lock = asyncio.Lock()
        self._answers: list[Answer] = []
        self._noting: asyncio.Task[None] | None = None
        self._stopped = False
        self.is_done = False

    async def next(self) -> _Mail | None:
        """A message that is noted as begun, when it is its turn; None: there are no more."""
        if not self._unasked:
            self.is_done = True
            return None
        self._unasked -= 1
        await asyncio.sleep(self._pace.turn() or 0)
        async with self._lock:
            if self._stopped:
                return None
            if not self._begun:
                await self._begin()
            return self._begun.popleft()

    def answer(self, answer: Answer) -> None:
        """What became of a message; noted beside the sending."""
        self._answers.append(answer)
        if self._noting is None:
            self._noting = asyncio.create_task(self._note())

    @contextmanager
    def under_way(self, mail: _Mail) -> Generator[None]:
        """A block that hands a message over; an OnwardError in it says that it surely wasn't taken: it is due again."""
        try:
            yield
        except OnwardError:
            self.answer(Answer(mail.message_id, "deferred", "not sent"))
            raise

    def stop(self) -> None:
        """Nothing more goes out by this hand-over."""
        self._stopped = True

    async def finish(self) -> None:
        """Wait until all answers are noted; what was begun and never went out is due again."""
        self._answers += [Answer(one.message_id, "deferred", "not sent") for one in self._begun]
        self._begun.clear()
        if self._noting:
            await self._noting
        await self._note()

    async def _begin(self) -> None:
        now = time.monotonic()
        took, self._since = now - self._since, now
        self._size = next_size(self._size, took)
        window = list(islice(self._left, self._size))
        with self._stopping():
            await asyncio.to_thread(self._recorder.begin, [one.message_id for one in window])
        self._begun.extend(window)

    async def _note(self) -> None:
        while self._answers:
            await asyncio.sleep(_GATHER)
            answers, self._answers = self._answers, []
            with self._stopping():
                await asyncio.to_thread(self._recorder.answer, answers)
        self._noting = None

    @contextmanager
    def _stopping(self) -> Generator[None]:
        """What can't be noted isn't sent."""
        try:
            yield
        except BaseException:
            self.stop()
            raise


async def carry(
    mails: Sequence[_Mail],
    recorder: Recorder,
    most: int,
    pace: Pace,
    work: Callable[[Windows[_Mail]], Coroutine[Any, Any, None]],
) -> None:
    """Hand over the messages of one hand-over by several tasks; returns when what was begun is answered.

    Args:
        mails: the messages.
        recorder: is told what happens to them.
        most: how many tasks.
        pace: how fast they take messages.
        work: takes messages and answers them, one after another, until there are no more.

    Raises:
        UnreachableError: a task's, unless another has done its part: the other side may want fewer at once.
        OnwardError: any other one of a task.
    """
    windows = Windows(mails, recorder, pace, first=most)
    tasks = (_worked(work, windows) for _ in range(min(most, len(mails))))
    try:
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await windows.finish()
    for end in ends:
        if end is not None and not (isinstance(end, UnreachableError) and windows.is_done):
            raise end


async def _worked(
    work: Callable[[Windows[_Mail]], Coroutine[Any, Any, None]], windows: Windows[_Mail]
) -> None:
    try:
        await work(windows)
    except UnreachableError:
        raise
    except BaseException:
        windows.stop()
        raise
