"""Mailgun (https://documentation.mailgun.com/docs/mailgun/api-reference): a form for each message.

It knows no idempotency keys, but keeps the Message-ID that it is given, and its events can be searched for that.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import quote, urlencode

import httpx

from flows.delivery.calls import Reply, json_of
from flows.delivery.senders.base import Answer, Outgoing
from flows.delivery.senders.mail_headers import mail_headers, marks, message_id_of
from flows.delivery.senders.over_http import Habits, HttpSender, Provider, checked_secret
from flows.delivery.senders.requests import Request
from flows.delivery.transport import WATCH, Terms, Watch
from flows.sending import MailgunSettings
from transforms.delivery.retries import POLICY, RetryPolicy, Verdict, verdict

_FORM = "application/x-www-form-urlencoded"
_TAG = 128  # characters, of ASCII
_HABITS = Habits(batch_limit=1000, key_setting="api_key", side_by_side=True)


class Mailgun(Provider):
    """How Mailgun is spoken to."""

    def __init__(self, domain: str) -> None:
        self._base = f"/v3/{quote(domain, safe='')}"

    def requests(self, messages: Sequence[Outgoing]) -> Iterator[Request]:
        """A form for each message, of several parts if there are files."""
        for one in messages:
            content_type, body = _form(one)
            reference = message_id_of(one).strip("<>")
            yield Request(
                (one.message_id,),
                f"{self._base}/messages",
                (body,),
                content_type=content_type,
                reference=reference,
            )

    def judge(self, reply: Reply) -> Verdict:
        """By the status."""
        return verdict(reply.status)

    def answers(self, request: Request, reply: Reply) -> list[Answer]:
        """Taken, under its Message-ID."""
        found = json_of(reply)
        given = found.get("id") if isinstance(found, dict) else None
        return [Answer(request.ids[0], "sent", provider_id=given if isinstance(given, str) else None)]

    def question(self, request: Request, message_id: str) -> str:  # noqa: ARG002
        """A search of events by the Message-ID."""
        return f"{self._base}/events?{urlencode({'message-id': request.reference, 'limit': 25})}"

    def told(self, message_id: str, reply: Reply) -> Answer | None:
        """Whatever happened to it, Mailgun had it; one that it shows nothing of may still come to light."""
        found = json_of(reply)
        items = found.get("items") if isinstance(found, dict) else None
        kinds = (
            [one.get("event") for one in items if isinstance(one, dict)] if isinstance(items, list) else []
        )
        if not kinds:
            return None
        return (
            Answer(message_id, "failed", "rejected")
            if set(kinds) == {"rejected"}
            else Answer(message_id, "sent")
        )


def open_sender(
    name: str, settings: MailgunSettings, policy: RetryPolicy = POLICY, watch: Watch = WATCH
) -> HttpSender:
    """The sender that `settings` describe.

    Raises:
        InputError: the key can't be one.
    """
    key = checked_secret(f"senders.{name}.api_key", settings.api_key.get_secret_value())
    credentials = httpx.BasicAuth("api", key)
    header = next(credentials.auth_flow(httpx.Request("GET", settings.base_url))).headers["Authorization"]
    terms = Terms(
        settings.base_url, {"Authorization": header}, [key, header.removeprefix("Basic ")], settings.timeout,
        settings.concurrency, policy, watch,
    )  # fmt: skip
    return HttpSender(name, Mailgun(settings.domain), _HABITS, terms, settings.per_second)


def _form(message: Outgoing) -> tuple[str, bytes]:
    """The form's type and bytes; a boundary is made of the message's id, so that they are always the same."""
    fields = _fields(message)
    if not message.attachments:
        return _FORM, urlencode(fields).encode()
    files = [
        (
            "inline" if one.content_id else "attachment",
            (one.content_id or one.name, one.content, one.media_type),
        )
        for one in message.attachments
    ]
    kind = f"multipart/form-data; boundary=onward-{message.message_id}"
    together: dict[str, list[str]] = {}
    for name, value in fields:
        together.setdefault(name, []).append(value)
    made = httpx.Request("POST", "http://x", data=together, files=files, headers={"Content-Type": kind})
    return kind, made.read()


def _fields(message: Outgoing) -> list[tuple[str, str]]:
    headers = {"Message-Id": message_id_of(message)} | mail_headers(message)
    if message.reply_to:
        headers["Reply-To"] = message.reply_to
    tags = dict.fromkeys(one for one in (message.workflow_id, message.message_class) if one)
    optional = (("text", message.text), ("html", message.html))
    return [
        ("from", message.sender), ("to", message.to), ("subject", message.subject),
        *((name, value) for name, value in optional if value),
        *((f"h:{name}", value) for name, value in headers.items()),
        *((f"v:{name}", value) for name, value in marks(message).items()),
        *(("o:tag", tag.encode("ascii", "replace").decode()[:_TAG]) for tag in tags),
    ]  # fmt: skip
