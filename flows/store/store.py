"""The store: the state file, the ledger beside it, and the tables of a tick, in one hand."""

from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.session import Clock, Say, Session, silent, wall_clock
from flows.settings import Settings
from flows.store import work
from flows.store.archive import archive_folder
from flows.store.ledger import Ledger, ledger_of
from flows.store.put_back import put_back
from flows.store.state_file import StateFile
from flows.warehouse import WarehouseError, connect, limit_memory, parquet, run, run_sql, sql_text, write_rows

STATE_FILE = "state.sqlite"


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

    def add_history(self, sets: int) -> None:
        """Give whoever was brought in the amounts just made from history, after the first `sets` sets of them."""
        work.add_history(self.con, self.state, sets)


@contextmanager
def opened(path: Path, settings: Settings, say: Say = silent, clock: Clock = wall_clock) -> Generator[Store]:
    """A store over the state file `path`, created when absent; whoever calls this holds the store.

    Arguments are those of the session.
    """
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
