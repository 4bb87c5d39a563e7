"""The sends that frequency caps count, kept with each customer as far back as the longest window reaches."""

from datetime import datetime, timedelta

from flows.store.everybody import everybody
from flows.store.store import Store
from flows.warehouse import add_rows, frame, run_sql
from transforms.engine.state import Tick
from transforms.timing.durations import epoch_us, instant_at

SINCE = "sends_since"
"""From when on documents hold all sends (exclusive), as the state file notes it, in microseconds since 1970."""


def keep_sends(store: Store, tick: Tick) -> None:
    """Bring in the sends that a longer window asks for, once, and let go of those that no window reaches any more."""
    since = _wanted_since(tick)
    held = int(store.state.value(SINCE) or 0)
    if tick.since and epoch_us(since) < held:
        _read_again(store, since, instant_at(held))
    store.con.execute('delete from sends where "at" <= $since', {"since": since})
    store.state.note(SINCE, epoch_us(since))


def _wanted_since(tick: Tick) -> datetime:
    longest = max((cap.window for cap in tick.caps), default=timedelta(0))
    return (tick.since or tick.now) - longest if tick.caps else tick.now


def _read_again(store: Store, since: datetime, until: datetime) -> None:
    """Sends after `since` and until `until`, from the ledger: caps are new, or reach further back than before."""
    with everybody(store):
        run_sql(store.con, "decide/sent_before.sql", since=since, until=until)
    store.bring_in(frame(store.con, "select distinct customer_id from sent_before").to_series())
    store.con.execute('delete from sends where "at" <= $until', {"until": until})
    add_rows(store.con, "sends", "from sent_before")
