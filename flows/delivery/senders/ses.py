"""Amazon SES, version 2: whole mails, one request each.

SES knows no idempotency key and can't be asked, so a request that got no reply leaves its mail unknown. What SES
refuses for its rate is surely not taken and goes out again, after a while, within the same hand-over.
"""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

import tenacity

from flows.delivery.pace import Pace
from flows.delivery.senders.base import Answer, Outgoing, Recorder
from flows.delivery.senders.mail_headers import as_word, marks, sender_of
from flows.delivery.senders.mime import message_bytes
from flows.delivery.senders.requests import document
from flows.delivery.senders.windows import Windows, carry
from flows.errors import InputError, OnwardError
from flows.secrets import redacted, shown
from flows.sending import SesSettings

try:
    import boto3
    from botocore import exceptions as boto
    from botocore.config import Config
    from botocore.parsers import ResponseParserError
except ImportError as missing:
    raise InputError(
        "senders: one of type ses needs boto3; install it with `pip install 'onward[ses]'`"
    ) from missing

_TOO_FAST = ("TooManyRequestsException", "Throttling", "ThrottlingException", "ServiceUnavailable")
_OF_THE_MAIL = ("MessageRejected", "BadRequestException")
_WITHOUT_REPLY = (boto.HTTPClientError, boto.ConnectionError, boto.IncompleteReadError, ResponseParserError)
_ATTEMPTS, _LONGEST_WAIT = 8, 300.0


class _LaterError(Exception):
    """SES, or the way to it, wants to be left alone for a while; the mail surely wasn't taken."""


@dataclass(frozen=True)
class Mail:
    """A mail, its envelope and tags, and the configuration set that its route names as its pool."""

    message_id: str
    sender: str
    recipient: str
    content: str
    tags: dict[str, str]
    pool: str | None


@dataclass(frozen=True)
class SesSender:
    """Hands mails to Amazon SES; one hand-over at a time, by `requests` requests at once.

    Attributes:
        per_second: the most mails a second; None: what SES says that the account may send.
        patience: seconds until what was refused for now is tried again, then twice as long; and in all.
    """

    name: str
    client: Any = field(repr=False)
    requests: int
    per_second: float | None
    secrets: tuple[str, ...] = field(repr=False)
    configuration_set: str | None = None
    patience: tuple[float, float] = (1.0, 60.0)
    peer: str = "ses"
    batch_limit: int = 1000
    repeatable: bool = False
    key_life: timedelta | None = None
    concurrency: int = 1

    @cached_property
    def pace(self) -> Pace:
        """How fast mails go."""
        return Pace(self.per_second or _rate(self.client))

    @staticmethod
    def prepare(messages: Sequence[Outgoing]) -> bytes:
        """NDJSON: each mail's id, envelope, exact text and tags."""
        return b"\n".join(document(_mail(one)) for one in messages)

    def hand_over(self, key: str, payload: bytes, recorder: Recorder) -> None:  # noqa: ARG002 (the protocol knows none)
        """Hand the mails over, a few begun at a time; returns when each that was begun has come to its end.

        Raises:
            OnwardError: SES can't be reached, or takes nothing from this account.
        """
        mails = [Mail(*json.loads(line)) for line in payload.splitlines()]
        with ThreadPoolExecutor(self.requests, thread_name_prefix=f"sender {self.name}") as pool:
            asyncio.run(carry(mails, recorder, self.requests, self.pace, lambda one: self._work(one, pool)))

    def ask(self, payload: bytes, ids: Sequence[str]) -> list[Answer]:  # noqa: ARG002 (the protocol's)
        """Nothing: SES finds a mail by its own id only, and that is what didn't come."""
        return []

    async def _work(self, windows: Windows[Mail], pool: ThreadPoolExecutor) -> None:
        """Carry mails one after another, until there are no more."""
        loop = asyncio.get_running_loop()
        while mail := await windows.next():
            with windows.under_way(mail):
                windows.answer(await loop.run_in_executor(pool, self._send, mail))

    def _send(self, mail: Mail) -> Answer:
        """One mail, tried again while SES wants to be left alone.

        Raises:
            OnwardError: SES can't be reached, or takes nothing from this account.
        """
        first, in_all = self.patience
        trying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_LaterError),
            stop=tenacity.stop_after_attempt(_ATTEMPTS) | tenacity.stop_after_delay(in_all),
            wait=tenacity.wait_random_exponential(first, max=min(_LONGEST_WAIT, in_all)),
            reraise=True,
        )
        try:
            return trying(self._send_once, mail)
        except _LaterError as later:
            if isinstance(later.__cause__, boto.ClientError):
                return Answer(mail.message_id, "deferred", str(later))
            raise OnwardError(
                f"senders.{self.name}: Amazon SES can't be reached: {later}. What isn't sent stays due; run again "
                f"later, or look at senders.{self.name}.region"
            ) from later

    def _send_once(self, mail: Mail) -> Answer:
        try:
            reply = self.client.send_email(**self._request(mail))
        except boto.ClientError as error:
            return self._refused(mail, error)
        except _WITHOUT_REPLY as error:
            if _is_before_sending(error):
                raise _LaterError(self._shown(str(error))) from error
            return Answer(mail.message_id, "unknown", f"handed over, no answer: {self._shown(str(error))}")
        except boto.BotoCoreError as error:
            raise self._of_the_account(str(error), mail) from error
        if not reply.get("MessageId"):
            return Answer(mail.message_id, "unknown", "handed over, an answer without meaning")
        return Answer(mail.message_id, "sent", provider_id=reply["MessageId"])

    def _request(self, mail: Mail) -> dict[str, Any]:
        configured = mail.pool or self.configuration_set
        named = {"ConfigurationSetName": configured} if configured else {}
        return named | {
            "FromEmailAddress": mail.sender,
            "Destination": {"ToAddresses": [mail.recipient]},
            "Content": {"Raw": {"Data": mail.content.encode("ascii")}},
            "EmailTags": [{"Name": name, "Value": value} for name, value in mail.tags.items()],
        }

    def _refused(self, mail: Mail, error: boto.ClientError) -> Answer:
        """What an error that SES names means."""
        code, words = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        said = self._shown(f"{code}: {words}")
        if code in _TOO_FAST or status in (429, 503):
            raise _LaterError(said) from error
        if status >= 500:
            return Answer(mail.message_id, "unknown", f"handed over, no clear answer: {said}")
        if code not in _OF_THE_MAIL or _is_of_the_sender(words, mail.sender):
            raise self._of_the_account(said, mail) from error
        return Answer(mail.message_id, "failed", said)

    def _of_the_account(self, words: str, mail: Mail) -> OnwardError:
        return OnwardError(
            f"senders.{self.name}: Amazon SES takes nothing from this account: {self._shown(words)} (from {mail.sender}"
            f"). What isn't sent stays due; look at senders.{self.name}.region, .access_key_id, .secret_access_key and "
            ".configuration_set, and at the account's identities, limits and state in the SES console"
        )

    def _shown(self, words: str) -> str:
        """What SES said, in one line, without secrets."""
        return shown(words, self.secrets)


def open_sender(name: str, settings: SesSettings, patience: tuple[float, float] = (1.0, 60.0)) -> SesSender:
    """The sender of some settings, whose secrets are resolved; nothing is asked of SES yet.

    Args:
        name: what the settings call it.
        settings: its own.
        patience: as for `SesSender`.

    Raises:
        InputError: half of the keys, or no such region.
    """
    keys = (settings.access_key_id, settings.secret_access_key)
    secrets = tuple(one.get_secret_value() for one in keys if one)
    if len(secrets) == 1:
        raise InputError(
            f"senders.{name}: access_key_id and secret_access_key go together; set both, or neither to use what AWS's "
            "own tools would"
        )
    client = _client(name, settings, secrets)
    rate, named = settings.per_second, settings.configuration_set
    return SesSender(name, client, settings.concurrency, rate, secrets, named, patience)


def _client(name: str, settings: SesSettings, secrets: Sequence[str]) -> Any:
    seconds = settings.timeout.total_seconds()
    config = Config(
        retries={"total_max_attempts": 1},  # by itself boto3 sends again what got no reply
        connect_timeout=seconds,
        read_timeout=seconds,
        max_pool_connections=settings.concurrency,
    )
    key, secret = secrets or (None, None)
    try:
        session = boto3.session.Session(key, secret, region_name=settings.region)
        return session.client("sesv2", endpoint_url=settings.base_url, config=config)
    except (boto.BotoCoreError, ValueError) as error:
        raise InputError(
            f"senders.{name}: {redacted(str(error), secrets)}; look at senders.{name}.region"
        ) from error


def _rate(client: Any) -> float | None:
    """The mails a second that the account may send; None where it may not ask."""
    try:
        return client.get_account()["SendQuota"]["MaxSendRate"] or None
    except (boto.ClientError, boto.BotoCoreError, KeyError):
        return None


def _is_before_sending(error: Exception) -> bool:
    """Whether a connection failed before anything could go by it."""
    if isinstance(error, boto.SSLError):
        return any(sign in str(error).lower() for sign in ("certificate", "handshake", "wrong_version"))
    connecting = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)
    return isinstance(error, connecting)


def _mail(message: Outgoing) -> tuple[str, str, str, str, dict[str, str], str | None]:
    told = {**marks(message), "message_class": message.message_class}
    tags = {name: as_word(value) for name, value in told.items() if value}
    sender = sender_of(message).address
    return message.message_id, sender, message.to, message_bytes(message), tags, message.pool


def _is_of_the_sender(words: str, sender: str) -> bool:
    """Whether an identity that isn't verified is the From address or its domain, so that no mail would be taken."""
    named = words.lower().partition("failed the check")[2]
    return sender.lower() in named or f" {sender.lower().partition('@')[2]}" in named.replace(",", " ")
