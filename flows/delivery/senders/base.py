"""What a way of sending offers: two functions, so that deciding, persisting and transmitting stay apart.

`prepare` turns messages into the exact bytes to hand over; no I/O. The send ledger stores these bytes, and
only then does `hand_over` transmit them. So a repeat after a crash transmits the same key and the same bytes,
which is what providers with idempotency keys ask for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True)
class Outgoing:
    """One rendered message, addressed; `at` is its instant in the journey (UTC)."""

    message_id: str
    customer_id: str
    workflow_id: str
    step: str
    template_id: str | None
    to: str
    subject: str
    text: str
    html: str | None
    at: datetime


@dataclass(frozen=True)
class Answer:
    """What became of one message or webhook request.

    `unknown` means handed over without a clear answer: it is held and never sent again by itself.
    """

    message_id: str
    status: Literal["sent", "failed", "unknown"]
    detail: str | None = None


class Carrier(Protocol):
    """Whatever takes prepared bytes out of the house."""

    @property
    def name(self) -> str:
        """As in the settings; what one carrier began another never finishes."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether handing the same key and bytes over again sends nothing twice."""
        ...

    @property
    def batch_limit(self) -> int:
        """The most that one hand-over takes."""
        ...

    def hand_over(self, key: str, payload: bytes) -> list[Answer]:
        """Transmit prepared bytes under the hand-over's key; one answer per message.

        A message without an answer counts as `unknown`.

        Raises:
            OnwardError: the hand-over broke off; the next run repeats it, or holds it as `unknown`.
        """
        ...


class Sender(Carrier, Protocol):
    """A way of sending e-mail."""

    def prepare(self, messages: Sequence[Outgoing]) -> bytes:
        """The exact bytes that hand `messages` over; pure."""
        ...
