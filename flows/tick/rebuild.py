"""`onward rebuild`: the state again from the archive alone; the send ledger sees to it that nothing is sent twice."""

from flows.delivery.outbox import recall_sends
from flows.session import Clock, Say, silent, wall_clock
from flows.settings import Settings
from flows.store.backup import backup
from flows.store.publish import publish
from flows.store.state_file import open_store, rebuild_store
from flows.tick.replay import catch_up


def rebuild(settings: Settings, say: Say = silent, clock: Clock = wall_clock) -> str:
    """Decide every archived tick again into a new state file, which then takes the old one's place.

    Returns:
        What was done, for people.

    Raises:
        OnwardError: another run is in progress, or the archive can't be read; the old state stays.
    """
    with rebuild_store(settings, say, clock) as store:
        replayed = catch_up(store)
        known = replayed.known + recall_sends(store)
    with open_store(settings) as store:
        backup(store)
        publish(store)
    told = f"Decided {replayed.ticks:,} ticks again from the archive; {known:,} messages and requests were sent before"
    return "\n".join([told, *replayed.warnings])
