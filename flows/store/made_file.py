"""The file that is published: made anew, or brought up to date in a copy of the last one.

To make a view, DuckDB plans its query; those of the reports take longer than a small tick decides. So where all
statements are the same as last time, only tables, and the views that name files, are replaced.
"""

import shutil
from collections.abc import Collection
from contextlib import closing, suppress
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.files import hash_of
from flows.store.comments import comments
from flows.store.ledger import CLOSED, CURRENT, LASTING, RECONSIDERED
from flows.store.pending import KEYS
from flows.store.relations import empty_tables, relations
from flows.store.shown import INTERNAL, Shown
from flows.store.store import Store
from flows.store.sums import sums_query
from flows.warehouse import (
    WarehouseError,
    connect,
    frame,
    parquet,
    run,
    shown,
    sql_names,
    sql_text,
    transaction,
)

_BLOCK = 16_384
"""Bytes, the least that DuckDB can have: small tables take a block for each column."""
_INNER = (
    *("ended", "running", "schedule_alarms", "steps", "goal_hits", "entry_refusals", "suppressions"),
    *KEYS,
    *CLOSED,
    RECONSIDERED,
)
"""Relations that views of `sql/store/views/` read."""
_KEYED = ("running",)
"""Those of them that keep `customer_key`, in whose order they lie, for whoever asks for one customer."""
_MADE_BY = f"{INTERNAL}.made_by"
"""The hash of the statements by which a file was made."""


def made_file(store: Store, held: Shown, last: Path, file: Path) -> DuckDBPyConnection:
    """Make the file, and open it.

    Args:
        store: whose ledger and archive the views read.
        held: what the state file holds.
        last: what is published now, if anything is; it isn't changed.
        file: what to make; it isn't there yet.

    Raises:
        WarehouseError: it can't be made.
    """
    by = _made_by(held)
    if last.exists() and _is_renewed(store, held, last, file, by):
        return connect(file)
    file.unlink(missing_ok=True)
    con = connect(file, block_bytes=_BLOCK)
    _fill(con, store, held, by)
    return con


def statements_told() -> str:
    """All statements that make views, comments and macros."""
    named = ("store/comments.sql", *sql_names("store/macros"), *sql_names("store/published"), *_views())
    return "".join([*map(sql_text, named), *_counted().values()])


def _made_by(held: Shown) -> str:
    columns = {name: str(rows.schema) for name, rows in held.tables.items()}
    return hash_of(f"{statements_told()}{columns}".encode())


def _is_renewed(store: Store, held: Shown, last: Path, file: Path, by: str) -> bool:
    """Whether a copy of the last file could be brought up to date."""
    with suppress(OSError, WarehouseError):
        shutil.copyfile(last, file)
        with closing(connect(file)) as con:
            if frame(con, f"from {_MADE_BY}").rows() == [(by,)]:
                before = _columns(con)
                _renew(con, store, held)
                # Views that weren't replaced hold as long as those they read have the same columns.
                return _columns(con).equals(before)
    return False


def _columns(con: DuckDBPyConnection) -> pl.DataFrame:
    columns = "schema_name, table_name, column_index, column_name, data_type"
    return frame(con, f"select {columns} from duckdb_columns() where not internal order by all")


def _fill(con: DuckDBPyConnection, store: Store, held: Shown, by: str) -> None:
    """Make tables and views, as one statement and one transaction: each by itself takes several times as long."""
    rows = _rows(held)
    tables = [f"create table {name} as from {one}" for name, one in zip(held.tables, rows, strict=True)]
    tables += [f"create table {_MADE_BY} as select '{by}' as hash"]
    queries = _relations(store, held)
    empty = empty_tables(INTERNAL, queries)
    statements = [f"create schema {INTERNAL}", *tables, *map(sql_text, sql_names("store/macros")), *empty]
    views = {name for name in queries if name not in _INNER} | {Path(name).stem for name in _views()}
    with transaction(con), shown(con, **rows):
        made = _made(queries, _views(), held)
        run(
            con,
            ";\n".join([*statements, *made, comments(views)]),
            file="sql/store/views",
            step="make tables and views",
        )


def _renew(con: DuckDBPyConnection, store: Store, held: Shown) -> None:
    """Replace the rows of tables, and the views that name files."""
    rows = _rows(held)
    tables = [
        f"truncate {name}; insert into {name} by name from {one}"
        for name, one in zip(held.tables, rows, strict=True)
    ]
    queries = _relations(store, held)
    of_archive = [name for name in _views() if "{archive}" in sql_text(name)]
    views = {name for name in queries if name not in _INNER} | {Path(name).stem for name in of_archive}
    with transaction(con), shown(con, **rows):
        made = _made(queries, of_archive, held)
        text = ";\n".join([*tables, *made, comments(views, only=views)])
        run(con, text, file="sql/store/views", step="bring tables and views up to date")


def _rows(held: Shown) -> dict[str, pl.DataFrame]:
    return {f"rows_{number}": frame for number, frame in enumerate(held.tables.values())}


def _relations(store: Store, held: Shown) -> dict[str, str]:
    every = relations(store, held.files, INTERNAL, (*LASTING, RECONSIDERED, *CLOSED, *CURRENT))
    return every | relations(store, held.files, INTERNAL, _KEYED, keyed=True)


def _made(queries: dict[str, str], views: Collection[str], held: Shown) -> list[str]:
    """Statements that make, or replace, the views of relations and those of files of `sql/`; inner ones first."""
    parts = {"archive": parquet(*held.archived), **_counted()}
    inner = {f"{INTERNAL}.{name}": one for name, one in queries.items() if name in _INNER}
    outer = {name: one for name, one in queries.items() if name not in _INNER}
    known = {Path(name).stem: _filled(sql_text(name), parts) for name in views}
    return [f"create or replace view {name} as {one}" for name, one in {**inner, **outer, **known}.items()]


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
