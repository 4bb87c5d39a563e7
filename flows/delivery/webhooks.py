"""Due webhook requests → `outbox/webhooks.ndjson`, each once: `{webhook_id, at, url, payload}`.

Whoever performs the requests reads that file; the `webhook_id` is the receiver's idempotency key.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from flows.delivery.dispatch import Clock, Counted, finish_unanswered, hand_over
from flows.delivery.send_ledger import SendLedger
from flows.delivery.senders.base import Answer
from flows.delivery.senders.journal import Journal
from flows.errors import OnwardError


@dataclass(frozen=True)
class WebhookFile:
    """Carries webhook requests into the outbox; a repeated hand-over changes nothing."""

    outbox: Path
    name: str = "webhooks.ndjson"
    repeatable: bool = True

    def hand_over(self, key: str, payload: bytes) -> list[Answer]:  # noqa: ARG002 (the protocol's; ids suffice)
        """Append the requests (NDJSON) that aren't in the file yet.

        Raises:
            OnwardError: the outbox can't be written.
        """
        lines = {json.loads(line)["webhook_id"]: line for line in payload.decode().split("\n")}
        try:
            Journal(self.outbox / self.name, "webhook_id").append_once(lines)
        except OSError as error:
            raise OnwardError(
                f"{self.outbox / self.name}: can't be written: {error}; free space or fix permissions and "
                "run again: nothing is lost and nothing is queued twice"
            ) from error
        return [Answer(webhook_id, "sent") for webhook_id in lines]


def dispatch_webhooks(
    due: pl.DataFrame,
    ledger: SendLedger,
    outbox: Path,
    *,
    batch_size: int,
    clock: Clock,
    counted: Counted | None = None,
) -> pl.DataFrame:
    """Queue what is due; safe to repeat after a crash at any moment.

    Args:
        due: one row per pending request: `webhook_id, execution_id, workflow_id, customer_id, at, url, data`
            (the step's own data, a JSON object or null), `attributes` (the profile, a JSON object).
        ledger: what was queued before.
        outbox: the folder of `webhooks.ndjson`.
        batch_size: the most requests per write.
        clock: the time by the wall clock, UTC, for `sent_at`.
        counted: called with the number of requests done, write by write.

    Returns:
        One row per request of `due`: `webhook_id, status, status_reason, sent_at`.

    Raises:
        OnwardError: the outbox or the ledger can't be written; what was queued is recorded, run again.
    """
    carrier = WebhookFile(outbox)
    finish_unanswered(ledger, carrier, "webhook", clock)
    known = ledger.known(due["webhook_id"])
    fresh = due.join(known, left_on="webhook_id", right_on="id", how="anti").sort("at", "webhook_id")
    count = counted or (lambda _: None)
    count(len(known))
    results = [known]
    for rows in fresh.iter_slices(batch_size):
        notes = dict.fromkeys(rows["webhook_id"])
        results.append(hand_over(ledger, carrier, "webhook", notes, _requests(rows.to_dicts()), clock=clock))
        count(len(rows))
    return pl.concat(results).rename({"id": "webhook_id"})


def _requests(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "\n".join(json.dumps(_request(row)) for row in rows).encode()


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
