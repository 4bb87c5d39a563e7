"""Migrations in the archive: a workflow's executions in flight moved to another version, between two ticks.

Each is a file `archive/migrations/<tick>-<number>.json`, written before the commit as manifests are, so that a
rebuilt or restored state moves the same executions at the same place.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter

from flows.definitions.versions import note_versions
from flows.files import write_text
from flows.settings import Settings
from flows.store.archive import archive_folder, archived_workflow
from flows.store.state_file import StateFile
from flows.store.store import Store
from flows.store.tables import PROGRAM_STEPS
from flows.warehouse import run_sql, shown
from transforms.timing.durations import epoch_us


@dataclass(frozen=True)
class Move:
    """Where the executions of one version that stand at one step go; past the last step is `end`.

    Attributes:
        resets: the new step is of another type, so it begins anew when it is due.
    """

    version: str
    branch: str
    step: str
    to_branch: str
    to_step: str
    resets: bool


@dataclass(frozen=True)
class Migration:
    """What `onward migrate` did.

    Attributes:
        after_tick: the last tick before it.
        number: 1, 2, … among those after the same tick.
        at: that tick's `now`.
        version: the one that executions moved to.
    """

    after_tick: int
    number: int
    at: datetime
    workflow_id: str
    version: str
    moves: list[Move]


_MIGRATION = TypeAdapter(Migration)


def archived_migrations(settings: Settings) -> Iterator[Migration]:
    """All migrations of the archive, in the order they were made."""
    for file in sorted(_folder(settings).glob("*.json")):
        yield _MIGRATION.validate_json(file.read_bytes())


def known_migrations(state: StateFile) -> set[tuple[int, int]]:
    """The (after_tick, number) of the migrations that the store knows."""
    return set(state.rows("tick/migrate/known.sql"))


def migration_file(settings: Settings, migration: Migration) -> Path:
    """Where a migration lies in the archive."""
    return _folder(settings) / f"{migration.after_tick:08d}-{migration.number:04d}.json"


def write_migration(settings: Settings, migration: Migration) -> None:
    """Keep a migration in the archive."""
    write_text(migration_file(settings, migration), _MIGRATION.dump_json(migration, indent=1).decode())


def apply_migration(store: Store, migration: Migration) -> int:
    """Move the executions, inside the caller's transaction; how many that were.

    The version's definition must be in the archive.
    """
    con = store.con
    note_versions(store, [archived_workflow(store.settings, migration.version)], migration.at)
    bring_in_executions(store, migration.workflow_id)
    moves = pl.DataFrame([asdict(one) for one in migration.moves])
    target = {"workflow_id": migration.workflow_id, "version": migration.version}
    steps = store.state.frame("select * from program_steps", PROGRAM_STEPS)
    with shown(con, moves=moves, program_steps=steps):
        run_sql(con, "tick/migrate/entries.sql", **target)
        ((moved,),) = run_sql(con, "tick/migrate/move.sql", **target, at=migration.at).fetchall()
    row = (migration.after_tick, migration.number, epoch_us(migration.at), *target.values(), moved)
    store.state.write("insert into migrations values (?, ?, ?, ?, ?, ?)", [row])
    return int(moved)


def bring_in_executions(store: Store, workflow_id: str) -> None:
    """Bring in the customers with executions of a workflow in flight."""
    store.bring_in_keys(
        [key for (key,) in store.state.rows("tick/migrate/keys.sql", workflow_id=workflow_id)]
    )


def _folder(settings: Settings) -> Path:
    return archive_folder(settings) / "migrations"
