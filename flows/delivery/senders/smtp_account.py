"""The account at a mail server: where it is, how a connection to it is opened, and why none can be."""

import ssl
from dataclasses import dataclass, field

import tenacity
from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from flows.delivery.senders.windows import UnreachableError
from flows.errors import OnwardError
from flows.secrets import shown

LOST = (SMTPServerDisconnected, SMTPTimeoutError, ConnectionError)
"""What a connection that is gone raises."""
_OPENINGS, _LONGEST_WAIT = 4, 10.0


@dataclass(frozen=True)
class Account:
    """Where mails are handed over, and as whom.

    Attributes:
        setting: what people call these settings, such as `senders.shop`.
        timeout: seconds for connecting and for any reply but the last.
        context: how the server proves itself; None: no TLS.
        implicit: whether TLS comes before the first word.
        patience: seconds until a server that isn't there is tried again; then twice as long, and once more.
    """

    setting: str
    host: str
    port: int
    timeout: float
    context: ssl.SSLContext | None
    implicit: bool
    username: str | None
    password: str | None = field(repr=False)
    patience: float

    @property
    def place(self) -> str:
        """As people read it."""
        return f"{self.setting}: the mail server {self.host}:{self.port}"

    def shown(self, words: str) -> str:
        """What the server said, in one line, without secrets."""
        return shown(words, [self.password or ""])


class _LaterError(Exception):
    """The server can't be reached now, or wants to be left alone for a while."""


async def opened(account: Account) -> SMTP:
    """An open connection, encrypted and logged in; one that fails for now is tried again.

    Raises:
        UnreachableError: there is no connection to be had.
        OnwardError: the server takes nothing from this account, or isn't who it should be.
    """
    opening = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(_LaterError),
        stop=tenacity.stop_after_attempt(_OPENINGS),
        wait=tenacity.wait_random_exponential(account.patience, max=_LONGEST_WAIT),
        reraise=True,
    )
    try:
        return await opening(_open, account)
    except _LaterError as error:
        raise UnreachableError(
            f"{account.place} can't be reached: {error}. What isn't sent stays due; run again later, or look "
            f"at {account.setting}.host and .port"
        ) from error


async def _open(account: Account) -> SMTP:
    """An open connection, encrypted and logged in as the settings want it."""
    client = SMTP(
        hostname=account.host,
        port=account.port,
        timeout=account.timeout,
        use_tls=account.implicit,
        start_tls=account.context is not None and not account.implicit,
        tls_context=account.context,
        username=account.username,
        password=account.password,
    )
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
    except (SMTPException, OSError) as error:
        client.close()
        raise _opening_error(account, error) from error
    return client


def _opening_error(account: Account, error: Exception) -> OnwardError | _LaterError:
    """What a failed opening means: settings that are wrong, or a server that isn't there now."""
    cause = error.__cause__ if isinstance(error, SMTPConnectError) and error.__cause__ else error
    if isinstance(cause, ssl.SSLError):
        return OnwardError(
            f"{account.place} couldn't prove who it is, or doesn't speak TLS on this port: "
            f"{account.shown(str(cause))}; look at {account.setting}.host, .port and .tls (as a rule starttls on 587, "
            "implicit on 465)"
        )
    if isinstance(error, SMTPResponseException) and error.code >= 500:
        named = "user name and password" if isinstance(error, SMTPAuthenticationError) else "this connection"
        return OnwardError(
            f"{account.place} refuses {named}: {account.shown(f'{error.code} {error.message}')}; look at "
            f"{account.setting}.username and .password"
        )
    if isinstance(error, (*LOST, SMTPResponseException, OSError)):
        return _LaterError(account.shown(told(error)))
    return OnwardError(
        f"{account.place}: {account.shown(str(error))} Look at {account.setting}.tls, .port and .username"
    )


def told(error: Exception) -> str:
    """What an error says, without the form of a tuple."""
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
