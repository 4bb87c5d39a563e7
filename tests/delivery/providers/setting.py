"""What the tests of providers stand on: messages, a recorder, a clock that nobody waits for, each provider's sender."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from pydantic import TypeAdapter

from flows.delivery.senders import http, mailgun, postmark, resend, sendgrid
from flows.delivery.senders.base import Answer, Attachment, Outgoing
from flows.delivery.senders.over_http import HttpSender
from flows.delivery.transport import Watch
from flows.sending import Senders
from tests.delivery.providers.descriptions import KEY, Mailgun, Postmark, Resend, SendGrid, Service
from tests.delivery.providers.server import Description, Provider
from transforms.delivery.retries import RetryPolicy

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
BODY = (
    '{"id": {{ message.message_id | tojson }}, "to": {{ message.to | tojson }}, '
    '"subject": {{ message.subject | tojson }}, "text": {{ message.text | tojson }}, '
    '"html": {{ message.html | tojson }}}'
)


def outgoing(number: int = 0, **changes: Any) -> Outgoing:
    """A message; they differ by number."""
    fields: dict[str, Any] = {
        "message_id": f"{number:032x}", "customer_id": f"c{number}", "workflow_id": "welcome", "step": "0",
        "template_id": "hello", "to": f"c{number}@example.com", "subject": 'Hello "you" & Zoë', "text": "Hi\n",
        "html": "<p>Hi</p>", "at": NOW, "sender": "Shop <news@shop.example>",
    }  # fmt: skip
    return Outgoing(**{**fields, **changes})


def full(number: int = 0, **changes: Any) -> Outgoing:
    """A message that has everything."""
    return outgoing(number, **{
        "reply_to": "Help <help@shop.example>", "unsubscribe": ("https://shop.example/u/1", "mailto:u@shop.example"),
        "one_click": True, "message_class": "news", "variant": "b", "pool": "bulk",
        "attachments": (
            Attachment("Rechnung ö.pdf", "application/pdf", b"%PDF-\x00\xff"),
            Attachment("logo.png", "image/png", b"\x89PNG", "logo"),
        ),
        "headers": {"X-Original-To": "c@example.com", "Bcc": "x@example.com", "X-Bad": "a\r\nBcc: y@example.com"},
    } | changes)  # fmt: skip


@dataclass
class Notes:
    """A recorder that holds callers to the protocol: begun once, and before any answer; answered once."""

    begun: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    lock: Any = field(default_factory=Lock)

    def begin(self, ids: Sequence[str]) -> None:
        with self.lock:
            assert not set(ids) & set(self.begun)
            self.begun += ids

    def answer(self, answers: Sequence[Answer]) -> None:
        with self.lock:
            for one in answers:
                assert one.message_id in self.begun
                assert one.message_id not in self.answers
                self.answers[one.message_id] = one

    def statuses(self) -> Counter[str]:
        """How many have which status; those without are unanswered."""
        found = Counter[str](one.status for one in self.answers.values())
        return found + Counter({"unanswered": len(self.begun) - len(self.answers)})


class Clock:
    """Time that passes by being slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.time = 1000.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    @property
    def watch(self) -> Watch:
        return Watch(lambda: NOW + timedelta(seconds=self.time - 1000), lambda: self.time, self.sleep)


@dataclass(frozen=True)
class Case:
    """A provider: what it documents, and how its sender is opened."""

    description: Callable[[], Description]
    given: dict[str, Any]
    module: Any
    keyed: bool = False
    one_each: bool = True

    def sender(
        self, base: str, clock: Clock, policy: RetryPolicy | None = None, /, **changes: Any
    ) -> HttpSender:
        """The sender called `shop`, by settings as people give them."""
        given = {
            name: one.replace("URL", base) if isinstance(one, str) else one
            for name, one in self.given.items()
        }
        settings = TypeAdapter(Senders).validate_python({"shop": {"concurrency": 2, **given, **changes}})[
            "shop"
        ]
        sender: HttpSender = self.module.open_sender("shop", settings, policy or RetryPolicy(), clock.watch)
        return sender


_SERVICE = {
    "type": "http", "url": "URL/send?w={{ message.workflow_id | urlencode }}", "body": BODY,
    "headers": {"X-Token": KEY}, "id_path": "data.0.id",
}  # fmt: skip
CASES = {
    "resend": Case(
        Resend, {"type": "resend", "api_key": KEY, "base_url": "URL"}, resend, True, one_each=False
    ),
    "postmark": Case(
        Postmark, {"type": "postmark", "server_token": KEY, "base_url": "URL"}, postmark, one_each=False
    ),
    "sendgrid": Case(SendGrid, {"type": "sendgrid", "api_key": KEY, "base_url": "URL"}, sendgrid),
    "mailgun": Case(
        Mailgun,
        {"type": "mailgun", "api_key": KEY, "domain": "mail.shop.example", "base_url": "URL"},
        mailgun,
    ),
    "http": Case(lambda: Service(None), _SERVICE, http),
    "keyed http": Case(lambda: Service("X-Key"), {**_SERVICE, "key_header": "X-Key"}, http, True),
}


def hand_over(sender: HttpSender, messages: Sequence[Outgoing], notes: Notes, key: str = "k1") -> None:
    """Prepare and hand over."""
    sender.hand_over(key, sender.prepare(messages), notes)


def check(provider: Provider, notes: Notes) -> None:
    """Nothing lost, nothing twice, nothing said that isn't so; and every request as the provider documents."""
    assert provider.faults == []
    taken = Counter(provider.taken)
    assert set(taken.values()) <= {1}
    for name, answer in notes.answers.items():
        assert (name in taken) == (answer.status == "sent"), answer
        assert KEY not in str(answer)
    assert set(taken) <= set(notes.begun)
