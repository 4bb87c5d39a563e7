"""The ledger under `state/ledger/`: immutable Parquet files, each true by being named in the state file.

Rows that are never changed (steps, ended executions, settled messages, …) are written once. Current rows (profiles,
attributes, …) are written for all customers that a commit has changed, each with the customer's key and the number of
the commit: of each customer the latest ones count.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from flows.errors import OnwardError
from flows.files import content_hash
from flows.settings import Settings
from flows.store.state_file import StateFile
from flows.warehouse import write_rows
from transforms.timing.durations import epoch_us

LASTING = (
    "steps",
    "ended",
    "messages",
    "webhooks",
    "goal_hits",
    "entry_refusals",
    "quarantine",
    "suppressions",
)
"""Rows that are never changed; `ended` are executions that ended."""
OWNED = frozenset(LASTING) - {"quarantine"}
"""Those of them that are a customer's. Put together they lie by `customer_id`, so that one customer's are found by the
statistics of row groups; nobody may rely on any order of rows but for speed."""
RECONSIDERED = "goal_hits_reconsidered"
"""Rows that no tick decided: a file for each workflow whose goal was reconsidered, replaced as a whole."""
CLOSED = ("ticks", "tick_counts", "considered", "batches")
"""Rows of the state file that go to the ledger when it is compacted."""
CURRENT = ("profiles", "attributes", "tags", "running", "window_amounts", "schedule_alarms")
"""Rows of customers as they are now; `running` are executions in flight. Everybody has a row of `profiles`."""
ARCHIVE = "archive/"
"""How relations of files begin that lie in the archive, which is named within it."""
BASE = 9
"""The level of files that hold the rows of all customers there are, as of a commit."""
GENERATION = "generation"
"""The folder of the ledger that a state file writes to, as it notes it."""


_WITHOUT = "`onward check --repair` makes again what can be made, and `onward rebuild` everything"
AGAIN = "`onward reconsider-goal` counts it again, or takes it back with --drop"
"""What to do about a file of `RECONSIDERED`."""


class LedgerError(OnwardError):
    """A file of the ledger that is needed is gone or damaged."""

    def __init__(self, file: Path, fault: str, without: str = _WITHOUT) -> None:
        self.file, self.fault = file, fault
        super().__init__(
            f"{file}: {fault}, and is needed. Put it back from a copy of the folder and run again; without one, "
            f"{without}"
        )


@dataclass(frozen=True)
class LedgerFile:
    """A Parquet file of the ledger: a row of the table `files`.

    Attributes:
        name: its path within the ledger.
        relation: whose rows it holds (`LASTING`, `RECONSIDERED`, `CLOSED` or `CURRENT`).
        level: 0: written by a commit; higher ones were put together from those of the level below.
        first: the first commit whose rows it holds.
        last: the last one.
        checksum: SHA-256 of its bytes, in hex.
    """

    name: str
    relation: str
    level: int
    first: int
    last: int
    rows: int
    bytes: int
    checksum: str

    @property
    def is_archived(self) -> bool:
        """Whether it is a file of the archive."""
        return self.relation.startswith(ARCHIVE)


@dataclass(frozen=True)
class Ledger:
    """Where a state file's ledger is written.

    Attributes:
        root: the root of the ledger.
        generation: the state file's folder of it.
    """

    root: Path
    generation: str

    def write(
        self,
        con: DuckDBPyConnection,
        relation: str,
        query: str,
        commits: tuple[int, int],
        level: int = 0,
        part: int = 0,
        row_group: int | None = None,
    ) -> list[LedgerFile]:
        """Write the rows of a query as a file, which counts once it is named; none if there are no rows.

        Args:
            con: runs the query.
            relation: whose rows they are.
            query: yields them.
            commits: the first and the last commit whose rows they are.
            level: see `LedgerFile`.
            part: tells files of the same relation, level and commits from each other.
            row_group: rows of a row group; None: as many as DuckDB likes.

        Raises:
            WarehouseError: the disk is full, …
        """
        first, last = commits
        name = f"{self.generation}/{relation}-{level}-{first:08d}-{last:08d}{f'-{part:04d}' if part else ''}.parquet"
        file = self.root / name
        if not (rows := write_rows(con, query, file, empty=False, row_group=row_group)):
            return []
        size, checksum = file.stat().st_size, content_hash(file)
        return [LedgerFile(name, relation, level, first, last, rows, size, checksum)]


def ledger_folder(settings: Settings) -> Path:
    """The root of the ledger: a folder of it for each state file that was ever made."""
    return settings.state / "ledger"


def ledger_of(settings: Settings, state: StateFile) -> Ledger:
    """The ledger of a state file, which gets the next folder if it has none yet."""
    folder = ledger_folder(settings)
    if (generation := state.value(GENERATION)) is None:
        there = [int(one.name) for one in folder.iterdir() if one.name.isdigit()] if folder.is_dir() else []
        generation = f"{max(there, default=0) + 1:04d}"
        (folder / generation).mkdir(parents=True)
        state.note(GENERATION, generation)
    return Ledger(folder, generation)


def check_there(root: Path, files: Iterable[LedgerFile]) -> None:
    """Look whether files of the ledger are there, in their sizes.

    Raises:
        LedgerError: naming the first that isn't.
    """
    for one in files:
        file = root / one.name
        without = AGAIN if one.relation == RECONSIDERED else _WITHOUT
        if not file.exists():
            raise LedgerError(file, "is gone", without)
        if (size := file.stat().st_size) != one.bytes:
            raise LedgerError(file, f"has {size:,} bytes instead of {one.bytes:,}", without)


def closed_until(name: str) -> str:
    """Under which name the state file notes how far a relation of `CLOSED` is in the ledger."""
    return f"closed_{name}"


def name_files(state: StateFile, files: Iterable[LedgerFile]) -> None:
    """Let files count, inside the caller's transaction."""
    state.write("insert or replace into files values (?, ?, ?, ?, ?, ?, ?, ?)", map(astuple, files))


def replace_files(state: StateFile, names: Sequence[str], now: datetime) -> None:
    """Let files count no more; they stay for a while, for readers of what was published before."""
    state.write("delete from files where name = ?", [(name,) for name in names])
    state.write("insert into replaced_files values (?, ?)", [(name, epoch_us(now)) for name in names])


def named_files(state: StateFile) -> list[LedgerFile]:
    """The files of the ledger that count, by relation and by the commits that they hold."""
    found = state.query(
        "select * from files where relation not like 'archive/%' order by relation, first, last, name"
    )
    return [LedgerFile(*row) for row in found]


def checked_files(state: StateFile) -> list[LedgerFile]:
    """The files that count, those of the archive among them."""
    found = state.query("select * from files order by relation, first, last, name")
    return [LedgerFile(*row) for row in found]
