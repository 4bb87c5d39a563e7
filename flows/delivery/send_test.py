"""One message sent now, to whoever tries it out: by the configured sender, and not part of any journey."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from flows.delivery.policies import trapped
from flows.delivery.senders.base import Answer, Outgoing, Sender
from flows.delivery.senders.choose import open_sender
from flows.errors import OnwardError
from flows.settings import Settings

Opener = Callable[[Settings, str], Sender]


@dataclass(frozen=True)
class Tried:
    """What became of a message: by which sender it went, to whom, and what the other side said."""

    mail: Outgoing
    sender: str
    detail: str | None = None


def send_test(
    settings: Settings, mail: Outgoing, to: str, sender: str, opened: Opener = open_sender
) -> Tried:
    """Send one message to somebody who tries it out; in staging it goes where everything goes.

    Nothing of it is recorded: neither the store nor the send ledger know of it.

    Args:
        settings: of the sender, and of the trap in staging.
        mail: the message, with an id of its own.
        to: the address to send it to instead of its own.
        sender: the name of the sender.
        opened: opens a sender by its name.

    Raises:
        InputError: the sender's settings can't be used.
        OnwardError: it wasn't sent, or nobody knows whether it was; with what the other side said.
    """
    sent = trapped(settings, replace(mail, to=to))
    carrier, told = opened(settings, sender), _Told()
    carrier.hand_over(sent.message_id, carrier.prepare([sent]), told)
    answer = told.answers.get(sent.message_id)
    if answer is None and sent.message_id not in told.begun:
        raise OnwardError(f"{sender}: the message wasn't sent, and the sender doesn't say why; try again")
    if answer is None or answer.status == "unknown":
        raise OnwardError(
            f"{sender}: the message was handed over and there was no clear answer{_why(answer)}; look whether it came"
        )
    if answer.status != "sent":
        passing = " for now; try again later" if answer.status == "deferred" else ""
        raise OnwardError(f"{sender}: the message to {sent.to} was refused{passing}{_why(answer)}")
    return Tried(sent, sender, answer.detail)


@dataclass
class _Told:
    """Keeps what a hand-over tells."""

    begun: set[str] = field(default_factory=set)
    answers: dict[str, Answer] = field(default_factory=dict)

    def begin(self, ids: Sequence[str]) -> None:
        """Note what goes out now."""
        self.begun.update(ids)

    def answer(self, answers: Sequence[Answer]) -> None:
        """Note what became of some."""
        self.answers.update({one.message_id: one for one in answers})


def _why(answer: Answer | None) -> str:
    return f": {answer.detail}" if answer and answer.detail else ""
