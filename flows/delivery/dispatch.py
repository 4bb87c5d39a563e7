"""What is due → the bytes that hand it over → a carrier, each at most once: one loop for every kind of thing.

In this order (semantics.md §11): what the send ledger already knows, and what is in an open hand-over; the newest
suppression; expiry; what is held or was put off; throttles; then, some at once, composing their bytes, the claim, the
hand-over, the answers. Every outcome is a row with its reason.
"""

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import polars as pl

from flows.delivery.crew import Crew
from flows.delivery.kinds import EVERYTHING, Kind
from flows.delivery.ledger_database import OvertakenError
from flows.delivery.send_ledger import KNOWN_SCHEMA, Handover, Part, SendLedger
from flows.delivery.senders.base import Carrier
from flows.errors import OnwardError
from flows.processes import WorkerError, aside

_WORTH_A_PROCESS = 10_000
"""From how many rows on a process of its own composes: starting one takes as long as composing that many."""
Counted = Callable[[int], object]


@dataclass(frozen=True)
class Policy:
    """What a dispatch goes by.

    Attributes:
        batch_size: the most at one hand-over (the carrier's own limit also holds).
        oldest: what is due before that instant expires; None: nothing does.
        lets_through: which rows of what could go out do, as booleans; the others stay due. None: all do.
        aside_from: from how many rows on a process of its own composes them, while this one hands over.
    """

    batch_size: int
    oldest: datetime | None = None
    lets_through: Callable[[pl.DataFrame], pl.Series] | None = None
    aside_from: int = _WORTH_A_PROCESS


@dataclass(frozen=True)
class Composed:
    """What can be handed over of some rows, and why the others can't.

    Attributes:
        parts: what goes out, a hand-over each.
        failures: the ids that can't be composed, each with the reason.
        held_back: the ids that have no address to go to, each with the reason.
    """

    parts: Sequence[Part]
    failures: Mapping[str, str] = field(default_factory=dict)
    held_back: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Channel:
    """A way out of the house.

    Attributes:
        kind: what leaves by it.
        compose: makes what hands over some due rows, so many at once at most; no I/O, and another process can do it.
        carrier: who carries them.
    """

    kind: Kind
    compose: Callable[[pl.DataFrame, int], Composed]
    carrier: Carrier


def deliver(
    channel: Channel, due: pl.DataFrame, ledger: SendLedger, policy: Policy, counted: Counted = lambda _: None
) -> pl.DataFrame:
    """Hand over what is due; safe to repeat after a crash at any moment.

    Args:
        channel: the way that it goes.
        due: one row per thing: its id (`channel.kind.key`), `workflow_id`, `at`, `suppressed` (the newest known
            suppression's reason, or null) if the kind can be suppressed, and what `channel.compose` reads.
        ledger: what was handed over before.
        policy: how many at once, what expires, and what waits.
        counted: called with the number of things done, hand-over by hand-over.

    Returns:
        One row per thing of `due` that something became of: its id, `status` (sent, suppressed, expired, failed or
        unknown), `status_reason` (what was noted of a sent one), `sent_at`, `recorded` (JSON), `provider_id`. What
        isn't among them stays due.

    Raises:
        OnwardError: the carrier or the ledger can't go on; what was handed over is recorded, run again.
    """
    carrier, key = channel.carrier, channel.kind.key
    known, under_way = ledger.known(due[key]), ledger.under_way(channel.kind)
    waiting = _waiting(channel.kind, due, ledger)
    fresh = due.filter(~pl.col(key).is_in(pl.concat([known["id"], under_way]).implode())).sort("at", key)
    judged = fresh.with_columns(_judgement(channel.kind, policy))
    settled = judged.filter(pl.col("status").is_not_null()).rename({key: "id"}).select(*KNOWN_SCHEMA)
    counted(len(known) + len(settled))
    sendable = judged.filter(pl.col("status").is_null() & ~pl.col(key).is_in(waiting.implode()))
    if policy.lets_through:
        sendable = sendable.filter(policy.lets_through(sendable))
    results = [known, settled]
    with closing(_composed(channel, sendable, policy)) as several, Crew(carrier, ledger) as crew:
        for rows, composed in several:
            results.append(_held_back(composed))
            ledger.fail(channel.kind, composed.failures)
            crew.send(ledger.claim(channel.kind, carrier.name, composed.parts, carrier.peer))
            counted(len(rows))
    return pl.concat([*results, ledger.known(sendable[key])]).rename({"id": key})


def finish_unanswered(kind: Kind, carriers: Mapping[str, Carrier], ledger: SendLedger) -> None:
    """Bring to an end what a crash broke off.

    What was never begun is due again. A begun hand-over is repeated, the same bytes under the same key, if its carrier
    can take that and still knows the key, and stays open if that gets no answer either; otherwise its carrier is asked
    what it knows of them, and what that can't say anything of is held as `unknown`. So is what was begun by a carrier
    that isn't there any more, or has another `peer` now.

    Args:
        kind: what was handed over.
        carriers: who there is to finish it, by name.
        ledger: what was handed over.

    Raises:
        OnwardError: as for `deliver`; what other carriers began is finished.
    """
    broken: dict[str, OnwardError] = {}
    for handover in ledger.unanswered(kind):
        carrier = carriers.get(handover.sender)
        try:
            if handover.sender not in broken:
                _finish(handover, carrier, ledger)
        except OvertakenError:
            raise
        except OnwardError as error:
            broken[handover.sender] = error
    for trouble in broken.values():
        raise trouble


def _finish(handover: Handover, carrier: Carrier | None, ledger: SendLedger) -> None:
    if not carrier or not handover.begun or handover.peer not in (None, carrier.peer):
        ledger.finish(handover.key)
    elif carrier.repeatable and ledger.is_fresh(handover, carrier.key_life):
        with Crew(carrier, ledger) as crew:
            crew.send([handover])
    else:
        ledger.answer(handover.key, carrier.ask(handover.payload, handover.begun))
        ledger.finish(handover.key)


def _composed(
    channel: Channel, due: pl.DataFrame, policy: Policy
) -> Generator[tuple[pl.DataFrame, Composed]]:
    """Some rows at once, with what hands them over.

    Raises:
        OnwardError: the process that composes them was ended.
    """
    compose = partial(_compose, channel.compose, min(policy.batch_size, channel.carrier.batch_limit))
    slices = list(due.iter_slices(policy.batch_size))
    if len(due) < policy.aside_from or os.cpu_count() == 1:
        yield from ((rows, compose(rows)) for rows in slices)
        return
    try:
        yield from aside(compose, slices)
    except WorkerError as error:
        raise OnwardError(
            f"the process that writes what goes out {error.how}; what has gone out is noted, the rest is still due: "
            "run again"
        ) from error


def _compose(compose: Callable[[pl.DataFrame, int], Composed], limit: int, rows: pl.DataFrame) -> Composed:
    return compose(rows, limit)


def _waiting(kind: Kind, due: pl.DataFrame, ledger: SendLedger) -> pl.Series:
    """The ids that don't go out now: what is held, and what the other side put off."""
    held = ledger.held()
    if EVERYTHING in held:
        return due[kind.key]
    is_held = pl.col(kind.key).is_in(list(held)) | pl.col("workflow_id").is_in(list(held))
    return pl.concat([due.filter(is_held)[kind.key], ledger.put_off(due[kind.key]).alias(kind.key)])


def _judgement(kind: Kind, policy: Policy) -> list[pl.Expr]:
    """What holds a row back: the columns of `KNOWN_SCHEMA`, all null where nothing does."""
    suppressed = pl.col("suppressed") if kind.suppressible else pl.lit(None, pl.String)
    expired = pl.lit(False) if policy.oldest is None else pl.col("at") < policy.oldest
    status = (
        pl.when(suppressed.is_not_null()).then(pl.lit("suppressed")).when(expired).then(pl.lit("expired"))
    )
    too_old = pl.when(expired).then(pl.lit("max_send_delay"))
    others = ("sent_at", "recorded", "provider_id")
    return [
        status.alias("status"),
        pl.coalesce(suppressed, too_old).alias("status_reason"),
        *(pl.lit(None, KNOWN_SCHEMA[name]).alias(name) for name in others),
    ]


def _held_back(composed: Composed) -> pl.DataFrame:
    rows = [(name, "suppressed", why, None, None, None) for name, why in composed.held_back.items()]
    return pl.DataFrame(rows, schema=KNOWN_SCHEMA, orient="row")
