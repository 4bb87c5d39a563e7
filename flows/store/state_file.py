"""The state file: locked for one run, recovered by itself, its tables and views kept current."""

import hashlib
import shutil
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from duckdb import DuckDBPyConnection

from flows.errors import InputError, OnwardError
from flows.files import printable, put_in_place
from flows.session import Clock, Say, Session, silent, wall_clock
from flows.settings import Settings
from flows.store.archive import archive_folder
from flows.store.lock import run_lock
from flows.store.recovery import keep_with_logs, open_recovered
from flows.warehouse import (
    WarehouseError,
    connect,
    insert,
    limit_memory,
    literal,
    one_file,
    parquet,
    run,
    run_sql,
    sql_names,
    sql_text,
    tables,
    write_rows,
)

SCHEMA_VERSION = 2
STATE_FILE = "onward.duckdb"
LOCK_FILE = "onward.lock"


@dataclass(frozen=True, kw_only=True)
class Store(Session):
    """An open, locked state file: a session over it.

    Attributes:
        path: the state file.
        warnings: what recovery had to do to open it, one sentence each; to be shown to people.
    """

    path: Path
    warnings: list[str] = field(default_factory=list)

    def checkpoint(self) -> None:
        """Bring the file itself up to date, so that a copy of it is whole; free if nothing changed.

        Raises:
            WarehouseError: a transaction is still open, or the disk is full.
        """
        run(self.con, "checkpoint", file=str(self.path), step="checkpoint it")


def report_views() -> list[str]:
    """The names of the report views, one per file of `sql/reports/`.

    They lie in the state file, and so in every copy of it, for whoever asks there.
    """
    return [Path(name).stem for name in sql_names("reports")]


@contextmanager
def open_store(settings: Settings, say: Say = silent, clock: Clock = wall_clock) -> Generator[Store]:
    """Open `state/onward.duckdb` for one run, creating it with its tables and views when absent.

    Arguments are those of the session.

    Raises:
        RunInProgressError: another run holds it.
        OnwardError: the file belongs to another program or a newer version, or can't be repaired.
    """
    with hold_store(settings):
        path = settings.state / STATE_FILE
        con, warnings = open_recovered(path)
        store = Store(con, settings, say, clock, path=path, warnings=warnings)
        try:
            _prepare(store)
            yield store
        finally:
            con.close()


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


@contextmanager
def rebuild_store(settings: Settings, say: Say = silent, clock: Clock = wall_clock) -> Generator[Store]:
    """A new, empty store that takes the place of the state file when the block ends without an error.

    The state file is not needed, and read by nobody but `ask_state`; it is kept beside the new one, under
    `….replaced-<n>`. Arguments are those of the session. Whoever calls this holds the store (`hold_store`).
    """
    path = settings.state / STATE_FILE
    draft = settings.state / "rebuild" / STATE_FILE
    shutil.rmtree(draft.parent, ignore_errors=True)
    draft.parent.mkdir()
    try:
        with closing(connect(draft)) as con:
            store = Store(con, settings, say, clock, path=draft)
            _prepare(store)
            yield store
            store.checkpoint()
        if path.exists():
            keep_with_logs(path, "replaced")
        put_in_place(draft, path)
    finally:
        shutil.rmtree(draft.parent)


def _prepare(store: Store) -> None:
    """Limit the memory, make tables and views what this version's `sql/` says; nothing is written when they are.

    Raises:
        OnwardError: the file holds another program's tables, or those of a newer version of Onward.
    """
    con, archive = store.con, archive_folder(store.settings).absolute() / "events"
    limit_memory(con, store.settings.memory_bytes)
    wanted = _fingerprint(archive)
    columns = archive / "_columns.parquet"
    if not _is_readable(con, columns):
        # An empty archive file, so that the `events` view has its columns before anything is loaded.
        write_rows(con, sql_text("store/event_columns.sql"), columns)
    version, fingerprint = _found_version(con, store.path)
    if fingerprint != wanted:
        con.begin()
        for number in range(version + 1, SCHEMA_VERSION + 1):
            run_sql(con, f"store/migrations/{number}.sql")
        _create(con, archive)
        con.execute("delete from schema_version")
        insert(con, "schema_version", {"version": SCHEMA_VERSION, "fingerprint": wanted})
        con.commit()


def _is_readable(con: DuckDBPyConnection, file: Path) -> bool:
    try:
        run(con, f"from {parquet(file)} limit 0", file=str(file), step="read it")
    except WarehouseError:
        return False
    return True


def _fingerprint(archive: Path) -> str:
    names = [*_statements(), *_views()]
    texts = [str(archive), *(name + sql_text(name) for name in names)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _found_version(con: DuckDBPyConnection, path: Path) -> tuple[int, str | None]:
    """The version of the tables that are there (without any: this one's), and the fingerprint of their making."""
    found = tables(con, str(path))
    if not found:
        return SCHEMA_VERSION, None
    if "schema_version" not in found:
        raise OnwardError(
            f"{path}: a DuckDB file, but not Onward's (it has the tables {', '.join(found[:5])}); "
            "move it elsewhere and run again"
        )
    query = sql_text("store/version.sql")
    ((version, fingerprint),) = run(con, query, file=str(path), step="read its version").fetchall()
    if version > SCHEMA_VERSION:
        raise OnwardError(
            f"{path}: written by a newer Onward (tables of version {version}; this one knows up to "
            f"{SCHEMA_VERSION}); update Onward, or point data_dir elsewhere"
        )
    return int(version), str(fingerprint)


def _create(con: DuckDBPyConnection, archive: Path) -> None:
    for name in _statements():
        run_sql(con, name)
    for name in _views():
        text = sql_text(name).replace("{archive}", literal(f"{one_file(archive)}/*.parquet"))
        view = f"create or replace view {Path(name).stem} as {text}"
        run(con, view, file=f"sql/{name}", step="create the view")


def _statements() -> list[str]:
    """The files that make tables, and macros that views are written with."""
    return [*sql_names("store/schema"), *sql_names("store/macros")]


def _views() -> list[str]:
    """The files of views, in the order in which they are made: each may read those before it."""
    return [*sql_names("store/views"), *sql_names("reports/base"), *sql_names("reports")]
