"""Window amounts in the store: what a tick reads instead of the history, and the history once, for what is new."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection

from flows.store.archive import archived_file
from flows.store.history_amounts import keep_amounts, sets_made
from flows.store.prepared import archived_events
from flows.store.store import Store
from flows.warehouse import frame, literal, one_file, read_sql, run_sql, shown, sql_text
from transforms.engine.state import Tick
from transforms.program.model import Program
from transforms.signals.evaluate import LARGEST, evaluate_signals
from transforms.signals.plan import SignalPlan, last_key
from transforms.signals.windows import DECIMALS
from transforms.tables.frames import AMOUNTS, BEHAVIORS


def keep_track(store: Store, program: Program, previous: datetime | None) -> list[str]:
    """Note which amounts and schedules the workflows ask for; make new amounts from history, as of `previous`.

    Returns:
        The keys of schedules that were not tracked before.
    """
    amounts = _noted(store, "amount", program.signals.keys)
    alarms = [one.key for one in program.alarms if not one.is_cron]
    run_sql(store.con, "decide/windows/forget_alarms.sql", keys=alarms)
    unarmed = _noted(store, "alarm", alarms)
    if amounts or unarmed:
        store.watch()
    if amounts and previous:
        store.say(f"Making {len(amounts)} new amounts of windows from history")
        held = sets_made(store.state)
        _from_history(store, program.signals, amounts, previous)
        store.add_history(held)
    return unarmed


def events_again(store: Store, declared: SignalPlan, tick: Tick) -> pl.DataFrame:
    """The events of earlier ticks that enter or leave a window in the tick (`frames.BEHAVIORS`)."""
    found = [pl.DataFrame(schema=BEHAVIORS)]
    for microseconds, names in declared.shifts().items() if tick.since else ():
        assert tick.since is not None
        shift = timedelta(microseconds=microseconds)
        span = tick.since - shift, min(tick.now - shift, tick.since)
        if files := _files(store, *span):
            found.append(_read(store, files, names, *span))
    return pl.concat(found).unique(maintain_order=True)


def read_amounts(con: DuckDBPyConnection, customers: pl.Series, *, of_active: bool) -> pl.DataFrame:
    """The amounts of some customers, and of all active ones if so wanted (`frames.AMOUNTS`)."""
    with shown(con, watched_customers=customers.to_frame("customer_id")):
        run_sql(con, "decide/windows/amount_owners.sql", of_active=of_active)
    return read_sql(con, "decide/windows/amounts.sql")


def write_amounts(con: DuckDBPyConnection, amounts: pl.DataFrame) -> None:
    """Keep the amounts of the customers a tick has looked at."""
    if len(amounts):
        _list(con, amounts)
        run_sql(con, "decide/windows/replace_amounts.sql")


def _list(con: DuckDBPyConnection, amounts: pl.DataFrame) -> None:
    with shown(con, given_amounts=amounts):
        run_sql(con, "decide/windows/listed_amounts.sql")


def _noted(store: Store, kind: str, keys: Sequence[str]) -> list[str]:
    """Bring the noted keys up to date; those that are new."""
    noted = {"kind": kind, "keys": list(keys)}
    store.state.rows("decide/windows/forget_keys.sql", **noted)
    return [key for (key,) in store.state.rows("decide/windows/note_keys.sql", **noted)]


def _from_history(store: Store, declared: SignalPlan, new: list[str], previous: datetime) -> None:
    """Add the new amounts as of `previous`, from all events of earlier ticks until then."""
    files = [one_file(one) for one in archived_events(store, _new_batches(store))]
    if calls := {key: call for key, call in _calls(declared).items() if key in new}:
        _sum_up(store.con, calls, files=files, names=list(declared.names), until=previous)
        keep_amounts(store.state, frame(store.con, "from listed_amounts"))
    chains = tuple(one for one in declared.chains if not set(one.keys).isdisjoint(new))
    if chains:
        amounts = _chained(store, files, SignalPlan(chains), previous)
        _list(store.con, amounts.filter(pl.col("key").is_in(new)))
        keep_amounts(store.state, frame(store.con, "from listed_amounts"))


def _sum_up(con: DuckDBPyConnection, calls: dict[str, str], **given: Any) -> None:
    """Make `listed_amounts` in one pass over the events, grouped by customer."""
    query = sql_text("decide/windows/history_amounts.sql").replace("{amounts}", ", ".join(calls.values()))
    run_sql(con, "decide/windows/history_amount.sql")
    con.execute(query, {"keys": list(calls), "largest": LARGEST, "decimals": DECIMALS, **given})


def _chained(store: Store, files: list[str], chains: SignalPlan, previous: datetime) -> pl.DataFrame:
    """How far customers had come in ordered patterns (`frames.AMOUNTS`)."""
    rows = _read(store, files, chains.names, None, previous).with_columns(fresh=pl.lit(value=True))
    nothing = pl.DataFrame(schema=AMOUNTS)
    return evaluate_signals(chains, rows, nothing, since=None, until=previous, emit_from=None).amounts()


def _calls(declared: SignalPlan) -> dict[str, str]:
    """By the keys of the amounts that can be summed up in one pass, the calls of `history_amount` that do it."""
    terms = {
        one.key: f"'{one.metric}', {literal(one.name)}, {one.offset}, {'null' if one.window is None else one.window}"
        for one in declared.terms
    }
    lasts = {last_key(one): f"'last', {literal(one.name)}, 0, null" for one in declared.lasts}
    return {key: f"history_amount(history, {given})" for key, given in (terms | lasts).items()}


def _read(
    store: Store, files: list[str], names: Sequence[str], after: datetime | None, until: datetime
) -> pl.DataFrame:
    """The events in files of some names, after `after` and until `until` (`frames.BEHAVIORS`)."""
    given = {"files": files, "names": list(names), "after": after, "until": until}
    return read_sql(store.con, "decide/windows/archived_events.sql", **given)


def _files(store: Store, after: datetime, until: datetime) -> list[str]:
    """The archived batches of earlier ticks with events after `after` and until `until`."""
    given = {"after": after, "until": until, "new": _new_batches(store)}
    found = store.state.rows("decide/windows/archived_batches.sql", **given)
    return [one_file(archived_file(store.settings, "events", *one)) for one in found]


def _new_batches(store: Store) -> list[str]:
    """The archived files of the tick's own batches."""
    return [name for (name,) in store.con.execute("from new_batches").fetchall()]
