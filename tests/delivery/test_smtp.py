"""Mails by SMTP, to real servers on loopback."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from flows.delivery.senders import smtp_connection
from flows.delivery.senders.dkim import Signer, open_signer
from flows.delivery.senders.mime import message_bytes
from flows.delivery.senders.smtp import SmtpSender, open_sender
from flows.errors import InputError, MachineError, OnwardError
from flows.sending import Dkim, SmtpSettings
from tests.delivery.mail_server import (
    PASSWORD,
    USER,
    Post,
    client_context,
    mail_server,
    make_certificate,
    pem,
)
from tests.delivery.mails import Recorded, outgoing, several


def sender(port: int, **changes: Any) -> SmtpSender:
    """A sender to a server on loopback, that doesn't wait long for one that isn't there."""
    context = changes.pop("context", None)
    given = {"type": "smtp", "host": "localhost", "port": port, "tls": "none", "timeout": 5, **changes}
    return open_sender("shop", SmtpSettings.model_validate(given), context, patience=0.01)


def sent(port: int, names: list[str], **changes: Any) -> Recorded:
    """What a hand-over told of mails to these names."""
    made, recorded = sender(port, **changes), Recorded()
    mails = [outgoing(message_id=f"{n:032x}", to=f"{name}@example.com") for n, name in enumerate(names)]
    made.hand_over("key", made.prepare(mails), recorded)
    return recorded


def test_each_mail_arrives_once_as_it_was_prepared() -> None:
    post, recorded = Post(), Recorded()
    mails = several(60, text="Hi\n.\n..dots\nZoë\n")
    mails += [outgoing(message_id="b" * 32, to="dots@example.com", text=".\n..\n.x\n" * 3)]
    with mail_server(post) as port:
        made = sender(port)
        made.hand_over("key", made.prepare(mails), recorded)
    assert recorded.statuses == ["sent"] * 61
    assert post.taken == {one.to: [message_bytes(one).encode()] for one in mails}
    assert post.connections == 4
    assert post.senders == {"onward@example.com"}
    assert {one.provider_id for one in recorded.answers.values()} == {f"{n:08X}" for n in range(1, 62)}


def test_nothing_to_hand_over_opens_no_connection() -> None:
    recorded = Recorded()
    made = sender(1)
    made.hand_over("key", made.prepare([]), recorded)
    assert recorded.begun == []


def test_refusals_for_now_and_for_good_are_told_apart() -> None:
    replies = {
        "full": "452 4.2.2 mailbox full", "grey": "450 4.7.1 greylisted", "nobody": "550 5.1.1 no such user",
        "dot:spam": "554 5.7.1 looks like spam", "dot:busy": "451 4.3.0 try later", "dot:closing": "421 closing",
    }  # fmt: skip
    names = ["full", "grey", "nobody", "spam", "busy", "closing", "zoe"]
    post = Post(replies=replies)
    with mail_server(post) as port:
        recorded = sent(port, names, concurrency=1)
    assert recorded.statuses == ["deferred", "deferred", "failed", "failed", "deferred", "deferred", "sent"]
    assert list(post.taken) == ["zoe@example.com"]
    details = [one.detail for one in recorded.answers.values()]
    assert details[:4] == ["452 4.2.2 mailbox full", "450 4.7.1 greylisted", "550 5.1.1 no such user",
                           "554 5.7.1 looks like spam"]  # fmt: skip


@pytest.mark.parametrize("where", ["rcpt", "data"])
def test_lost_before_the_final_dot_a_mail_surely_was_not_taken(where: str) -> None:
    post = Post(hang_up={"lost": where})
    with mail_server(post) as port:
        recorded = sent(port, ["a", "lost", "b"], concurrency=1)
    assert recorded.statuses == ["sent", "deferred", "sent"]
    assert sorted(post.taken) == ["a@example.com", "b@example.com"]
    assert (recorded.answers[f"{1:032x}"].detail or "").startswith(
        "connection lost before the mail was there"
    )


@pytest.mark.parametrize("where", ["rcpt", "data"])
def test_a_connection_that_the_server_closed_is_opened_again(where: str) -> None:
    post = Post(hang_up={"lost": where}, once=True)
    with mail_server(post) as port:
        assert sent(port, ["a", "lost", "b"], concurrency=1).statuses == ["sent"] * 3
    assert post.connections == 2


def test_lost_after_the_final_dot_nobody_knows() -> None:
    post = Post(hang_up={"lost": "dot"})
    with mail_server(post) as port:
        recorded = sent(port, ["a", "lost", "b"], concurrency=1)
    assert recorded.statuses == ["sent", "unknown", "sent"]
    assert [len(one) for one in post.taken.values()] == [1, 1, 1]


Step = Callable[[socket.socket], object]


@contextmanager
def scripted(*steps: Step) -> Iterator[int]:
    """A server that does these things with each connection, and then hangs up; its port."""

    def serve() -> None:
        while True:
            try:
                with listening.accept()[0] as connection:
                    for step in steps:
                        step(connection)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def says(line: str) -> Step:
    return lambda connection: connection.sendall(f"{line}\r\n".encode())


def hears(connection: socket.socket) -> None:
    connection.recv(65536)


def hears_all(connection: socket.socket) -> None:
    """A small mail, whose final dot comes by itself."""
    heard = b""
    while not heard.endswith(b"\r\n.\r\n"):
        heard += connection.recv(65536)


def waits(seconds: float) -> Step:
    return lambda _: time.sleep(seconds)


GO_ON: tuple[Step, ...] = (
    *(says("220 hello"), hears, says("250 localhost"), hears, says("250 ok"), hears, says("250 ok")),
    *(hears, says("354 go on")),
)
"""All until the mail itself."""


def test_a_large_mail_cut_off_midway_surely_was_not_taken() -> None:
    """The final dot leaves only when all before it has, so what the server never read wasn't the whole."""
    recorded = Recorded()
    with scripted(*GO_ON, hears) as port:
        made = sender(port, concurrency=1)
        made.hand_over("key", made.prepare([outgoing(html="y" * 20_000_000)]), recorded)
    assert recorded.statuses == ["deferred"]


@pytest.mark.parametrize(
    "then",
    [(), (says("nonsense"),), (says("25"),), (waits(1),)],
    ids=["nothing", "nonsense", "half", "silence"],
)
def test_without_a_reply_to_the_final_dot_nobody_knows(
    monkeypatch: pytest.MonkeyPatch, then: tuple[Step, ...]
) -> None:
    assert smtp_connection.FINAL_DOT == 600
    monkeypatch.setattr(smtp_connection, "FINAL_DOT", 0.3)
    recorded = Recorded()
    with scripted(*GO_ON, hears_all, *then) as port:
        made = sender(port, concurrency=1)
        made.hand_over("key", made.prepare([outgoing()]), recorded)
    assert recorded.statuses == ["unknown"]


@pytest.mark.parametrize("said", ["nonsense", "2", "999 what?"])
def test_what_speaks_no_smtp_surely_takes_nothing(said: str) -> None:
    recorded = Recorded()
    with scripted(says("220 hello"), hears, says("250 localhost"), hears, says(said)) as port:
        made = sender(port, concurrency=1)
        made.hand_over("key", made.prepare([outgoing()]), recorded)
    assert recorded.statuses == ["deferred"]


@pytest.mark.parametrize("auth", [False, True])
@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
def test_the_connection_is_encrypted_and_logged_in_as_the_settings_say(
    tmp_path: Path, tls: str, auth: bool
) -> None:
    post = Post()
    folder = make_certificate(tmp_path) if tls != "none" else None
    account = {"username": USER, "password": PASSWORD} if auth else {}
    context = client_context(folder) if folder else None
    with mail_server(post, tls=folder, implicit=tls == "implicit", auth=auth) as port:
        assert (
            sent(port, ["a", "b"], tls=tls, context=context, concurrency=2, **account).statuses
            == ["sent"] * 2
        )
    assert post.encrypted[-1] is (tls != "none")


def refused(port: int, **changes: Any) -> tuple[str, Recorded]:
    """What a run is told, and what was begun."""
    made, recorded = sender(port, **changes), Recorded()
    with pytest.raises(OnwardError) as told:
        made.hand_over("key", made.prepare(several(20)), recorded)
    assert "senders.shop" in str(told.value)
    assert "unknown" not in recorded.statuses
    assert "none" not in recorded.statuses
    return str(told.value), recorded


def test_a_wrong_password_ends_the_run_before_anything_is_begun(caplog: pytest.LogCaptureFixture) -> None:
    with mail_server(Post(), auth=True) as port:
        words, recorded = refused(port, username=USER, password=f"{PASSWORD}-wrong")
    assert "refuses user name and password: 535" in words
    assert recorded.begun == []
    assert PASSWORD not in words + caplog.text


def test_a_password_without_a_user_name_is_told() -> None:
    with pytest.raises(InputError, match=r"set senders\.shop\.username too"):
        sender(1, password=PASSWORD)


def test_a_server_that_nobody_can_trust_ends_the_run(tmp_path: Path) -> None:
    folder = make_certificate(tmp_path)
    for tls in ("starttls", "implicit"):
        with mail_server(Post(), tls=folder, implicit=tls == "implicit") as port:
            words, recorded = refused(port, tls=tls)
        assert "couldn't prove who it is" in words
        assert recorded.begun == []


def test_a_server_without_the_wanted_tls_ends_the_run() -> None:
    with mail_server(Post()) as port:
        assert "STARTTLS" in refused(port, tls="starttls")[0]
        assert "doesn't speak TLS on this port" in refused(port, tls="implicit")[0]


def test_nobody_there_ends_the_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    words, recorded = refused(port)
    assert "can't be reached" in words
    assert recorded.begun == []


@pytest.mark.parametrize(
    "post",
    [
        Post(from_reply="550 5.7.60 not allowed to send as this sender"),
        Post(from_reply="530 5.7.0 authentication required"),
        Post(replies={f"c{n}": "554 5.7.1 Relay access denied" for n in range(20)}),
    ],
)
def test_what_the_server_has_against_the_account_ends_the_run_and_fails_no_mail(post: Post) -> None:
    with mail_server(post) as port:
        words, recorded = refused(port)
    assert "takes nothing from this account: 5" in words
    assert set(recorded.statuses) == {"deferred"}


def test_a_server_that_goes_away_midway_leaves_the_rest_due() -> None:
    post = Post()
    recorded = Recorded()
    with mail_server(post) as port:
        made = sender(port, concurrency=2, per_second=200)
        payload = made.prepare(several(200))
        errors: list[Exception] = []

        def hand_over() -> None:
            try:
                made.hand_over("key", payload, recorded)
            except OnwardError as error:
                errors.append(error)

        thread = threading.Thread(target=hand_over)
        thread.start()
        while len(post.taken) < 20:
            time.sleep(0.01)
    thread.join()
    assert len(errors) == 1
    assert len(recorded.begun) < 200
    assert "none" not in recorded.statuses
    taken = {
        one.decode().partition("Message-ID: <")[2][:32] for mails in post.taken.values() for one in mails
    }
    assert {name for name, one in recorded.answers.items() if one.status == "sent"} <= taken
    assert {name for name, one in recorded.answers.items() if one.status == "deferred"} & taken == set()


def test_fewer_connections_than_wanted_are_enough() -> None:
    class Strict(Post):
        async def handle_EHLO(self, server: Any, session: Any, envelope: Any, name: str, said: Any) -> Any:  # noqa: N802
            few = len(self.encrypted) < 2
            return (
                await super().handle_EHLO(server, session, envelope, name, said) if few else ["421 too many"]
            )

    post = Strict()
    with mail_server(post) as port:
        assert sent(port, [f"c{n}" for n in range(100)], concurrency=4).statuses == ["sent"] * 100


def test_mails_go_no_faster_than_the_settings_say() -> None:
    with mail_server(Post()) as port:
        made = sender(port, per_second=50)
        began = time.monotonic()
        for _ in range(2):
            made.hand_over("key", made.prepare(several(10)), Recorded())
        assert 0.36 <= time.monotonic() - began < 3


def test_what_can_not_be_noted_is_not_sent() -> None:
    class Full(Recorded):
        def begin(self, ids: Any) -> None:
            super().begin(ids)
            if len(self.begun) > 20:
                raise MachineError("the disk is full")

    post, recorded = Post(), Full()
    with mail_server(post) as port:
        made = sender(port)
        with pytest.raises(MachineError, match="the disk is full"):
            made.hand_over("key", made.prepare(several(100)), recorded)
    assert len(post.taken) <= 20
    assert len(post.taken) == len(recorded.answers)


def test_when_answers_can_not_be_noted_no_more_is_begun() -> None:
    class Full(Recorded):
        def answer(self, _: Any) -> None:
            raise MachineError("the disk is full")

    post, recorded = Post(), Full()
    with mail_server(post) as port:
        made = sender(port, per_second=200)
        with pytest.raises(MachineError, match="the disk is full"):
            made.hand_over("key", made.prepare(several(200)), recorded)
    assert len(post.taken) < 50


def test_nobody_waits_for_a_turn_that_nobody_needs() -> None:
    with mail_server(Post()) as port:
        made = sender(port, per_second=0.2)
        began = time.monotonic()
        made.hand_over("key", made.prepare(several(1)), Recorded())
        assert time.monotonic() - began < 4


def test_few_are_begun_at_a_time() -> None:
    """A crash leaves as unknown what was begun and not answered, so that is little when the server is slow."""
    most = 0

    class Watched(Recorded):
        def begin(self, ids: Any) -> None:
            super().begin(ids)
            nonlocal most
            most = max(most, len(self.begun) - len(self.answers))

    with mail_server(Post()) as port:
        made, recorded = sender(port, per_second=40), Watched()
        made.hand_over("key", made.prepare(several(60)), recorded)
    assert recorded.statuses == ["sent"] * 60
    assert most <= 16


def test_a_mail_server_can_not_be_asked() -> None:
    made = sender(1)
    assert (made.ask(b"", ["a"]), made.repeatable) == ([], False)


def test_no_secret_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    with mail_server(Post(), auth=True) as port:
        made = sender(port, username=USER, password=PASSWORD)
        made.hand_over("key", made.prepare(several(3)), Recorded())
    assert PASSWORD not in f"{made!r} {made.prepare(several(1))!r} {caplog.text}"


KEY = rsa.generate_private_key(65537, 2048)


def dns(key: rsa.RSAPrivateKey = KEY) -> Callable[..., bytes]:
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1])
    return lambda name, timeout=5: record if name == b"news._domainkey.example.com." else b""  # noqa: ARG005


MESSAGES = [
    outgoing(),
    outgoing(text="Hi  \t there \n\n\n", subject="Grüße " * 30),
    outgoing(
        text="", html="<p>x</p>", unsubscribe=("https://a.example/u", "mailto:u@a.example"), one_click=True
    ),
    outgoing(html="<p>ü</p>\n", reply_to="Help <help@example.com>", headers={"X-Original-To": "a@b.example"}),
    outgoing(text="\n\n", sender="Zoës Lädchen " * 4 + "<a@example.com>"),
]


@pytest.mark.parametrize("number", range(len(MESSAGES)))
def test_signatures_are_what_others_expect(tmp_path: Path, number: int) -> None:
    (tmp_path / "key.pem").write_bytes(pem(KEY))
    signer = open_signer("shop", Dkim(domain="example.com", selector="news", key_file=tmp_path / "key.pem"))
    text = message_bytes(MESSAGES[number])
    signed = signer.signed(text).encode("ascii")
    assert signed.endswith(text.encode())
    assert max(map(len, signed.partition(b"\r\nFrom:")[0].split(b"\r\n"))) <= 78
    assert dkim.verify(signed, dnsfunc=dns())
    assert dkim.verify(signed, dnsfunc=dns(rsa.generate_private_key(65537, 2048))) is False
    names = {one.lower() for one in message_from_bytes(signed, policy=policy.SMTP)}
    listed = (
        str(message_from_bytes(signed)["dkim-signature"]).split("h=")[1].split(";")[0].replace("\r\n ", "")
    )
    assert names - {"dkim-signature", "x-original-to"} <= set(listed.split(":"))


@pytest.mark.parametrize(
    "changed",
    [
        (b"Hello", b"Hallo"), (b"onward@example.com", b"onwerd@example.com"), (b"One-Click", b"Two-Click"),
        (b"https://a.example/u", b"https://b.example/u"), (b"Hi\r\n", b"Ho\r\n"),
        (b"\r\nTo:", b"\r\nFrom: x@y.example\r\nTo:"),
    ],
)  # fmt: skip
def test_whatever_is_changed_on_the_way_shows(changed: tuple[bytes, bytes]) -> None:
    message = outgoing(unsubscribe=("https://a.example/u",), one_click=True)
    signed = Signer("example.com", "news", pem(KEY)).signed(message_bytes(message)).encode()
    assert dkim.verify(signed, dnsfunc=dns())
    assert signed.count(changed[0]) >= 1
    assert not dkim.verify(changed[1].join(signed.rsplit(changed[0], 1)), dnsfunc=dns())


def test_signed_mails_arrive_signed(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(pem(KEY))
    post = Post()
    signing = {"domain": "example.com", "selector": "news", "key_file": str(tmp_path / "key.pem")}
    with mail_server(post) as port:
        assert sent(port, ["a", "b"], dkim=signing).statuses == ["sent", "sent"]
    assert all(dkim.verify(mail, dnsfunc=dns()) for mails in post.taken.values() for mail in mails)


LOCKED = serialization.BestAvailableEncryption(b"x")
FILES = {
    "nothing": (None, "can't be read: No such file"),
    "no key": (b"hello", "no private key in PEM"),
    "a public key": (
        KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
        "no private key in PEM",
    ),
    "a locked key": (
        KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, LOCKED),
        "locked with a password",
    ),
    "another kind of key": (
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        "no RSA key",
    ),
}


@pytest.mark.parametrize("what", FILES)
def test_a_key_that_can_not_be_used_is_told_when_the_sender_opens(tmp_path: Path, what: str) -> None:
    content, words = FILES[what]
    if content is not None:
        (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(InputError, match=rf"senders\.shop\.dkim\.key_file: .*key\.pem.*{words}") as told:
        sender(1, dkim={"domain": "example.com", "selector": "news", "key_file": str(tmp_path / "key.pem")})
    assert "openssl genrsa" in str(told.value)


def test_payloads_hold_the_exact_bytes() -> None:
    (line,) = sender(1).prepare([outgoing()]).splitlines()
    assert json.loads(line) == ["a" * 32, "onward@example.com", "zoe@example.com", message_bytes(outgoing())]
