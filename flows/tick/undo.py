"""Ticks undone: how far the archive still counts, and what becomes of all that came after."""

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from flows.errors import InputError
from flows.files import flush, put_in_place
from flows.inbox.admission import PROFILE_CHANGES
from flows.inbox.kept import keep_batches
from flows.settings import Settings
from flows.store.archive import (
    Batch,
    Manifest,
    archive_folder,
    manifest_file,
    manifests_after,
    read_clock,
    write_clock,
)
from flows.store.opening import ask_state
from flows.store.state_file import StateFile
from flows.store.winners import archived_winners
from flows.tick.migrations import Migration, archived_migrations, migration_file
from transforms.timing.durations import instant_at


@dataclass(frozen=True)
class Undone:
    """What `onward rebuild --until` takes back.

    Attributes:
        tick_id: the number of the last tick that counts.
        now: its end, the instant that was asked for or before.
        reached: how far ticks had come.
        manifests: those of the ticks that no longer count, in order.
        migrations: those after the last tick that counts, in order.
        winners: the files of winners made after it, in order, each with the number of the tick before.
    """

    tick_id: int
    now: datetime
    reached: datetime
    manifests: list[Manifest]
    migrations: list[Migration]
    winners: list[tuple[int, Path]]

    @property
    def end(self) -> tuple[int, datetime]:
        """The last tick that counts: its number and end."""
        return self.tick_id, self.now

    @property
    def is_nothing(self) -> bool:
        """Whether nothing was decided later."""
        return self.reached <= self.now

    @property
    def batches(self) -> list[Batch]:
        """What the undone ticks loaded; changes by customer files are made anew when these come in again."""
        loaded = (batch for one in self.manifests for batch in one.batches)
        return [one for one in loaded if one.shape != PROFILE_CHANGES]


def undone_after(settings: Settings, until: datetime) -> Undone:
    """What is to be undone, so that nothing later than `until` was decided; changes nothing.

    Raises:
        InputError: `until` is before the end of the first tick.
    """
    manifests = list(manifests_after(settings, 0))
    kept = [one for one in manifests if one.now <= until]
    undone = manifests[len(kept) :]
    if not kept:
        first = (
            f"the first tick ended at {manifests[0].now.isoformat()}"
            if manifests
            else "there was no tick yet"
        )
        raise InputError(
            f"--until {until.isoformat()}: {first}, so nothing would be left; give an instant from then on"
        )
    last = max((manifests[-1].tick_id, manifests[-1].now), read_clock(settings) or (0, manifests[-1].now))
    before = (undone[0].tick_id - 1, undone[0].previous or until) if undone else last
    migrations = list(archived_migrations(settings))
    least = max([kept[-1].now, *(one.at for one in migrations if one.at <= until)])
    end = before[1] if before[1] <= until else _stood(settings, least, until)
    later = [one for one in migrations if one.at > end]
    tick_id = min([before[0], *(one.after_tick - 1 for one in later)])
    winners = [(one.after_tick, file) for file, one in archived_winners(settings) if one.since > end]
    return Undone(tick_id, end, last[1], undone, later, winners)


def _stood(settings: Settings, least: datetime, until: datetime) -> datetime:
    """Where ticks stood at `until`, if those around it found nothing and only the state may tell of them."""

    def last_until(state: StateFile) -> list[datetime]:
        found = state.rows("tick/rebuild/last_until.sql", until=until)
        return [instant_at(now) for (now,) in found if now]

    return max(least, *(ask_state(settings, last_until) or [until]))


def put_aside(settings: Settings, undone: Undone) -> Path | None:
    """Let what was undone no longer count, once the state is without it; whatever breaks this off, nothing is lost.

    What the ticks loaded comes in again with the next one, as what a killed run had archived does.

    Returns:
        The folder that keeps the manifests, migrations and winners; None if there are none.
    """
    if undone.is_nothing:
        return None
    write_clock(settings, *undone.end)
    if undone.batches:
        keep_batches(settings, undone.batches)
    # The latest first: a run that finds some of them still there decides them again, after all that was before.
    files = {(one.tick_id, 0): manifest_file(settings, one.tick_id) for one in undone.manifests}
    files |= {(one.after_tick, one.number): migration_file(settings, one) for one in undone.migrations}
    # Winners decide nothing that ticks do, so the order doesn't count for them.
    files |= {(tick, -number): file for number, (tick, file) in enumerate(undone.winners, 1)}
    if not files:
        return None
    root = archive_folder(settings) / "ticks"
    folder = next(one for number in count(1) if not (one := root / f"undone-{number}").exists())
    folder.mkdir(parents=True)
    for _, file in sorted(files.items(), reverse=True):
        put_in_place(file, folder / file.name)
        flush(file.parent)
    return folder


def told_of(undone: Undone, folder: Path | None) -> str:
    """What was undone, for people."""
    if undone.is_nothing:
        return f"Nothing was decided after {undone.now:%Y-%m-%d %H:%M:%S} UTC, so nothing was undone"
    since, last = (f"{at:%Y-%m-%d %H:%M:%S} UTC" for at in (undone.now, undone.reached))
    told = [
        f"Undid what was decided after {since}, until {last}: {len(undone.manifests):,} ticks that loaded or changed "
        f"something, {len(undone.migrations):,} migrations"
    ]
    if undone.batches:
        told.append(f"{len(undone.batches):,} loaded files come in again with the next run")
    told.append("what was sent stays sent" + (f". Kept in {folder}" if folder else ""))
    return "; ".join(told)
