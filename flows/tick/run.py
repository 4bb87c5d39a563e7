"""One tick: load → decide → commit → dispatch → publish. Safe to run at any time, twice, or after a crash.

Loading and deciding are one transaction (`advance.py`); what is handed over is guarded by the send ledger; the
published copy is replaced last.
"""

from dataclasses import replace
from datetime import datetime

from flows.definitions.folder import load_definitions
from flows.files import lags
from flows.session import Clock, Say, Session, silent, wall_clock
from flows.settings import Settings
from flows.store.backup import backup
from flows.store.publish import is_unpublished, publish
from flows.store.recovery import backup_files
from flows.store.state_file import STATE_FILE, Store, open_store
from flows.summary import TickSummary
from flows.tick.advance import advance
from flows.tick.replay import catch_up


def run_tick(settings: Settings, now: datetime, say: Say = silent, clock: Clock = wall_clock) -> TickSummary:
    """The main job: one tick until `now`.

    Args:
        settings: where things lie.
        now: the tick's end; must not be before the last tick's.
        say: told what is being done, for a status line.
        clock: the wall clock, for `sent_at` and the like; decides nothing.

    Raises:
        InputError: `now` is in the past of the store, or an inbox file can't be loaded; nothing has changed.
        OnwardError: another run is in progress, or the store can't be used.
    """
    say("Reading workflows")
    definitions = load_definitions(settings.workflows, settings.patterns, settings.templates)
    with open_store(settings, say, clock) as store:
        catch_up(store)
        summary = advance(store, definitions, now)
        dispatched = _dispatch(store, now)
        if is_unpublished(settings):
            _copy(store)
        warnings = [*definitions.faults, *store.warnings]
    return replace(summary, dispatched=dispatched, warnings=warnings)


def _copy(store: Store) -> None:
    """Back up and publish what has changed, each if it is time to."""
    store.checkpoint()
    settings = store.settings
    if lags(backup_files(store.path)[0], store.path, settings.backup_every):
        store.say("Backing up")
        backup(store)
    if lags(settings.published / STATE_FILE, store.path, settings.publish_every):
        store.say("Publishing")
        publish(store)


def _dispatch(session: Session, now: datetime) -> dict[str, int]:
    """Hand over what is pending; messages and webhook requests by what became of them."""
    tables = ("messages", "webhooks")
    if not any(
        session.con.execute(f"select 1 from {one} where status = 'pending' limit 1").fetchall()
        for one in tables
    ):
        return {}
    # An idle run shall not pay for importing the senders.
    from flows.delivery.outbox import send_messages, send_webhooks

    session.say("Dispatching messages")
    messages = send_messages(session, now=now)
    requests = send_webhooks(session)
    return messages | {f"webhooks {status}": n for status, n in requests.items()}
