import json
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from flows.delivery.senders.choose import open_sender
from flows.delivery.senders.journal import Journal
from flows.errors import InputError, OnwardError
from flows.sending import SmtpSettings
from flows.settings import Settings
from tests.delivery.mails import Recorded, outgoing

SMTP = SmtpSettings(type="smtp", host="localhost", port=1, tls="none")


def test_the_eml_sender_writes_each_message_once(tmp_path: Path) -> None:
    sender = open_sender(Settings(data_dir=tmp_path), "eml")
    messages = [outgoing(message_id=f"{n:032d}", subject=f"Nr {n} é") for n in range(5)]
    payload = sender.prepare(messages)
    for _ in range(3):
        recorded = Recorded()
        sender.hand_over("key", payload, recorded)
        assert recorded.statuses == ["sent"] * 5
    index = [
        json.loads(line) for line in (tmp_path / "outbox/messages.ndjson").read_text("utf-8").splitlines()
    ]
    assert [row["message_id"] for row in index] == [f"{n:032d}" for n in range(5)]
    assert index[0] == {
        "message_id": f"{0:032d}", "customer_id": "c1", "workflow_id": "welcome", "step": "0",
        "template_id": "t", "to": "zoe@example.com", "subject": "Nr 0 é",
        "at": "2026-03-01T10:30:00.000000+00:00",
        "file": f"messages/2026-03-01/{0:032d}.eml",
    }  # fmt: skip
    files = sorted((tmp_path / "outbox/messages").rglob("*"))
    assert [file.name for file in files if file.is_file()] == [f"{n:032d}.eml" for n in range(5)]
    parsed = message_from_bytes((tmp_path / "outbox" / index[3]["file"]).read_bytes(), policy=policy.SMTP)
    assert parsed["subject"] == "Nr 3 é"


def test_a_full_outbox_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("in the way")
    sender = open_sender(Settings(data_dir=tmp_path), "eml")
    with pytest.raises(OnwardError, match="the outbox can't be written"):
        sender.hand_over("key", sender.prepare([outgoing()]), Recorded())


def test_an_unknown_sender_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'pigeon' isn't the name of a sender; allowed: eml"):
        open_sender(Settings(data_dir=tmp_path), "pigeon")


def entries(*names: str) -> dict[str, str]:
    return {name: json.dumps({"id": name, "x": "y" * 50}) for name in names}


@pytest.mark.parametrize("cut", [1, 10, 70, 71, 150])
def test_a_journal_repairs_a_torn_end(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path / "j.ndjson", "id")
    journal.append_once(entries("a", "b"))
    journal.append_once(entries("c", "d", "e"))
    with journal.path.open("r+b") as file:
        file.truncate(journal.path.stat().st_size - cut)
    journal.append_once(entries("c", "d", "e"))
    assert [json.loads(line)["id"] for line in journal.path.read_text().splitlines()] == list("abcde")


def test_a_journal_searches_all_of_a_long_file_when_asked(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.ndjson", "id")
    journal.append_once(entries(*(f"n{n}" for n in range(40_000))))
    journal.append_once(entries("n7", "new"), search_all=True)
    names = [json.loads(line)["id"] for line in journal.path.read_text().splitlines()]
    assert len(names) == len(set(names)) == 40_001


def test_a_journal_without_any_line_break_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "j.ndjson").write_bytes(b"x" * 3_000_000)
    journal = Journal(tmp_path / "j.ndjson", "id")
    journal.append_once(entries("a"))
    assert journal.path.read_text() == entries("a")["a"] + "\n"
