"""One connection to a mail server (RFC 5321): kept, opened again when it is lost, and what its replies mean.

A mail is the server's from the moment that the final dot may have reached it. Lost before that, the mail surely wasn't
taken, and goes out once more by a new connection; lost after it, nobody can say.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException

from flows.delivery.senders.base import Answer
from flows.delivery.senders.smtp_account import LOST, Account, opened, told
from flows.errors import OnwardError

FINAL_DOT = 600.0  # seconds, RFC 5321 §4.5.3.2.6
_CLOSING, _TOO_LARGE = 421, 552
_WHO_ARE_YOU = (530, 534, 535, 538)
"""Replies of a server that wants to know who sends, at whatever command (RFC 4954 §6)."""
_QUEUED = re.compile(r"\bqueued as ([\w.-]+)|\bid=([\w.-]+)", re.IGNORECASE)
_MOMENT = 0.005  # seconds


@dataclass(frozen=True)
class Mail:
    """A mail and its envelope."""

    message_id: str
    sender: str
    recipient: str
    content: str


class _LostError(Exception):
    """The connection is gone, and the mail surely wasn't taken."""


class Connection:
    """A connection to an account's server; mails go one after another."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._client: SMTP | None = None

    async def transmit(self, mail: Mail) -> Answer:
        """Hand one mail over; what became of it.

        Raises:
            UnreachableError: there is no connection to be had.
            OnwardError: the server takes nothing from this account. The mail wasn't taken, in either case.
        """
        try:
            return await self._transmit(mail)
        except _LostError:
            self._drop()  # servers close what was idle, or has carried enough
        try:
            return await self._transmit(mail)
        except _LostError as lost:
            self._drop()
            return Answer(mail.message_id, "deferred", f"connection lost before the mail was there: {lost}")

    async def open(self) -> None:
        """Open the connection, if it isn't.

        Raises:
            UnreachableError: there is no connection to be had.
            OnwardError: the server takes nothing from this account.
        """
        if self._client is None or not self._client.is_connected:
            self._client = await opened(self._account)

    async def close(self) -> None:
        """Say goodbye, if there is still somebody to say it to."""
        if self._client is not None and self._client.is_connected:
            with suppress(SMTPException, OSError):
                await self._client.quit(timeout=5)
        self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    async def _transmit(self, mail: Mail) -> Answer:
        await self.open()
        client = self._client
        assert client is not None
        refused = await self._offer(client, mail)
        if refused is not None:
            return await self._refused(client, mail, *refused)
        return await self._content(client, mail)

    async def _offer(self, client: SMTP, mail: Mail) -> tuple[str, SMTPResponse] | None:
        """The envelope; the command that was refused, and the words."""
        commands = _commands(client, mail)
        try:
            for name, command, good in commands:
                reply = await client.execute_command(*command)
                if reply.code == _CLOSING:
                    raise _LostError(self._account.shown(f"{reply.code} {reply.message}"))
                if reply.code not in good:
                    return name, reply
        except (*LOST, SMTPResponseException) as error:  # lost, or nothing that a mail server says
            raise _LostError(told(error)) from error
        return None

    async def _refused(self, client: SMTP, mail: Mail, command: str, reply: SMTPResponse) -> Answer:
        if _is_of_the_account(command, reply):
            raise OnwardError(
                f"{self._account.place} takes nothing from this account: {self._said(reply)} (at {command}, from "
                f"{mail.sender}). What isn't sent stays due; look at {self._account.setting}.username, .password and "
                "the From address, and at what the server lets this account send"
            )
        try:
            await client.rset()
        except (*LOST, SMTPResponseException):
            self._drop()
        return self._answer(mail, reply)

    async def _content(self, client: SMTP, mail: Mail) -> Answer:
        """The mail itself, and the final dot only when all before it has left."""
        protocol, transport = client.protocol, client.transport
        if protocol is None or not isinstance(transport, asyncio.WriteTransport):
            raise _LostError("connection lost")
        try:
            protocol.write(mail.content.encode("ascii").replace(b"\r\n.", b"\r\n.."))
            await asyncio.wait_for(_has_left(transport), FINAL_DOT)
            protocol.write(b".\r\n")
        except (*LOST, TimeoutError) as error:
            raise _LostError(told(error)) from error
        try:
            reply = await protocol.read_response(timeout=FINAL_DOT)
        except (*LOST, SMTPResponseException) as error:
            self._drop()
            return Answer(mail.message_id, "unknown", f"handed over, no answer: {told(error)}")
        if reply.code == _CLOSING:
            self._drop()
        if not 200 <= reply.code < 300 and not 400 <= reply.code < 600:
            return Answer(
                mail.message_id, "unknown", f"handed over, an answer without meaning: {self._said(reply)}"
            )
        return self._answer(mail, reply)

    def _answer(self, mail: Mail, reply: SMTPResponse) -> Answer:
        if 200 <= reply.code < 300:
            found = _QUEUED.search(reply.message)
            return Answer(mail.message_id, "sent", provider_id=(found[1] or found[2]) if found else None)
        return Answer(mail.message_id, "failed" if 500 <= reply.code < 600 else "deferred", self._said(reply))

    def _said(self, reply: SMTPResponse) -> str:
        return self._account.shown(f"{reply.code} {reply.message}")


def _commands(client: SMTP, mail: Mail) -> Sequence[tuple[str, tuple[bytes, ...], tuple[int, ...]]]:
    """The commands of an envelope, each with the replies that let it go on."""
    size = [f"SIZE={len(mail.content)}".encode()] if client.supports_extension("size") else []
    return (
        ("MAIL FROM", (b"MAIL", f"FROM:<{mail.sender}>".encode(), *size), (250,)),
        ("RCPT TO", (b"RCPT", f"TO:<{mail.recipient}>".encode()), (250, 251)),
        ("DATA", (b"DATA",), (354,)),
    )


def _is_of_the_account(command: str, reply: SMTPResponse) -> bool:
    """Whether a refusal is of whoever sends, so that every other mail would be refused too."""
    if reply.code in _WHO_ARE_YOU:
        return True
    if command == "MAIL FROM":
        return 500 <= reply.code < 600 and reply.code != _TOO_LARGE
    return command == "RCPT TO" and 500 <= reply.code < 600 and "relay" in reply.message.lower()


async def _has_left(transport: asyncio.WriteTransport) -> None:
    """Wait until all that was written has left this process, or the connection is lost."""
    while transport.get_write_buffer_size() and not transport.is_closing():
        await asyncio.sleep(_MOMENT)
