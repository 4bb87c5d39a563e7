"""Twilio SendGrid (https://www.twilio.com/docs/sendgrid/api-reference/mail-send): a request for each message.

Its personalizations put many recipients into a request only where all get the same content, which rendered messages
don't have. It knows no idempotency keys, and its log can't be searched for our ids: what is unanswered is held.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from flows.delivery.calls import Reply
from flows.delivery.senders.base import Answer, Outgoing
from flows.delivery.senders.mail_headers import (
    Mailbox,
    content_of,
    mail_headers,
    mailbox,
    marks,
    message_id_of,
    sender_of,
)
from flows.delivery.senders.over_http import Habits, HttpSender, Provider, checked_secret
from flows.delivery.senders.requests import Request, document
from flows.delivery.transport import WATCH, Terms, Watch
from flows.sending import SendGridSettings
from transforms.delivery.retries import POLICY, RetryPolicy, Verdict, verdict

_CATEGORY = 255  # characters
_HABITS = Habits(batch_limit=1000, key_setting="api_key", side_by_side=True)


class SendGrid(Provider):
    """How SendGrid is spoken to."""

    def requests(self, messages: Sequence[Outgoing]) -> Iterator[Request]:
        """A request for each message."""
        return (Request((one.message_id,), "/v3/mail/send", document(_mail(one))) for one in messages)

    def judge(self, reply: Reply) -> Verdict:
        """By the status."""
        return verdict(reply.status)

    def answers(self, request: Request, reply: Reply) -> list[Answer]:
        """Taken, under the name that a header gives it."""
        return [Answer(request.ids[0], "sent", provider_id=reply.headers.get("x-message-id"))]


def open_sender(
    name: str, settings: SendGridSettings, policy: RetryPolicy = POLICY, watch: Watch = WATCH
) -> HttpSender:
    """The sender that `settings` describe.

    Raises:
        InputError: the key can't be one.
    """
    key = checked_secret(f"senders.{name}.api_key", settings.api_key.get_secret_value())
    terms = Terms(
        settings.base_url, {"Authorization": f"Bearer {key}"}, [key], settings.timeout, settings.concurrency,
        policy, watch,
    )  # fmt: skip
    return HttpSender(name, SendGrid(), _HABITS, terms, settings.per_second)


def _mail(message: Outgoing) -> dict[str, Any]:
    parts = (("text/plain", message.text), ("text/html", message.html))
    mail: dict[str, Any] = {
        "personalizations": [{"to": [{"email": message.to}], "custom_args": marks(message)}],
        "from": _named(sender_of(message)),
        "subject": message.subject,
        "content": [{"type": kind, "value": text} for kind, text in parts if text],
        "headers": {"Message-ID": message_id_of(message)} | mail_headers(message),
        "categories": _categories(message),
    }
    if message.reply_to:
        mail["reply_to"] = _named(mailbox("reply_to", message.reply_to))
    if message.pool:
        mail["ip_pool_name"] = message.pool
    if message.attachments:
        mail["attachments"] = [
            {
                "content": content_of(one), "type": one.media_type, "filename": one.name,
                **({"disposition": "inline", "content_id": one.content_id} if one.content_id else {}),
            }
            for one in message.attachments
        ]  # fmt: skip
    return mail


def _named(given: Mailbox) -> dict[str, str]:
    return {"email": given.address} | ({"name": given.name} if given.name else {})


def _categories(message: Outgoing) -> list[str]:
    """The workflow and the class of messages, each once."""
    given = (message.workflow_id, message.message_class)
    return list(dict.fromkeys(one[:_CATEGORY] for one in given if one))
