"""Mails to be sent, and what their sender has told of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flows.delivery.senders.base import Answer, Outgoing

AT = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
FROM = "Onward <onward@example.com>"


def outgoing(**changes: Any) -> Outgoing:
    """A plain mail, but for `changes`."""
    fields: dict[str, Any] = {
        "message_id": "a" * 32, "customer_id": "c1", "workflow_id": "welcome", "step": "0",
        "template_id": "t", "to": "zoe@example.com", "subject": "Hello", "text": "Hi\n", "html": None,
        "at": AT, "sender": FROM,
    }  # fmt: skip
    return Outgoing(**{**fields, **changes})


def several(count: int, **changes: Any) -> list[Outgoing]:
    """Mails that differ in their ids and recipients."""
    return [outgoing(message_id=f"{n:032x}", to=f"c{n}@example.com", **changes) for n in range(count)]


@dataclass
class Recorded:
    """What a hand-over told; each message is begun once, and answered once and only after that."""

    begun: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)

    def begin(self, ids: Sequence[str]) -> None:
        assert not set(ids) & set(self.begun)
        assert len(set(ids)) == len(ids)
        self.begun += ids

    def answer(self, answers: Sequence[Answer]) -> None:
        for one in answers:
            assert one.message_id in self.begun
            assert one.message_id not in self.answers
            self.answers[one.message_id] = one

    @property
    def statuses(self) -> list[str]:
        """In the order of the messages; `none` for no answer."""
        return [self.answers[one].status if one in self.answers else "none" for one in self.begun]
