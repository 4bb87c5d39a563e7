"""The only module that opens DuckDB, and the one executor of the files of `sql/`."""

import re
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import duckdb
import polars as pl
from duckdb import DuckDBPyConnection
from duckdb.func import FunctionNullHandling, PythonUDFType
from duckdb.sqltypes import VARCHAR, DuckDBPyType
from polars.io.plugins import register_io_source

from flows.errors import OnwardError, advice
from flows.files import aside_name, put_in_place


class ArrowStreamExportable(Protocol):
    """A frame or table of any library, as Arrow's PyCapsule protocol hands it over."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """A capsule with an Arrow stream of the rows."""
        ...


WRITING = "write it"
"""The step of writing rows to a file, in words."""
_LEAST_MEMORY = 256 * 2**20
_ROWS_AT_ONCE = 100_000
_WORDS = 4096
"""Columns with more values in a row group are written without a dictionary: faster, and the file is no larger."""


class WarehouseError(OnwardError):
    """A database step failed: which step, on which file, and what DuckDB said.

    Attributes:
        step: what was being done, in words.
        file: the SQL file or database file concerned.
        cause: DuckDB's own message.
    """

    def __init__(self, step: str, file: str, cause: object) -> None:
        # Without the place in the statement, which is ours.
        self.step, self.file, self.cause = step, file, str(cause).split("\n\nLINE ", 1)[0]
        super().__init__(f"{file}: could not {step}: {self.cause}{_advice(self.cause)}")


def _advice(cause: str) -> str:
    if "Could not set lock" in cause:
        return "\nClose the program that has the file open; notebooks read `published/` instead."
    if "Corrupt database" in cause or "Could not read enough bytes" in cause:
        return "\nThe file is damaged: run `onward rebuild`, which replays the archived events."
    found = advice(cause)
    return f": {found}" if found else ""


def connect(
    path: Path | None = None,
    *,
    read_only: bool = False,
    memory_limit: str | None = None,
    threads: int | None = None,
    block_bytes: int | None = None,
) -> DuckDBPyConnection:
    """Open a database file (created if absent), or one in memory; instants are shown in UTC.

    Nothing is ever downloaded: installing and loading of extensions on demand is off. What doesn't fit
    into memory spills beside the file, or into the system's temporary folder.

    Raises:
        WarehouseError: the file is damaged, not DuckDB's, or open in another program.
    """
    spill = spill_folder(path) if path else Path(tempfile.gettempdir()) / "onward.tmp"
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": str(spill.absolute()),
    }
    if memory_limit:
        config["memory_limit"] = memory_limit
    if threads:
        config["threads"] = threads
    if block_bytes:
        config["default_block_size"] = str(block_bytes)
    try:
        con = duckdb.connect(str(path) if path else ":memory:", read_only=read_only, config=config)
    except duckdb.Error as error:
        raise WarehouseError("open the database", str(path or ":memory:"), error) from error
    con.execute("set TimeZone = 'UTC'")
    return con


def spill_folder(path: Path) -> Path:
    """Where what doesn't fit into memory lies while a database file is open; a killed process leaves it."""
    return path.with_name(f"{path.name}.tmp")


def is_stopped(con: DuckDBPyConnection) -> bool:
    """Whether an error inside DuckDB invalidated the database until it is opened again."""
    try:
        con.execute("select 1").fetchall()
    except duckdb.FatalException:
        return True
    except duckdb.Error:
        return False
    return False


def limit_memory(con: DuckDBPyConnection, most: int) -> None:
    """Let the database use about `most` bytes, and what it can't do without; the rest spills to disk."""
    con.execute(f"set memory_limit = '{max(most, _LEAST_MEMORY)}B'")


@cache
def sql_text(name: str) -> str:
    """The text of one file of `sql/`, named by its path there: `reports/report_drop_off.sql`."""
    return files("sql").joinpath(name).read_text(encoding="utf-8")


def sql_names(folder: str) -> list[str]:
    """The files of one folder of `sql/`, in name order, each as `folder/name.sql`."""
    found = (entry.name for entry in files("sql").joinpath(folder).iterdir())
    return [f"{folder}/{name}" for name in sorted(found) if name.endswith(".sql")]


def run_sql(con: DuckDBPyConnection, name: str, **params: Any) -> DuckDBPyConnection:
    """Run one file of `sql/`; `params` fill its `$name` placeholders. Rows are fetched from the answer.

    Raises:
        WarehouseError: naming the file and DuckDB's message.
    """
    return run(con, sql_text(name), file=f"sql/{name}", step="run it", params=params)


def run(
    con: DuckDBPyConnection, sql: str, *, file: str, step: str, params: dict[str, Any] | None = None
) -> DuckDBPyConnection:
    """Run `sql`, reporting a failure as that of `step` on `file`.

    Raises:
        WarehouseError: naming the step, the file and DuckDB's message.
    """
    try:
        return con.execute(sql, params or None)
    except duckdb.Error as error:
        raise WarehouseError(step, file, error) from error


def frame(con: DuckDBPyConnection, query: str, **params: Any) -> pl.DataFrame:
    """The rows of a query as Polars, instants in UTC; `params` fill its `$name` placeholders.

    Raises:
        WarehouseError: naming the query and DuckDB's message.
    """
    try:
        found: pl.DataFrame = con.sql(query, params=params or None).pl()
    except duckdb.Error as error:
        raise WarehouseError("read rows", query.split("\n", 1)[0][:100], error) from error
    return found


def read_sql(con: DuckDBPyConnection, name: str, **params: Any) -> pl.DataFrame:
    """The rows of one file of `sql/` as Polars, instants in UTC; `params` fill its `$name` placeholders.

    Raises:
        WarehouseError: naming the file and DuckDB's message.
    """
    try:
        found: pl.DataFrame = con.sql(sql_text(name), params=params or None).pl()
    except duckdb.Error as error:
        raise WarehouseError("read rows", f"sql/{name}", error) from error
    return found


def streamed(con: DuckDBPyConnection, query: str) -> pl.LazyFrame:
    """The rows of a query, run whenever they are read, some at a time. The connection is busy meanwhile."""
    rows = con.sql(query)

    def batches(
        columns: list[str] | None, _where: pl.Expr | None, _first: int | None, _size: int | None
    ) -> Iterator[pl.DataFrame]:
        for batch in rows.to_arrow_reader(_ROWS_AT_ONCE):
            some = pl.DataFrame(batch)
            yield some if columns is None else some.select(columns)

    return register_io_source(batches, schema=rows.limit(0).pl().schema)


def tidying() -> AbstractContextManager[object]:
    """A block that tidies up after whatever may have happened, whose own trouble hides no other.

    After an error, or Ctrl-C within a callback of DuckDB's, a transaction answers everything with "please ROLLBACK".
    """
    return suppress(duckdb.Error)


class _Shown:
    """What a name shows: rows, as Arrow's PyCapsule protocol hands them over."""

    def __init__(self, rows: ArrowStreamExportable) -> None:
        self.rows: ArrowStreamExportable | None = rows

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        assert self.rows is not None
        return self.rows.__arrow_c_stream__(requested_schema)


@contextmanager
def shown(con: DuckDBPyConnection, **named: ArrowStreamExportable) -> Generator[None]:
    """Let queries in the block read rows by these names.

    A transaction keeps whatever was registered in it until it ends, so that is an empty shell once the block has ended.
    """
    shells = {name: _Shown(rows) for name, rows in named.items()}
    try:
        for name, shell in shells.items():
            con.register(name, shell)
        yield
    finally:
        for name, shell in shells.items():
            shell.rows = None
            with tidying():
                con.unregister(name)


def assign(con: DuckDBPyConnection, kind: str, **values: Any) -> None:
    """Set variables that queries read by `getvariable`, each to a value of DuckDB's type `kind`."""
    for name, value in values.items():
        con.execute(f"set variable {name} = $1::{kind}", [value])


def make_function(
    con: DuckDBPyConnection,
    name: str,
    function: Callable[[pl.Series], pl.Series],
    returns: DuckDBPyType = VARCHAR,
) -> None:
    """Make a function of texts, null among them, known to queries of this connection, unless it is."""

    def of_arrow(texts: Any) -> Any:
        return function(pl.Series(pl.from_arrow(texts))).to_arrow()

    # Asking the catalog whether it is there takes fifty times as long as being refused.
    with suppress(duckdb.NotImplementedException):
        con.create_function(
            name,
            of_arrow,
            [VARCHAR],
            returns,
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
        )


def make_view(con: DuckDBPyConnection, name: str, query: str) -> None:
    """Make a temporary view, in place of one of that name; its rows are computed whenever it is read."""
    con.execute(f"create or replace temp view {quoted(name)} as {query}")


def make_table(con: DuckDBPyConnection, name: str, query: str) -> None:
    """Make a temporary table of a query's rows, in place of one of that name."""
    con.execute(f"create or replace temp table {quoted(name)} as {query}")


def add_rows(con: DuckDBPyConnection, name: str, query: str) -> None:
    """Add a query's rows to a table."""
    con.execute(f"insert into {quoted(name)} {query}")


def parquet(*files: str | Path, by_name: bool = False) -> str:
    """A relation: the rows of Parquet files that have the columns of the first, or (`by_name`) any of them."""
    union = ", union_by_name = true" if by_name else ""
    return f"read_parquet([{', '.join(literal(one_file(file)) for file in files)}]{union})"


def one_file(path: str | Path) -> str:
    """What DuckDB reads as the name of this one file: `*`, `?` and `[` in it stand for themselves alone."""
    return re.sub(r"[*?[]", r"[\g<0>]", str(path))


def count(con: DuckDBPyConnection, relation: str) -> int:
    """How many rows a table, view or parenthesized query has."""
    ((rows,),) = con.execute(f"select count(*) from {relation}").fetchall()
    return int(rows)


def insert(con: DuckDBPyConnection, table: str, row: Mapping[str, Any]) -> None:
    """Add a row, its values by the names of their columns."""
    marks = ", ".join(f"${name}" for name in row)
    con.execute(f"insert into {table} ({', '.join(map(quoted, row))}) values ({marks})", dict(row))


def append(con: DuckDBPyConnection, table: str, rows: ArrowStreamExportable) -> None:
    """Add a frame's rows, their values by the names of their columns."""
    with shown(con, appended=rows):
        con.execute(f"insert into {table} by name select * from appended")


@contextmanager
def transaction(con: DuckDBPyConnection) -> Generator[None]:
    """Everything in the block happens, or nothing of it."""
    con.begin()
    try:
        yield
        con.commit()
    except BaseException:
        with suppress(duckdb.TransactionException):  # a failed statement may have ended it already
            con.rollback()
        raise


def tables(con: DuckDBPyConnection, file: str = "duckdb_tables()") -> list[str]:
    """The names of the tables that a database file keeps, in order.

    Raises:
        WarehouseError: naming `file`; it can't be read.
    """
    listed = "select table_name from duckdb_tables() where not temporary and not internal order by all"
    return [name for (name,) in run(con, listed, file=file, step="list the tables").fetchall()]


def read_everything(con: DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """Each table's row count and an order-free checksum; every block is read, so damage shows.

    Raises:
        WarehouseError: a block can't be read.
    """
    return {name: _count_and_checksum(con, name) for name in tables(con)}


def _count_and_checksum(con: DuckDBPyConnection, table: str) -> tuple[int, int]:
    query = f'select count(*), coalesce(sum(hash(t)), 0) from "{table}" t'
    ((count, checksum),) = run(con, query, file=table, step="read the table whole").fetchall()
    return int(count), int(checksum)


def write_rows(
    con: DuckDBPyConnection, query: str, file: Path, *, empty: bool = True, row_group: int | None = None
) -> int:
    """Write the rows of `query` as Parquet, and tell how many; the file appears whole or not at all.

    Args:
        con: runs the query.
        query: yields the rows.
        file: where they go.
        empty: whether there is to be a file if there are no rows.
        row_group: rows of a row group; None: as many as DuckDB likes.

    Raises:
        WarehouseError: the query or the disk failed.
    """
    aside = aside_name(file)
    rows = copy_rows(con, query, aside, file, row_group)
    if rows or empty:
        put_in_place(aside, file)
    else:
        aside.unlink()
    return rows


def copy_rows(
    con: DuckDBPyConnection, query: str, file: Path, target: Path | None = None, row_group: int | None = None
) -> int:
    """Write the rows of `query` as Parquet that nobody needs after a crash, or that will be `target`; how many.

    Raises:
        WarehouseError: the query or the disk failed.
    """
    groups = f", row_group_size {row_group}" if row_group else ""
    ((rows,),) = run(
        con,
        f"copy ({query}) to {literal(file)} (format parquet, compression zstd, dictionary_size_limit {_WORDS}{groups})",
        file=str(target or file),
        step=WRITING,
    ).fetchall()
    return int(rows)


def quoted(name: str) -> str:
    """An SQL identifier."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(value: str | Path) -> str:
    """An SQL string."""
    escaped = str(value).replace("'", "''")
    return f"'{escaped}'"


def chained(*links: tuple[str, str], final: str) -> str:
    """The query of the file `final`, with each link `(name, query or file)` visible to those after it."""
    ctes = ", ".join(f"{name} as not materialized ({_text(query)})" for name, query in links)
    return f"with {ctes} select * from (\n{_text(final)}\n)"


def _text(query: str) -> str:
    return sql_text(query) if query.endswith(".sql") else query
