"""State + what a tick decided → the next state; the same fold for stores, backtests and tests."""

from dataclasses import replace
from datetime import timedelta

import polars as pl

from transforms.engine.introductions import settled, with_introduced
from transforms.engine.ledger import Decided
from transforms.engine.state import State, Tick
from transforms.tables.frames import ATTRIBUTES, EXECUTIONS, SENDS

_OWNER = ["customer_id", "attribute"]
_SEND = [*SENDS, "transactional"]


def fold(state: State, decided: Decided, writes: pl.DataFrame, tick: Tick) -> State:
    """The state after a tick.

    Args:
        state: the state the tick started from.
        decided: what it decided.
        writes: all profile updates of the tick's events (`frames.WRITES`), seen by a workflow or not.
        tick: its bounds; accepted messages older than the longest window of its caps are forgotten.
    """
    taken = decided.executions
    return replace(
        fold_profiles(state, decided, writes),
        executions=_running(state.executions, taken),
        entries=_newest(state.entries, decided.entries),
        sends=_recent(pl.concat([state.sends, counted(decided)]), tick),
        alarms=replaced(state.alarms, decided.alarms, ["customer_id", "key"]),
    )


def fold_profiles(state: State, decided: Decided, writes: pl.DataFrame) -> State:
    """The state with customers, attributes and tags as they are after a tick, all else as it was before."""
    return replace(
        state,
        customers=settled(with_introduced(state, decided.introduced).customers),
        attributes=fold_attributes(state.attributes, writes, decided.attributes),
        tags=_fold_tags(state.tags, decided.tags),
    )


def fold_attributes(
    before: pl.DataFrame, writes: pl.DataFrame, decided: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Attributes after the writes of events and of steps: the latest `set_at` wins, of equals the last applied.

    `decided` are the applied writes of attributes that workflows see; for those, the writes of events are
    among them already and are left out here.
    """
    updates = writes.sort("at", "ts", "event_id", "ordinal").with_columns(set_at="ts").select(*ATTRIBUTES)
    if decided is not None and len(decided):
        told = updates.filter(~pl.col("attribute").is_in(decided["attribute"].unique().implode()))
        updates = pl.concat([told, decided.select(*ATTRIBUTES)])
    return set_latest(before, updates)


def set_latest(before: pl.DataFrame, updates: pl.DataFrame) -> pl.DataFrame:
    """Attributes (`frames.ATTRIBUTES`) after `updates` (the same columns, in order); only their owners are touched."""
    if updates.is_empty():
        return before
    touched = before.join(updates, on=_OWNER, how="semi", maintain_order="left")
    latest = (
        pl.concat([touched, updates])
        .sort("set_at", nulls_last=False, maintain_order=True)
        .unique(_OWNER, keep="last", maintain_order=True)
    )
    return pl.concat([before.join(updates, on=_OWNER, how="anti"), latest])


def _fold_tags(before: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    held = before.with_columns(added=True)
    final = pl.concat([held, changes.select("customer_id", "tag", "added")])
    last = final.unique(["customer_id", "tag"], keep="last", maintain_order=True)
    return last.filter("added").drop("added")


def _running(before: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    untouched = before.join(
        taken.select("execution_id"), on="execution_id", how="anti", maintain_order="left"
    )
    running = taken.filter(pl.col("status").is_in(["running", "paused"]))
    return pl.concat([untouched, running], how="diagonal").select(
        *EXECUTIONS, pl.selectors.starts_with("event.")
    )


def _newest(before: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    if new.is_empty():
        return before
    key = ["workflow_id", "customer_id"]
    last = new.sort("entered_at", maintain_order=True).unique(key, keep="last", maintain_order=True)
    untouched = before.join(last, on=key, how="anti", maintain_order="left")
    return pl.concat([untouched, last], how="diagonal")


def counted(decided: Decided) -> pl.DataFrame:
    """The messages of a tick that frequency caps count (`frames.SENDS`): also requests that have a channel."""
    both = pl.concat([decided.messages.select(_SEND), decided.webhooks.select(_SEND)])
    return both.filter(~pl.col("transactional") & pl.col("channel").is_not_null()).drop("transactional")


def replaced(before: pl.DataFrame, after: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The rows of `after`, and those of `before` that have other keys."""
    return pl.concat([before.join(after, on=keys, how="anti", maintain_order="left"), after])


def _recent(sends: pl.DataFrame, tick: Tick) -> pl.DataFrame:
    longest = max((cap.window for cap in tick.caps), default=timedelta(0))
    return sends.filter(pl.col("at") > tick.now - longest)
