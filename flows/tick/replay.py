"""The past again: what the archive knows and the state doesn't, decided with the workflows and settings of then."""

from dataclasses import replace
from datetime import datetime

from flows.definitions.rules import Rules, read_patterns, read_send_times
from flows.inbox.admission import admit_all
from flows.session import Session, silent
from flows.settings import Settings
from flows.store.archive import Manifest, archived_workflow, last_manifest, manifests_after, read_clock
from flows.store.publish import mark_unpublished
from flows.store.ticks import last_tick
from flows.tick.advance import decide_tick, record_tick
from flows.tick.migrations import apply_migration, archived_migrations, known_migrations
from flows.warehouse import transaction


def catch_up(session: Session) -> int:
    """Decide again what the archive knows and the state doesn't; how many ticks that were.

    There is nothing to do unless a run was killed just before its commit, or the state is a restored backup
    or a new file: the archive's manifests then say what came in.
    """
    last, _ = last_tick(session.con)
    quiet = replace(session, say=silent)
    count = 0
    for manifest in manifests_after(session.settings, last):
        session.say(f"Deciding again, until {manifest.now:%Y-%m-%d %H:%M}")
        _migrate_again(quiet, manifest.tick_id - 1)
        _replay(quiet, manifest)
        count += 1
    _migrate_again(quiet, None)
    if reached := read_clock(session.settings):
        _move_to(quiet, *reached)
    return count


def _replay(session: Session, manifest: Manifest) -> None:
    """Decide a tick again from its manifest and the archive, after what fell due before it."""
    if manifest.previous:
        _move_to(session, manifest.tick_id - 1, manifest.previous)
    _decide_again(session, manifest)


def _move_to(session: Session, tick_id: int, now: datetime) -> None:
    """Decide again what fell due until `now`, on the basis of the last manifest; nothing if that's behind."""
    done, last = last_tick(session.con)
    before = last_manifest(session.settings, done)
    if before and last and last < now:
        _decide_again(session, replace(before, tick_id=tick_id, previous=last, now=now, batches=[]))


def _migrate_again(session: Session, until: int | None) -> None:
    """Repeat the archived migrations that the state doesn't know, those after tick `until` or earlier (None: all)."""
    known = known_migrations(session.con)
    for migration in archived_migrations(session.settings):
        if (migration.after_tick, migration.number) not in known and (
            until is None or migration.after_tick <= until
        ):
            _move_to(session, migration.after_tick, migration.at)
            with transaction(session.con):
                apply_migration(session, migration)


def _decide_again(session: Session, manifest: Manifest) -> None:
    con, settings, started = session.con, session.settings, session.clock()
    rules = _rules_then(settings, manifest)
    with transaction(con):
        admit_all(session, manifest.batches)
        summary = decide_tick(session, rules, manifest)
        record_tick(session, summary, manifest, started)
        mark_unpublished(settings)


def _rules_then(settings: Settings, manifest: Manifest) -> Rules:
    """The rules of an archived tick."""
    return Rules(
        [archived_workflow(settings, version) for _, version in manifest.workflows],
        read_patterns(manifest.patterns),
        manifest.frequency_caps,
        manifest.max_lateness,
        read_send_times(manifest.send_times),
        manifest.timezone,
        manifest.unreadable,
    )
