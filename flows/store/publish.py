"""What analysts open: a small DuckDB file of views over the ledger and the archive, made anew after a tick."""

from contextlib import closing
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.files import aside_name, put_in_place
from flows.settings import Settings
from flows.store.archive import archive_folder
from flows.store.ledger import CLOSED, CURRENT, LASTING, closed_until, named_files
from flows.store.pending import KEYS, decoded
from flows.store.relations import relations
from flows.store.state_file import StateFile
from flows.store.store import Store
from flows.store.sums import read_sums
from flows.store.tables import SMALL
from flows.warehouse import connect, literal, parquet, quoted, run, run_sql, shown, sql_names, sql_text
from transforms.tables.frames import SUMS

PUBLISHED_FILE = "onward.duckdb"
INTERNAL = "internal"
_STAMP = "published"
_INNER = ("ended", "running", "schedule_alarms", *KEYS, *CLOSED)
"""Relations that views of `sql/store/views/` read."""


def is_unpublished(store: Store) -> bool:
    """Whether something changed since the last publication, there was none, or the folder has moved."""
    file = store.settings.published / PUBLISHED_FILE
    return store.state.value(_STAMP) != _stamp(store) or not file.exists()


def report_views() -> list[str]:
    """The names of the report views, one per file of `sql/reports/`."""
    return [Path(name).stem for name in sql_names("reports")]


def publish(store: Store) -> bool:
    """Replace `published/onward.duckdb` and `published/reports/*.parquet` by what the store holds now.

    Whoever has the old file open keeps reading it; nobody sees half of a tick.

    Returns:
        False if nothing changed since the last publication, and nothing was written.

    Raises:
        WarehouseError: a report failed, or the file can't be written.
    """
    if not is_unpublished(store):
        return False
    published = store.settings.published
    target, stamp = published / PUBLISHED_FILE, _stamp(store)
    aside = aside_name(target)
    with closing(connect(aside)) as con:
        _fill(con, store)
        for name in report_views():
            _write_report(con, name, published / "reports" / f"{name}.parquet")
    # Read-only, and without the log a visitor may have left: a new file under an old log can't be opened.
    aside.chmod(0o444)
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    put_in_place(aside, target)
    store.state.note(_STAMP, stamp)
    return True


def _stamp(store: Store) -> str:
    """What is published: as of which commit, and where the files lie that it names."""
    return f"{store.state.commit} {store.settings.state.absolute()}"


def _fill(con: DuckDBPyConnection, store: Store) -> None:
    con.execute(f"create schema {INTERNAL}")
    for name, rows in _small(store).items():
        with shown(con, rows=rows):
            con.execute(f"create table {name} as from rows")
    for name in sql_names("store/macros"):
        run_sql(con, name)
    for name, query in relations(store, con, INTERNAL, (*LASTING, *CLOSED, *CURRENT)).items():
        _make_view(
            con, f"{INTERNAL}.{name}" if name in _INNER else name, query, "sql/store/published/current.sql"
        )
    for name in _views():
        query = sql_text(name).replace("{archive}", _archived(store))
        _make_view(con, Path(name).stem, query, f"sql/{name}")


def _make_view(con: DuckDBPyConnection, name: str, query: str, file: str) -> None:
    run(con, f"create view {name} as {query}", file=file, step="create the view")


def _small(store: Store) -> dict[str, pl.DataFrame]:
    """The tables that are copied, by name."""
    state = store.state
    found = {_shown_as(name): _rows(state, name) for name in SMALL}
    sums = read_sums(state.frame("select * from sums", {**SUMS, "total": pl.String}))
    ledger = pl.DataFrame({"id": [state.value("send_ledger")]}, schema={"id": pl.String}).drop_nulls()
    paused = state.frame("select workflow_id from paused", {"workflow_id": pl.String})
    files = pl.DataFrame([vars(one) for one in named_files(state)], schema=_FILES)
    waiting = {f"{INTERNAL}.pending_{table}": decoded(store.con, state, table) for table in KEYS}
    pending = {name: rows.drop("trigger_properties", strict=False) for name, rows in waiting.items()}
    return {
        **found,
        "send_ledger": ledger,
        "sums": sums,
        f"{INTERNAL}.paused": paused,
        f"{INTERNAL}.files": files,
        **pending,
    }


_FILES = {
    **dict.fromkeys(("name", "relation"), pl.String),
    **dict.fromkeys(("level", "first", "last", "rows", "bytes"), pl.Int64),
    "checksum": pl.String,
}


def _shown_as(name: str) -> str:
    return f"{INTERNAL}.late_{name}" if name in CLOSED else name


def _rows(state: StateFile, name: str) -> pl.DataFrame:
    """A table's rows, but for those that are in the ledger."""
    columns = SMALL[name]
    query = f"select {', '.join(map(quoted, columns))} from {name}"
    if name not in CLOSED:
        return state.frame(query, columns)
    key = "batch_id" if name == "batches" else "tick_id"
    return state.frame(
        f"{query} where {key} > $done", columns, done=int(state.value(closed_until(name)) or 0)
    )


def _archived(store: Store) -> str:
    folder = archive_folder(store.settings).absolute() / "events"
    names = store.state.query("select distinct archive from batches where kind = 'events' order by archive")
    return parquet(folder / "_columns.parquet", *(folder / name for (name,) in names))


def _views() -> list[str]:
    """The files of views, in the order in which they are made: each may read those before it."""
    return [*sql_names("store/views"), *sql_names("reports/base"), *sql_names("reports")]


def _write_report(con: DuckDBPyConnection, name: str, file: Path) -> None:
    aside = aside_name(file)
    query = f"copy (select * from {name}) to {literal(aside)} (format parquet)"
    run(con, query, file=f"sql/reports/{name}.sql", step="write the report")
    put_in_place(aside, file)


def published_file(settings: Settings) -> Path:
    """What analysts open."""
    return settings.published / PUBLISHED_FILE
