"""Hand-overs side by side: each from a thread of its own, and what happens to them noted as it happens.

Every note is on the disk before the act it announces. A commit takes about a millisecond, so the notes that threads
wait to have made at the same time are made in one.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from flows.delivery.send_ledger import Handover, SendLedger
from flows.delivery.senders.base import Answer, Carrier

_AHEAD = 2
"""How many hand-overs wait for each that is under way."""
Note = Callable[[], None]


class Notes:
    """Makes notes in a ledger, those that wait at the same time in one transaction; use it in a `with` statement."""

    def __init__(self, ledger: SendLedger) -> None:
        self._ledger = ledger
        self._waiting: SimpleQueue[tuple[Note, Future[None]] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="send ledger", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self._thread.join()

    def make(self, note: Note) -> Future[None]:
        """Have a note made; the future is done once it is on the disk."""
        made: Future[None] = Future()
        self._waiting.put((note, made))
        return made

    def _work(self) -> None:
        ended = False
        while not ended:
            group = [self._waiting.get()]
            while not self._waiting.empty():
                group.append(self._waiting.get())
            ended = None in group
            self._make_all([one for one in group if one])

    def _make_all(self, group: Sequence[tuple[Note, Future[None]]]) -> None:
        try:
            with self._ledger.transaction():
                for note, _ in group:
                    note()
        except BaseException as error:  # whoever waits for a note is told
            for _, made in group:
                made.set_exception(error)
        else:
            for _, made in group:
                made.set_result(None)


class HandoverRecorder:
    """Notes what happens to one hand-over (`flows.delivery.senders.base.Recorder`).

    Attributes:
        again: whether it was begun before: then "not now" isn't "not taken", since it may have been taken then.
    """

    def __init__(self, notes: Notes, ledger: SendLedger, handover: Handover) -> None:
        self._notes, self._ledger, self._key = notes, ledger, handover.key
        self.again = bool(handover.begun)
        self._open: dict[str, None] = {}
        self._lock = Lock()

    def begin(self, ids: Sequence[str]) -> None:
        """Note that these go out now; returns once that is on the disk."""
        begun = list(ids)
        with self._lock:
            self._open |= dict.fromkeys(begun)
        self._notes.make(lambda: self._ledger.begin(self._key, begun)).result()

    def answer(self, answers: Sequence[Answer]) -> None:
        """Note what became of some."""
        given = [one for one in answers if not (self.again and one.status == "deferred")]
        with self._lock:
            for one in given:
                self._open.pop(one.message_id, None)
        self._notes.make(lambda: self._ledger.answer(self._key, given))

    @property
    def unanswered(self) -> list[str]:
        """Those that were begun and have no answer."""
        with self._lock:
            return list(self._open)

    def finish(self) -> None:
        """Note that nothing more will be heard; returns once that is on the disk."""
        self._notes.make(lambda: self._ledger.finish(self._key)).result()


class Crew:
    """Carries hand-overs out, as many at once as the carrier takes; use it in a `with` statement, which waits for all.

    Raises:
        OnwardError: a hand-over broke off, or the ledger can't be written; those under way came to their ends.
    """

    def __init__(self, carrier: Carrier, ledger: SendLedger) -> None:
        self._carrier, self._ledger = carrier, ledger
        self._notes = Notes(ledger)
        self._pool = ThreadPoolExecutor(carrier.concurrency, thread_name_prefix=f"sender {carrier.name}")
        self._under_way: set[Future[None]] = set()
        self._broken = Event()  # then what isn't under way yet stays due

    def __enter__(self) -> Self:
        self._notes.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=error is not None)
        self._notes.__exit__(kind, error, trace)
        if error is None:
            for one in self._under_way:
                one.result()

    def send(self, handovers: Sequence[Handover]) -> None:
        """Carry some out that the ledger knows as claimed; waits while too many are under way.

        Raises:
            OnwardError: an earlier one broke off.
        """
        for one in handovers:
            self._wait_for_room()
            self._under_way.add(self._pool.submit(self._carry, one))

    def _wait_for_room(self) -> None:
        while len(self._under_way) >= _AHEAD * self._carrier.concurrency:
            done, self._under_way = wait(self._under_way, return_when=FIRST_COMPLETED)
            for one in done:
                one.result()

    def _carry(self, handover: Handover) -> None:
        recorder = HandoverRecorder(self._notes, self._ledger, handover)
        if not self._broken.is_set():
            self._transmit(handover, recorder)
        # What got no answer from a carrier that takes the same twice stays open: a later run hands it over again.
        if not (self._carrier.repeatable and recorder.unanswered):
            recorder.finish()

    def _transmit(self, handover: Handover, recorder: HandoverRecorder) -> None:
        try:
            self._carrier.hand_over(handover.key, handover.payload, recorder)
            if not self._carrier.repeatable and (unanswered := recorder.unanswered):
                recorder.answer(self._carrier.ask(handover.payload, unanswered))
        except BaseException:
            self._broken.set()
            raise
