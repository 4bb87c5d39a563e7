"""The send ledger: what was claimed for, handed to and answered by a sender. It is asked before any send.

A file of its own (`ledger_database.py`), because this is the one thing that can't be computed again: a restored or
rebuilt state must not send twice. One row per message or webhook (`sends`: claimed → handed_over → answered), one per
hand-over (the file's `batches`, with its bytes until answered, and what its messages said of their customers), one per
thing that was put off (`deferred`) or is held (`holds`), and one in `identity`: a random id, by which a state knows its
ledger, the number of the run that may write (`fence`), and the environment whose runs may.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

import polars as pl

from flows.delivery.kinds import Kind
from flows.delivery.ledger_database import LedgerDatabase
from flows.delivery.senders.base import Answer
from flows.errors import OnwardError
from transforms.tables.frames import INSTANT, Schema
from transforms.timing.durations import epoch_us

KNOWN_SCHEMA: Schema = {
    "id": pl.String,
    "status": pl.String,
    "status_reason": pl.String,
    "sent_at": INSTANT,
    "recorded": pl.String,
    "provider_id": pl.String,
}
_DEFERRED: Schema = {"id": pl.String, "until": pl.Int64}
_SURE = 0.8
NO_ANSWER = "handed over, no answer"


@dataclass(frozen=True)
class Part:
    """What goes out by one hand-over.

    Attributes:
        payload: the exact bytes to hand over.
        notes: the ids in it, each with what its `status_reason` shall say once it is sent.
        recorded: ids → what is noted of what they say, a JSON object.
        domains: ids → the domain that they go to, for throttles.
        said: what is kept so that each can be shown as it went out, compressed; None: nothing.
    """

    payload: bytes
    notes: Mapping[str, str | None]
    recorded: Mapping[str, str] = field(default_factory=dict)
    domains: Mapping[str, str] = field(default_factory=dict)
    said: bytes | None = None


@dataclass(frozen=True)
class Handover:
    """What goes out at once: its idempotency key, who carries it, the exact bytes.

    Attributes:
        begun: the ids that may have reached the other side, and have no answer.
        peer: the other side (`Carrier.peer`); None where that wasn't noted.
    """

    key: str
    sender: str
    payload: bytes
    begun: tuple[str, ...] = ()
    peer: str | None = None


class SendLedger(LedgerDatabase):
    """The open ledger; use it in a `with` statement. Its methods may be called from any thread."""

    def known(self, ids: pl.Series) -> pl.DataFrame:
        """What became of those of `ids` that were answered: the columns of `KNOWN_SCHEMA`."""
        query = (
            "SELECT id, status, coalesce(detail, note), CASE WHEN status = 'sent' THEN at END, recorded, provider_id "
            "FROM sends WHERE state = 'answered' AND id IN ({marks})"
        )
        return self.frame(query, ids, KNOWN_SCHEMA)

    def put_off(self, ids: pl.Series) -> pl.Series:
        """Those of `ids` that the other side put off until later than now."""
        found = self.frame("SELECT id, until FROM deferred WHERE id IN ({marks})", ids, _DEFERRED)
        return found.filter(pl.col("until") > self.now_us)["id"]

    def under_way(self, kind: Kind) -> pl.Series:
        """The ids in hand-overs of a kind that aren't answered."""
        still_open = "SELECT key FROM batches WHERE kind = ? AND state <> 'answered'"
        found = self.query(
            f"SELECT id FROM sends WHERE state <> 'answered' AND key IN ({still_open})", kind.name
        )
        return pl.Series("id", [name for (name,) in found], dtype=pl.String)

    def held(self) -> set[str]:
        """The workflows and ids that are held; `*` is everything."""
        return {scope for (scope,) in self.query("SELECT scope FROM holds")}

    def sent_since(self, kind: Kind, since: datetime) -> pl.DataFrame:
        """When and where what was sent since an instant went: `at, domain`, a row each."""
        query = "SELECT at, domain FROM sends WHERE kind = ? AND status = 'sent' AND at >= ?"
        rows = self.query(query, kind.name, epoch_us(since))
        return pl.DataFrame(rows, schema={"at": pl.Int64, "domain": pl.String}, orient="row").cast(
            {"at": INSTANT}
        )

    def answers(self, kind: Kind) -> pl.DataFrame:
        """What is known of all of a kind that were sent, or may have been: `id`, `counted` (`sent` or `unknown`)."""
        query = "SELECT id, status FROM sends WHERE kind = ? AND state = 'answered' AND status IN ('sent', 'unknown')"
        rows = self.query(query, kind.name)
        return pl.DataFrame(rows, schema={"id": pl.String, "counted": pl.String}, orient="row")

    def unanswered(self, kind: Kind) -> list[Handover]:
        """The hand-overs that a crash or an error broke off."""
        query = "SELECT key, sender, payload, peer FROM batches WHERE kind = ? AND state <> 'answered'"
        found = self.query(query, kind.name)
        return [
            Handover(key, sender, payload, self._begun(key), peer) for key, sender, payload, peer in found
        ]

    def unanswered_senders(self, kind: Kind) -> set[str]:
        """The names of who began these."""
        query = "SELECT DISTINCT sender FROM batches WHERE kind = ? AND state <> 'answered'"
        return {name for (name,) in self.query(query, kind.name)}

    def is_fresh(self, handover: Handover, life: timedelta | None) -> bool:
        """Whether the other side surely still knows a hand-over's key, which lives so long (None: for ever).

        After 80 % of that it isn't counted on any more.
        """
        ((at,),) = self.query("SELECT at FROM batches WHERE key = ?", handover.key)
        return life is None or at is None or self.now_us - at < _SURE * life // timedelta(microseconds=1)

    def claim(
        self, kind: Kind, sender: str, parts: Sequence[Part], peer: str | None = None
    ) -> list[Handover]:
        """Record hand-overs before anything of them is sent, all in one transaction.

        Args:
            kind: what is sent.
            sender: the name of who will carry it.
            parts: what goes out by each.
            peer: the other side.

        Raises:
            OnwardError: one of the ids is claimed or answered already, or another run has taken over.
        """
        claimed = [
            Handover(sha256(one.payload).hexdigest()[:32], sender, one.payload, peer=peer) for one in parts
        ]
        try:
            with self.transaction():
                for handover, part in zip(claimed, parts, strict=True):
                    self._claim(kind, handover, part)
        except sqlite3.IntegrityError as error:
            things = sum(len(one.notes) for one in parts)
            raise OnwardError(
                f"{self.path}: something in this hand-over of {things} was claimed before ({error}); "
                "it was not sent; finish what is unanswered first, and don't run twice at once"
            ) from error
        return claimed

    def _claim(self, kind: Kind, handover: Handover, part: Part) -> None:
        now = self.now_us
        batch = (handover.key, kind.name, handover.sender, handover.payload, now, part.said, handover.peer)
        self._db.execute(
            "INSERT INTO batches (key, kind, sender, state, payload, at, said, peer) "
            "VALUES (?, ?, ?, 'claimed', ?, ?, ?, ?)",
            batch,
        )
        self._db.executemany(
            "INSERT INTO sends (id, kind, key, state, attempt, note, at, recorded, domain) VALUES (?, ?, ?, 'claimed', "
            "coalesce((SELECT attempt FROM deferred WHERE id = ?1), 0), ?, ?, ?, ?)",
            [
                (name, kind.name, handover.key, note, now, part.recorded.get(name), part.domains.get(name))
                for name, note in part.notes.items()
            ],
        )

    def begin(self, key: str, ids: Iterable[str]) -> None:
        """Record that some of a hand-over go out now; from here on they may have reached the other side."""
        now = self.now_us
        with self.transaction():
            # Once: a change writes the whole row, and its payload may be of megabytes.
            self._db.execute(
                "UPDATE batches SET state = 'handed_over' WHERE key = ? AND state = 'claimed'", (key,)
            )
            self._db.executemany(
                "UPDATE sends SET state = 'handed_over', attempt = attempt + 1, at = ? "
                "WHERE id = ? AND key = ? AND state <> 'answered'",
                [(now, name, key) for name in ids],
            )

    def answer(self, key: str, answers: Iterable[Answer]) -> None:
        """Record the answers to some that were begun; what the other side puts off is due again after a while."""
        given = list(answers)
        with self.transaction():
            self._settle(key, [one for one in given if one.status != "deferred"])
            for one in given:
                if one.status == "deferred":
                    self._defer(key, one)

    def _settle(self, key: str, answers: Sequence[Answer]) -> None:
        now = self.now_us
        self._db.executemany(
            "UPDATE sends SET state = 'answered', status = ?, detail = ?, provider_id = ?, at = ? "
            "WHERE id = ? AND key = ? AND state = 'handed_over'",
            [(one.status, one.detail, one.provider_id, now, one.message_id, key) for one in answers],
        )
        if self.query("SELECT 1 FROM deferred LIMIT 1"):  # which is seldom
            ids = [(one.message_id,) for one in answers]
            self._db.executemany("DELETE FROM deferred WHERE id = ?", ids)

    def _defer(self, key: str, one: Answer) -> None:
        now = self.now_us
        until = now + (one.retry_after or timedelta()) // timedelta(microseconds=1)
        self._db.execute(
            "INSERT OR REPLACE INTO deferred SELECT id, kind, max(attempt, 1), ?, ?, ? FROM sends "
            "WHERE id = ? AND key = ?",
            (one.detail, now, until, one.message_id, key),
        )
        self._db.execute("DELETE FROM sends WHERE id = ? AND key = ?", (one.message_id, key))

    def finish(self, key: str) -> None:
        """End a hand-over: what wasn't begun stays due, what was begun and got no answer is `unknown` and stays so."""
        with self.transaction():
            self._db.execute("DELETE FROM sends WHERE key = ? AND state = 'claimed'", (key,))
            self._db.execute(
                "UPDATE sends SET state = 'answered', status = 'unknown', detail = ?, at = ? WHERE key = ? AND "
                "state = 'handed_over'",
                (NO_ANSWER, self.now_us, key),
            )
            self._db.execute("UPDATE batches SET state = 'answered', payload = NULL WHERE key = ?", (key,))
            self._db.execute(
                "DELETE FROM batches WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM sends WHERE key = ?1)",
                (key,),
            )

    def fail(self, kind: Kind, failures: Mapping[str, str]) -> None:
        """Record what couldn't be composed, ids with reasons, so that it isn't tried again by itself."""
        now = self.now_us
        rows = [(name, kind.name, why, now) for name, why in failures.items()]
        self.change(
            "INSERT INTO sends (id, kind, key, state, attempt, status, detail, at) "
            "VALUES (?, ?, 'not composed', 'answered', 0, 'failed', ?, ?)",
            rows,
        )

    def reopen(self, ids: Iterable[str], status: str) -> None:
        """Let things that were answered so be due again, as if they had never been handed over."""
        with self.transaction():
            self._db.executemany(
                "DELETE FROM sends WHERE id = ? AND status = ?", ((one, status) for one in ids)
            )
            # The same messages make the same bytes, hence the same key again.
            self._db.execute(
                "DELETE FROM batches WHERE state = 'answered' AND NOT EXISTS "
                "(SELECT 1 FROM sends WHERE key = batches.key)"
            )

    def recall(self, kind: Kind, became: pl.DataFrame) -> int:
        """Note what was handed over according to a state, as answered; how many rows that is.

        Args:
            kind: what was handed over.
            became: the columns of `KNOWN_SCHEMA`, no id of which is known yet.
        """
        at = pl.col("sent_at").dt.epoch("us").fill_null(self.now_us)
        rows = became.select("id", "status", "status_reason", at, "recorded", "provider_id").iter_rows()
        with self.transaction():
            self._db.executemany(
                "INSERT INTO sends (id, kind, key, state, attempt, status, detail, at, recorded, provider_id) "
                "VALUES (?1, ?7, 'of the state', 'answered', 0, ?2, ?3, ?4, ?5, ?6)",
                ((*row, kind.name) for row in rows),
            )
        return len(became)

    def _begun(self, key: str) -> tuple[str, ...]:
        found = self.query("SELECT id FROM sends WHERE key = ? AND state = 'handed_over' ORDER BY id", key)
        return tuple(name for (name,) in found)
