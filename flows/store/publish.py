"""What analysts open: a small DuckDB file of views over the ledger and the archive, made anew after a tick."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from duckdb import DuckDBPyConnection

from flows.files import aside_name, hash_of, put_in_place
from flows.settings import Settings
from flows.store.comments import comments
from flows.store.ledger import CLOSED, CURRENT, LASTING
from flows.store.of_settings import told
from flows.store.pending import KEYS
from flows.store.relations import empty_tables, relations
from flows.store.shown import INTERNAL, Shown, read_shown
from flows.store.store import Store
from flows.store.sums import sums_query
from flows.warehouse import connect, literal, parquet, run, shown, sql_names, sql_text, transaction

PUBLISHED_FILE = "onward.duckdb"
_BLOCK = 16_384
"""Bytes, the least that DuckDB can have: small tables take a block for each column."""
_STAMP = "published"
"""What was published last, as the state file notes it."""
_INNER = (
    *("ended", "running", "schedule_alarms", "steps", "goal_hits", "entry_refusals", "suppressions"),
    *KEYS,
    *CLOSED,
)
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
    target, stamp, held = published / PUBLISHED_FILE, _stamp(store), read_shown(store)
    aside = aside_name(target)
    with ThreadPoolExecutor(1) as beside, closing(connect(aside, block_bytes=_BLOCK)) as con:
        # Bringing the log into the state file takes as long as this, and neither needs the other.
        logged = beside.submit(store.state.checkpoint)
        _fill(con, store, held)
        for name in report_views():
            _write_report(con, name, published / "reports" / f"{name}.parquet")
        logged.result()
    # Read-only, and without the log a visitor may have left: a new file under an old log can't be opened.
    aside.chmod(0o444)
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    put_in_place(aside, target)
    store.state.note(_STAMP, stamp)
    return True


def published_file(settings: Settings) -> Path:
    """What analysts open."""
    return settings.published / PUBLISHED_FILE


def _stamp(store: Store) -> str:
    """What is published: as of which commit, by which statements, and where the files lie that it names."""
    named = ("store/comments.sql", *sql_names("store/macros"), *sql_names("store/published"), *_views())
    texts = "".join([*map(sql_text, named), *_counted().values()])
    made = f"{texts}{told(store.settings)}"
    return f"{store.state.commit} {hash_of(made.encode())} {store.settings.state.absolute()}"


def _fill(con: DuckDBPyConnection, store: Store, held: Shown) -> None:
    """Make tables and views, as one statement and one transaction: each by itself takes several times as long."""
    rows = {f"rows_{number}": frame for number, frame in enumerate(held.tables.values())}
    tables = [f"create table {name} as from {one}" for name, one in zip(held.tables, rows, strict=True)]
    queries = relations(store, held.files, INTERNAL, (*LASTING, *CLOSED, *CURRENT))
    inner = [f"create view {INTERNAL}.{name} as {one}" for name, one in queries.items() if name in _INNER]
    outer = [f"create view {name} as {one}" for name, one in queries.items() if name not in _INNER]
    parts = {"archive": parquet(*held.archived), **_counted()}
    known = [f"create view {Path(name).stem} as {_filled(sql_text(name), parts)}" for name in _views()]
    empty = empty_tables(INTERNAL, queries)
    statements = [f"create schema {INTERNAL}", *tables, *map(sql_text, sql_names("store/macros")), *empty]
    views = {name for name in queries if name not in _INNER} | {Path(name).stem for name in _views()}
    with transaction(con), shown(con, **rows):
        text = ";\n".join([*statements, *inner, *outer, *known, comments(views)])
        run(con, text, file="sql/store/views", step="make tables and views")


def _views() -> list[str]:
    """The files of views, in the order in which they are made: each may read those before it.

    Those of `reports` are written as Parquet, too; those of `reports/asked` are counted when asked.
    """
    inner = [*sql_names("store/views"), *sql_names("reports/base")]
    return [*inner, *sql_names("reports"), *sql_names("reports/asked")]


def _counted() -> dict[str, str]:
    """The queries that count anew what is kept, by the names under which `report_reconciliation` reads them."""
    files = [*sql_names("reports/full"), "reports/reconcile/held_by.sql"]
    return {"sums": sums_query(), **{Path(name).stem: sql_text(name) for name in files}}


def _filled(text: str, parts: dict[str, str]) -> str:
    """A view's query with the parts that it names in braces."""
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", part)
    return text


def _write_report(con: DuckDBPyConnection, name: str, file: Path) -> None:
    aside = aside_name(file)
    query = f"copy (select * from {name}) to {literal(aside)} (format parquet)"
    run(con, query, file=f"sql/reports/{name}.sql", step="write the report")
    put_in_place(aside, file)
