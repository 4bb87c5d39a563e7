"""Real mail servers on loopback, started and stopped by tests, that take mails, refuse them, or hang up at a point."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

USER, PASSWORD = "shop", "canary-smtp-52c1"


@dataclass
class Post:
    """A server's handler: what it takes, and how it answers, by the recipient's name before the `@`.

    Attributes:
        taken: recipient → the mail as it came, each time that it was taken.
        replies: recipient's name → the reply to RCPT TO, or with `dot:` before it to the final dot.
        hang_up: recipient's name → where the connection ends: `rcpt`, `data` or `dot` (the mail is taken, silently).
        from_reply: the reply to MAIL FROM.
        once: whether whoever was hung up on may come again.
    """

    taken: dict[str, list[bytes]] = field(default_factory=dict)
    replies: dict[str, str] = field(default_factory=dict)
    hang_up: dict[str, str] = field(default_factory=dict)
    from_reply: str = ""
    once: bool = False
    connections: int = 0
    encrypted: list[bool] = field(default_factory=list)
    senders: set[str] = field(default_factory=set)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.from_reply:
            return self.from_reply
        envelope.mail_from = address
        self.senders.add(address)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        name = address.partition("@")[0]
        self._hang_up(server, name, "rcpt")
        if reply := self.replies.get(name):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        (address,) = envelope.rcpt_tos
        name = address.partition("@")[0]
        if reply := self.replies.get(f"dot:{name}"):
            return reply
        assert isinstance(envelope.original_content, bytes)
        self.taken.setdefault(address, []).append(envelope.original_content)
        self._hang_up(server, name, "dot")
        return f"250 2.0.0 Ok: queued as {len(self.taken):08X}"

    def _hang_up(self, server: SMTP, name: str, where: str) -> None:
        if self.hang_up.get(name) == where:
            if self.once:
                del self.hang_up[name]
            assert server.transport is not None
            server.transport.abort()
            raise asyncio.CancelledError

    def auth(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        return AuthResult(
            success=(given.login, given.password) == (USER.encode(), PASSWORD.encode()), handled=False
        )


class _Server(SMTP):
    async def smtp_DATA(self, arg: str | None) -> None:  # type: ignore[override]
        assert self.envelope is not None
        for address in self.envelope.rcpt_tos:
            self.event_handler._hang_up(self, address.partition("@")[0], "data")
        await super().smtp_DATA(arg or "")


@contextmanager
def mail_server(
    post: Post, *, tls: Path | None = None, implicit: bool = False, auth: bool = False, port: int = 0
) -> Iterator[int]:
    """A server for `post` on a port, a free one by default, which is told.

    Args:
        post: the handler.
        tls: the folder of its certificate, if it encrypts.
        implicit: whether from the first word on.
        auth: whether it asks who sends.
        port: the port.
    """
    context = server_context(tls) if tls else None
    options: dict[str, Any] = {"authenticator": post.auth, "auth_require_tls": False} if auth else {}
    if context and not implicit:
        options |= {"tls_context": context, "require_starttls": True}
    loop = asyncio.new_event_loop()

    def connected() -> SMTP:
        post.connections += 1
        made = _Server(post, loop=loop, hostname="localhost", **options)
        made._auth_required = auth  # as an argument it warns of connections without TLS
        return made

    async def start() -> asyncio.Server:
        return await loop.create_server(connected, "127.0.0.1", port, ssl=context if implicit else None)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def make_certificate(folder: Path) -> Path:
    """A certificate of `localhost` that nobody has signed but itself, and its key; the folder."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(pem(key))
    return folder


def pem(key: rsa.RSAPrivateKey) -> bytes:
    """A private key as a file holds it."""
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def server_context(folder: Path) -> ssl.SSLContext:
    """That of a server with the folder's certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return made


def client_context(folder: Path) -> ssl.SSLContext:
    """That of a client who trusts the folder's certificate."""
    return ssl.create_default_context(cafile=str(folder / "cert.pem"))
