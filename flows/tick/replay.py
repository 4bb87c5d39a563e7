"""The past again: what the archive knows and the state doesn't, decided with the workflows and settings of then."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile

from flows.definitions.rules import Rules, read_patterns, read_send_times
from flows.inbox.admission import admit_all
from flows.session import drawn, silent
from flows.settings import Settings
from flows.store.archive import (
    SEMANTICS,
    ArchiveError,
    Manifest,
    archived_workflow,
    last_manifest,
    manifests_after,
    manifests_stamp,
    read_clock,
)
from flows.store.store import Store
from flows.store.ticks import last_tick
from flows.tick.advance import MANIFESTS, decide_tick, record_tick
from flows.tick.migrations import apply_migration, archived_migrations, known_migrations
from flows.tick.together import together

Adapt = Callable[[Rules], Rules]
"""The rules of then → those to decide by again."""


def _as_then(rules: Rules) -> Rules:
    return rules


@dataclass
class Replayed:
    """What was decided again.

    Attributes:
        ticks: how many ticks.
        known: how many messages and requests of those below were sent before.
        older: the numbers of those that were first decided by older rules.
        clock: what is wrong with the note of how far ticks had come.
    """

    ticks: int = 0
    known: int = 0
    older: list[int] = field(default_factory=list)
    clock: str | None = None

    @property
    def warnings(self) -> list[str]:
        """What people should know, one sentence each."""
        return [one for one in (self.clock, self._by_older_rules()) if one]

    def _by_older_rules(self) -> str | None:
        if not self.older:
            return None
        first, last = self.older[0], self.older[-1]
        which = f"tick {first}" if first == last else f"ticks {first} to {last}"
        return (
            f"{which} had been decided by rules of an earlier version and were decided again by today's; what "
            "these add isn't sent (status expired, older_rules)"
        )


def catch_up(store: Store, end: tuple[int, datetime] | None = None) -> Replayed:
    """Decide again what the archive knows and the state doesn't.

    There is nothing to do unless a run was killed just before its commit, or the state is an older copy
    or a new file: the archive's manifests then say what came in.

    Args:
        store: the store.
        end: number and end of the last tick to decide; None: as far as ticks have come.
    """
    last, _ = last_tick(store.state)
    quiet = replace(store, say=silent)
    again, done = _Again(quiet), Replayed()
    is_known = store.state.value(MANIFESTS) == manifests_stamp(store.settings)
    for manifest in () if is_known else manifests_after(store.settings, last):
        if end and manifest.tick_id > end[0]:
            break
        store.say(f"Deciding again, until {manifest.now:%Y-%m-%d %H:%M}")
        again.replay(manifest)
        done.ticks += 1
        done.older += [manifest.tick_id] if manifest.semantics < SEMANTICS else []
    again.migrate(end and end[0])
    if reached := end or _clock(store.settings, done):
        again.move_to(*reached)
    if done.older:
        done.known = _hold_back(quiet, done.older)
    return done


def decide_otherwise(store: Store, end: tuple[int, datetime], adapt: Adapt) -> None:
    """Decide all that the archive knows, in an empty store, by other rules than those of then; ticks may be fewer.

    Args:
        store: the store.
        end: number and end of the last tick to decide.
        adapt: the rules of then → those to decide by.
    """
    again, settings = _Again(replace(store, say=silent), adapt), store.settings
    migrated = {one.after_tick for one in archived_migrations(settings)}
    manifests = takewhile(lambda one: one.tick_id <= end[0], manifests_after(settings, 0))
    first: datetime | None = None
    for manifest in together(manifests, migrated):
        first = first or manifest.now
        days = drawn((manifest.now - first).days, (end[1] - first).days + 1)
        store.say(f"Deciding again, until {manifest.now:%Y-%m-%d %H:%M} {days} days")
        again.replay(manifest)
    again.migrate(end[0])
    again.move_to(*end)


def _clock(settings: Settings, done: Replayed) -> tuple[int, datetime] | None:
    """How far ticks had come, as far as noted; if that can't be read, the next tick decides what fell due since."""
    try:
        return read_clock(settings)
    except ArchiveError as error:
        done.clock = f"{error.file}: {error.what}; the next tick decides what fell due, and writes it anew"
        return None


def _hold_back(store: Store, ticks: list[int]) -> int:
    """Decisions stay: what newer rules add to ticks of older ones isn't sent; returns how much was sent then."""
    # A run that replays nothing shall not pay for importing it.
    from flows.delivery.outbox import hold_back, recall_sends

    known = recall_sends(store)
    hold_back(store, ticks)
    return known


@dataclass(frozen=True)
class _Again:
    """Decides in a store what was decided before, by the rules of then as they are adapted."""

    store: Store
    adapt: Adapt = _as_then

    def replay(self, manifest: Manifest) -> None:
        """Decide a tick again from its manifest and the archive, after what fell due, or was moved, before it."""
        self.migrate(manifest.tick_id - 1)
        if manifest.previous:
            self.move_to(manifest.tick_id - 1, manifest.previous)
        _decide_again(self.store, manifest, self.adapt)

    def move_to(self, tick_id: int, now: datetime) -> None:
        """Decide again what fell due until `now`, on the basis of the last manifest; nothing if that's behind."""
        done, last = last_tick(self.store.state)
        if last and last < now and (before := last_manifest(self.store.settings, done)):
            ahead = replace(before, tick_id=tick_id, previous=last, now=now, batches=[])
            _decide_again(self.store, ahead, self.adapt)

    def migrate(self, until: int | None) -> None:
        """Repeat the archived migrations that the state doesn't know, up to those after tick `until` (None: all)."""
        store, known = self.store, known_migrations(self.store.state)
        for migration in archived_migrations(store.settings):
            if (migration.after_tick, migration.number) not in known and (
                until is None or migration.after_tick <= until
            ):
                self.move_to(migration.after_tick, migration.at)
                with store.transaction() as commit:
                    apply_migration(store, migration)
                    commit.shows = True


def _decide_again(store: Store, manifest: Manifest, adapt: Adapt) -> None:
    started = store.clock()
    rules = adapt(_rules_then(store.settings, manifest))
    with store.transaction() as commit:
        admit_all(store, manifest.batches)
        summary = decide_tick(store, rules, manifest)
        record_tick(store, summary, manifest, started)
        commit.shows = True


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
