import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.delivery.senders.base import Outgoing
from flows.delivery.senders.choose import open_sender
from flows.delivery.senders.journal import Journal
from flows.delivery.senders.mime import letterhead, message_bytes, subject_lines
from flows.errors import InputError, OnwardError
from flows.settings import Settings

AT = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
FROM = "Onward <onward@example.com>"

pieces = st.sampled_from(
    ["Zoë", "🎉", "日本語" * 12, "a" * 90, "x" * 1200, " ", "  ", "\xa0!", "=?utf-8?q?x?=", "?=", '"q"', ",",
     "é", "=20", "From ", ".", "\n", "\r\n", "\r", "\n.\n", "--=_" + "a" * 32,
     "<b>", "\t", "\x0b\x0c\x1c\x85\u2028", "\x00", "🏳️‍🌈"]
)  # fmt: skip
bodies = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.lists(pieces).map("".join)
)
subjects = bodies.map(lambda text: re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]", " ", text).strip(" "))


def outgoing(**changes: Any) -> Outgoing:
    fields: dict[str, Any] = {
        "message_id": "a" * 32, "customer_id": "c1", "workflow_id": "welcome", "step": "0",
        "template_id": "t", "to": "zoe@example.com", "subject": "Hello", "text": "Hi\n", "html": None,
        "at": AT,
    }  # fmt: skip
    return Outgoing(**{**fields, **changes})


def by_the_library(message: Outgoing, cte: Callable[[str], str]) -> bytes:
    made = EmailMessage(policy=policy.SMTP)
    made["From"] = FROM
    made["To"] = message.to
    made["Subject"] = message.subject
    made["Date"] = format_datetime(message.at)
    made["Message-ID"] = f"<{message.message_id}@example.com>"
    if message.html is None or not message.text:
        kind, body = ("plain", message.text) if message.html is None else ("html", message.html)
        made.set_content(body, subtype=kind, cte=cte(body))
        return made.as_bytes()
    made.set_content(message.text, cte=cte(message.text))
    made.add_alternative(message.html, subtype="html", cte=cte(message.html))
    made.set_boundary(f"=_{message.message_id}")
    return made.as_bytes()


def expected_cte(body: str) -> str:
    plain = all(c in "\t\r\n" or " " <= c <= "~" for c in body) and "=_aaaa" not in body
    return "7bit" if plain and max(map(len, body.encode().splitlines()), default=0) <= 998 else "base64"


def lines(text: str) -> str:
    return "\n".join(line.decode() for line in text.encode().splitlines())


@given(bodies, st.one_of(st.none(), bodies))
def test_bytes_equal_the_library_s(text: str, html: str | None) -> None:
    message = outgoing(text=text, html=html, subject="Hello, Jane!")
    assert message_bytes(message, letterhead(FROM)).encode("ascii") == by_the_library(message, expected_cte)


@given(subjects, bodies, st.one_of(st.none(), bodies))
def test_a_parser_reads_back_what_was_written(subject: str, text: str, html: str | None) -> None:
    raw = message_bytes(outgoing(subject=subject, text=text, html=html), letterhead(FROM)).encode("ascii")
    parsed = message_from_bytes(raw, policy=policy.SMTP)
    assert parsed.defects == []
    assert (parsed["subject"], parsed["to"], parsed["from"]) == (subject, "zoe@example.com", FROM)
    assert parsed["date"].datetime == AT
    assert set(parsed) <= {
        "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    }  # fmt: skip
    plain, rich = parsed.get_body(("plain",)), parsed.get_body(("html",))
    if html is None or text:
        assert lines(plain.get_content()) == lines(text)
    if html is not None:
        assert lines(rich.get_content()) == lines(html)


@given(subjects)
def test_subject_lines_are_short_ascii(subject: str) -> None:
    head = subject_lines(subject).encode("ascii")
    assert head.endswith(b"\r\n")
    assert all(len(line) <= 78 and line.strip() for line in head[:-2].split(b"\r\n"))
    assert all(line.startswith(b" ") for line in head[:-2].split(b"\r\n")[1:])


def test_the_from_line_may_be_a_name_of_any_script() -> None:
    raw = message_bytes(outgoing(), letterhead("Zoës Lädchen <zoe@shop.example>")).encode("ascii")
    parsed = message_from_bytes(raw, policy=policy.SMTP)
    assert parsed["from"].addresses[0].display_name == "Zoës Lädchen"
    assert parsed["message-id"] == f"<{'a' * 32}@shop.example>"


def test_a_long_list_unsubscribe_stays_one_line() -> None:
    link = f"<https://shop.example/u/{'x' * 400}>, <mailto:u@shop.example?subject={'y' * 200}>"
    raw = message_bytes(outgoing(), letterhead(FROM, link)).encode("ascii")
    assert f"\r\nList-Unsubscribe: {link}\r\n".encode() in raw
    assert message_from_bytes(raw, policy=policy.SMTP)["list-unsubscribe"] == link


@pytest.mark.parametrize(
    "given_from", ["", "nobody", "a@b", "A <a@b.example>\r\nBcc: x@y.example", "a b@c.example"]
)
def test_an_unusable_from_address_is_refused(given_from: str) -> None:
    with pytest.raises(InputError, match="from_address"):
        letterhead(given_from)


def test_a_from_address_of_another_script_is_sent_in_punycode() -> None:
    head = letterhead("Café <hallo@müller.example>")
    found = message_from_bytes(message_bytes(outgoing(), head).encode("ascii"), policy=policy.SMTP)
    assert (str(found["from"]), head.domain) == (
        "Café <hallo@xn--mller-kva.example>",
        "xn--mller-kva.example",
    )


def test_an_unusable_list_unsubscribe_is_refused() -> None:
    with pytest.raises(InputError, match="List-Unsubscribe"):
        letterhead(FROM, "<https://a.example>\r\nBcc: x@y.example")


def test_long_addresses_are_folded_as_the_library_does() -> None:
    message = outgoing(to="a" * 64 + "@" + "b" * 63 + ".example", subject="Hi")
    assert message_bytes(message, letterhead(FROM)).encode() == by_the_library(message, expected_cte)


def test_the_eml_sender_writes_each_message_once(tmp_path: Path) -> None:
    sender = open_sender(Settings(data_dir=tmp_path))
    messages = [outgoing(message_id=f"{n:032d}", subject=f"Nr {n} é") for n in range(5)]
    payload = sender.prepare(messages)
    for _ in range(3):
        assert [a.status for a in sender.hand_over("key", payload)] == ["sent"] * 5
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
    sender = open_sender(Settings(data_dir=tmp_path))
    with pytest.raises(OnwardError, match="the outbox can't be written"):
        sender.hand_over("key", sender.prepare([outgoing()]))


def test_an_unknown_sender_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'pigeon' isn't a way of sending; allowed: eml"):
        open_sender(Settings(data_dir=tmp_path, sender="pigeon"))


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
