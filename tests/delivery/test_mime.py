import re
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.delivery.senders.base import Attachment, Outgoing
from flows.delivery.senders.header_lines import subject_lines
from flows.delivery.senders.mail_headers import mailbox
from flows.delivery.senders.mime import message_bytes
from flows.errors import InputError
from tests.delivery.mails import AT, FROM, outgoing

pieces = st.sampled_from(
    ["Zoë", "🎉", "日本語" * 12, "a" * 90, "x" * 1200, " ", "  ", "\xa0!", "=?utf-8?q?x?=", "?=", '"q"', ",",
     "é", "=20", "From ", ".", "\n", "\r\n", "\r", "\n.\n", "--=_" + "a" * 32,
     "<b>", "\t", "\x0b\x0c\x1c\x85\u2028", "\x00", "🏳️‍🌈"]
)  # fmt: skip
bodies = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.lists(pieces).map("".join)
)
subjects = bodies.map(lambda text: re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]", " ", text).strip(" "))


def read(message: Outgoing) -> EmailMessage:
    """As the standard library reads it back; nothing in it is out of order."""
    raw = message_bytes(message).encode("ascii")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|[^\r\n]{999}", raw)
    found = message_from_bytes(raw, policy=policy.SMTP)
    assert isinstance(found, EmailMessage)
    assert [one.defects for one in found.walk() if one.defects] == []
    return found


def by_the_library(message: Outgoing, cte: Callable[[str], str]) -> bytes:
    made = EmailMessage(policy=policy.SMTP)
    made["From"] = FROM
    made["To"] = message.to
    made["Subject"] = message.subject
    made["Date"] = format_datetime(message.at)
    made["Message-ID"] = f"<{message.message_id}@example.com>"
    made["Feedback-ID"] = "welcome:0:mail:example.com"
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
    assert message_bytes(message).encode("ascii") == by_the_library(message, expected_cte)


@given(subjects, bodies, st.one_of(st.none(), bodies))
def test_a_parser_reads_back_what_was_written(subject: str, text: str, html: str | None) -> None:
    raw = message_bytes(outgoing(subject=subject, text=text, html=html)).encode("ascii")
    parsed = message_from_bytes(raw, policy=policy.SMTP)
    assert parsed.defects == []
    assert (parsed["subject"], parsed["to"], parsed["from"]) == (subject, "zoe@example.com", FROM)
    assert parsed["date"].datetime == AT
    assert set(parsed) <= {
        "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding", "Feedback-ID",
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
    raw = message_bytes(outgoing(sender="Zoës Lädchen <zoe@shop.example>")).encode("ascii")
    parsed = message_from_bytes(raw, policy=policy.SMTP)
    assert parsed["from"].addresses[0].display_name == "Zoës Lädchen"
    assert parsed["message-id"] == f"<{'a' * 32}@shop.example>"


@pytest.mark.parametrize(
    "given_from", ["", "nobody", "a@b", "A <a@b.example>\r\nBcc: x@y.example", "a b@c.example"]
)
def test_an_unusable_from_address_is_refused(given_from: str) -> None:
    with pytest.raises(InputError, match="from_address"):
        mailbox("from_address", given_from)


def test_a_from_address_of_another_script_is_sent_in_punycode() -> None:
    found = read(outgoing(sender="Café <hallo@müller.example>"))
    assert str(found["from"]) == "Café <hallo@xn--mller-kva.example>"
    assert found["message-id"] == f"<{'a' * 32}@xn--mller-kva.example>"


def test_a_long_address_stays_whole_as_the_library_leaves_it() -> None:
    message = outgoing(to="a" * 64 + "@" + "b" * 63 + ".example", subject="Hi")
    assert message_bytes(message).encode() == by_the_library(message, expected_cte)


LINK, MAILTO = f"https://shop.example/u/{'x' * 400}", f"mailto:u@shop.example?subject={'y' * 200}"


def test_a_long_list_unsubscribe_stays_one_line() -> None:
    message = outgoing(unsubscribe=(LINK, MAILTO), one_click=True)
    assert (
        f"\r\nList-Unsubscribe: <{LINK}>, <{MAILTO}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        in (message_bytes(message))
    )
    assert read(message)["list-unsubscribe"] == f"<{LINK}>, <{MAILTO}>"


@pytest.mark.parametrize(
    ("uris", "one_click", "expected"),
    [
        ((), True, (None, None)),
        ((MAILTO,), False, (f"<{MAILTO}>", None)),
        ((LINK, LINK, LINK), True, (f"<{LINK}>, <{LINK}>, <{LINK}>", "List-Unsubscribe=One-Click")),
        (("https://a.example/?a=%20&b=1,2",), True, ("<https://a.example/?a=%20&b=1,2>", "List-Unsubscribe=One-Click")),
        (("https://a.example/ü>\r\nBcc: x@y.example",), False,
         ("<https://a.example/%C3%BC%3E%0D%0ABcc:%20x@y.example>", None)),
        (("https://a.example/" + "x" * 990,), True, (None, None)),
        (("https://a.example/" + "x" * 990, MAILTO), True, (f"<{MAILTO}>", None)),
    ],
)  # fmt: skip
def test_list_unsubscribe(
    uris: tuple[str, ...], one_click: bool, expected: tuple[str | None, str | None]
) -> None:
    found = read(outgoing(unsubscribe=uris, one_click=one_click))
    assert (found["list-unsubscribe"], found["list-unsubscribe-post"]) == expected


def test_replies_feedback_and_further_headers() -> None:
    message = outgoing(
        reply_to="Zoë <help@shop.example>", message_class="news letter", variant="b", step="2.yes.0",
        headers={"X-Original-To": "zoë@x.example", "X-Note": "two\r\nBcc: z@z.example", "Bcc:": "no", "TO": "no@x.ex"},
    )  # fmt: skip
    found = read(message)
    assert str(found["reply-to"]) == "Zoë <help@shop.example>"
    assert found["feedback-id"] == "welcome:2.yes.0-b:news-letter:example.com"
    assert (found["x-original-to"], found["x-note"]) == ("zoë@x.example", "two Bcc: z@z.example")
    assert (found.get_all("to"), found["bcc"]) == (["zoe@example.com"], None)


PDF = Attachment("Rechnung März.pdf", "application/pdf", bytes(range(256)) * 40)
LOGO = Attachment("logo.png", "image/png", b"\x89PNG" * 30, "logo@shop")
ODD = Attachment('a"b/../c\r\nX: y.eml', "message/rfc822", b"Subject: x\r\n\r\n")


@pytest.mark.parametrize("html", [None, '<img src="cid:logo@shop">\n'])
@pytest.mark.parametrize("text", ["Hi\n", "=_" + "a" * 32])
def test_attachments_and_images_come_back(html: str | None, text: str) -> None:
    found = read(outgoing(text=text, html=html, attachments=(PDF, LOGO, ODD)))
    assert found.get_content_type() == "multipart/mixed"
    files = list(found.iter_attachments())
    expected = [PDF, ODD] if html else [PDF, LOGO, ODD]
    assert [one.get_content() for one in files] == [one.content for one in expected]
    assert files[0].get_filename() == "Rechnung März.pdf"
    assert files[-1].get_filename() == 'a"b .. c X: y.eml'
    assert files[-1].get_content_type() == "application/octet-stream"
    plain = found.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().strip() == text.strip()
    if html:
        (related,) = (one for one in found.walk() if one.get_content_type() == "multipart/related")
        rich, image = related.iter_parts()
        assert rich.get_content().strip() == html.strip()
        assert (image["content-id"], image.get_content()) == ("<logo@shop>", LOGO.content)


def test_an_image_alone_needs_no_mixed_parts() -> None:
    found = read(outgoing(text="", html='<img src="cid:logo@shop">\n', attachments=(LOGO,)))
    assert [one.get_content_type() for one in found.walk()] == ["multipart/related", "text/html", "image/png"]


HOSTILE = (
    "\r\nBcc: evil@x.example", "\nX-Evil: 1", "\rX-Evil: 1", "\r\n\r\n<body>", "\u2028X-Evil: 1", "\x85X-Evil: 1",
    "\x0bX-Evil: 1", "\x00", "\r\n X-Evil: 1", "=?utf-8?q?=0D=0AX-Evil:_1?=", "=?utf-8?b?DQpYLUV2aWw6IDE=?=", ">, <",
    '"', "\\", ";", "%0d%0aX-Evil:%201", "\ud800", "é", "日本", " ", "a", "@", "x" * 90, "<", ">", ":", ",", "(", ")",
    "\t", "\x7f", "\ufeff", "\u202e", "--=_" + "a" * 32,
)  # fmt: skip
KNOWN = {
    "from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id",
    "mime-version", "content-type", "content-transfer-encoding", "x-original-to",
}  # fmt: skip
PART = {"content-type", "content-transfer-encoding", "content-disposition", "content-id", "mime-version"}


def hostile(chance: Random) -> str:
    """Text of a customer's who wants to write headers."""
    return "".join(chance.choices(HOSTILE, k=chance.randint(1, 6)))


def hostile_message(chance: Random) -> Outgoing:
    """A mail in which all that comes from data is hostile."""
    file = Attachment(
        hostile(chance), hostile(chance), b"x", hostile(chance) if chance.random() < 0.5 else "logo"
    )
    return outgoing(
        to=hostile(chance), subject=hostile(chance), text=hostile(chance), html=hostile(chance),
        workflow_id=hostile(chance), step=hostile(chance), variant=hostile(chance), message_class=hostile(chance),
        one_click=True, unsubscribe=("https://a.example/" + hostile(chance),), attachments=(file,),
        headers={"X-Original-To": hostile(chance), hostile(chance): hostile(chance)},
    )  # fmt: skip


def extra_headers(message: Outgoing) -> set[str]:
    """Names of headers that nobody meant; each that was meant is there once."""
    found = message_from_bytes(message_bytes(message).encode("ascii"))
    names = [name.lower() for name in found]
    assert len(names) == len(set(names))
    inner = {name.lower() for part in found.walk() if part is not found for name in part}
    return set(names) - KNOWN - {name.lower() for name in message.headers} | inner - PART


def test_hostile_values_add_no_header() -> None:
    chance = Random(11)
    assert all(not extra_headers(hostile_message(chance)) for _ in range(300))


@pytest.mark.slow
def test_a_hundred_thousand_hostile_values_add_no_header() -> None:
    chance = Random(12)
    assert all(not extra_headers(hostile_message(chance)) for _ in range(100_000 // 10))


@pytest.mark.parametrize(
    "name", ['"Shop, Inc."', "=?utf-8?q?x?=", "Zoë " * 8, "Onward " * 30, "()", "a (b) c", ""]
)
def test_a_name_beside_the_from_address_comes_back(name: str) -> None:
    found = read(outgoing(sender=f"{name} <a@b.example>", to="z@z.example"))
    (address,) = found["from"].addresses
    assert address.addr_spec == "a@b.example"
    assert address.display_name == parseaddr(f"{name} <a@b.example>")[0]


@pytest.mark.parametrize("reply_to", ["nobody", "A <a@b.example>\r\nBcc: x@y.example"])
def test_an_unusable_reply_to_is_refused(reply_to: str) -> None:
    with pytest.raises(InputError, match="reply_to"):
        message_bytes(outgoing(reply_to=reply_to))
