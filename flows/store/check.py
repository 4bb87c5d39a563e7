"""`onward check`: whether every file that counts is there, whole and as it was written; and what can be made again."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from flows.files import content_hash
from flows.session import Clock, Say, drawn, silent, wall_clock
from flows.settings import Settings
from flows.store.archive import archive_folder
from flows.store.ledger import (
    AGAIN,
    BASE,
    CURRENT,
    LASTING,
    RECONSIDERED,
    LedgerFile,
    checked_files,
    ledger_folder,
    name_files,
    replace_files,
)
from flows.store.opening import open_store
from flows.store.publish import publish
from flows.store.put_back import write_current
from flows.store.store import Store
from flows.store.work import bring_in_keys, forget_all

FOUND = {"file": pl.String, "fault": pl.String, "next": pl.String}
_AT_ONCE = 250_000
_REPAIRED = "`onward check --repair` writes it again from the customers' documents"
_LOST = "put it back from a copy of the folder; `onward rebuild` decides everything again from the archive"
_ARCHIVED = "put it back from a copy of the archive: what came in then is nowhere else"


def check(
    settings: Settings, say: Say = silent, clock: Clock = wall_clock, *, repair: bool = False
) -> pl.DataFrame:
    """What is wrong with the store's files: one row per file with a fault.

    Args:
        settings: where things lie.
        say: told what is being done.
        clock: the wall clock.
        repair: whether to make again what can be made: customers' current rows, from their documents, and what is
            published. What was repaired isn't among the rows.

    Returns:
        `file`, `fault`, `next` (what to do).

    Raises:
        DamagedStateError: the state file is damaged.
        RunInProgressError: another run holds the store.
    """
    with open_store(settings, say, clock) as store:
        store.state.check()
        found = list(_faults(store))
        if repair and any(one.relation in CURRENT for one, _ in found):
            _write_again(store)
            found = [(one, fault) for one, fault in found if one.relation not in CURRENT]
        if repair and not any(one.relation in (*LASTING, RECONSIDERED) for one, _ in found):
            publish(store)
    rows = [(str(_path(settings, one)), fault, _next(one)) for one, fault in found]
    return pl.DataFrame(rows, schema=FOUND, orient="row")


def _faults(store: Store) -> Iterator[tuple[LedgerFile, str]]:
    files = checked_files(store.state)
    for done, one in enumerate(files, 1):
        store.say(f"Reading files {drawn(done, len(files))}")
        if fault := _fault(store.settings, one):
            yield one, fault


def _fault(settings: Settings, file: LedgerFile) -> str | None:
    path = _path(settings, file)
    if not path.exists():
        return "is gone"
    size = path.stat().st_size
    if size != file.bytes:
        return f"has {size:,} bytes instead of {file.bytes:,}"
    return None if content_hash(path) == file.checksum else "holds other bytes than were written"


def _next(file: LedgerFile) -> str:
    if file.relation in CURRENT:
        return _REPAIRED
    if file.relation == RECONSIDERED:
        return AGAIN
    return _ARCHIVED if file.is_archived else _LOST


def _write_again(store: Store) -> None:
    """Write the current rows of everybody from the documents, in place of the files there are."""
    con, state = store.con, store.state
    number = state.commit + 1
    files = []
    with state.transaction():
        keys = [key for (key,) in state.query("select key from customers order by key")]
        for part, first in enumerate(range(0, len(keys), _AT_ONCE)):
            store.say(f"Writing customers again {drawn(first, len(keys))}")
            forget_all(con)
            store.watch()
            bring_in_keys(con, state, keys[first : first + _AT_ONCE])
            con.execute("create or replace table changed as select customer_id, key from loaded")
            files += write_current(con, store.ledger, number, BASE, part)
        old = [one.name for one in checked_files(state) if one.relation in CURRENT]
        replace_files(state, old, store.clock())
        name_files(state, files)
        state.note("commit", number)


def _path(settings: Settings, file: LedgerFile) -> Path:
    return (archive_folder(settings) if file.is_archived else ledger_folder(settings)) / file.name
