"""Window amounts in the store: what a tick reads instead of the history, and the history once, for what is new."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import polars as pl
from duckdb import DuckDBPyConnection

from flows.settings import Settings
from flows.store.archive import archive_folder
from flows.warehouse import literal, read_sql, run_sql, shown, sql_text
from transforms.engine.state import Tick
from transforms.program.model import Program
from transforms.signals.evaluate import LARGEST, evaluate_signals
from transforms.signals.plan import SignalPlan, last_key
from transforms.signals.windows import DECIMALS
from transforms.tables.frames import AMOUNTS, BEHAVIORS

Say = Callable[[str], object]


def keep_track(
    con: DuckDBPyConnection, settings: Settings, program: Program, previous: datetime | None, say: Say
) -> list[str]:
    """Note which amounts and schedules the workflows ask for; make new amounts from history, as of `previous`.

    Returns:
        The keys of schedules that were not tracked before.
    """
    amounts = _noted(con, "amount", program.signals.keys)
    if amounts and previous:
        say(f"Making {len(amounts)} new amounts of windows from history")
        _from_history(con, settings, program.signals, amounts, previous)
    alarms = [one.key for one in program.alarms if not one.is_cron]
    run_sql(con, "decide/windows/forget_alarms.sql", keys=alarms)
    return _noted(con, "alarm", alarms)


def events_again(
    con: DuckDBPyConnection, settings: Settings, declared: SignalPlan, tick: Tick
) -> pl.DataFrame:
    """The events of earlier ticks that enter or leave a window in the tick (`state.BEHAVIORS`)."""
    found = [pl.DataFrame(schema=BEHAVIORS)]
    for microseconds, names in declared.shifts().items() if tick.since else ():
        assert tick.since is not None
        shift = timedelta(microseconds=microseconds)
        span = tick.since - shift, min(tick.now - shift, tick.since)
        found.append(_archived(con, settings, names, *span))
    return pl.concat(found).unique(maintain_order=True)


def read_amounts(con: DuckDBPyConnection, customers: pl.Series, *, of_active: bool) -> pl.DataFrame:
    """The amounts of some customers, and of all active ones if so wanted (`state.AMOUNTS`)."""
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


def _noted(con: DuckDBPyConnection, kind: str, keys: Sequence[str]) -> list[str]:
    """Bring the noted keys up to date; those that are new."""
    noted = {"kind": kind, "keys": list(keys)}
    run_sql(con, "decide/windows/forget_keys.sql", **noted)
    return [key for (key,) in run_sql(con, "decide/windows/note_keys.sql", **noted).fetchall()]


def _from_history(
    con: DuckDBPyConnection, settings: Settings, declared: SignalPlan, new: list[str], previous: datetime
) -> None:
    """Amounts as of `previous` from all events until then: one pass, grouped by customer."""
    calls = {key: call for key, call in _calls(declared).items() if key in new}
    files = _files(con, settings, None, previous) if calls else []
    if files:
        query = sql_text("decide/windows/history_amounts.sql").replace("{amounts}", ", ".join(calls.values()))
        scale = {"largest": LARGEST, "decimals": DECIMALS}
        names = list(declared.names)
        run_sql(con, "decide/windows/history_amount.sql")
        con.execute(query, {"files": files, "keys": list(calls), "names": names, "until": previous, **scale})
        run_sql(con, "decide/windows/add_amounts.sql")
    chains = tuple(one for one in declared.chains if not set(one.keys).isdisjoint(new))
    if chains:
        only = SignalPlan(chains)
        rows = _archived(con, settings, only.names, None, previous).with_columns(fresh=pl.lit(value=True))
        nothing = pl.DataFrame(schema=AMOUNTS)
        found = evaluate_signals(only, rows, nothing, since=None, until=previous, emit_from=None)
        _list(con, found.amounts().filter(pl.col("key").is_in(new)))
        run_sql(con, "decide/windows/add_amounts.sql")


def _calls(declared: SignalPlan) -> dict[str, str]:
    """By the keys of the amounts that can be summed up in one pass, the calls of `history_amount` that do it."""
    terms = {
        one.key: f"'{one.metric}', {literal(one.name)}, {one.offset}, {'null' if one.window is None else one.window}"
        for one in declared.terms
    }
    lasts = {last_key(one): f"'last', {literal(one.name)}, 0, null" for one in declared.lasts}
    return {key: f"history_amount(history, {given})" for key, given in (terms | lasts).items()}


def _archived(
    con: DuckDBPyConnection,
    settings: Settings,
    names: Sequence[str],
    after: datetime | None,
    until: datetime,
) -> pl.DataFrame:
    """The events of earlier ticks of some names, after `after` and until `until` (`state.BEHAVIORS`)."""
    files = _files(con, settings, after, until)
    if not files:
        return pl.DataFrame(schema=BEHAVIORS)
    given = {"files": files, "names": list(names), "after": after, "until": until}
    return read_sql(con, "decide/windows/archived_events.sql", **given)


def _files(con: DuckDBPyConnection, settings: Settings, after: datetime | None, until: datetime) -> list[str]:
    """The archived batches of earlier ticks with events after `after` and until `until`."""
    found = run_sql(con, "decide/windows/archived_batches.sql", after=after, until=until).fetchall()
    return [str(archive_folder(settings) / "events" / name) for (name,) in found]
