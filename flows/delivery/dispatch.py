"""Due messages → rendered mails → a sender, `batch_size` at once, each message handed over at most once.

Per message, in this order (semantics.md §11): what the send ledger already knows; the newest suppression;
expiry; the address; the rendering; then the hand-over. Every outcome is a row with its reason.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from flows.delivery.contents import STEP, StepKey
from flows.delivery.send_ledger import KNOWN_SCHEMA, Handover, Kind, SendLedger
from flows.delivery.senders.base import Carrier, Outgoing, Sender
from flows.delivery.senders.mime import is_address
from transforms.content.templates import CompiledContent, ContentError, ContentSource, compile_content, render

Clock = Callable[[], datetime]
Counted = Callable[[int], object]


def dispatch_messages(
    due: pl.DataFrame,
    contents: Mapping[StepKey, ContentSource],
    sender: Sender,
    ledger: SendLedger,
    *,
    now: datetime,
    max_send_delay: timedelta,
    batch_size: int,
    clock: Clock,
    counted: Counted | None = None,
) -> pl.DataFrame:
    """Hand over what is due; safe to repeat after a crash at any moment.

    Args:
        due: one row per pending message: `message_id, workflow_id, version, branch, step, customer_id, email,
            at, template_id, attributes` (JSON object), `trigger_properties` (JSON object or null),
            `suppressed` (the newest known suppression's reason, or null).
        contents: the sources of each step that sends: `(workflow_id, version, branch, step)`.
        sender: who carries the messages.
        ledger: what was handed over before.
        now: the tick's instant; messages older than `max_send_delay` before it expire.
        max_send_delay: see `now`.
        batch_size: the most messages per hand-over (the sender's own limit also holds).
        clock: the time by the wall clock, UTC, for `sent_at`.
        counted: called with the number of messages done, hand-over by hand-over.

    Returns:
        One row per message of `due`: `message_id, status` (sent, suppressed, expired, failed or unknown),
        `status_reason` (for a sent one the placeholders without a value), `sent_at`.

    Raises:
        OnwardError: the sender or the ledger can't go on; what was sent is recorded, run again.
    """
    finish_unanswered(ledger, sender, "message", clock)
    known = ledger.known(due["message_id"])
    fresh = due.join(known, left_on="message_id", right_on="id", how="anti").sort("at", "message_id")
    judged = fresh.with_columns(_judgement(now - max_send_delay))
    settled = judged.filter(pl.col("status").is_not_null())
    results = [known, settled.select(pl.col("message_id").alias("id"), "status", "status_reason", "sent_at")]
    count = counted or (lambda _: None)
    count(len(known) + len(settled))
    sendable = judged.filter(pl.col("status").is_null())
    keys: Sequence[StepKey] = sendable.select(STEP).unique().rows()
    compiled = {key: _compiled(contents.get(key)) for key in keys}
    for rows in sendable.iter_slices(min(batch_size, sender.batch_limit)):
        results.append(_dispatch_rows(rows, compiled, sender, ledger, clock))
        count(len(rows))
    return pl.concat(results).rename({"id": "message_id"})


def finish_unanswered(ledger: SendLedger, carrier: Carrier, kind: Kind, clock: Clock) -> None:
    """Bring to an end what a crash broke off.

    A claim that was never handed over is forgotten. A begun hand-over is repeated, the same bytes under the
    same key, if its carrier can take that; otherwise its messages are held as `unknown`.
    """
    for handover in ledger.unanswered(kind):
        if handover.state == "claimed":
            ledger.release(handover.key)
        elif carrier.repeatable and handover.sender == carrier.name:
            _transmit(ledger, carrier, handover, clock)
        else:
            ledger.answered(handover.key, [], clock())


def hand_over(
    ledger: SendLedger,
    carrier: Carrier,
    kind: Kind,
    notes: Mapping[str, str | None],
    payload: bytes,
    *,
    clock: Clock,
) -> pl.DataFrame:
    """Claim, hand over and record; `notes` are its ids (see `SendLedger.claim`, `.known`)."""
    if not notes:
        return pl.DataFrame(schema=KNOWN_SCHEMA)
    handover = ledger.claim(kind, carrier.name, notes, payload, clock())
    _transmit(ledger, carrier, handover, clock)
    return ledger.known(pl.Series(list(notes), dtype=pl.String))


def _transmit(ledger: SendLedger, carrier: Carrier, handover: Handover, clock: Clock) -> None:
    ledger.handed_over(handover.key, clock())
    ledger.answered(handover.key, carrier.hand_over(handover.key, handover.payload), clock())


def _judgement(oldest: datetime) -> list[pl.Expr]:
    suppressed = pl.col("suppressed").is_not_null()
    expired = pl.col("at") < oldest
    return [
        pl.when(suppressed).then(pl.lit("suppressed")).when(expired).then(pl.lit("expired")).alias("status"),
        pl.when(suppressed)
        .then("suppressed")
        .when(expired)
        .then(pl.lit("max_send_delay"))
        .alias("status_reason"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("sent_at"),
    ]


def _dispatch_rows(
    rows: pl.DataFrame,
    compiled: Mapping[StepKey, CompiledContent | ContentError],
    sender: Sender,
    ledger: SendLedger,
    clock: Clock,
) -> pl.DataFrame:
    outgoing: list[Outgoing] = []
    notes: dict[str, str | None] = {}
    failures: list[tuple[str, str, str, None]] = []
    for row in rows.to_dicts():
        try:
            message, notes[row["message_id"]] = _compose(row, compiled[tuple(row[name] for name in STEP)])
            outgoing.append(message)
        except ContentError as error:
            failures.append((row["message_id"], "failed", str(error), None))
    failed = pl.DataFrame(failures, schema=KNOWN_SCHEMA, orient="row")
    sent = hand_over(ledger, sender, "message", notes, sender.prepare(outgoing), clock=clock)
    return pl.concat([failed, sent])


def _compiled(source: ContentSource | None) -> CompiledContent | ContentError:
    try:
        return (
            ContentError("this step has no content any more") if source is None else compile_content(source)
        )
    except ContentError as error:
        return error


def _compose(row: Mapping[str, Any], content: CompiledContent | ContentError) -> tuple[Outgoing, str | None]:
    address = (row["email"] or "").strip()
    if not is_address(address):
        raise ContentError("no e-mail address")
    if isinstance(content, ContentError):
        raise content
    attributes, event = (json.loads(row[name] or "{}") for name in ("attributes", "trigger_properties"))
    rendered = render(content, attributes, event, {"customer_id": row["customer_id"], "email": address})
    same = {
        name: row[name] for name in ("message_id", "customer_id", "workflow_id", "step", "template_id", "at")
    }
    message = Outgoing(to=address, subject=rendered.subject, text=rendered.text, html=rendered.html, **same)
    return message, f"missing: {', '.join(rendered.missing)}" if rendered.missing else None
