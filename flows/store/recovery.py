"""Opening a state file that a crash left damaged: set a stale log aside, else restore the newest backup."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from duckdb import DuckDBPyConnection

from flows.errors import OnwardError, is_of_the_machine
from flows.files import copy_aside, put_in_place
from flows.store.ticks import last_tick
from flows.warehouse import WarehouseError, connect, read_everything, run, tables

# Refusals that aren't damage: the file is someone else's business, and nothing may be moved.
NOT_DAMAGE = (
    "Could not set lock",
    "storage version",
    "Cannot open file",
    "Is a directory",
    "Permission denied",
)
STALE_LOG = ("WAL checkpoint iteration does not match", "WAL does not match database file")
LOGS = (".wal", ".wal.checkpoint", ".wal.recovery")

Answer = TypeVar("Answer")


class UnrepairableError(OnwardError):
    """The state file can't be opened and no backup can stand in for it.

    Attributes:
        path: the state file.
        cause: DuckDB's own message.
    """

    def __init__(self, path: Path, cause: str) -> None:
        self.path, self.cause = path, cause
        super().__init__(
            f"{path}: damaged, and no usable backup in {backup_files(path)[0].parent}: {cause}\n"
            "Run `onward rebuild`: it makes the state again from the archived events; nothing is sent twice."
        )


def backup_files(path: Path) -> list[Path]:
    """Where the verified copies of the state file `path` lie, the newest first."""
    folder = path.parent / "backup"
    return [folder / path.name, folder / f"{path.stem}.previous{path.suffix}"]


def ask_state(path: Path, question: Callable[[DuckDBPyConnection], Answer]) -> Answer | None:
    """What a question finds in the state file, or else in the newest backup that can answer; nothing is repaired.

    Args:
        path: the state file, which no run has open.
        question: asks a read-only connection; tables that newer versions have may be missing.

    Returns:
        The answer; None if there is no file that can be read.
    """
    for file in (path, *backup_files(path)):
        if file.exists():
            with suppress(WarehouseError), connect(file, read_only=True) as con:
                return question(con)
    return None


def open_recovered(path: Path) -> tuple[DuckDBPyConnection, list[str]]:
    """Open `path` whatever a crash did to it; also one sentence for each thing that had to be done.

    What is replaced is renamed, never deleted. A missing file with a backup beside it is restored too.

    Raises:
        WarehouseError: another program has it open, a newer DuckDB wrote it, or it can't be read.
        UnrepairableError: it is damaged and so is, or there isn't, a backup.
    """
    if not path.exists() and any(backup.exists() for backup in backup_files(path)):
        return _restore(path, "it is missing")
    try:
        return _readable(path), []
    except WarehouseError as error:
        if is_of_the_machine(error.cause) or any(sign in error.cause for sign in NOT_DAMAGE):
            raise
        if not any(sign in error.cause for sign in STALE_LOG):
            return _restore(path, error.cause)
    warning = _set_log_aside(path, "stale", "is not of its last checkpoint")
    con, more = open_recovered(path)
    return con, [warning, *more]


def _readable(path: Path) -> DuckDBPyConnection:
    """Open the file and read the first thing that is asked of it: a truncated file opens, but can't be read."""
    con = connect(path)
    try:
        if "schema_version" in tables(con, str(path)):
            run(con, "select * from schema_version", file=str(path), step="read its version").fetchall()
    except WarehouseError:
        con.close()
        raise
    return con


def keep(path: Path, why: str) -> Path:
    """Give `path`, which is about to be replaced, a second name that lasts: `….<why>-<number>`."""
    kept = _free_name(path, why)
    os.link(path, kept)
    return kept


def keep_with_logs(path: Path, why: str) -> None:
    """As `keep`, and move the logs of `path` along, because they would not fit what replaces it."""
    kept = keep(path, why)
    for suffix in LOGS:
        log = path.with_name(path.name + suffix)
        if log.exists():
            log.rename(kept.with_name(kept.name + suffix))


def _restore(path: Path, cause: str) -> tuple[DuckDBPyConnection, list[str]]:
    for backup in _usable(backup_files(path)):
        aside = copy_aside(backup, path)
        kept = f"; the damaged one is kept as {keep(path, 'damaged').name}" if path.exists() else ""
        put_in_place(aside, path)
        con, more = _open_restored(path)
        return con, [
            f"{path}: could not be opened ({cause.splitlines()[0]}); restored from {backup}, {_reach(con)}"
            f"{kept}. The next run catches up, and nothing is sent twice",
            *more,
        ]
    raise UnrepairableError(path, cause)


def _open_restored(path: Path) -> tuple[DuckDBPyConnection, list[str]]:
    """A log written since the backup still fits it and is replayed; DuckDB refuses any other."""
    try:
        return connect(path), []
    except WarehouseError:
        warning = _set_log_aside(path, "stale", "doesn't fit the backup")
        return connect(path), [warning]


def rename_free(file: Path, why: str) -> Path:
    """Move `file` out of the way for good, under a name beside it that is free: `….<why>-<number>`."""
    return file.rename(_free_name(file, why))


def _set_log_aside(path: Path, why: str, because: str) -> str:
    kept = rename_free(path.with_name(f"{path.name}.wal"), why)
    return f"{path}: its write-ahead log {because}; it was set aside as {kept.name}"


def _usable(backups: list[Path]) -> Iterator[Path]:
    for backup in backups:
        try:
            if backup.exists():
                with connect(backup, read_only=True) as con:
                    read_everything(con)
                yield backup
        except WarehouseError:
            continue


def _reach(con: DuckDBPyConnection) -> str:
    last, now = last_tick(con)
    return f"as of tick {last} ({now:%Y-%m-%d %H:%M:%S} UTC)" if now else "before the first tick"


def _free_name(file: Path, why: str) -> Path:
    number = 1 + sum(1 for _ in file.parent.glob(f"{file.name}.{why}-*"))
    while (free := file.with_name(f"{file.name}.{why}-{number}")).exists():
        number += 1
    return free
