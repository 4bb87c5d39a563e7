"""The outbox as it stands: what waits, what is held, what nobody knows of, and what people decide about it."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl

from flows.delivery.kinds import EVERYTHING
from flows.delivery.open_ledger import check_ledger, ledger_file
from flows.delivery.send_ledger import SendLedger
from flows.errors import InputError
from flows.session import Clock, wall_clock
from flows.settings import Settings
from flows.store.opening import ask_state, hold_store
from flows.store.state_file import StateFile
from transforms.definitions.base import advice
from transforms.tables.frames import INSTANT, Schema

COUNTS: Schema = {"kind": pl.String, "state": pl.String, "things": pl.Int64, "oldest": INSTANT}
REASONS: Schema = {
    "kind": pl.String,
    "state": pl.String,
    "reason": pl.String,
    "things": pl.Int64,
    "oldest": INSTANT,
    "example": pl.String,
}
_WAITING: Schema = {"kind": pl.String, "id": pl.String, "at": INSTANT, "workflow_id": pl.String}
_SENDS: Schema = {
    **dict.fromkeys(("kind", "id", "state", "status", "reason"), pl.String),
    "since": INSTANT,
}
_PENDING = """
select case kind when 'messages' then 'message' else 'webhook' end, id, at, fields ->> '$.workflow_id' from pending
"""
_NOT_SENT = """
select kind, id, state, status, detail, at from sends where status is not 'sent'
union all
select kind, id, 'put off', null, detail, at from deferred
"""
_SENT = "select kind, 'sent', count(*), min(at) from sends where status = 'sent' group by kind"
_ORDER = ("due", "held", "put off", "claimed", "handed over", "unknown", "failed", "sent")
"""The states of what leaves, in the order in which people want to see them."""


@dataclass(frozen=True)
class Standing:
    """The outbox as it stands.

    Attributes:
        counts: one row per kind and state, with how many things that are, and the oldest's instant: `COUNTS`.
        reasons: one row per kind, state and reason of what isn't sent: `REASONS`.
        held: the workflows and ids that are held; `*` is everything.
    """

    counts: pl.DataFrame
    reasons: pl.DataFrame
    held: list[str]


def read_standing(settings: Settings, clock: Clock = wall_clock) -> Standing:
    """The outbox as it stands now; may be asked while a run is at work.

    Raises:
        OnwardError: the send ledger can't be read.
    """
    waiting = ask_state(settings, _waiting)
    pending = pl.DataFrame(schema=_WAITING) if waiting is None else waiting
    if not ledger_file(settings).exists():
        return Standing(_counted(_standing(pending, pl.DataFrame(schema=_SENDS), [])), _no_reasons(), [])
    with SendLedger(ledger_file(settings), clock) as ledger:
        sends, held = _frame(ledger.query(_NOT_SENT), _SENDS), sorted(ledger.held())
        sent = _frame(ledger.query(_SENT), COUNTS)
        known = ledger.known(pending["id"])
    standing = _standing(pending.join(known.filter(status="sent"), on="id", how="anti"), sends, held)
    return Standing(_ordered(pl.concat([_counted(standing), sent])), _reasons(standing), held)


@contextmanager
def _desk(settings: Settings, clock: Clock) -> Generator[SendLedger]:
    """The send ledger, for somebody who decides about it while no run is at work.

    Raises:
        InputError: nothing was ever sent, or the ledger is missing or another's.
        RunInProgressError: a run is at work.
    """
    with hold_store(settings, passing=True):
        ask_state(settings, lambda state: check_ledger(state, settings, clock))
        if not ledger_file(settings).exists():
            raise InputError(f"{ledger_file(settings)}: there is none yet; nothing was ever handed over")
        with SendLedger(ledger_file(settings), clock) as ledger:
            ledger.take()
            yield ledger


def hold(settings: Settings, scopes: Sequence[str], clock: Clock = wall_clock) -> None:
    """Let nothing of some workflows or messages go out until it is released; of none: nothing at all.

    What is held expires by its own rule (`max_send_delay`).

    Raises:
        InputError: one of them is neither a workflow that was ever run nor waits to be sent, or the send ledger is
            missing or another's; nothing has changed.
    """
    with hold_store(settings, passing=True):
        ask_state(settings, lambda state: check_ledger(state, settings, clock))
        known = ask_state(settings, _known_scopes) or set()
        if wrong := [one for one in scopes if one not in known]:
            raise InputError(f"{wrong[0]!r} can't be held: {advice(wrong[0], sorted(known))}")
        with SendLedger(ledger_file(settings), clock) as ledger:
            rows = [(one, ledger.now_us) for one in scopes or [EVERYTHING]]
            ledger.change("insert or replace into holds values (?, ?)", rows)


def release(settings: Settings, scopes: Sequence[str], clock: Clock = wall_clock) -> list[str]:
    """Let go out again what was held: some of it, or all; what that was.

    Raises:
        InputError: one of them isn't held; nothing has changed.
    """
    with _desk(settings, clock) as ledger:
        held = ledger.held()
        if wrong := [one for one in scopes if one not in held]:
            raise InputError(f"{wrong[0]!r} isn't held; held are: {', '.join(sorted(held)) or 'none'}")
        freed = sorted(scopes or held)
        ledger.change("delete from holds where scope = ?", [(one,) for one in freed])
    return freed


def retry(settings: Settings, ids: Sequence[str], clock: Clock = wall_clock) -> int:
    """Let what has failed or was put off be tried again with the next run; how many things those are.

    Args:
        settings: where things lie.
        ids: of messages or requests; none: all that failed or were put off.
        clock: the wall clock.

    Raises:
        InputError: one of the ids neither failed nor was put off, or is too old to go out; nothing has changed.
    """
    with _desk(settings, clock) as ledger:
        waiting = ask_state(settings, _waiting)
        pending = set() if waiting is None else set(waiting["id"])
        failed = {name for (name,) in ledger.query("select id from sends where status = 'failed'")} & pending
        put_off = {name for (name,) in ledger.query("select id from deferred")} & pending
        if wrong := [one for one in ids if one not in failed | put_off]:
            raise InputError(
                f"{wrong[0]!r} can't be tried again: it neither failed nor was put off, or is older than "
                "max_send_delay; `onward outbox` shows what can"
            )
        chosen = sorted(set(ids) or failed | put_off)
        with ledger.transaction():
            ledger.reopen(chosen, "failed")
            ledger.change("update deferred set until = 0 where id = ?", [(one,) for one in chosen])
    return len(chosen)


def resolve(settings: Settings, ids: Sequence[str], became: str, clock: Clock = wall_clock) -> int:
    """Say what became of messages that were handed over without an answer; how many those are.

    Args:
        settings: where things lie.
        ids: of messages or requests; none: all that are unknown.
        became: `sent`, `failed`, or `again`: it surely wasn't taken, and goes out with the next run.
        clock: the wall clock.

    Raises:
        InputError: one of them isn't unknown; nothing has changed.
    """
    with _desk(settings, clock) as ledger:
        unknown = {name for (name,) in ledger.query("select id from sends where status = 'unknown'")}
        if wrong := [one for one in ids if one not in unknown]:
            raise InputError(f"{wrong[0]!r} isn't unknown; `onward outbox` shows what is")
        chosen = sorted(set(ids) or unknown)
        if became == "again":
            ledger.reopen(chosen, "unknown")
        else:
            ledger.change(
                "update sends set status = ?, detail = 'resolved by hand' where id = ? and status = 'unknown'",
                [(became, one) for one in chosen],
            )
    return len(chosen)


def _known_scopes(state: StateFile) -> set[str]:
    """Workflows that were ever run, and the ids of what waits."""
    return {
        name
        for (name,) in state.query("select workflow_id from workflow_versions union select id from pending")
    }


def _waiting(state: StateFile) -> pl.DataFrame:
    return _frame(state.query(_PENDING), _WAITING)


def _standing(pending: pl.DataFrame, sends: pl.DataFrame, held: Sequence[str]) -> pl.DataFrame:
    """One row per thing that isn't sent: kind, id, state, reason, at."""
    is_held = pl.lit(EVERYTHING in held) | pl.col("id").is_in(held) | pl.col("workflow_id").is_in(held)
    of_ledger = (
        pl.when(pl.col("state") == "answered").then("status").otherwise(pl.col("state").str.replace("_", " "))
    )
    both = pending.join(sends, on=["kind", "id"], how="full", coalesce=True)
    waits = pl.when(is_held).then(pl.lit("held")).otherwise(pl.lit("due"))
    # What failed or was put off, and isn't pending any more, is past.
    past = pl.col("at").is_null() & of_ledger.is_in(["failed", "put off"]).fill_null(value=False)
    return both.filter(~past).select(
        "kind", "id", "reason", state=pl.coalesce(of_ledger, waits), at=pl.coalesce("at", "since")
    )


def _counted(standing: pl.DataFrame) -> pl.DataFrame:
    found = standing.group_by("kind", "state").agg(things=pl.len().cast(pl.Int64), oldest=pl.col("at").min())
    return _ordered(found.select(*COUNTS))


def _ordered(counts: pl.DataFrame) -> pl.DataFrame:
    place = pl.col("state").replace_strict(_ORDER, range(len(_ORDER)), default=len(_ORDER))
    return counts.sort("kind", place)


def _reasons(standing: pl.DataFrame) -> pl.DataFrame:
    told = standing.filter(pl.col("reason").is_not_null())
    found = told.group_by("kind", "state", "reason").agg(
        things=pl.len().cast(pl.Int64), oldest=pl.col("at").min(), example=pl.col("id").min()
    )
    return found.select(*REASONS).sort(
        "kind", "things", "state", "reason", descending=[False, True, False, False]
    )


def _no_reasons() -> pl.DataFrame:
    return pl.DataFrame(schema=REASONS)


def _frame(rows: Sequence[tuple[object, ...]], schema: Schema) -> pl.DataFrame:
    """Rows of SQLite, whose instants are µs since 1970."""
    plain = {name: pl.Int64 if kind == INSTANT else kind for name, kind in schema.items()}
    return pl.DataFrame(rows, schema=plain, orient="row").with_columns(
        pl.col(name).cast(kind) for name, kind in schema.items()
    )
