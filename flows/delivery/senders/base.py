"""What a way of sending offers: two functions, so that deciding, persisting and transmitting stay apart.

`prepare` turns messages into the exact bytes to hand over; no I/O. The send ledger stores these bytes, and
only then does `hand_over` transmit them. So a repeat after a crash transmits the same key and the same bytes,
which is what providers with idempotency keys ask for. What goes out, and what became of it, is told as it happens
to a `Recorder`: whatever a crash leaves untold wasn't begun.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol


@dataclass(frozen=True)
class Attachment:
    """A file that goes along: its name, its media type and its bytes; with a `content_id` an image of the HTML part."""

    name: str
    media_type: str
    content: bytes
    content_id: str | None = None


@dataclass(frozen=True)
class Outgoing:
    """One rendered message, addressed; `at` is its instant in the journey (UTC).

    Attributes:
        to: the recipient's bare address.
        sender: the From address, such as `Shop <news@shop.example>`.
        reply_to: the Reply-To address, if any.
        unsubscribe: the URIs of List-Unsubscribe, the best first; none for transactional mail.
        one_click: whether the first of these takes the POST of RFC 8058.
        message_class: the workflow's class of messages, if it names one.
        pool: the provider's pool of IP addresses to send from, if one is set.
        headers: further headers, such as `X-Original-To`.
    """

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
    sender: str
    reply_to: str | None = None
    unsubscribe: tuple[str, ...] = ()
    one_click: bool = False
    message_class: str | None = None
    variant: str | None = None
    pool: str | None = None
    attachments: tuple[Attachment, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What became of one message or webhook request.

    Attributes:
        status: `sent`: taken by the other side. `failed`: refused for good. `deferred`: refused for now, and surely not
            taken; a later run tries again. `unknown`: handed over without a clear answer; it is asked for or held, and
            never sent again by itself.
        detail: the other side's words, without secrets, or None.
        provider_id: what the other side calls the message, if it said so.
        retry_after: how long the other side wants to be left alone, of a deferred one.
    """

    message_id: str
    status: Literal["sent", "failed", "deferred", "unknown"]
    detail: str | None = None
    provider_id: str | None = None
    retry_after: timedelta | None = None


class Recorder(Protocol):
    """Notes what happens to the messages of a hand-over while it happens; may be called from any thread."""

    def begin(self, ids: Sequence[str]) -> None:
        """Note, before the first byte of it leaves, that these go out now: from here on they may have been taken.

        Called once per message, for as many at once as go out at once.
        """
        ...

    def answer(self, answers: Sequence[Answer]) -> None:
        """Note what became of some that were begun."""
        ...


class Carrier(Protocol):
    """Whatever takes prepared bytes out of the house."""

    @property
    def name(self) -> str:
        """As in the settings; what one carrier began another never finishes."""
        ...

    @property
    def peer(self) -> str:
        """The other side, and how it is spoken to: what was begun with another isn't repeated to this one."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether handing the same key and bytes over again sends nothing twice."""
        ...

    @property
    def key_life(self) -> timedelta | None:
        """How long the other side knows the key of a hand-over, of a repeatable one; None: for ever."""
        ...

    @property
    def batch_limit(self) -> int:
        """The most that one hand-over takes."""
        ...

    @property
    def concurrency(self) -> int:
        """How many hand-overs it takes side by side, each from a thread of its own."""
        ...

    def hand_over(self, key: str, payload: bytes, recorder: Recorder) -> None:
        """Transmit prepared bytes under the hand-over's key; what is begun and answered is told to `recorder`.

        What was begun and got no answer counts as `unknown`; what wasn't begun stays due.

        Raises:
            OnwardError: nothing more can go out by this carrier in this run: wrong credentials, a full disk.
        """
        ...

    def ask(self, payload: bytes, ids: Sequence[str]) -> list[Answer]:
        """What the other side knows of messages that were begun in `payload` and never answered.

        Those that it can't say anything of for sure aren't among the answers, and stay `unknown`.
        """
        ...


class Sender(Carrier, Protocol):
    """A way of sending e-mail."""

    @property
    def prepare(self) -> Callable[[Sequence[Outgoing]], bytes]:
        """Makes the exact bytes that hand messages over; pure, and another process can do it."""
        ...
