"""Window amounts in the store: what a tick reads instead of the history, and the history once, for what is new."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import polars as pl
from duckdb import DuckDBPyConnection

from flows.settings import Settings
from flows.store.archive import archive_folder
from flows.warehouse import frame, literal, run_sql, shown, sql_text
from transforms.engine.state import Tick
from transforms.program.model import Program
from transforms.signals.evaluate import LARGEST, evaluate_signals
from transforms.signals.plan import SignalPlan, last_key
from transforms.signals.windows import DECIMALS, Term
from transforms.tables.frames import AMOUNTS

_COLUMNS = 'event_id, customer_id, ts, ts as "at", name, value, true as acts'
Say = Callable[[str], object]
_NAMED = "type = 'behavioral' and name"


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
    return _noted(con, "alarm", [one.key for one in program.alarms if not one.is_cron])


def events_again(
    con: DuckDBPyConnection, settings: Settings, declared: SignalPlan, tick: Tick
) -> pl.DataFrame:
    """The events of earlier ticks that enter or leave a window in the tick (`state.BEHAVIORS`)."""
    parts = [f"select {_COLUMNS} from new_events limit 0"]
    for shift, names in declared.shifts().items() if tick.since else ():
        parts += _again(con, settings, timedelta(microseconds=shift), names, tick)
    each = " union ".join(f"({one})" for one in parts)
    return frame(con, f"select *, false as fresh from ({each})")


def _again(
    con: DuckDBPyConnection, settings: Settings, shift: timedelta, names: tuple[str, ...], tick: Tick
) -> list[str]:
    """The query of the events that were there before the tick and are `shift` old in it, if there are any."""
    assert tick.since is not None
    after, until = tick.since - shift, tick.now - shift
    source = _archived(con, settings, after, until)
    if source is None:
        return []
    span = f"ts > {_instant(after)} and ts <= {_instant(min(until, tick.since))}"
    return [f"select {_COLUMNS} from {source} where {span} and {_NAMED} in ({_listed(names)})"]


def read_amounts(con: DuckDBPyConnection, customers: pl.Series, *, of_touched: bool) -> pl.DataFrame:
    """The amounts of some customers, and of those whom the tick touches if so wanted (`state.AMOUNTS`)."""
    also = "union select customer_id from touched" if of_touched else ""
    owners = f"select distinct customer_id from watched_customers {also}"
    with shown(con, watched_customers=customers.to_frame("customer_id")):
        con.execute(f"create or replace temp table amount_owners as {owners}")
    return frame(con, sql_text("decide/windows/read_amounts.sql"))


def write_amounts(con: DuckDBPyConnection, amounts: pl.DataFrame) -> None:
    """Keep the amounts of the customers a tick has looked at."""
    if len(amounts):
        changed = sql_text("decide/windows/changed_amounts.sql")
        with shown(con, looked_at=amounts):
            con.execute(f"create or replace temp table changed_amounts as {changed}")
        same = "window_amounts.customer_id = changed_amounts.customer_id"
        con.execute(f"delete from window_amounts using changed_amounts where {same}")
        con.execute("insert into window_amounts select * from changed_amounts")


def _noted(con: DuckDBPyConnection, kind: str, wanted: Iterable[str]) -> list[str]:
    """Bring the noted keys up to date; those that are new."""
    keys = list(wanted)
    known = _tracked(con, kind)
    gone = "kind = $1 and not list_contains($2::varchar[], key)"
    con.execute(f"update watched_keys set tracked = false where tracked and {gone}", [kind, keys])
    if kind == "alarm":
        con.execute("delete from schedule_alarms where not list_contains($1::varchar[], key)", [keys])
    new = [key for key in keys if key not in known]
    for key in new:
        number = "select count(*) + 1 from watched_keys"
        con.execute(f"insert into watched_keys values (({number}), $1, $2, true)", [kind, key])
    return new


def _tracked(con: DuckDBPyConnection, kind: str) -> dict[str, int]:
    """The keys that are kept track of, and their numbers."""
    query = "select key, number from watched_keys where kind = $1 and tracked"
    return dict(con.execute(query, [kind]).fetchall())


def _from_history(
    con: DuckDBPyConnection, settings: Settings, declared: SignalPlan, new: list[str], previous: datetime
) -> None:
    """Amounts as of `previous` from all events until then: one pass, grouped by customer."""
    source = _archived(con, settings, None, previous)
    if source is None:
        return
    events = f"(select * from {source} where type = 'behavioral' and ts <= {_instant(previous)})"
    number = _tracked(con, "amount")
    columns = {number[term.key]: _sum(term, previous) for term in declared.terms if term.key in new}
    columns |= {
        number[last_key(one)]: f"epoch_us(max(ts) filter (name = {literal(one.name)}))"
        for one in declared.lasts
        if last_key(one) in new
    }
    if columns:
        named = ", ".join(f"{amount} as a{key}" for key, amount in columns.items())
        names = _listed(declared.names)
        grouped = f"select customer_id, {named} from {events} where name in ({names}) group by customer_id"
        pairs = ", ".join(f"{{'key': {key}, 'amount': a{key}}}" for key in columns)
        there = f"list_filter([{pairs}], lambda one: one.amount is not null)"
        listed = f"select customer_id, {there} as pairs from ({grouped})"
        _add(con, f"select customer_id, pairs from ({listed}) where len(pairs) > 0")
    _chains_from_history(con, declared, new, number, events, previous)


def _sum(term: Term, previous: datetime) -> str:
    """The amount of a term as of `previous`; null for customers whose first event has not entered its window yet."""
    end = f"{_instant(previous)} - to_microseconds({term.offset})"
    entered = f"name = {literal(term.name)} and ts <= {end}"
    within = entered if term.window is None else f"{entered} and ts > {end} - to_microseconds({term.window})"
    value = f"round_even(greatest(least(coalesce(value, 0), {LARGEST}), -{LARGEST}) * {DECIMALS}, 0)::bigint"
    amount = (
        f"sum({value}) filter ({within})" if term.metric == "total_value" else f"count(*) filter ({within})"
    )
    return f"if(count(*) filter ({entered}) > 0, coalesce({amount}, 0)::bigint, null)"


def _chains_from_history(
    con: DuckDBPyConnection,
    declared: SignalPlan,
    new: list[str],
    number: dict[str, int],
    events: str,
    previous: datetime,
) -> None:
    chains = tuple(one for one in declared.chains if not set(one.keys).isdisjoint(new))
    if chains:
        only = SignalPlan(chains)
        rows = frame(
            con, f"select {_COLUMNS}, true as fresh from {events} where name in ({_listed(only.names)})"
        )
        found = evaluate_signals(
            only, rows, pl.DataFrame(schema=AMOUNTS), since=None, until=previous, emit_from=None
        )
        numbers = pl.col("key").replace_strict(number, return_dtype=pl.Int32)
        pair = "list({'key': number, 'amount': amount}) as pairs"
        query = f"select customer_id, {pair} from chain_amounts where key in ({_listed(new)}) group by customer_id"
        with shown(con, chain_amounts=found.amounts().with_columns(number=numbers)):
            _add(con, query)


def _add(con: DuckDBPyConnection, query: str) -> None:
    keys, amounts = (f"list_transform(pairs, lambda one: one.{name})" for name in ("key", "amount"))
    con.execute(
        "create or replace temp view from_history as "
        f"select customer_id, {keys}::integer[] as keys, {amounts}::bigint[] as amounts from ({query})"
    )
    run_sql(con, "decide/windows/add_amounts.sql")


def _archived(
    con: DuckDBPyConnection, settings: Settings, after: datetime | None, until: datetime
) -> str | None:
    """The archived batches of earlier ticks with events in `(after, until]`, to select from."""
    query = (
        "select archive from batches where kind = 'events' and not list_contains($1::varchar[], archive) "
        "and (earliest is null or earliest <= $2) and latest > coalesce($3, '-infinity'::timestamptz)"
    )
    ((new,),) = con.execute("select coalesce(list(archive), []) from new_batches").fetchall()
    found = con.execute(query, [new, until, after]).fetchall()
    folder = archive_folder(settings) / "events"
    files = ", ".join(literal(folder / name) for (name,) in found)
    return f"read_parquet([{files}])" if files else None


def _instant(instant: datetime) -> str:
    return f"'{instant.isoformat()}'::timestamptz"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(literal, names))
