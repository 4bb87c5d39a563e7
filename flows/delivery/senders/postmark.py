"""Postmark (https://postmarkapp.com/developer/api/email-api): batches of 500, 50 MB; each message has its own code.

It knows no idempotency keys, but can be asked for messages by their metadata. A message's pool names its message
stream: Postmark has no pools of addresses to choose from.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from flows.delivery.calls import Reply, json_of
from flows.delivery.senders.base import Answer, Outgoing
from flows.delivery.senders.mail_headers import content_of, mail_headers, marks, message_id_of
from flows.delivery.senders.over_http import Habits, HttpSender, Provider, checked_secret
from flows.delivery.senders.requests import Request, array, document, fitting
from flows.delivery.transport import WATCH, Terms, Watch
from flows.sending import PostmarkSettings
from transforms.delivery.retries import POLICY, RetryPolicy, Verdict, verdict

_MOST, _MOST_BYTES = 500, 50_000_000
_VALUE = 80  # characters of a value of metadata
_PASSING = frozenset((100, 429))
_STOP = frozenset((10, 400, 401, 405, 412, 413, 1235, 1236))
"""Codes of the account, the sender signature and the stream: true of every message, whoever it is for."""
_HABITS = Habits(batch_limit=_MOST, key_setting="server_token")


class Postmark(Provider):
    """How Postmark is spoken to."""

    def __init__(self, stream: str) -> None:
        self._stream = stream

    def requests(self, messages: Sequence[Outgoing]) -> Iterator[Request]:
        """Batches of what fits into one, a stream each."""
        streams: dict[str, list[Outgoing]] = {}
        for one in messages:
            streams.setdefault(one.pool or self._stream, []).append(one)
        for stream, some in streams.items():
            items = ((one.message_id, document(_email(one, stream))) for one in some)
            for group in fitting(items, _MOST, _MOST_BYTES):
                names, emails = zip(*group, strict=True)
                body, sizes = array(emails)
                yield Request(names, "/email/batch", body, sizes, reference=stream)

    def judge(self, reply: Reply) -> Verdict:
        """By the status, and by Postmark's own code where the whole request has one."""
        code = _code(json_of(reply))
        if reply.status == 422 and code in _STOP:
            return "stop"
        return "passing" if reply.status == 422 and code in _PASSING else verdict(reply.status)

    def answers(self, request: Request, reply: Reply) -> list[Answer]:
        """The codes of the messages, in their order."""
        found = json_of(reply)
        if not isinstance(found, list) or len(found) != len(request.ids):
            return []
        return [
            _answer(name, one) for name, one in zip(request.ids, found, strict=True) if _code(one) is not None
        ]

    def is_last(self, reply: Reply) -> bool:
        """Whether the code of any message is one of the account's."""
        found = json_of(reply)
        return isinstance(found, list) and any(_code(one) in _STOP for one in found)

    def question(self, request: Request, message_id: str) -> str:
        """A search by metadata, of which Postmark allows one field."""
        sought = {
            "count": 1,
            "offset": 0,
            "messagestream": request.reference,
            "metadata_message_id": message_id,
        }
        return f"/messages/outbound?{urlencode(sought)}"

    def told(self, message_id: str, reply: Reply) -> Answer | None:
        """A message that Postmark shows, it has taken; one that it doesn't show may still come to light."""
        found = json_of(reply)
        shown = found.get("Messages") if isinstance(found, dict) else None
        first = shown[0] if isinstance(shown, list) and shown else None
        return Answer(message_id, "sent", provider_id=_id(first)) if isinstance(first, dict) else None


def open_sender(
    name: str, settings: PostmarkSettings, policy: RetryPolicy = POLICY, watch: Watch = WATCH
) -> HttpSender:
    """The sender that `settings` describe.

    Raises:
        InputError: the token can't be one.
    """
    token = checked_secret(f"senders.{name}.server_token", settings.server_token.get_secret_value())
    terms = Terms(
        settings.base_url, {"X-Postmark-Server-Token": token}, [token], settings.timeout,
        settings.concurrency, policy, watch,
    )  # fmt: skip
    return HttpSender(name, Postmark(settings.message_stream), _HABITS, terms, settings.per_second)


def _email(message: Outgoing, stream: str) -> dict[str, Any]:
    own = {"Message-ID": message_id_of(message), "X-PM-KeepID": "true"}
    headers = [{"Name": name, "Value": value} for name, value in (own | mail_headers(message)).items()]
    email = {
        "From": message.sender, "To": message.to, "Subject": message.subject, "MessageStream": stream,
        "Tag": message.workflow_id, "Headers": headers,
        "Metadata": {name: value[:_VALUE] for name, value in marks(message).items()},
    }  # fmt: skip
    optional = {"TextBody": message.text, "HtmlBody": message.html, "ReplyTo": message.reply_to}
    files = [
        {
            "Name": one.name, "Content": content_of(one), "ContentType": one.media_type,
            **({"ContentID": f"cid:{one.content_id}"} if one.content_id else {}),
        }
        for one in message.attachments
    ]  # fmt: skip
    return (
        email
        | {key: value for key, value in optional.items() if value}
        | ({"Attachments": files} if files else {})
    )


def _answer(message_id: str, found: dict[str, Any]) -> Answer:
    code = _code(found)
    if code == 0:
        return Answer(message_id, "sent", provider_id=_id(found))
    detail = f"{code}: {found.get('Message', 'no words')}"
    return Answer(message_id, "deferred" if code in _PASSING | _STOP else "failed", detail)


def _code(found: object) -> int | None:
    code = found.get("ErrorCode") if isinstance(found, dict) else None
    return code if isinstance(code, int) else None


def _id(found: dict[str, Any] | None) -> str | None:
    name = found.get("MessageID") if found else None
    return name if isinstance(name, str) else None
