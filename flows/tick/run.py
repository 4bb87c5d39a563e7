"""One tick: load → decide → commit → dispatch → publish. Safe to run at any time, twice, or after a crash.

Loading and deciding are one transaction (`advance.py`); what is handed over is guarded by the send ledger; the
published copy is replaced last.
"""

from dataclasses import replace
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from flows.definitions.folder import load_definitions
from flows.files import lags
from flows.session import Session
from flows.settings import Settings
from flows.store.archive import manifests_after, read_clock
from flows.store.backup import backup
from flows.store.publish import is_unpublished, publish
from flows.store.recovery import backup_files
from flows.store.state_file import STATE_FILE, Store, open_store
from flows.summary import TickSummary
from flows.tick.advance import Clock, Say, advance, move_to, replay
from flows.tick.migrations import migrate_again


def wall_clock() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def run_tick(
    settings: Settings, now: datetime, say: Say = lambda _: None, clock: Clock = wall_clock
) -> TickSummary:
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
    with open_store(settings) as store:
        catch_up(store.con, settings, say, clock)
        summary = advance(store.con, settings, definitions, now, say, clock)
        dispatched = _dispatch(store.con, settings, now, say, clock)
        if is_unpublished(settings):
            _copy(store, settings, say)
        warnings = [*definitions.faults, *store.warnings]
    return replace(summary, dispatched=dispatched, warnings=warnings)


def _copy(store: Store, settings: Settings, say: Say) -> None:
    """Back up and publish what has changed, each if it is time to."""
    store.checkpoint()
    if lags(backup_files(store.path)[0], store.path, settings.backup_every):
        say("Backing up")
        backup(store)
    if lags(settings.published / STATE_FILE, store.path, settings.publish_every):
        say("Publishing")
        publish(store, settings)


def _dispatch(
    con: DuckDBPyConnection, settings: Settings, now: datetime, say: Say, clock: Clock
) -> dict[str, int]:
    """Hand over what is pending; messages and webhook requests by what became of them."""
    tables = ("messages", "webhooks")
    if not any(
        con.execute(f"select 1 from {one} where status = 'pending' limit 1").fetchall() for one in tables
    ):
        return {}
    # An idle run shall not pay for importing the senders.
    from flows.delivery.outbox import send_messages, send_webhooks

    say("Dispatching messages")
    messages = send_messages(Session(con, settings, say, clock), now=now)
    requests = send_webhooks(Session(con, settings, say, clock))
    return messages | {f"webhooks {status}": n for status, n in requests.items()}


def catch_up(con: DuckDBPyConnection, settings: Settings, say: Say, clock: Clock = wall_clock) -> int:
    """Decide again what the archive knows and the state doesn't; how many ticks that were.

    There is nothing to do unless a run was killed just before its commit, or the state is a restored backup
    or a new file: the archive's manifests then say what came in.
    """
    ((last,),) = con.execute("select coalesce(max(tick_id), 0) from ticks").fetchall()
    count = 0
    for manifest in manifests_after(settings, int(last)):
        say(f"Deciding again, until {manifest.now:%Y-%m-%d %H:%M}")
        migrate_again(con, settings, manifest.tick_id - 1, clock)
        replay(con, settings, manifest, lambda _: None, clock)
        count += 1
    migrate_again(con, settings, None, clock)
    if reached := read_clock(settings):
        move_to(con, settings, *reached, clock)
    return count
