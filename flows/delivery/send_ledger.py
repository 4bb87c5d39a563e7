"""The send ledger: what was claimed for, handed to and answered by a sender. It is asked before any send.

SQLite, because it survives a killed process better than anything else here, and because this is the one thing
that can't be computed again: a restored or rebuilt state must not send twice. One row per message or webhook
(`sends`: claimed → handed_over → answered), one per hand-over (the file's `batches`, with its bytes until answered),
and one in `identity`: a random id, by which a state knows its ledger.
"""

import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from uuid import uuid4

import polars as pl

from flows.delivery.senders.base import Answer
from flows.errors import MachineError, OnwardError, machine_error
from flows.session import Clock, wall_clock

KNOWN_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "status": pl.String,
    "status_reason": pl.String,
    "sent_at": pl.Datetime("us", "UTC"),
}
_IDS_PER_QUERY = 30_000  # SQLite takes 32,766 parameters
_VERSION = 2
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS batches (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, sender TEXT NOT NULL, state TEXT NOT NULL, payload BLOB
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS batches_open ON batches (kind) WHERE state <> 'answered';
CREATE TABLE IF NOT EXISTS sends (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL,
    note TEXT, status TEXT, detail TEXT, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sends_by_key ON sends (key);
CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
PRAGMA user_version = {_VERSION};
COMMIT;
"""


@dataclass(frozen=True)
class Kind:
    """A kind of thing that is handed over.

    Attributes:
        name: what the ledger calls it.
        table: the store's table of what was decided, with a `status` that is first `pending`.
        key: the column of its ids there.
        query: the file of `sql/` that reads what is due, `$most` rows at most.
        suppressible: whether a customer's suppression holds it back (semantics.md §11).
    """

    name: str
    table: str
    key: str
    query: str
    suppressible: bool = True


@dataclass(frozen=True)
class Handover:
    """What goes out at once: its idempotency key, who carries it, the exact bytes, and how far it came."""

    key: str
    sender: str
    state: Literal["claimed", "handed_over"]
    payload: bytes


class SendLedger:
    """The open ledger; use it in a `with` statement.

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
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
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

    def known(self, ids: pl.Series) -> pl.DataFrame:
        """What became of those of `ids` that were answered: `id, status, status_reason, sent_at`."""
        frames = [
            self._known(ids.slice(start, _IDS_PER_QUERY)) for start in range(0, len(ids), _IDS_PER_QUERY)
        ]
        return pl.concat(frames) if frames else pl.DataFrame(schema=KNOWN_SCHEMA)

    def answers(self, kind: Kind) -> pl.DataFrame:
        """What is known of all of a kind that were sent, or may have been: `id`, `counted` (`sent` or `unknown`)."""
        query = "SELECT id, status FROM sends WHERE kind = ? AND state = 'answered' AND status IN ('sent', 'unknown')"
        rows = self._db.execute(query, (kind.name,)).fetchall()
        return pl.DataFrame(rows, schema={"id": pl.String, "counted": pl.String}, orient="row")

    def unanswered(self, kind: Kind) -> list[Handover]:
        """The hand-overs that a crash or an error broke off."""
        query = "SELECT key, sender, state, payload FROM batches WHERE kind = ? AND state <> 'answered'"
        return [Handover(*row) for row in self._db.execute(query, (kind.name,)).fetchall()]

    def claim(self, kind: Kind, sender: str, notes: Mapping[str, str | None], payload: bytes) -> Handover:
        """Record a hand-over before anything is sent.

        Args:
            kind: what is sent.
            sender: the name of who will carry it.
            notes: the ids, each with what its `status_reason` shall say once it is sent.
            payload: the exact bytes to hand over.

        Raises:
            OnwardError: one of the ids is claimed or answered already.
        """
        handover = Handover(sha256(payload).hexdigest()[:32], sender, "claimed", payload)
        at = self._now()
        rows = [(name, kind.name, handover.key, note, at) for name, note in notes.items()]
        try:
            with self._transaction():
                self._db.execute(
                    "INSERT INTO batches VALUES (?, ?, ?, 'claimed', ?)",
                    (handover.key, kind.name, sender, payload),
                )
                self._db.executemany(
                    "INSERT INTO sends VALUES (?, ?, ?, 'claimed', 0, ?, NULL, NULL, ?)", rows
                )
        except sqlite3.IntegrityError as error:
            raise OnwardError(
                f"{self.path}: something in this hand-over of {len(rows)} was claimed before ({error}); it was "
                "not sent; finish what is unanswered first, and don't run twice at once"
            ) from error
        return handover

    def release(self, key: str) -> None:
        """Forget a claim that was never handed over: its messages are decided anew."""
        with self._transaction():
            self._db.execute("DELETE FROM sends WHERE key = ?", (key,))
            self._db.execute("DELETE FROM batches WHERE key = ?", (key,))

    def handed_over(self, key: str) -> None:
        """Record that the hand-over begins now; from here on it may have reached the other side."""
        with self._transaction():
            self._db.execute("UPDATE batches SET state = 'handed_over' WHERE key = ?", (key,))
            self._db.execute(
                "UPDATE sends SET state = 'handed_over', attempt = attempt + 1, at = ? WHERE key = ?",
                (self._now(), key),
            )

    def answered(self, key: str, answers: Sequence[Answer]) -> None:
        """Record the answers and drop the bytes; who got no answer is `unknown`, and stays so."""
        rows = [(one.status, one.detail, one.message_id, key) for one in answers]
        with self._transaction():
            self._db.execute(
                "UPDATE sends SET state = 'answered', status = 'unknown', detail = ?, at = ? WHERE key = ?",
                ("handed over, no answer", self._now(), key),
            )
            self._db.executemany("UPDATE sends SET status = ?, detail = ? WHERE id = ? AND key = ?", rows)
            self._db.execute("UPDATE batches SET state = 'answered', payload = NULL WHERE key = ?", (key,))

    def recall(self, kind: Kind, became: pl.DataFrame) -> int:
        """Note what was handed over according to a state, as answered; how many rows that is.

        Args:
            kind: what was handed over.
            became: the columns of `KNOWN_SCHEMA`, no id of which is known yet.
        """
        at = pl.col("sent_at").dt.epoch("us").fill_null(self._now())
        rows = became.select("id", "status", "status_reason", at).iter_rows()
        with self._transaction():
            self._db.executemany(
                "INSERT INTO sends VALUES (?1, ?5, 'of the state', 'answered', 0, NULL, ?2, ?3, ?4)",
                ((*row, kind.name) for row in rows),
            )
        return len(became)

    def _known(self, ids: pl.Series) -> pl.DataFrame:
        query = (
            "SELECT id, status, coalesce(detail, note), CASE WHEN status = 'sent' THEN at END FROM sends "
            f"WHERE state = 'answered' AND id IN ({','.join('?' * len(ids))})"
        )
        schema = KNOWN_SCHEMA | {"sent_at": pl.Int64}
        rows = self._db.execute(query, ids.to_list()).fetchall()
        return pl.DataFrame(rows, schema=schema, orient="row").cast({"sent_at": KNOWN_SCHEMA["sent_at"]})

    def _prepare(self, identity: str | None) -> str:
        """Bring the tables up to this version; the ledger's id, which one of an earlier version gets now."""
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise OnwardError(f"{self.path}: a send ledger of a newer version ({version}); update Onward")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if version < _VERSION:
            self._db.executescript(_SCHEMA)
        made = "INSERT INTO identity SELECT ? WHERE NOT EXISTS (SELECT 1 FROM identity)"
        self._db.execute(made, (identity or uuid4().hex,))
        ((found,),) = self._db.execute("SELECT id FROM identity").fetchall()
        return str(found)

    def _now(self) -> int:
        """The time by the clock, in µs since 1970."""
        return (self.clock() - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
