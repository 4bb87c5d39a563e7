"""Resend (https://resend.com/docs/api-reference): batches of 100 under an idempotency key that it knows for 24 hours.

A batch goes out in its permissive mode, in which one bad message doesn't hold the others back. The batch takes no
attachments, so a message with files has a request of its own.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from flows.delivery.calls import Reply, json_of, words
from flows.delivery.senders.base import Answer, Outgoing
from flows.delivery.senders.mail_headers import as_word, content_of, mail_headers, marks
from flows.delivery.senders.over_http import Habits, HttpSender, Provider, checked_secret
from flows.delivery.senders.requests import Request, array, document
from flows.delivery.transport import WATCH, Terms, Watch
from flows.sending import ResendSettings
from transforms.delivery.retries import POLICY, RetryPolicy, Verdict, verdict

_BATCH = "/emails/batch"
_HABITS = Habits(
    batch_limit=100,
    key_setting="api_key",
    key_header="Idempotency-Key",
    key_life=timedelta(hours=24),
    requests_per_second=2.0,
)


class Resend(Provider):
    """How Resend is spoken to."""

    def requests(self, messages: Sequence[Outgoing]) -> Iterator[Request]:
        """The messages without files in one batch, each of the others alone."""
        plain = [one for one in messages if not one.attachments]
        if plain:
            body, sizes = array([document(_email(one)) for one in plain])
            yield Request(tuple(one.message_id for one in plain), _BATCH, body, sizes)
        for one in messages:
            if one.attachments:
                yield Request((one.message_id,), "/emails", document(_email(one)))

    def judge(self, reply: Reply) -> Verdict:
        """By Resend's names of errors: a key in use is waited for; a wrong key or sender ends the run."""
        if reply.status < 400:
            return verdict(reply.status)
        name = found.get("name") if isinstance(found := json_of(reply), dict) else None
        if name == "concurrent_idempotent_requests":
            return "passing"
        if name == "invalid_from_address" or (reply.status == 400 and "api key" in words(reply).lower()):
            return "stop"
        return verdict(reply.status)

    def answers(self, request: Request, reply: Reply) -> list[Answer]:
        """The ids of those taken, in their order, and the errors of the others by their places."""
        found = json_of(reply)
        if not isinstance(found, dict):
            return []
        if request.path != _BATCH:
            return [Answer(request.ids[0], "sent", provider_id=_id(found))]
        refused = _refused(found)
        taken = [name for place, name in enumerate(request.ids) if place not in refused]
        made = found.get("data")
        if not isinstance(made, list) or len(made) != len(taken):
            return []
        sent = [Answer(name, "sent", provider_id=_id(one)) for name, one in zip(taken, made, strict=True)]
        failed = [
            Answer(request.ids[place], "failed", why)
            for place, why in refused.items()
            if place in range(len(request.ids))
        ]
        return sent + failed


def open_sender(
    name: str, settings: ResendSettings, policy: RetryPolicy = POLICY, watch: Watch = WATCH
) -> HttpSender:
    """The sender that `settings` describe.

    Raises:
        InputError: the key can't be one.
    """
    key = checked_secret(f"senders.{name}.api_key", settings.api_key.get_secret_value())
    terms = Terms(
        settings.base_url, {"Authorization": f"Bearer {key}", "x-batch-validation": "permissive"}, [key],
        settings.timeout, settings.concurrency, policy, watch,
    )  # fmt: skip
    return HttpSender(name, Resend(), _HABITS, terms, settings.per_second)


def _email(message: Outgoing) -> dict[str, Any]:
    tags = [{"name": name, "value": as_word(value)} for name, value in marks(message).items()]
    email = {
        "from": message.sender, "to": [message.to], "subject": message.subject, "text": message.text,
        "headers": mail_headers(message), "tags": tags,
    }  # fmt: skip
    optional = {"html": message.html, "reply_to": message.reply_to}
    files = [
        {
            "filename": one.name, "content": content_of(one), "content_type": one.media_type,
            **({"content_id": one.content_id} if one.content_id else {}),
        }
        for one in message.attachments
    ]  # fmt: skip
    return (
        email
        | {key: value for key, value in optional.items() if value}
        | ({"attachments": files} if files else {})
    )


def _refused(found: dict[str, Any]) -> dict[int, str]:
    """Place → why it was refused."""
    errors = found.get("errors")
    return {
        one["index"]: str(one.get("message", "refused"))
        for one in (errors if isinstance(errors, list) else [])
        if isinstance(one, dict) and isinstance(one.get("index"), int)
    }


def _id(made: object) -> str | None:
    found = made.get("id") if isinstance(made, dict) else None
    return found if isinstance(found, str) else None
