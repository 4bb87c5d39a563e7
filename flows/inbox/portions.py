"""The inbox taken in portion by portion: many small files at once, each portion kept for good once it is archived."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import duckdb

from flows.errors import EngineStoppedError, OnwardError
from flows.files import content_hash, hash_of, printable
from flows.inbox.admission import append_batches
from flows.inbox.archiving import Small, archive_file, archive_together, read_small, small_bytes
from flows.inbox.arrivals import WaitingFile
from flows.inbox.kept import keep_batches
from flows.inbox.known import Known
from flows.inbox.refusals import fault_of_file, set_aside
from flows.inbox.seen_ids import read_seen_ids
from flows.inbox.taken import TakenIn
from flows.session import drawn
from flows.store.archive import Batch
from flows.store.store import Store
from flows.warehouse import is_stopped

MOST_FILES = 2500
MOST_BYTES = 16 * 1024**2
FAULTS = (OnwardError, duckdb.Error, OSError, UnicodeError)
"""What reading a file may raise that is perhaps the file's own fault."""


class Portions:
    """What a tick takes in, as it grows; made for one `take_in`."""

    def __init__(self, store: Store, taken: TakenIn, kept: Sequence[Batch], now: datetime) -> None:
        self._store, self._taken, self._now = store, taken, now
        self._seen = read_seen_ids(store)
        self._note(kept)
        self._known = Known(store.state)
        self._small: list[Small] = []
        self._bytes = 0

    def take(self, files: Sequence[WaitingFile]) -> None:
        """Archive those of the files whose contents are new, in order; set aside what can't be loaded."""
        for done, file in enumerate(files):
            if self._small and (self._is_full or self._small[0].file.kind != file.kind):
                self._archive_small()
                self._store.say(f"Loading new files {drawn(done, len(files))}")
            self._judging(file, self._take)
        self._archive_small()

    @property
    def _is_full(self) -> bool:
        return len(self._small) >= MOST_FILES or self._bytes >= MOST_BYTES

    def _take(self, file: WaitingFile) -> None:
        held = small_bytes(file)
        content = content_hash(file.path) if held is None else hash_of(held)
        if self._known.has(file, content):
            self._taken.looked_into.append((file, content))
        elif held is not None and (small := read_small(self._store.settings, file, content, held)):
            self._small.append(small)
            self._bytes += small.size
            self._known.note(file, content)
        else:
            self._archive_small()
            self._archive_alone(file, content)

    def _archive_alone(self, file: WaitingFile, content: str) -> None:
        batch, notes = archive_file(self._store, self._seen, file, content, self._now)
        self._known.note(file, content)
        self._keep([batch])
        self._tell(file, notes)
        self._taken.looked_into.append((file, content))

    def _archive_small(self) -> None:
        small, self._small, self._bytes = self._small, [], 0
        if not small:
            return
        try:
            parts = archive_together(self._store, self._seen, small, self._now)
        except (duckdb.Error, OnwardError):
            # One of them is to blame: which, is seen when each is read alone.
            for one in small:
                self._judging(one.file, partial(self._archive_alone, content=one.content))
            return
        self._keep([batch for part in parts for batch in part])
        for one in small:
            self._tell(one.file, one.source.notes)
            self._taken.looked_into.append((one.file, one.content))

    def _judging(self, file: WaitingFile, work: Callable[[WaitingFile], object]) -> None:
        """Do `work` with a file; set it aside where that shows that it can't be loaded."""
        try:
            work(file)
        except FileNotFoundError:
            return
        except EngineStoppedError:
            raise
        except FAULTS as error:
            if (reason := fault_of_file(file, error)) is None:
                raise
            refusal = set_aside(self._store.settings, file, reason)
            self._taken.refused.append(refusal.sentence)
            if is_stopped(self._store.con):
                raise EngineStoppedError(self._taken.refused, is_gone=refusal.moved) from error
            if not refusal.moved:
                self._taken.looked_into.append((file, None))

    def _tell(self, file: WaitingFile, notes: Sequence[str]) -> None:
        self._taken.notes += [f"{printable(file.path.name)}: {note}" for note in notes]

    def _keep(self, batches: Sequence[Batch]) -> None:
        keep_batches(self._store.settings, batches)
        self._note(batches)

    def _note(self, batches: Sequence[Batch]) -> None:
        append_batches(self._store.state, "archived_batches", batches)
        self._seen.catch_up()
        self._taken.batches += batches
