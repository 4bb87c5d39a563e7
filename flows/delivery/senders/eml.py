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

from flows.delivery.senders.base import Answer, Outgoing, Recorder
from flows.delivery.senders.journal import Journal
from flows.delivery.senders.mime import message_bytes
from flows.delivery.senders.requests import document
from flows.errors import OnwardError
from flows.files import flush

_FLUSHERS = (
    16  # waiting for the disk side by side: the file system commits them together, 3 to 10 times faster
)


@dataclass(frozen=True)
class EmlSender:
    """Writes messages under `outbox`; a repeated hand-over changes nothing."""

    outbox: Path
    name: str = "eml"
    batch_limit: int = 1000
    repeatable: bool = True
    key_life: None = None
    concurrency: int = 1  # the index grows by one hand-over at a time

    @property
    def peer(self) -> str:
        """The folder, by its name alone: that of staging is another one, a whole store moved elsewhere isn't."""
        return f"eml {self.outbox.name}"

    @staticmethod
    def prepare(messages: Sequence[Outgoing]) -> bytes:
        """NDJSON, per message its index line's fields and the mail itself."""
        return b"\n".join(document([_index(one), message_bytes(one)]) for one in messages)

    def hand_over(self, key: str, payload: bytes, recorder: Recorder) -> None:  # noqa: ARG002 (ids suffice here)
        """Write the files, then the index; both are on disk when this returns.

        Raises:
            OnwardError: the outbox can't be written (disk full, no permission).
        """
        mails = [json.loads(line) for line in payload.splitlines()]
        ids = [index["message_id"] for index, _ in mails]
        recorder.begin(ids)
        try:
            repeated = self._write_files(mails)
            lines = {index["message_id"]: json.dumps(index, ensure_ascii=False) for index, _ in mails}
            Journal(self.outbox / "messages.ndjson", "message_id").append_once(lines, search_all=repeated)
        except OSError as error:
            raise OnwardError(
                f"{self.outbox}: the outbox can't be written: {error}; free space or fix permissions and run "
                "again: nothing is lost and nothing goes out twice"
            ) from error
        recorder.answer([Answer(one, "sent") for one in ids])

    def ask(self, payload: bytes, ids: Sequence[str]) -> list[Answer]:  # noqa: ARG002 (the protocol's)
        """Nothing: what got no answer is handed over again, which changes nothing."""
        return []

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


def open_sender(name: str, outbox: Path) -> EmlSender:
    """What writes mails as files under `outbox`, by the name that the settings give it."""
    return EmlSender(outbox, name)


def _index(message: Outgoing) -> dict[str, str | None]:
    at = message.at.isoformat(timespec="microseconds")
    return {
        "message_id": message.message_id,
        "customer_id": message.customer_id,
        "workflow_id": message.workflow_id,
        "step": message.step,
        "template_id": message.template_id,
        "to": message.to,
        "subject": message.subject,
        "at": at,
        "file": f"messages/{at[:10]}/{message.message_id}.eml",
    }


def _write_aside(target: Path, mail: str) -> Path:
    aside = target.with_name(f".{target.name}.aside")
    aside.write_bytes(mail.encode("ascii"))
    return aside
