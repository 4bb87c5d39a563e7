"""Whom a tick may reach without an event: they are brought in before it decides."""

from collections.abc import Sequence

import polars as pl

from flows.decide.state import Reach
from flows.store.everybody import everybody
from flows.store.store import Store
from flows.warehouse import frame, literal, read_sql, streamed
from transforms.engine.layout.cron_reach import CronReach, cron_reach
from transforms.engine.state import Tick
from transforms.program.model import Program


def bring_in_reached(
    store: Store, program: Program, tick: Tick, reach: Reach, unarmed: Sequence[str]
) -> None:
    """Bring in whoever something may happen to without an event: by what is due, and by schedules.

    Args:
        store: the store in the tick's transaction.
        program: the compiled workflows.
        tick: its bounds.
        reach: whom the tick may reach.
        unarmed: the attributes with dates that new schedules look at.
    """
    due = store.state.rows("decide/due_keys.sql", now=reach.now)
    waiting = store.state.rows("decide/waiting_keys.sql", workflows=[one for one, _ in reach.awaiting])
    store.bring_in_keys([key for (key,) in (*due, *waiting)])
    asked = cron_reach(program, tick)
    if not unarmed and asked.nobody and not reach.open_goals:
        return
    with everybody(store):
        if unarmed:
            dated = read_sql(store.con, "decide/dated.sql", attributes=list(unarmed))
            store.bring_in_keys(dated.to_series().to_list())
        if reach.open_goals:
            store.bring_in(_with_open_goals(store, tick, reach))
        if not asked.nobody:
            store.say("Looking whom crons reach")
            store.bring_in_keys(_reached(store, asked))


def _with_open_goals(store: Store, tick: Tick, reach: Reach) -> pl.Series:
    """Those who may hit a goal that is a cron, held out and those whose executions are over among them."""
    since = tick.cron_since - max(reach.open_goals.values())
    asked = {"versions": list(reach.open_goals), "since": since}
    return read_sql(store.con, "decide/open_goals.sql", **asked).to_series()


def _reached(store: Store, asked: CronReach) -> list[int]:
    """The places of those customers' documents whom a cron may let enter."""
    named = ", ".join(map(literal, asked.attributes))
    owned = f"from everybody.attributes where list_contains([{named}]::varchar[], attribute)"
    customers = frame(
        store.con, "select customer_key, customer_id, known, created_at from everybody.profiles"
    )
    tags = read_sql(
        store.con, "decide/tags_of_all.sql", every=asked.tags is None, tags=list(asked.tags or ())
    )
    # A reader of a connection's rows keeps it from other questions.
    attributes = streamed(store.con.cursor(), f"select customer_key, attribute, value {owned}")
    return asked.among(customers.lazy(), attributes, tags.lazy(), by="customer_key").to_list()
