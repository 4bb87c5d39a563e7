"""What is due → the bytes that hand it over → a carrier, each at most once: one loop for every kind of thing.

In this order (semantics.md §11): what the send ledger already knows; the newest suppression; expiry; then, some at
once, composing their bytes, the claim, the hand-over, the answers. Every outcome is a row with its reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from flows.delivery.send_ledger import KNOWN_SCHEMA, Handover, Kind, SendLedger
from flows.delivery.senders.base import Carrier

Counted = Callable[[int], object]


@dataclass(frozen=True)
class Policy:
    """What a dispatch goes by.

    Attributes:
        batch_size: the most at one hand-over (the carrier's own limit also holds).
        oldest: what is due before that instant expires; None: nothing does.
    """

    batch_size: int
    oldest: datetime | None = None


@dataclass(frozen=True)
class Composed:
    """What can be handed over of some rows, as bytes, and why the others can't.

    Attributes:
        payload: the exact bytes to hand over.
        notes: the ids in it, each with what its `status_reason` shall say once it is sent.
        failures: the ids that aren't in it, each with the reason.
    """

    payload: bytes
    notes: Mapping[str, str | None]
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Channel:
    """A way out of the house.

    Attributes:
        kind: what leaves by it.
        compose: makes the bytes to hand over of some due rows; no I/O.
        carrier: who carries them.
    """

    kind: Kind
    compose: Callable[[pl.DataFrame], Composed]
    carrier: Carrier


def deliver(
    channel: Channel, due: pl.DataFrame, ledger: SendLedger, policy: Policy, counted: Counted = lambda _: None
) -> pl.DataFrame:
    """Hand over what is due; safe to repeat after a crash at any moment.

    Args:
        channel: the way that it goes.
        due: one row per pending thing: its id (`channel.kind.key`), `at`, `suppressed` (the newest known
            suppression's reason, or null) if the kind can be suppressed, and what `channel.compose` reads.
        ledger: what was handed over before.
        policy: how many at once, and what expires.
        counted: called with the number of things done, hand-over by hand-over.

    Returns:
        One row per thing of `due`: its id, `status` (sent, suppressed, expired, failed or unknown),
        `status_reason` (what was noted of a sent one), `sent_at`.

    Raises:
        OnwardError: the carrier or the ledger can't go on; what was handed over is recorded, run again.
    """
    _finish_unanswered(channel, ledger)
    key = channel.kind.key
    known = ledger.known(due[key])
    fresh = due.join(known, left_on=key, right_on="id", how="anti").sort("at", key)
    judged = fresh.with_columns(_judgement(channel.kind, policy))
    settled = judged.filter(pl.col("status").is_not_null()).rename({key: "id"}).select(*KNOWN_SCHEMA)
    counted(len(known) + len(settled))
    results = [known, settled]
    sendable = judged.filter(pl.col("status").is_null())
    for rows in sendable.iter_slices(min(policy.batch_size, channel.carrier.batch_limit)):
        results += _hand_over(channel, rows, ledger)
        counted(len(rows))
    return pl.concat(results).rename({"id": key})


def _judgement(kind: Kind, policy: Policy) -> list[pl.Expr]:
    """What holds a row back: `status, status_reason, sent_at`, all null where nothing does."""
    suppressed = pl.col("suppressed") if kind.suppressible else pl.lit(None, pl.String)
    expired = pl.lit(False) if policy.oldest is None else pl.col("at") < policy.oldest
    status = (
        pl.when(suppressed.is_not_null()).then(pl.lit("suppressed")).when(expired).then(pl.lit("expired"))
    )
    too_old = pl.when(expired).then(pl.lit("max_send_delay"))
    return [
        status.alias("status"),
        pl.coalesce(suppressed, too_old).alias("status_reason"),
        pl.lit(None, KNOWN_SCHEMA["sent_at"]).alias("sent_at"),
    ]


def _finish_unanswered(channel: Channel, ledger: SendLedger) -> None:
    """Bring to an end what a crash broke off.

    A claim that was never handed over is forgotten. A begun hand-over is repeated, the same bytes under the
    same key, if its carrier can take that; otherwise its things are held as `unknown`.
    """
    carrier = channel.carrier
    for handover in ledger.unanswered(channel.kind):
        if handover.state == "claimed":
            ledger.release(handover.key)
        elif carrier.repeatable and handover.sender == carrier.name:
            _transmit(handover, carrier, ledger)
        else:
            ledger.answered(handover.key, [])


def _hand_over(channel: Channel, rows: pl.DataFrame, ledger: SendLedger) -> list[pl.DataFrame]:
    """Compose, claim, transmit and record some rows: what failed, and what the ledger then knows."""
    composed = channel.compose(rows)
    failures = [(name, "failed", reason, None) for name, reason in composed.failures.items()]
    failed = pl.DataFrame(failures, schema=KNOWN_SCHEMA, orient="row")
    if not composed.notes:
        return [failed]
    handover = ledger.claim(channel.kind, channel.carrier.name, composed.notes, composed.payload)
    _transmit(handover, channel.carrier, ledger)
    return [failed, ledger.known(pl.Series(list(composed.notes), dtype=pl.String))]


def _transmit(handover: Handover, carrier: Carrier, ledger: SendLedger) -> None:
    ledger.handed_over(handover.key)
    ledger.answered(handover.key, carrier.hand_over(handover.key, handover.payload))
