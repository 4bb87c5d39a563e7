"""Hand-overs side by side: each from a thread of its own, and what happens to them noted as it happens.

Every note is on the disk before the act it announces. A commit takes about a millisecond, so the notes that threads
wait to have made at the same time are made in one, and those that nobody waits for a little later, with others.
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from flows.delivery.send_ledger import Handover, SendLedger
from flows.delivery.senders.base import Answer, Carrier
from flows.errors import OnwardError

_AHEAD = 2
"""How many hand-overs wait for each that is under way."""
_GATHER = 0.02  # seconds for which a note waits for others
_LOOK = 0.2  # seconds; Polars lets Ctrl-C not interrupt a wait that has no end
Note = Callable[[], None]


class Notes:
    """Makes notes in a ledger, those that wait at the same time in one transaction; use it in a `with` statement."""

    def __init__(self, ledger: SendLedger) -> None:
        self._ledger = ledger
        self._waiting: SimpleQueue[tuple[Note, Future[None]] | None] = SimpleQueue()
        self._urgent = Event()
        self._thread = Thread(target=self._work, name="send ledger", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self.hurry()
        self._thread.join()

    def make(self, note: Note) -> Future[None]:
        """Have a note made, soon; the future is done once it is on the disk."""
        made: Future[None] = Future()
        self._waiting.put((note, made))
        return made

    def make_now(self, note: Note) -> None:
        """Have a note made; returns once it and all before it are on the disk."""
        made = self.make(note)
        self.hurry()
        made.result()

    def hurry(self) -> None:
        """Make what waits now."""
        self._urgent.set()

    def _work(self) -> None:
        ended = False
        while not ended:
            group = [self._waiting.get()]
            self._urgent.wait(_GATHER)
            self._urgent.clear()
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

    def __init__(self, notes: Notes, ledger: SendLedger, handover: Handover, ended: Event) -> None:
        """Of a hand-over; once the run has `ended`, nothing more is begun."""
        self._notes, self._ledger, self._key = notes, ledger, handover.key
        self.again = bool(handover.begun)
        self._ended = ended
        self._open: dict[str, None] = {}
        self._made: list[Future[None]] = []
        self._lock = Lock()

    def begin(self, ids: Sequence[str]) -> None:
        """Note that these go out now; returns once that is on the disk.

        Raises:
            OnwardError: the run is ending, or it can't be noted; nothing of these may go out.
        """
        if self._ended.is_set():
            raise OnwardError("the run was broken off; what had not gone out yet is due again")
        begun = list(ids)
        with self._lock:
            self._open |= dict.fromkeys(begun)
        self._notes.make_now(lambda: self._ledger.begin(self._key, begun))

    def answer(self, answers: Sequence[Answer]) -> None:
        """Note what became of some."""
        given = [one for one in answers if not (self.again and one.status == "deferred")]
        with self._lock:
            for one in given:
                self._open.pop(one.message_id, None)
        self._made.append(self._notes.make(lambda: self._ledger.answer(self._key, given)))

    @property
    def unanswered(self) -> list[str]:
        """Those that were begun and have no answer."""
        with self._lock:
            return list(self._open)

    def finish(self) -> None:
        """Note that nothing more will be heard; returns once that is on the disk.

        Raises:
            Exception: an answer couldn't be noted, so that what has it would count as unknown: it stays open.
        """
        self._notes.hurry()
        for one in self._made:
            one.result()
        self._notes.make_now(lambda: self._ledger.finish(self._key))


class Crew:
    """Carries hand-overs out, as many at once as the carrier takes; use it in a `with` statement, which waits for all.

    Whatever ends the block early (Ctrl-C, a hand-over that broke off), nothing more is begun, and what was begun is
    waited for.

    Raises:
        OnwardError: a hand-over broke off, or the ledger can't be written.
    """

    def __init__(self, carrier: Carrier, ledger: SendLedger) -> None:
        self._carrier, self._ledger = carrier, ledger
        self._notes = Notes(ledger)
        self._pool = ThreadPoolExecutor(carrier.concurrency, thread_name_prefix=f"sender {carrier.name}")
        self._under_way: set[Future[None]] = set()
        self._broken = Event()  # then what isn't under way yet stays due
        self._ended = Event()  # then nothing is begun any more

    def __enter__(self) -> Self:
        self._notes.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                _wait(self._under_way, ALL_COMPLETED)
        finally:
            self._end()
            self._notes.__exit__(kind, error, trace)
        if error is None:
            for one in self._under_way:
                one.result()

    def _end(self) -> None:
        self._ended.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        _wait([one for one in self._under_way if not one.cancelled()], ALL_COMPLETED)

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
            done = _wait(self._under_way, FIRST_COMPLETED)
            self._under_way -= done
            for one in done:
                one.result()

    def _carry(self, handover: Handover) -> None:
        recorder = HandoverRecorder(self._notes, self._ledger, handover, self._ended)
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


def _wait(futures: Collection[Future[None]], until: str) -> set[Future[None]]:
    """Wait until one, or all, of some are done: those that are."""
    while True:
        done, others = wait(futures, timeout=_LOOK, return_when=until)
        if not others or (done and until == FIRST_COMPLETED):
            return done
