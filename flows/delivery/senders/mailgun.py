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

_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
_TAG = 128  # characters, of ASCII
_HABITS = Habits(batch_limit=1000, key_setting="api_key", side_by_side=True)


class Mailgun(Provider):
    """How Mailgun is spoken to."""

    def __init__(self, domain: str) -> None:
        self._base = f"/v3/{quote(domain, safe='')}"

    def requests(self, messages: Sequence[Outgoing]) -> Iterator[Request]:
        """A form for each message."""
        for one in messages:
            content_type, body = _form(one)
            reference = message_id_of(one).strip("<>")
            yield Request(
                (one.message_id,),
                f"{self._base}/messages",
                body,
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
    """The form's type and bytes (RFC 7578), always the same; no text in it can hold the boundary between its parts."""
    parts = [(_part(name), value.encode("utf-8", "replace")) for name, value in _fields(message)]
    parts += [
        (_part("inline", one.content_id, one.media_type), one.content)
        if one.content_id
        else (_part("attachment", one.name, one.media_type), one.content)
        for one in message.attachments
    ]
    boundary = f"onward-{message.message_id}".encode()
    while any(boundary in value for _, value in parts):
        boundary += b"-"
    body = b"".join(b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary, head, value) for head, value in parts)
    return f"multipart/form-data; boundary={boundary.decode()}", b"%b--%b--\r\n" % (body, boundary)


def _part(name: str, file: str | None = None, media_type: str | None = None) -> bytes:
    """The head of a form's part; names are quoted as browsers do."""
    head = f'Content-Disposition: form-data; name="{name.translate(_QUOTED)}"'
    head += f'; filename="{file.translate(_QUOTED)}"' if file else ""
    return (head + (f"\r\nContent-Type: {media_type}" if media_type else "")).encode("utf-8", "replace")


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
