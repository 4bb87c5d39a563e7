"""The store: the state file, locked for one run, the ledger beside it, and the tables of a tick."""

import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.files import printable, put_in_place, rename_free
from flows.session import Clock, Say, Session, silent, wall_clock
from flows.settings import Settings
from flows.store import work
from flows.store.archive import archive_folder
from flows.store.ledger import Ledger, ledger_of
from flows.store.lock import run_lock
from flows.store.put_back import put_back
from flows.store.state_file import StateError, StateFile
from flows.warehouse import WarehouseError, connect, limit_memory, parquet, run, run_sql, sql_text, write_rows

STATE_FILE = "state.sqlite"
LOCK_FILE = "onward.lock"
Answer = TypeVar("Answer")


@dataclass
class Commit:
    """A transaction under way.

    Attributes:
        shows: whether people see that it happened, even if no customer has changed.
    """

    shows: bool = False


@dataclass(frozen=True, kw_only=True)
class Store(Session):
    """An open, locked store: a session over it, whose connection has the tables of a tick (`work.py`).

    Attributes:
        state: the state file.
        ledger: where its ledger is written.
        warnings: what people should know of how it was opened, one sentence each.
    """

    state: StateFile
    ledger: Ledger
    warnings: list[str] = field(default_factory=list)

    @contextmanager
    def transaction(self) -> Generator[Commit]:
        """Everything in the block happens, or nothing of it: what has changed in the tables is put back at its end.

        Raises:
            OnwardError: the ledger or the state file can't be written.
        """
        commit = Commit()
        work.forget_all(self.con)
        with self.state.transaction():
            self.watch()
            yield commit
            put_back(self.con, self.state, self.ledger, shows=commit.shows)

    def turn(self, workflows: Sequence[str], status: str) -> None:
        """Let executions in flight of some workflows, of whom was brought in, be paused or running."""
        if workflows:
            run_sql(self.con, "store/work/turn.sql", workflows=list(workflows), status=status)

    def bring_in(self, customers: pl.Series) -> None:
        """Bring in some customers (`work.bring_in`)."""
        work.bring_in(self.con, self.state, customers)

    def bring_in_keys(self, keys: Sequence[int]) -> None:
        """Bring in some customers by the places of their documents."""
        work.bring_in_keys(self.con, self.state, keys)

    def watch(self) -> None:
        """Let `watched_keys` be what the state file notes now."""
        work.watch(self.con, self.state)

    def add_history(self) -> None:
        """Give whoever was brought in the amounts that were just made from history."""
        work.add_history(self.con, self.state)


@contextmanager
def open_store(settings: Settings, say: Say = silent, clock: Clock = wall_clock) -> Generator[Store]:
    """Open the store for one run, creating it when absent.

    Arguments are those of the session.

    Raises:
        RunInProgressError: another run holds it.
        OnwardError: the state file is another program's or a newer version's, or damaged.
    """
    with hold_store(settings):
        path = settings.state / STATE_FILE
        with _opened(path, settings, say, clock) as store:
            yield store


@contextmanager
def hold_store(settings: Settings) -> Generator[None]:
    """Keep other runs out, whether or not the state file can be opened.

    Raises:
        InputError: no state file can lie there.
        RunInProgressError: another run holds the store.
    """
    _check_place(settings)
    with run_lock(settings.state / LOCK_FILE):
        yield


@contextmanager
def rebuild_store(settings: Settings, say: Say = silent, clock: Clock = wall_clock) -> Generator[Store]:
    """A new, empty store that takes the place of the state file when the block ends without an error.

    The state file is not needed, and read by nobody but `ask_state`; it is kept beside the new one, under
    `….replaced-<n>`, and so is its part of the ledger. Arguments are those of the session. Whoever calls this holds
    the store (`hold_store`).
    """
    path = settings.state / STATE_FILE
    draft = settings.state / "rebuild" / STATE_FILE
    shutil.rmtree(draft.parent, ignore_errors=True)
    try:
        with _opened(draft, settings, say, clock) as store:
            yield store
        replace_state(path, draft, "replaced")
    finally:
        shutil.rmtree(draft.parent, ignore_errors=True)


def replace_state(path: Path, draft: Path, why: str) -> None:
    """Put a new state file, which is closed, in the place of `path`, which is kept under `….<why>-<number>`."""
    for file in (path, *(path.with_name(path.name + log) for log in ("-wal", "-shm"))):
        if file.exists():
            rename_free(file, why)
    put_in_place(draft, path)


def ask_state(settings: Settings, question: Callable[[StateFile], Answer]) -> Answer | None:
    """What a question finds in the state file, which no run has open; nothing is changed.

    Returns:
        The answer; None if there is no file that can be read.
    """
    path = settings.state / STATE_FILE
    if path.exists():
        with suppress(StateError), StateFile(path, read_only=True) as state:
            return question(state)
    return None


@contextmanager
def _opened(path: Path, settings: Settings, say: Say, clock: Clock) -> Generator[Store]:
    with StateFile(path) as state, closing(connect()) as con:
        limit_memory(con, settings.memory_bytes)
        work.make_tables(con)
        _keep_columns(con, settings)
        store = Store(con, settings, say, clock, state=state, ledger=ledger_of(settings, state))
        yield store


def _keep_columns(con: DuckDBPyConnection, settings: Settings) -> None:
    """An empty archive file, so that the `events` view has its columns before anything is loaded."""
    columns = archive_folder(settings) / "events" / "_columns.parquet"
    try:
        run(con, f"from {parquet(columns)} limit 0", file=str(columns), step="read it")
    except WarehouseError:
        write_rows(con, sql_text("store/event_columns.sql"), columns)


def _check_place(settings: Settings) -> None:
    """Refuse folders that DuckDB can't keep a database in, before anything is written there.

    Raises:
        InputError: naming what of the name is to blame.
    """
    place = str(settings.data_dir.absolute())
    signs = [f"'{sign}'" for sign in ("?", "\\") if sign in place]
    if printable(place) != place:
        signs.append("bytes that aren't UTF-8")
    if signs:
        raise InputError(
            f"{printable(place)}: has {' and '.join(signs)} in its name, where no state file can lie; rename the "
            "folder, or point data_dir elsewhere"
        )
