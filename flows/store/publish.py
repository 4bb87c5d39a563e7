"""What analysts open: a small DuckDB file of views over the ledger and the archive, made anew after a tick."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from duckdb import DuckDBPyConnection

from flows.files import aside_name, hash_of, put_in_place
from flows.settings import Settings
from flows.store.made_file import made_file, statements_told
from flows.store.of_settings import told
from flows.store.shown import read_shown
from flows.store.store import Store
from flows.warehouse import literal, run, sql_names

PUBLISHED_FILE = "onward.duckdb"
PUBLISHED_STAMP = "published"
"""What was published last, as the state file notes it."""


def is_unpublished(store: Store) -> bool:
    """Whether something changed since the last publication, there was none, or the folder has moved."""
    file = store.settings.published / PUBLISHED_FILE
    return store.state.value(PUBLISHED_STAMP) != _stamp(store) or not file.exists()


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
    target, stamp, held = published / PUBLISHED_FILE, _stamp(store), read_shown(store)
    aside = aside_name(target)
    with ThreadPoolExecutor(1) as beside:
        # Bringing the log into the state file takes as long as this, and neither needs the other.
        logged = beside.submit(store.state.checkpoint)
        with closing(made_file(store, held, target, aside)) as con:
            for name in report_views():
                _write_report(con, name, published / "reports" / f"{name}.parquet")
        logged.result()
    # Read-only, and without the log a visitor may have left: a new file under an old log can't be opened.
    aside.chmod(0o444)
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    put_in_place(aside, target)
    store.state.note(PUBLISHED_STAMP, stamp)
    return True


def published_file(settings: Settings) -> Path:
    """What analysts open."""
    return settings.published / PUBLISHED_FILE


def _stamp(store: Store) -> str:
    """What is published: as of which commit, by which statements, and where the files lie that it names."""
    made = f"{statements_told()}{told(store.settings)}"
    return f"{store.state.commit} {hash_of(made.encode())} {store.settings.state.absolute()}"


def _write_report(con: DuckDBPyConnection, name: str, file: Path) -> None:
    aside = aside_name(file)
    query = f"copy (select * from {name}) to {literal(aside)} (format parquet)"
    run(con, query, file=f"sql/reports/{name}.sql", step="write the report")
    put_in_place(aside, file)
