"""The built-in sender: each message a `.eml` file in the outbox, and a line in its index.

The file is `outbox/messages/<yyyy-mm-dd>/<message_id>.eml`, the day being that of the message's own instant;
the index is `outbox/messages.ndjson` with `message_id, customer_id, workflow_id, step, template_id, to,
subject, at, file`.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.delivery.senders.base import Answer, Outgoing
from flows.delivery.senders.journal import Journal
from flows.delivery.senders.mime import Letterhead, letterhead, message_bytes
from flows.errors import OnwardError
from flows.files import flush
from flows.settings import Settings

_FLUSHERS = (
    16  # waiting for the disk side by side: the file system commits them together, 3 to 10 times faster
)


@dataclass(frozen=True)
class EmlSender:
    """Writes messages under `outbox`; a repeated hand-over changes nothing."""

    outbox: Path
    head: Letterhead
    name: str = "eml"
    batch_limit: int = 1000
    repeatable: bool = True

    def prepare(self, messages: Sequence[Outgoing]) -> bytes:
        """NDJSON, per message its index line's fields and the mail itself."""
        return "\n".join(
            json.dumps([_index(one), message_bytes(one, self.head)]) for one in messages
        ).encode()

    def hand_over(self, key: str, payload: bytes) -> list[Answer]:  # noqa: ARG002 (the protocol's; ids suffice here)
        """Write the files, then the index; both are on disk when this returns.

        Raises:
            OnwardError: the outbox can't be written (disk full, no permission).
        """
        mails = [json.loads(line) for line in payload.splitlines()]
        try:
            repeated = self._write_files(mails)
            lines = {index["message_id"]: json.dumps(index, ensure_ascii=False) for index, _ in mails}
            Journal(self.outbox / "messages.ndjson", "message_id").append_once(lines, search_all=repeated)
        except OSError as error:
            raise OnwardError(
                f"{self.outbox}: the outbox can't be written: {error}; free space or fix permissions and run "
                "again: nothing is lost and nothing goes out twice"
            ) from error
        return [Answer(index["message_id"], "sent") for index, _ in mails]

    def _write_files(self, mails: Sequence[tuple[dict[str, Any], str]]) -> bool:
        """Write the files that aren't there yet; whether some were (after a crash, or a lost ledger)."""
        targets = {self.outbox / index["file"]: mail for index, mail in mails}
        new = {target: mail for target, mail in targets.items() if not target.exists()}
        folders = {target.parent for target in new}
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        asides = [_write_aside(target, mail) for target, mail in new.items()]
        with ThreadPoolExecutor(_FLUSHERS) as pool:
            list(pool.map(flush, asides))
        for aside, target in zip(asides, new, strict=True):
            aside.rename(target)
        for folder in folders | {folder.parent for folder in folders}:
            flush(folder)
        return len(new) < len(targets)


def open_sender(settings: Settings) -> EmlSender:
    """The sender that `settings` describe.

    Raises:
        InputError: `from_address` isn't an e-mail address.
    """
    return EmlSender(settings.outbox, letterhead(settings.from_address))


def _index(message: Outgoing) -> dict[str, str | None]:
    return {
        "message_id": message.message_id,
        "customer_id": message.customer_id,
        "workflow_id": message.workflow_id,
        "step": message.step,
        "template_id": message.template_id,
        "to": message.to,
        "subject": message.subject,
        "at": message.at.isoformat(timespec="microseconds"),
        "file": f"messages/{message.at:%Y-%m-%d}/{message.message_id}.eml",
    }


def _write_aside(target: Path, mail: str) -> Path:
    aside = target.with_name(f".{target.name}.aside")
    aside.write_bytes(mail.encode("ascii"))
    return aside
