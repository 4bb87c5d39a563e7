"""`onward rebuild`: the state again from the archive alone; the send ledger sees to it that nothing is sent twice."""

from contextlib import closing
from datetime import datetime

from duckdb import Error as DuckDBError

from flows.advance import Clock, Say, move_to
from flows.backup import backup
from flows.errors import OnwardError
from flows.outbox import recall_sends
from flows.publish import publish
from flows.settings import Settings
from flows.store import STATE_FILE, open_store, rebuild_store
from flows.tick import catch_up, wall_clock
from flows.warehouse import connect


def _last_tick(settings: Settings) -> tuple[int, datetime] | None:
    """The last tick of the state, or of the published copy, as far as one can be read."""
    for folder in (settings.state, settings.published):
        try:
            with closing(connect(folder / STATE_FILE, read_only=True)) as con:
                ((tick_id, now),) = con.execute("select max(tick_id), max(now) from ticks").fetchall()
                return (int(tick_id), now) if now else None
        except (OnwardError, DuckDBError):
            continue
    return None


def rebuild(settings: Settings, say: Say = lambda _: None, clock: Clock = wall_clock) -> str:
    """Decide every archived tick again into a new state file, which then takes the old one's place.

    Returns:
        What was done, for people.

    Raises:
        OnwardError: another run is in progress, or the archive can't be read; the old state stays.
    """
    reached = _last_tick(settings)
    with rebuild_store(settings) as store:
        ticks = catch_up(store.con, settings, say, clock)
        if reached:
            move_to(store.con, settings, *reached, clock)
        known = recall_sends(store.con, settings)
    with open_store(settings) as store:
        backup(store)
        publish(store, settings)
    return f"Decided {ticks:,} ticks again from the archive; {known:,} messages and requests were sent before"
