"""The engine's state and ledger in DuckDB: what a tick reads of active customers, and what it writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
from duckdb import DuckDBPyConnection

from flows.buckets.partition import Bucket
from flows.decide.facts import Incoming, property_paths, visible_attributes, with_properties
from flows.warehouse import append, read_sql, run_sql, shown
from transforms.engine.fold import set_latest
from transforms.engine.layout.reach import awaiting_crons, crons_fire, goal_crons
from transforms.engine.ledger import Decided
from transforms.engine.state import State, Tick
from transforms.program.model import Program
from transforms.program.standing import with_held_by
from transforms.tables.frames import ATTRIBUTES, ENTRIES, EXECUTIONS


@dataclass(frozen=True)
class Reach:
    """Whom a tick may reach besides those with facts.

    Attributes:
        now: its end; whose steps or alarms are due until then.
        everybody: whether a cron may let any known customer enter.
        awaiting: the workflows and versions whose executions look for a cron that fires.
        open_goals: the versions whose goal is such a cron, and how long after an entry (µs).
    """

    now: datetime
    everybody: bool
    awaiting: tuple[tuple[str, str], ...]
    open_goals: Mapping[str, int]


def reach_of(program: Program, tick: Tick) -> Reach:
    """Whom a tick may reach."""
    goals = {one.version: one.goal_window for one in goal_crons(program, tick)}
    return Reach(tick.now, crons_fire(program, tick), tuple(awaiting_crons(program, tick)), goals)


def find_active_customers(con: DuckDBPyConnection, incoming: Incoming, bucket: Bucket, reach: Reach) -> None:
    """Make the table `active_customers`: those of a bucket to whom something may happen in the tick.

    Args:
        con: the store; `unarmed_keys` names the schedules whose attributes are to be looked at.
        incoming: what the events bring.
        bucket: whom to look at.
        reach: who else is active.
    """
    facts = incoming.facts
    frames = (facts.events, facts.writes, facts.introductions, incoming.profile_only)
    acting = pl.concat([one["customer_id"] for one in frames])
    given = {
        "now": reach.now,
        "everybody": reach.everybody,
        "awaiting": [one for _, one in reach.awaiting],
        "open_goals": list(reach.open_goals),
    }
    with shown(con, customers_with_facts=acting.unique().to_frame()):
        run_sql(con, "decide/active_customers.sql", **given)
    con.execute(f"delete from active_customers where not ({bucket.within})")


def add_active_customers(con: DuckDBPyConnection, customers: pl.Series) -> None:
    """Further customers to whom something happens: those whose patterns turned true."""
    with shown(con, further=customers.to_frame("customer_id")):
        run_sql(con, "decide/further_customers.sql")


def read_state(con: DuckDBPyConnection, program: Program, tick: Tick) -> State:
    """The state of the customers in the table `active_customers`.

    Raises:
        WarehouseError: a table can't be read.
    """
    longest = max((cap.window for cap in tick.caps), default=timedelta(0))
    since = tick.since - longest if tick.since else tick.now
    paths = property_paths(program)
    running = read_sql(con, "decide/state/executions.sql", paths=paths)
    return State(
        customers=read_sql(con, "decide/state/customers.sql"),
        attributes=read_sql(con, "decide/state/attributes.sql", **visible_attributes(program)),
        tags=read_sql(con, "decide/state/tags.sql"),
        executions=with_properties(running, program),
        entries=with_properties(read_sql(con, "decide/state/entries.sql", paths=paths), program),
        sends=read_sql(con, "decide/state/sends.sql", since=since),
        alarms=read_sql(con, "decide/state/alarms.sql"),
    )


def changed_attributes(
    con: DuckDBPyConnection, stored: pl.DataFrame, seen: pl.DataFrame, unread: pl.DataFrame
) -> pl.DataFrame:
    """The attributes that differ from what is stored, whether workflows see them or not (`frames.ATTRIBUTES`).

    Args:
        con: the store.
        stored: those that workflows see, as they were read.
        seen: the same after the tick.
        unread: the last updates of those that workflows don't see.
    """
    with shown(con, unread=unread.select("customer_id", "attribute")):
        others = read_sql(con, "decide/state/stored_attributes.sql")
    later = set_latest(others, unread.select(*ATTRIBUTES))
    both = pl.concat([seen, later]).unique(["customer_id", "attribute"], keep="last", maintain_order=True)
    before = pl.concat([others, stored])
    return both.join(before, on=both.columns, how="anti", nulls_equal=True, maintain_order="left")


def write_decided(
    con: DuckDBPyConnection, decided: Decided, attributes: pl.DataFrame, tick: Tick, tick_id: int
) -> None:
    """Append a tick's ledger rows and bring the current state up to date, inside the caller's transaction.

    Args:
        con: the store.
        decided: what was decided.
        attributes: the attributes that changed.
        tick: what bounds it: its end is `processed_at`, and sends are kept for its caps.
        tick_id: the tick's number.

    Raises:
        WarehouseError: a table can't be written.
    """
    with shown(con, decided_executions=decided.executions.select("execution_id")):
        held = read_sql(con, "decide/state/held_by.sql")
    executions = decided.executions.select(*EXECUTIONS).join(held, on="execution_id", how="left")
    _upsert(
        con,
        "executions",
        ["execution_id"],
        with_held_by(executions, decided.steps).with_columns(tick_id=tick_id),
    )
    _append(con, "steps", decided.steps.with_columns(tick_id=tick_id, processed_at=tick.now))
    queued = {"tick_id": pl.lit(tick_id), "status": pl.lit("pending")}
    triggers = decided.executions.select("execution_id", "trigger_properties")
    messages = decided.messages.join(triggers, on="execution_id", how="left", maintain_order="left")
    _append(con, "messages", messages.with_columns(**queued))
    _append(con, "webhooks", decided.webhooks.with_columns(**queued))
    _append(con, "goal_hits", decided.goal_hits.with_columns(tick_id=tick_id))
    _append(con, "entry_refusals", decided.refusals.with_columns(tick_id=tick_id))
    _upsert(con, "attributes", ["customer_id", "attribute"], attributes)
    _upsert(con, "schedule_alarms", ["customer_id", "key"], decided.alarms)
    _write_tags(con, decided.tags)
    with shown(con, introduced=decided.introduced, new_entries=decided.entries.select(*ENTRIES)):
        run_sql(con, "decide/state/introduced.sql")
        run_sql(con, "decide/state/new_entries.sql")
    if tick.caps:
        with shown(con, new_messages=decided.messages, new_webhooks=decided.webhooks):
            run_sql(con, "decide/state/new_sends.sql")


def _write_tags(con: DuckDBPyConnection, changes: pl.DataFrame) -> None:
    last = changes.unique(["customer_id", "tag"], keep="last", maintain_order=True)
    _delete(con, "tags", ["customer_id", "tag"], last)
    _append(con, "tags", last.filter("added").select("customer_id", "tag"))


def _upsert(con: DuckDBPyConnection, table: str, keys: list[str], rows: pl.DataFrame) -> None:
    _delete(con, table, keys, rows)
    _append(con, table, rows)


def _delete(con: DuckDBPyConnection, table: str, keys: list[str], rows: pl.DataFrame) -> None:
    if len(rows):
        same = " and ".join(f"{table}.{key} = replaced.{key}" for key in keys)
        with shown(con, replaced=rows.select(keys)):
            con.execute(f"delete from {table} using replaced where {same}")


def _append(con: DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    if len(rows):
        append(con, table, rows)
