import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.delivery.kinds import MESSAGES, WEBHOOKS
from flows.delivery.ledger_schema import VERSION
from flows.delivery.send_ledger import Handover, Part, SendLedger
from flows.delivery.senders.base import Answer
from flows.errors import OnwardError

AT = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)
VERSION_2 = """
CREATE TABLE batches (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, sender TEXT NOT NULL, state TEXT NOT NULL, payload BLOB
) WITHOUT ROWID;
CREATE TABLE sends (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL,
    note TEXT, status TEXT, detail TEXT, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE identity (id TEXT NOT NULL);
INSERT INTO identity VALUES ('of before');
INSERT INTO batches VALUES ('k', 'message', 'smtp', 'handed_over', 'x');
INSERT INTO sends VALUES ('a', 'message', 'k', 'handed_over', 1, NULL, NULL, NULL, 5);
INSERT INTO sends VALUES ('b', 'message', 'j', 'answered', 1, 'note', 'sent', NULL, 5);
PRAGMA user_version = 2;
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sends.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[SendLedger]:
    with SendLedger(path, lambda: AT) as opened:
        yield opened


def claim(ledger: SendLedger, *names: str, payload: bytes = b"x") -> Handover:
    part = Part(
        payload,
        dict.fromkeys(names, "note"),
        {names[0]: '{"subject": "Hi"}'},
        dict.fromkeys(names, "d.example"),
    )
    (handover,) = ledger.claim(MESSAGES, "eml", [part])
    return handover


def known(ledger: SendLedger, *names: str) -> list[tuple[Any, ...]]:
    found = ledger.known(pl.Series(names, dtype=pl.String)).sort("id")
    return found.select("id", "status", "status_reason", "sent_at").rows()


def test_a_hand_over_from_claim_to_answer(path: Path) -> None:
    with SendLedger(path, lambda: AT) as ledger:
        handover = claim(ledger, "a", "b", "c", "d")
        assert [(one.payload, one.begun) for one in ledger.unanswered(MESSAGES)] == [(b"x", ())]
        assert ledger.unanswered(WEBHOOKS) == []
        assert known(ledger, "a", "b") == []
        ledger.begin(handover.key, ["a", "b", "c"])
        assert [one.begun for one in ledger.unanswered(MESSAGES)] == [("a", "b", "c")]
        ledger.answer(handover.key, [Answer("a", "sent", provider_id="p1"), Answer("b", "failed", "bounced")])
        assert [one.begun for one in ledger.unanswered(MESSAGES)] == [("c",)]
        ledger.finish(handover.key)
    with SendLedger(path, lambda: AT) as ledger:
        assert ledger.unanswered(MESSAGES) == []
        assert known(ledger, "a", "b", "c", "d") == [
            ("a", "sent", "note", AT),
            ("b", "failed", "bounced", None),
            ("c", "unknown", "handed over, no answer", None),
        ]
        first = ledger.known(pl.Series(["a"]))
        assert first.select("recorded", "provider_id").rows() == [('{"subject": "Hi"}', "p1")]
        assert ledger.sent_since(MESSAGES, AT).rows() == [(AT, "d.example")]
        assert ledger.sent_since(MESSAGES, AT + timedelta(microseconds=1)).is_empty()


def test_what_was_never_begun_can_be_claimed_again(ledger: SendLedger) -> None:
    handover = claim(ledger, "a")
    ledger.finish(handover.key)
    assert ledger.unanswered(MESSAGES) == []
    assert known(ledger, "a") == []
    claim(ledger, "a")


def test_what_is_put_off_is_due_again_after_a_while(path: Path) -> None:
    ids = pl.Series(["a", "b"])
    with SendLedger(path, lambda: AT) as ledger:
        handover = claim(ledger, "a", "b")
        ledger.begin(handover.key, ["a", "b"])
        wait = timedelta(seconds=9)
        ledger.answer(
            handover.key, [Answer("a", "deferred", "429", retry_after=wait), Answer("b", "deferred")]
        )
        ledger.finish(handover.key)
        assert ledger.put_off(ids).to_list() == ["a"]
        assert known(ledger, "a", "b") == []
    with SendLedger(path, lambda: AT + wait) as ledger:
        assert ledger.put_off(ids).to_list() == []
        again = claim(ledger, "a", payload=b"y")
        ledger.begin(again.key, ["a"])
        assert ledger.query("SELECT attempt FROM sends WHERE id = 'a'") == [(2,)]
        ledger.answer(again.key, [Answer("a", "sent")])
        assert ledger.query("SELECT id FROM deferred") == [("b",)]


def test_answers_for_messages_of_other_hand_overs_change_nothing(ledger: SendLedger) -> None:
    first, second = claim(ledger, "a"), claim(ledger, "b", payload=b"y")
    ledger.begin(first.key, ["a", "b"])
    ledger.answer(first.key, [Answer("a", "sent"), Answer("b", "sent")])
    ledger.finish(first.key)
    assert known(ledger, "a", "b") == [("a", "sent", "note", AT)]
    assert [one.key for one in ledger.unanswered(MESSAGES)] == [second.key]


def test_a_second_answer_changes_nothing(ledger: SendLedger) -> None:
    handover = claim(ledger, "a")
    ledger.begin(handover.key, ["a"])
    ledger.answer(handover.key, [Answer("a", "sent"), Answer("a", "failed")])
    assert known(ledger, "a") == [("a", "sent", "note", AT)]


def test_nothing_is_claimed_twice(ledger: SendLedger) -> None:
    claim(ledger, "a")
    parts = [Part(b"z", {"c": None}), Part(b"y", {"b": None, "a": None})]
    with pytest.raises(OnwardError, match="was claimed before"):
        ledger.claim(MESSAGES, "eml", parts)
    assert len(ledger.unanswered(MESSAGES)) == 1


def test_who_takes_over_stops_who_was_there(path: Path) -> None:
    with SendLedger(path, lambda: AT) as old, SendLedger(path, lambda: AT) as new:
        old.take()
        handover = claim(old, "a")
        new.take()
        for write in (
            lambda: old.begin(handover.key, ["a"]),
            lambda: old.answer(handover.key, [Answer("a", "sent")]),
            lambda: old.finish(handover.key),
            lambda: claim(old, "b", payload=b"y"),
        ):
            with pytest.raises(OnwardError, match="another run has taken over"):
                write()
        new.begin(handover.key, ["a"])
        assert [one.begun for one in new.unanswered(MESSAGES)] == [("a",)]


@pytest.mark.parametrize(
    ("life", "hours", "fresh"),
    [(None, 900, True), (timedelta(days=1), 19, True), (timedelta(days=1), 20, False)],
)
def test_a_key_is_counted_on_for_most_of_its_life(
    path: Path, life: timedelta | None, hours: int, fresh: bool
) -> None:
    with SendLedger(path, lambda: AT) as ledger:
        handover = claim(ledger, "a")
        ledger.clock = lambda: AT + timedelta(hours=hours)
        assert ledger.is_fresh(handover, life) is fresh


def test_bytes_are_dropped_once_answered(path: Path) -> None:
    with SendLedger(path, lambda: AT) as ledger:
        handover = claim(ledger, "a", payload=b"personal")
        ledger.begin(handover.key, ["a"])
        ledger.finish(handover.key)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT state, payload FROM batches").fetchall() == [("answered", None)]
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_many_ids_are_looked_up(ledger: SendLedger) -> None:
    names = [f"m{number}" for number in range(70_000)]
    handover = claim(ledger, *names)
    ledger.begin(handover.key, names)
    ledger.answer(handover.key, [Answer(name, "sent") for name in names])
    assert len(ledger.known(pl.Series(names))) == 70_000
    assert ledger.known(pl.Series([], dtype=pl.String)).is_empty()


def test_a_ledger_of_the_version_before(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.executescript(VERSION_2)
    db.close()
    with SendLedger(path, lambda: AT) as ledger:
        assert ledger.identity == "of before"
        assert ledger.query("PRAGMA user_version") == [(VERSION,)]
        assert ledger.environment == "production"
        (open_one,) = ledger.unanswered(MESSAGES)
        assert open_one.begun == ("a",)
        assert ledger.is_fresh(open_one, timedelta(days=1))
        assert known(ledger, "a", "b") == [
            ("b", "sent", "note", datetime(1970, 1, 1, 0, 0, 0, 5, tzinfo=UTC))
        ]
        ledger.finish("k")
        assert known(ledger, "a") == [("a", "unknown", "handed over, no answer", None)]


def test_a_file_that_is_no_ledger(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(OnwardError, match="can't be opened"):
        SendLedger(path)


def test_a_ledger_of_a_newer_version(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(OnwardError, match="newer version"):
        SendLedger(path)
