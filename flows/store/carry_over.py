"""The state file of an earlier version, which was DuckDB's → a state file, documents and a ledger.

The tables of a tick are replaced by views over the old file, all customers count as brought in, and what is then put
back is everything. The old file stays beside, under another name.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import OnwardError
from flows.files import content_hash
from flows.session import drawn
from flows.settings import Settings
from flows.store.archive import archive_folder
from flows.store.ledger import ARCHIVE, LedgerFile, name_files
from flows.store.placing import place
from flows.store.put_back import put_back
from flows.store.store import STATE_FILE, Store
from flows.store.tables import SMALL
from flows.store.work import given_keys, tables
from flows.warehouse import append, connect, frame, literal, quoted, run, run_sql, sql_text
from flows.warehouse import tables as tables_of
from transforms.tables.frames import Schema
from transforms.timing.durations import epoch_us

OLD_FILE = "onward.duckdb"
HANDED_OVER = "handed_over_before"
"""That a store of before had handed something over, but named no send ledger, as the state file notes it."""
_NEWEST = 2
_AT_ONCE = 500_000
_NEW = ("goal_hits", "goal_hits_reconsidered", "considered")
"""The tables that no earlier version had."""
_OWN = ("profiles", "attributes", "steps", "executions", "messages")
"""Tables that take more than to be read."""


def carry_over(settings: Settings, store: Store) -> list[str]:
    """Fill a new store with what the old state file holds.

    Args:
        settings: where the old file lies.
        store: a new one, empty.

    Returns:
        What people should know, one sentence each.

    Raises:
        OnwardError: the old file is damaged, another program's, or of a version that isn't known.
    """
    path = settings.state / OLD_FILE
    version = _looked_at(path)
    con, state = store.con, store.state
    run(con, f"attach {literal(path)} as old (read_only)", file=str(path), step="open it")
    _show_old(con, version)
    with state.transaction():
        for name, columns in SMALL.items():
            if name in _NEW:
                continue
            state.append(name, _old_rows(con, name, columns))
        state.write(
            "insert into paused values (?)", frame(con, sql_text("store/carry_over/paused.sql")).iter_rows()
        )
        store.watch()
        for done, some in _customers(con):
            store.say(f"Carrying over customers {drawn(*done)}")
            append(con, "loaded", place(state, some, given_keys(con)))
        store.say("Carrying over the ledger")
        _name_archived(store)
        put_back(con, state, store.ledger, shows=True)
        _note(store)
    con.execute("detach old")
    return [f"{path}: of an earlier version; it was carried over to {STATE_FILE}, and is kept beside it"]


def _looked_at(path: Path) -> int:
    """The version of the old tables; opening the file brings its log in."""
    with closing(connect(path)) as con:
        found = tables_of(con, str(path))
        if "schema_version" not in found:
            raise OnwardError(
                f"{path}: a DuckDB file, but not Onward's (it has the tables {', '.join(found[:5])}); move it "
                "elsewhere and run again"
            )
        query = "select version from schema_version"
        ((version,),) = run(con, query, file=str(path), step="read its version").fetchall()
        if version > _NEWEST:
            raise OnwardError(
                f"{path}: written by a newer Onward (tables of version {version}); update Onward"
            )
        run(con, "checkpoint", file=str(path), step="bring its log in")
        return int(version)


def _show_old(con: DuckDBPyConnection, version: int) -> None:
    """Replace the tables of a tick by views over the old file."""
    for name in (one for one in tables() if one not in _NEW):
        columns = frame(con, f"from {name} limit 0").columns
        suffix = "_1" if version == 1 and name in ("profiles", "attributes") else ""
        own = name in _OWN and not (name == "attributes" and not suffix)
        old = f"({sql_text(f'store/carry_over/{name}{suffix}.sql')})" if own else f"old.{name}"
        there = run(con, f"from {old} limit 0", file=f"old.{name}", step="read it").description
        has = {one[0] for one in there}
        chosen = ", ".join(quoted(one) if one in has else f"null as {quoted(one)}" for one in columns)
        kinds = {
            one[0]: str(one[1]) for one in run(con, f"describe {name}", file=name, step="read it").fetchall()
        }
        typed = ", ".join(f"{quoted(one)}::{kinds[one]} as {quoted(one)}" for one in columns)
        con.execute(f"drop table {name}")
        con.execute(f"create view {name} as select {typed} from (select {chosen} from {old})")
    con.execute("drop table entries")
    con.execute(f"create view entries as {sql_text('store/carry_over/entries.sql')}")


def _customers(con: DuckDBPyConnection) -> Iterator[tuple[tuple[int, int], pl.Series]]:
    """The customers, some at a time, and how many of how many these make."""
    every = frame(con, "select customer_id from profiles").to_series()
    for first in range(0, len(every), _AT_ONCE):
        some = every.slice(first, _AT_ONCE)
        yield (first + len(some), len(every)), some


def _old_rows(con: DuckDBPyConnection, name: str, columns: Schema) -> pl.DataFrame:
    there = frame(con, f"from old.{name}")
    missing = {one: pl.lit(None, kind) for one, kind in columns.items() if one not in there.columns}
    return there.with_columns(**missing).select(pl.col(one).cast(kind) for one, kind in columns.items())


def _name_archived(store: Store) -> None:
    """Let the files of the archive be checked from now on."""
    named = store.state.query(
        "select distinct kind, archive, max(batch_id), sum(rows) from batches group by kind, archive"
    )
    folder = archive_folder(store.settings)
    there = [(one, folder / one[0] / one[1]) for one in named if (folder / one[0] / one[1]).exists()]
    name_files(
        store.state,
        (
            LedgerFile(
                f"{kind}/{name}",
                f"{ARCHIVE}{kind}",
                0,
                number,
                number,
                rows,
                file.stat().st_size,
                content_hash(file),
            )
            for (kind, name, number, rows), file in there
        ),
    )


def _note(store: Store) -> None:
    """What the state file notes of itself: its send ledger, and that no document holds sends yet."""
    con, state = store.con, store.state
    named = (
        "select table_name from duckdb_tables() where database_name = 'old' and table_name = 'send_ledger'"
    )
    ids = frame(con, "select id from old.send_ledger")["id"].to_list() if frame(con, named).height else []
    if ids:
        state.note("send_ledger", ids[0])
    elif run_sql(con, "store/carry_over/handed_over.sql").fetchall():
        state.note(HANDED_OVER, 1)
    ((now,),) = con.execute("select max(now) from old.ticks").fetchall()
    if now:
        state.note("sends_since", epoch_us(now))
