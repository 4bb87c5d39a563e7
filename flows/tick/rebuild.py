"""`onward rebuild`: the state again from the archive alone; the send ledger sees to it that nothing is sent twice."""

from dataclasses import dataclass
from datetime import datetime

from flows.delivery.open_ledger import check_ledger, name_ledger, rebuild_ledger
from flows.delivery.outbox import recall_sends
from flows.errors import InputError
from flows.session import Clock, Say, silent, wall_clock
from flows.settings import Settings
from flows.store.archive import archive_folder, manifests_after
from flows.store.opening import ask_state, hold_store, open_store, rebuild_store
from flows.store.publish import publish
from flows.store.state_file import StateFile
from flows.store.store import STATE_FILE, Store
from flows.tick.replay import catch_up
from flows.tick.undo import put_aside, told_of, undone_after
from transforms.timing.durations import instant_at


@dataclass(frozen=True)
class Request:
    """What to rebuild.

    Attributes:
        until: what was decided later is undone; None: nothing is.
        force: also where the archive lacks ticks that the present state knows.
    """

    until: datetime | None = None
    force: bool = False


def rebuild(
    settings: Settings, say: Say = silent, clock: Clock = wall_clock, request: Request | None = None
) -> str:
    """Decide every archived tick again into a new state file, which then takes the old one's place.

    Returns:
        What was done, for people.

    Raises:
        InputError: the first tick ended after the instant asked for, the archive knows less than the state and it isn't
            forced, or the send ledger is missing or another's; nothing has changed.
        OnwardError: another run is in progress, or the archive can't be read; the old state stays.
    """
    wanted = request or Request()
    with hold_store(settings):
        if not wanted.force:
            _check_archive(settings, wanted.until)
        undone = undone_after(settings, wanted.until) if wanted.until else None
        with rebuild_store(settings, say, clock) as store:
            _take_over_ledger(store)
            replayed = catch_up(store, undone.end if undone else None)
            known = replayed.known + recall_sends(store)
        back = [told_of(undone, put_aside(settings, undone))] if undone else []
    with open_store(settings) as store:
        publish(store)
    told = f"Decided {replayed.ticks:,} ticks again from the archive; {known:,} messages and requests were sent before"
    return "\n".join([told, *back, *replayed.warnings])


def remake_ledger(settings: Settings, say: Say = silent, clock: Clock = wall_clock) -> str:
    """Make a lost send ledger again from what the state shows as handed over; the state stays as it is.

    Returns:
        What was done, for people.

    Raises:
        InputError: there is a send ledger; nothing has changed.
        OnwardError: another run is in progress, or the store can't be used.
    """
    with open_store(settings, say, clock) as store:
        known = rebuild_ledger(store)
    return f"Made the send ledger again: it knows the {known:,} messages and requests that the state shows as sent"


def _take_over_ledger(store: Store) -> None:
    """The new state names the send ledger of the old one, which must be there."""

    def named(state: StateFile) -> str | None:
        return check_ledger(state, store.settings, store.clock)

    if identity := ask_state(store.settings, named):
        name_ledger(store.state, identity)


def _check_archive(settings: Settings, until: datetime | None) -> None:
    """Refuse to replace a state by an emptier one, as where somebody cleared the archive away."""
    manifests = list(manifests_after(settings, 0))
    batches = [batch.batch_id for one in manifests for batch in one.batches]
    known = {"ticks": [one.tick_id for one in manifests], "batches": batches, "until": until}

    def lost_ticks(state: StateFile) -> tuple[int, datetime | None]:
        ((ticks, last),) = state.rows("tick/rebuild/lost_ticks.sql", **known)
        return ticks, None if last is None else instant_at(last)

    lost, last = ask_state(settings, lost_ticks) or (0, None)
    if lost and last:
        folder, tick = archive_folder(settings), "tick" if lost == 1 else "ticks"
        raise InputError(
            f"{folder / 'ticks'}: the manifests of {lost:,} {tick} that the state knows, until "
            f"{last:%Y-%m-%d %H:%M:%S} UTC, are missing; rebuilt without them it would lack what these loaded and "
            f"decided. Put {folder} back from a copy, or go on with the state as it is (`onward run`); --force "
            f"rebuilds from what is there, and keeps the present state beside as {STATE_FILE}.replaced-<n>"
        )
