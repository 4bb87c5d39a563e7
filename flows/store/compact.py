"""`onward compact`: the ledger's many small files become few large ones, beside ticks that go on.

Files are immutable, so new ones are written without the store's lock: that is held to look which there are, and for the
transaction that names new ones in place of old ones, which stay for a day, for readers of what was published before.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from duckdb import DuckDBPyConnection

from flows.session import Clock, Say, silent, wall_clock
from flows.settings import Settings
from flows.store.ledger import (
    BASE,
    CLOSED,
    CURRENT,
    LASTING,
    OWNED,
    Ledger,
    LedgerFile,
    check_there,
    closed_until,
    name_files,
    named_files,
    replace_files,
)
from flows.store.lock import RunInProgressError, run_lock
from flows.store.opening import open_store
from flows.store.publish import publish
from flows.store.relations import current_rows, empty_tables, lasting_rows
from flows.store.store import Store
from flows.store.tables import SMALL
from flows.warehouse import connect, count, limit_memory, one_file, read_sql, shown

COMPACT_LOCK = "compact.lock"
LARGE = 1_000_000
"""Rows from which on a file of rows that never change is left as it is; so many customers make a file of a base."""
ROW_GROUP = 40_960
"""Rows of a row group where rows lie by customer: whoever asks for one customer reads one of them a file."""
KEPT = timedelta(days=1)
"""How long replaced files stay."""
_PATIENCE = timedelta(minutes=15)
_PAUSE = 0.5
_EVERY_KEY = 2**64


@dataclass(frozen=True)
class Compacted:
    """How many files of the ledger counted before, and do now, and how many replaced ones were removed."""

    before: int
    after: int
    removed: int

    @property
    def sentence(self) -> str:
        """For people."""
        return f"The ledger has {self.after:,} files instead of {self.before:,}; removed {self.removed:,} older ones"


@dataclass(frozen=True)
class _Task:
    """What is to be put together: as of `commit`, by a connection that knows each relation's columns."""

    con: DuckDBPyConnection
    ledger: Ledger
    files: Sequence[LedgerFile]
    commit: int


@dataclass(frozen=True)
class _Swap:
    """Files, and those that they stand for."""

    new: list[LedgerFile]
    old: list[LedgerFile]


def compact(settings: Settings, say: Say = silent, clock: Clock = wall_clock) -> Compacted:
    """Put the ledger's small files together, write the rows of all customers anew, and remove what was replaced.

    Ticks may go on meanwhile; a second compaction may not.

    Raises:
        RunInProgressError: another compaction is under way, or a tick didn't let go of the store for a long time.
        OnwardError: a file can't be read or written; the ledger is as it was.
    """
    with run_lock(settings.state / COMPACT_LOCK), closing(connect()) as con:
        limit_memory(con, settings.memory_bytes)
        with when_free(settings, clock) as store:
            _close(store)
            con.execute(";".join(empty_tables("main", (*LASTING, *CLOSED, *CURRENT))))
            task = _Task(con, store.ledger, named_files(store.state), store.state.commit)
            check_there(task.ledger.root, task.files)
        say("Putting files together")
        new = [*_merged(task), *_based(task, say)]
        say("Naming the new files")
        with when_free(settings, clock) as store:
            _replace(store, new, clock())
            removed = _remove(store, clock())
            publish(store)
            return Compacted(len(task.files), len(named_files(store.state)), removed)


@contextmanager
def when_free(settings: Settings, clock: Clock) -> Generator[Store]:
    """The store, as soon as no run holds it.

    Raises:
        RunInProgressError: runs held it for a long time.
    """
    until = clock() + _PATIENCE
    while True:
        try:
            with open_store(settings, passing=True) as store:
                yield store
                return
        except RunInProgressError:
            if clock() > until:
                raise
            time.sleep(_PAUSE)


def _close(store: Store) -> None:
    """Let rows of the state file that are never changed any more go to the ledger, where they are read from then on."""
    state = store.state
    with state.transaction():
        number, files = state.commit + 1, []
        for name in CLOSED:
            key = "batch_id" if name == "batches" else "tick_id"
            columns, done = SMALL[name], int(state.value(closed_until(name)) or 0)
            last = max((one for (one,) in state.query(f"select max({key}) from {name}") if one), default=0)
            query = f"select {', '.join(columns)} from {name} where {key} > $done and {key} <= $last order by {key}"
            rows = state.frame(query, columns, done=done, last=last)
            with shown(store.con, closed=rows):
                files += store.ledger.write(store.con, name, "from closed", (number, number))
            state.note(closed_until(name), last)
        state.write("delete from considered where tick_id <= ?", [(state.value(closed_until("considered")),)])
        if files:
            name_files(state, files)
            state.note("commit", number)


def _merged(task: _Task) -> Iterator[_Swap]:
    """Files of rows that never change, of which there are small ones; and others that aren't in order yet."""
    for name in (*LASTING, *CLOSED):
        own = [one for one in task.files if one.relation == name]
        small = [one for one in own if one.rows < LARGE]
        while len(some := _some(small)) > 1:
            yield _together(task, name, some)
            small = small[len(some) :]
        alone = [*small, *(one for one in own if one.rows >= LARGE)]
        for one in _out_of_order(task, alone) if name in OWNED else ():
            yield _together(task, name, [one])


def _together(task: _Task, name: str, some: list[LedgerFile]) -> _Swap:
    """One file in place of some; those of customers by customer, in row groups so small that one is found quickly."""
    order = " order by customer_id" if name in OWNED else ""
    query = f"from {lasting_rows(task.ledger.root, some, name, 'main')}{order}"
    commits, level = (some[0].first, some[-1].last), 1 + max(one.level for one in some)
    return _Swap(task.ledger.write(task.con, name, query, commits, level, row_group=ROW_GROUP), some)


def _out_of_order(task: _Task, files: list[LedgerFile]) -> list[LedgerFile]:
    """Those in which one customer isn't found quickly: as a commit, or an earlier version of this, wrote them."""
    if not files:
        return []
    paths = {str(task.ledger.root / one.name): one for one in files}
    found = read_sql(
        task.con, "store/work/out_of_order.sql", files=list(map(one_file, paths)), most=ROW_GROUP
    )
    return [paths[name] for name in found["file_name"]]


def _some(small: Sequence[LedgerFile]) -> list[LedgerFile]:
    """The first ones that make a large file together."""
    rows = [0, *accumulate(one.rows for one in small)]
    return [one for one, before in zip(small, rows, strict=False) if before < LARGE]


def _based(task: _Task, say: Say) -> Iterator[_Swap]:
    """The rows of all customers as they are now, by key; nothing if no commit came since they were written."""
    current = [one for one in task.files if one.relation in CURRENT]
    if all(one.level == BASE for one in current):
        return
    rows = {name: current_rows(task.ledger.root, task.files, name, "main") for name in CURRENT}
    parts, new = 1 + count(task.con, f"({rows['profiles']})") // LARGE, list[LedgerFile]()
    for name, query in rows.items():
        say(f"Writing all rows of {name}")
        new += [file for part in range(parts) for file in _part(task, name, query, part, parts)]
    yield _Swap(new, current)


def _part(task: _Task, name: str, query: str, part: int, parts: int) -> list[LedgerFile]:
    """The rows of a range of keys, so that they fit into memory, and a bucket is found by the ranges of its files."""
    first, after = (one * _EVERY_KEY // parts - _EVERY_KEY // 2 for one in (part, part + 1))
    within = f"customer_key >= {first}::hugeint and customer_key < {after}::hugeint"
    ordered = f"from ({query}) where {within} order by customer_key"
    return task.ledger.write(task.con, name, ordered, (0, task.commit), BASE, part)


def _replace(store: Store, swaps: Sequence[_Swap], now: datetime) -> None:
    """Let the new files count instead of the old ones."""
    state = store.state
    counting = {one.name for one in named_files(state)}
    # Whatever was rebuilt or repaired meanwhile counts as it is: what it replaced can't be put together any more.
    still = [one for one in swaps if counting.issuperset(old.name for old in one.old)]
    with state.transaction():
        for swap in still:
            replace_files(state, [one.name for one in swap.old], now)
            name_files(state, swap.new)
        state.note("commit", state.commit + bool(still))


def _remove(store: Store, now: datetime) -> int:
    """Remove files that were replaced long enough ago, and those that a killed run left behind; how many."""
    state, ledger = store.state, store.ledger
    kept = {one.name for one in named_files(state)}
    since = state.query("select name from replaced_files where since > $since", since=now - KEPT)
    kept |= {name for (name,) in since}
    there = [
        one
        for one in (ledger.root / ledger.generation).iterdir()
        if f"{ledger.generation}/{one.name}" not in kept
    ]
    for file in there:
        file.unlink()
    state.query("delete from replaced_files where since <= $since", since=now - KEPT)
    return len(there)
