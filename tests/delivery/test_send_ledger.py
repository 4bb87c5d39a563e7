import sqlite3
from datetime import UTC, datetime

import polars as pl
import pytest

from flows.delivery.messages import MESSAGES
from flows.delivery.send_ledger import SendLedger
from flows.delivery.senders.base import Answer
from flows.delivery.webhooks import WEBHOOKS
from flows.errors import OnwardError

AT = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sends.sqlite"


def claim(ledger, *names, payload=b"x"):
    return ledger.claim(MESSAGES, "eml", dict.fromkeys(names, "note"), payload)


def known(ledger, *names):
    return ledger.known(pl.Series(names, dtype=pl.String)).sort("id").rows()


def test_a_hand_over_from_claim_to_answer(path):
    with SendLedger(path, lambda: AT) as ledger:
        handover = claim(ledger, "a", "b", "c")
        assert [one.state for one in ledger.unanswered(MESSAGES)] == ["claimed"]
        assert ledger.unanswered(WEBHOOKS) == []
        assert known(ledger, "a", "b") == []
        ledger.handed_over(handover.key)
        assert [(one.state, one.payload) for one in ledger.unanswered(MESSAGES)] == [("handed_over", b"x")]
        ledger.answered(handover.key, [Answer("a", "sent"), Answer("b", "failed", "bounced")])
    with SendLedger(path, lambda: AT) as ledger:
        assert ledger.unanswered(MESSAGES) == []
        assert known(ledger, "a", "b", "c", "d") == [
            ("a", "sent", "note", AT),
            ("b", "failed", "bounced", None),
            ("c", "unknown", "handed over, no answer", None),
        ]


def test_answers_for_messages_of_other_hand_overs_change_nothing(path):
    with SendLedger(path, lambda: AT) as ledger:
        first, second = claim(ledger, "a"), claim(ledger, "b", payload=b"y")
        ledger.answered(first.key, [Answer("a", "sent"), Answer("b", "sent")])
        assert known(ledger, "a", "b") == [("a", "sent", "note", AT)]
        assert [one.key for one in ledger.unanswered(MESSAGES)] == [second.key]


def test_nothing_is_claimed_twice(path):
    with SendLedger(path, lambda: AT) as ledger:
        claim(ledger, "a")
        with pytest.raises(OnwardError, match="was claimed before"):
            claim(ledger, "b", "a", payload=b"y")
        assert len(ledger.unanswered(MESSAGES)) == 1


def test_a_released_claim_is_forgotten(path):
    with SendLedger(path, lambda: AT) as ledger:
        ledger.release(claim(ledger, "a").key)
        assert ledger.unanswered(MESSAGES) == []
        claim(ledger, "a")


def test_bytes_are_dropped_once_answered(path):
    with SendLedger(path, lambda: AT) as ledger:
        ledger.answered(claim(ledger, "a", payload=b"personal").key, [])
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT state, payload FROM batches").fetchall() == [("answered", None)]
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_many_ids_are_looked_up(path):
    names = [f"m{number}" for number in range(70_000)]
    with SendLedger(path, lambda: AT) as ledger:
        ledger.answered(claim(ledger, *names).key, [Answer(name, "sent") for name in names])
        assert len(ledger.known(pl.Series(names))) == 70_000
        assert ledger.known(pl.Series([], dtype=pl.String)).is_empty()


def test_a_file_that_is_no_ledger(path):
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(OnwardError, match="can't be opened"):
        SendLedger(path)


def test_a_ledger_of_a_newer_version(path):
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(OnwardError, match="newer version"):
        SendLedger(path)
