"""The send ledger's file: SQLite, which survives a killed process better than anything else here.

One statement at a time, from whatever thread; a transaction of a run that was overtaken does nothing. The tables are in
`ledger_schema.py`, what they mean in `send_ledger.py`.
"""

import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import polars as pl

from flows.delivery.ledger_schema import VERSION, bring_up_to_date
from flows.errors import MachineError, OnwardError, machine_error
from flows.session import Clock, wall_clock
from transforms.tables.frames import INSTANT, Schema
from transforms.timing.durations import epoch_us

_IDS_PER_QUERY = 30_000  # SQLite takes 32,766 parameters


class OvertakenError(OnwardError):
    """Another run may write the ledger now; this one has to stop at once."""


class LedgerDatabase:
    """The open file; use it in a `with` statement. Its methods may be called from any thread.

    Attributes:
        identity: the id that it was made with.
    """

    def __init__(self, path: Path, clock: Clock = wall_clock, identity: str | None = None) -> None:
        """Open the ledger at `path`, creating it (and its folder) at first.

        Args:
            path: the SQLite file.
            clock: tells the times that it notes (UTC), `sent_at` among them.
            identity: the id of one that is made now; a random one if None.

        Raises:
            OnwardError: the file isn't a send ledger, is of a newer version, or can't be opened.
        """
        self.path, self.clock = path, clock
        self._lock = threading.RLock()
        self._fence: int | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self.identity = self._prepare(identity)
        except sqlite3.Error as error:
            if told := machine_error(error):
                raise MachineError(f"{path}: {told}") from error
            raise OnwardError(
                f"{path}: the send ledger can't be opened: {error}. It knows what was sent, so put back a "
                "copy of it; without one move it away, and `onward rebuild --ledger` makes it again from the state"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def take(self) -> None:
        """Become the one that may write: whoever did before can't any more, even if it still runs.

        Raises:
            OnwardError: the ledger can't be written.
        """
        with self.transaction(fenced=False):
            self._db.execute("UPDATE identity SET fence = fence + 1")
            ((self._fence,),) = self._db.execute("SELECT fence FROM identity").fetchall()

    @property
    def environment(self) -> str | None:
        """Whose it is: `production` or `staging`; None: nobody's yet."""
        ((found,),) = self.query("SELECT environment FROM identity")
        return found if found is None else str(found)

    def note_environment(self, environment: str) -> None:
        """Whose it is from now on, if it is nobody's yet."""
        self.change("UPDATE identity SET environment = ? WHERE environment IS NULL", [(environment,)])

    def query(self, text: str, *given: Any) -> list[Any]:
        """The rows of a query."""
        with self._lock:
            return self._db.execute(text, given).fetchall()

    def change(self, text: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run a statement for each row in one transaction; how many rows of the ledger it has changed."""
        with self.transaction():
            return self._db.executemany(text, rows).rowcount

    @property
    def now_us(self) -> int:
        """The time by the clock, in µs since 1970."""
        return epoch_us(self.clock())

    @contextmanager
    def transaction(self, *, fenced: bool = True) -> Generator[None]:
        """Everything in the block happens, or nothing of it; one within another is part of that.

        Raises:
            OvertakenError: another run has taken over since this one did, and nothing of this one counts any more.
        """
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                if fenced:
                    self._check_fence()
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite itself ends one that the disk has no room for
                    self._db.execute("ROLLBACK")
                raise

    def _check_fence(self) -> None:
        ((fence,),) = self._db.execute("SELECT fence FROM identity").fetchall()
        if self._fence is not None and fence != self._fence:
            raise OvertakenError(
                f"{self.path}: another run has taken over the sending meanwhile; this one stops, and nothing is lost"
            )

    def frame(self, query: str, ids: pl.Series, schema: Schema) -> pl.DataFrame:
        """The rows of a query about some ids, which replace `{marks}` in it; the file has instants as µs since 1970."""
        plain = {name: pl.Int64 if kind == INSTANT else kind for name, kind in schema.items()}
        frames = [pl.DataFrame(schema=plain)]
        for some in (ids.slice(start, _IDS_PER_QUERY) for start in range(0, len(ids), _IDS_PER_QUERY)):
            rows = self.query(query.format(marks=",".join("?" * len(some))), *some.to_list())
            frames.append(pl.DataFrame(rows, schema=plain, orient="row"))
        return pl.concat(frames).cast({name: kind for name, kind in schema.items() if kind == INSTANT})

    def _prepare(self, identity: str | None) -> str:
        """Bring the tables up to this version; the ledger's id, which one of an earlier version gets now."""
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise OnwardError(f"{self.path}: a send ledger of a newer version ({version}); update Onward")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if version < VERSION:
            bring_up_to_date(self._db)
        made = "INSERT INTO identity (id) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM identity)"
        self._db.execute(made, (identity or uuid4().hex,))
        ((found,),) = self._db.execute("SELECT id FROM identity").fetchall()
        return str(found)
