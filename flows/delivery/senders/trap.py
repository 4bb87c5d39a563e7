"""Staging: whatever is sent goes to a trap, one address or files, and to nobody else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from flows.delivery.senders import eml
from flows.delivery.senders.base import Answer, Outgoing, Recorder, Sender
from flows.delivery.senders.header_lines import letterhead

ORIGINAL_TO = "X-Original-To"
"""The header that says to whom a trapped mail would have gone."""


@dataclass(frozen=True)
class Trap:
    """Lets a sender send everything to one address; the rest of each mail stays as it is."""

    sender: Sender
    address: str

    @property
    def name(self) -> str:
        """The sender's."""
        return self.sender.name

    @property
    def repeatable(self) -> bool:
        """Whether the sender's hand-overs are."""
        return self.sender.repeatable

    @property
    def key_life(self) -> timedelta | None:
        """The sender's."""
        return self.sender.key_life

    @property
    def batch_limit(self) -> int:
        """The sender's."""
        return self.sender.batch_limit

    @property
    def concurrency(self) -> int:
        """The sender's."""
        return self.sender.concurrency

    def prepare(self, messages: Sequence[Outgoing]) -> bytes:
        """The exact bytes that hand `messages` over to the trap, each with its own recipient in a header."""
        return self.sender.prepare([self._trapped(one) for one in messages])

    def hand_over(self, key: str, payload: bytes, recorder: Recorder) -> None:
        """As the sender does it.

        Raises:
            OnwardError: as the sender does.
        """
        self.sender.hand_over(key, payload, recorder)

    def ask(self, payload: bytes, ids: Sequence[str]) -> list[Answer]:
        """As the sender does it."""
        return self.sender.ask(payload, ids)

    def _trapped(self, message: Outgoing) -> Outgoing:
        return replace(message, to=self.address, headers={**message.headers, ORIGINAL_TO: message.to})


def open_trap(staging_to: str | None, outbox: Path, sender: Sender) -> Sender:
    """What mails go by in staging, instead of by a sender.

    Args:
        staging_to: the one address that they all go to; None: files.
        outbox: the folder of files; these go to `staging/` in it.
        sender: who would carry them in production, and carries them to `staging_to`.

    Raises:
        InputError: `staging_to` isn't an e-mail address.
    """
    if staging_to is None:
        return eml.open_sender("eml", outbox / "staging")
    return Trap(sender, letterhead(staging_to).address)
