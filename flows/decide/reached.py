"""Whom a tick may reach besides those with new rows: they are brought in before it decides."""

from collections.abc import Sequence

from flows.decide.state import Reach
from flows.store.everybody import everybody
from flows.store.store import Store
from flows.warehouse import read_sql


def bring_in_reached(store: Store, reach: Reach, unarmed: Sequence[str]) -> None:
    """Bring in whoever something may happen to without an event: by what is due, and by schedules.

    Args:
        store: the store in the tick's transaction.
        reach: whom the tick may reach.
        unarmed: the attributes with dates that new schedules look at.
    """
    due = store.state.rows("decide/due_keys.sql", now=reach.now)
    waiting = store.state.rows("decide/waiting_keys.sql", workflows=[one for one, _ in reach.awaiting])
    store.bring_in_keys([key for (key,) in (*due, *waiting)])
    if unarmed or reach.everybody:
        with everybody(store):
            for name, given in (
                ("dated", {"attributes": list(unarmed)}),
                ("known", {"everybody": reach.everybody}),
            ):
                store.bring_in(read_sql(store.con, f"decide/reached/{name}.sql", **given).to_series())
