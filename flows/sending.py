"""The settings of sending: senders and their secrets, which sender a message takes, links, throttles, staging.

A secret stands in the environment (`ONWARD_SENDERS__SHOP__API_KEY=…`), or its setting names where it is:
`env:NAME`, a variable of that name, or `prefect:NAME`, a Secret block of Prefect. It is never shown.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from transforms.people.addresses import AddressError, address_of
from transforms.timing.durations import parse_duration

Length = Annotated[timedelta, BeforeValidator(parse_duration)]


def _is_mailbox(given: str) -> str:
    """`Name <address>` or an address alone, in one line."""
    try:
        address = address_of(parseaddr(given)[1])
    except AddressError as error:
        raise ValueError(
            f"{given!r} isn't an e-mail address ({error}); write `Name <name@example.com>`"
        ) from error
    if not given.isprintable() or not address:
        raise ValueError(f"{given!r} isn't one line of text; write `Name <name@example.com>`")
    return given


def _is_web_address(given: str) -> str:
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname or not given.isprintable() or " " in given:
        raise ValueError(f"{given!r} isn't an address that starts with https:// or http:// and names a host")
    return given.rstrip("/")


Mailbox = Annotated[str, AfterValidator(_is_mailbox)]
"""A From or Reply-To address, such as `Shop <news@shop.example>`."""

WebAddress = Annotated[str, AfterValidator(_is_web_address)]
"""An http or https address, without a slash at its end."""


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _SenderBase(_Given):
    """What all senders have.

    Attributes:
        from_address: instead of the settings' own.
        reply_to: where answers go.
        pool: the provider's pool of IP addresses.
        per_second: the most messages a second; None: the provider's own limit, where one is known.
        concurrency: how many connections at once.
        timeout: how long to wait for an answer.
    """

    from_address: Mailbox | None = None
    reply_to: Mailbox | None = None
    pool: Annotated[str, Field(min_length=1)] | None = None
    per_second: float | None = Field(default=None, gt=0)
    concurrency: int = Field(default=4, ge=1, le=100)
    timeout: Length = timedelta(seconds=60)


class Dkim(_Given):
    """How mails are signed (RFC 6376): the domain and selector of the DNS record, and the private key's PEM file."""

    domain: Annotated[str, Field(min_length=1)]
    selector: Annotated[str, Field(min_length=1)]
    key_file: Path


class EmlSettings(_SenderBase):
    """Each message a file in the outbox."""

    type: Literal["eml"]


class SmtpSettings(_SenderBase):
    """A mail server."""

    type: Literal["smtp"]
    host: Annotated[str, Field(min_length=1)]
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    dkim: Dkim | None = None


class SesSettings(_SenderBase):
    """Amazon SES, version 2; without keys, those that AWS's own tools would use."""

    type: Literal["ses"]
    region: Annotated[str, Field(min_length=1)]
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None
    configuration_set: str | None = None
    base_url: WebAddress | None = None


class SendGridSettings(_SenderBase):
    """Twilio SendGrid; accounts of the EU have the base_url `https://api.eu.sendgrid.com`."""

    type: Literal["sendgrid"]
    api_key: SecretStr
    base_url: WebAddress = "https://api.sendgrid.com"


class PostmarkSettings(_SenderBase):
    """Postmark; `message_stream` is `outbound` (transactional) or a broadcast stream."""

    type: Literal["postmark"]
    server_token: SecretStr
    message_stream: str = "outbound"
    base_url: WebAddress = "https://api.postmarkapp.com"


class ResendSettings(_SenderBase):
    """Resend."""

    type: Literal["resend"]
    api_key: SecretStr
    base_url: WebAddress = "https://api.resend.com"


class MailgunSettings(_SenderBase):
    """Mailgun; accounts of the EU have the base_url `https://api.eu.mailgun.net`."""

    type: Literal["mailgun"]
    api_key: SecretStr
    domain: Annotated[str, Field(min_length=1)]
    base_url: WebAddress = "https://api.mailgun.net"


class HttpSettings(_SenderBase):
    """Anything else that takes a message by HTTP: one request a message, made from a template.

    Attributes:
        url: where to; a template with the names of `body`.
        method: the request's method.
        headers: the request's headers; their values may be secrets.
        body: a Jinja2 template of the request's body, with `message.to`, `.subject`, `.text`, `.html`, … and the filter
            `tojson`.
        content_type: of the body.
        key_header: the header that carries the idempotency key, if the other side knows one; then an unanswered request
            is sent again.
        success: the statuses that mean *taken*.
        id_path: where in a JSON answer the message's id is, such as `data.id`.
    """

    type: Literal["http"]
    url: Annotated[str, Field(min_length=1)]
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    headers: dict[str, SecretStr] = {}
    body: Annotated[str, Field(min_length=1)]
    content_type: str = "application/json"
    key_header: str | None = None
    success: list[int] = [200, 201, 202, 204]
    id_path: str | None = None


def _typed(given: object) -> object:
    """A sender's settings; one that is named like a type is of that type."""
    if not isinstance(given, dict):
        return given
    return {name: {"type": name, **one} if isinstance(one, dict) else one for name, one in given.items()}


SenderSettings = Annotated[
    EmlSettings
    | SmtpSettings
    | SesSettings
    | SendGridSettings
    | PostmarkSettings
    | ResendSettings
    | MailgunSettings
    | HttpSettings,
    Field(discriminator="type"),
]
Senders = Annotated[dict[str, SenderSettings], BeforeValidator(_typed)]
"""The senders by name."""


class Route(_Given):
    """Which messages leave another way; the first that fits counts.

    Attributes:
        workflows: the ids of workflows; empty: all.
        message_classes: classes of messages; empty: all.
        sender: the name of a sender; None: the settings' own.
        from_address: instead of the sender's.
        reply_to: likewise.
        pool: likewise.
    """

    workflows: list[str] = []
    message_classes: list[str] = []
    sender: str | None = None
    from_address: Mailbox | None = None
    reply_to: Mailbox | None = None
    pool: str | None = None


class WarmUp(_Given):
    """A plan for a new domain or IP address: from `start` on, `first_day` messages a day, each day `growth` times more.

    Attributes:
        start: the first day (UTC).
        first_day: how many messages that day.
        growth: the factor from day to day.
        days: how many days the plan lasts; then there is no bound.
    """

    start: date
    first_day: int = Field(default=500, ge=1)
    growth: float = Field(default=2.0, ge=1)
    days: int = Field(default=14, ge=1, le=365)


class Throttle(_Given):
    """How much goes out at most; what doesn't go now stays pending, and expires by `max_send_delay`.

    Attributes:
        per_hour: messages in any hour, over all senders.
        domain_per_hour: a recipient's domain → messages to it in any hour; `*`: any other domain.
        warm_up: a plan per day.
    """

    per_hour: int | None = Field(default=None, ge=1)
    domain_per_hour: dict[str, Annotated[int, Field(ge=1)]] = {}
    warm_up: WarmUp | None = None


class Links(_Given):
    """Where the links of messages lead.

    Attributes:
        public_url: where the endpoint answers, such as `https://mail.shop.example`; until it is set, the links of
            unsubscribing and preferences don't exist.
        key: signs the links; 32 characters or more that never change.
        unsubscribe_mailto: an address that takes unsubscriptions by mail.
        unsubscribe_url: an own page for unsubscribing, a template with `{{ customer_id }}`, `{{ email }}` and
            `{{ message_id }}`, used instead of the endpoint's.
    """

    public_url: WebAddress | None = None
    key: SecretStr | None = None
    unsubscribe_mailto: Annotated[str, AfterValidator(address_of)] | None = None
    unsubscribe_url: str | None = None

    @model_validator(mode="after")
    def _signed(self) -> "Links":
        key = self.key.get_secret_value() if self.key else ""
        if self.public_url and len(key) < 32 and not key.startswith(("env:", "prefect:")):
            raise ValueError(
                "public_url needs a key of 32 characters or more, which signs the links; set ONWARD_LINKS__KEY, for "
                "instance to what `openssl rand -hex 32` prints, and keep it: with another one old links stop working"
            )
        return self


def secrets_of(settings: BaseModel) -> Iterator[str]:
    """Every secret in some settings, however deep."""
    for value in vars(settings).values():
        yield from _secrets(value)


def _secrets(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from secrets_of(value)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _secrets(one)
