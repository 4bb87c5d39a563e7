"""Due webhook requests → `outbox/webhooks.ndjson`, each once: `{webhook_id, at, url, payload}`.

Whoever performs the requests reads that file; the `webhook_id` is the receiver's idempotency key.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from flows.delivery.dispatch import Channel, Composed
from flows.delivery.kinds import WEBHOOKS
from flows.delivery.send_ledger import Part
from flows.delivery.senders.base import Answer, Recorder
from flows.delivery.senders.journal import Journal
from flows.errors import OnwardError


@dataclass(frozen=True)
class WebhookFile:
    """Carries webhook requests into the outbox; a repeated hand-over changes nothing."""

    outbox: Path
    name: str = "webhooks.ndjson"
    batch_limit: int = sys.maxsize
    concurrency: int = 1
    repeatable: bool = True
    key_life: None = None

    @property
    def peer(self) -> str:
        """As of the sender `eml`: the folder's name."""
        return f"webhooks {self.outbox.name}"

    def hand_over(self, key: str, payload: bytes, recorder: Recorder) -> None:  # noqa: ARG002 (ids suffice here)
        """Append the requests (NDJSON) that aren't in the file yet.

        Raises:
            OnwardError: the outbox can't be written.
        """
        lines = {json.loads(line)["webhook_id"]: line for line in payload.decode().split("\n")}
        recorder.begin(list(lines))
        try:
            Journal(self.outbox / self.name, "webhook_id").append_once(lines)
        except OSError as error:
            raise OnwardError(
                f"{self.outbox / self.name}: can't be written: {error}; free space or fix permissions and "
                "run again: nothing is lost and nothing is queued twice"
            ) from error
        recorder.answer([Answer(webhook_id, "sent") for webhook_id in lines])

    def ask(self, payload: bytes, ids: Sequence[str]) -> list[Answer]:  # noqa: ARG002 (the protocol's)
        """Nothing: what is repeated isn't asked for."""
        return []


def webhook_channel(outbox: Path) -> Channel:
    """How webhook requests go out: as lines of `webhooks.ndjson` in the folder `outbox`.

    What is due has the columns `webhook_id, execution_id, workflow_id, customer_id, at, url, data` (the step's own
    data, a JSON object or null), `attributes` (the profile, a JSON object).
    """
    return Channel(WEBHOOKS, _requests, WebhookFile(outbox))


def _requests(due: pl.DataFrame, limit: int) -> Composed:
    return Composed([_part(rows) for rows in due.iter_slices(limit)])


def _part(due: pl.DataFrame) -> Part:
    lines = "\n".join(json.dumps(_request(row)) for row in due.to_dicts())
    return Part(lines.encode(), notes=dict.fromkeys(due["webhook_id"]))


def _request(row: Mapping[str, Any]) -> dict[str, Any]:
    payload = {
        **json.loads(row["data"] or "{}"),
        "customer_id": row["customer_id"],
        "execution_id": row["execution_id"],
        "workflow_id": row["workflow_id"],
        "customer_attributes": json.loads(row["attributes"] or "{}"),
    }
    at = row["at"].isoformat(timespec="microseconds")
    return {"webhook_id": row["webhook_id"], "at": at, "url": row["url"], "payload": payload}
