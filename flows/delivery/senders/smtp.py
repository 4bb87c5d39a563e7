"""A mail server: mails go by several connections at once, each mail once, signed by DKIM where the settings say so.

The protocol knows no idempotency key: a mail that got no reply after its final dot is unknown (`smtp_connection.py`).
"""

import asyncio
import json
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from flows.delivery.pace import Pace
from flows.delivery.senders.base import Answer, Outgoing, Recorder
from flows.delivery.senders.dkim import Signer, open_signer
from flows.delivery.senders.mail_headers import sender_of
from flows.delivery.senders.mime import message_bytes
from flows.delivery.senders.requests import document
from flows.delivery.senders.smtp_account import Account
from flows.delivery.senders.smtp_connection import Connection, Mail
from flows.delivery.senders.windows import Windows, carry
from flows.errors import InputError
from flows.sending import SmtpSettings

_PATIENCE = 1.0  # seconds


@dataclass(frozen=True)
class SmtpSender:
    """Hands mails to a mail server; one hand-over at a time, over `connections` connections."""

    name: str
    account: Account = field(repr=False)
    connections: int
    pace: Pace
    signer: Signer | None = None
    peer: str = "smtp"
    batch_limit: int = 1000
    repeatable: bool = False
    key_life: timedelta | None = None
    concurrency: int = 1

    @property
    def prepare(self) -> Callable[[Sequence[Outgoing]], bytes]:
        """Makes NDJSON: each mail's id, envelope and exact text, signed."""
        return partial(_prepared, self.signer)

    def hand_over(self, key: str, payload: bytes, recorder: Recorder) -> None:  # noqa: ARG002 (the protocol knows none)
        """Hand the mails over, a few begun at a time; returns when each that was begun has come to its end.

        Raises:
            OnwardError: the server can't be reached, or takes nothing from this account.
        """
        mails = [Mail(*json.loads(line)) for line in payload.splitlines()]
        asyncio.run(carry(mails, recorder, self.connections, self.pace, self._work))

    def ask(self, payload: bytes, ids: Sequence[str]) -> list[Answer]:  # noqa: ARG002 (the protocol's)
        """Nothing: a mail server can't be asked."""
        return []

    async def _work(self, windows: Windows[Mail]) -> None:
        """Carry mails by a connection of its own, until there are no more."""
        connection = Connection(self.account)
        try:
            await connection.open()  # before anything is begun
            while mail := await windows.next():
                with windows.under_way(mail):
                    windows.answer(await connection.transmit(mail))
        finally:
            await connection.close()


def open_sender(
    name: str, settings: SmtpSettings, context: ssl.SSLContext | None = None, patience: float = _PATIENCE
) -> SmtpSender:
    """The sender of some settings, whose secrets are resolved; nothing is connected yet.

    Args:
        name: what the settings call it.
        settings: its own.
        context: how the server proves itself; None: by a certificate that this machine trusts.
        patience: seconds until a server that isn't there is tried for the second time; then always twice as long.

    Raises:
        InputError: a password without a user name, or a key of DKIM that can't be used.
    """
    if settings.password and not settings.username:
        raise InputError(f"senders.{name}: a password without a user name; set senders.{name}.username too")
    encrypted = settings.tls != "none"
    account = Account(
        setting=f"senders.{name}",
        host=settings.host,
        port=settings.port,
        timeout=settings.timeout.total_seconds(),
        context=(context or ssl.create_default_context()) if encrypted else None,
        implicit=settings.tls == "implicit",
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        patience=patience,
    )
    signer = open_signer(name, settings.dkim) if settings.dkim else None
    return SmtpSender(name, account, settings.concurrency, Pace(settings.per_second), signer)


def _prepared(signer: Signer | None, messages: Sequence[Outgoing]) -> bytes:
    return b"\n".join(document(_mail(signer, one)) for one in messages)


def _mail(signer: Signer | None, message: Outgoing) -> tuple[str, str, str, str]:
    text = message_bytes(message)
    signed = signer.signed(text) if signer else text
    return message.message_id, sender_of(message).address, message.to, signed
