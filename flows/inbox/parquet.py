"""Parquet files as relations: what is canonical already stays where it lies, every other column is read by its type."""

import numpy as np
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.inbox.shapes import Kind, Source
from flows.settings import Limits
from flows.warehouse import chained, count, literal, one_file, quoted, sql_text
from transforms.columns.arrays import Ints
from transforms.tables.frames import CANONICAL_CUSTOMERS, CANONICAL_EVENTS, Schema
from transforms.tables.sql_types import duckdb_types

COLUMNS: dict[Kind, Schema] = {"events": CANONICAL_EVENTS, "customers": CANONICAL_CUSTOMERS}
OPTIONAL = {"value", "attributes", "received_at", "email", "tags", "timezone"}
FILE_ROW = "file_row_number"
"""The column that reading a Parquet file adds: the number of a row, from 0."""


def check_size(con: DuckDBPyConnection, source: Source, limits: Limits) -> None:
    """Refuse a file whose column chunks are larger decompressed than the limit, by its own metadata.

    Raises:
        InputError: it is too large.
    """
    ((size,),) = con.execute(sql_text("inbox/parquet/size.sql"), {"file": one_file(source.path)}).fetchall()
    if size > limits.decompressed_bytes:
        raise InputError(
            f"{source.path}: holds {size:,} bytes decompressed; allowed: {limits.decompressed_bytes:,}. "
            "Nothing of it was loaded: split it, or raise limits.decompressed_bytes in the settings"
        )


def count_rows(con: DuckDBPyConnection, source: Source) -> int:
    """How many rows the file has."""
    return count(con, _scan(source))


def column_types(con: DuckDBPyConnection, source: Source) -> dict[str, str]:
    """The types of the file's columns, as DuckDB names them."""
    found = con.execute(sql_text("inbox/parquet/columns.sql"), {"file": one_file(source.path)}).fetchall()
    return {name: str(kind) for name, kind in found}


def has_canonical_types(source: Source, types: dict[str, str]) -> bool:
    """Whether each canonical column has its type, or is missing and may be."""
    wanted = duckdb_types(COLUMNS[source.kind])
    return all(
        types.get(name) == kind or (name in OPTIONAL and name not in types) for name, kind in wanted.items()
    )


def rows_apart(
    con: DuckDBPyConnection, source: Source, types: dict[str, str], *, numbers: bool = True
) -> Ints:
    """The numbers, from 0, of the rows that aren't canonical as they stand, in a file of canonical types.

    Args:
        con: a connection that `staging.prepare` has seen.
        source: the file.
        types: those of its columns.
        numbers: whether rows count whose objects hold numbers that JSON hasn't.
    """
    judged = f"inbox/staging/{source.kind}_apart.sql"
    query = chained(("source", _rows(source, types)), final=judged)
    found = con.execute(query, {"numbers": numbers}).fetchnumpy()
    return np.asarray(found[FILE_ROW], np.int64)


def objects(source: Source) -> str:
    """The query of `lines` (one JSON object per row) for a file of another shape; nulls mean absent."""
    return chained(("source", _rows_with(source)), final="inbox/staging/parquet.sql")


def canonical_events(con: DuckDBPyConnection, source: Source) -> str:
    """The query of the canonical events of a file of canonical shape.

    Where all columns have their canonical type and every row is good as it stands, the query passes the
    columns through untouched, so that filters reach the file's statistics.
    """
    types = column_types(con, source)
    if has_canonical_types(source, types) and not rows_apart(con, source, types).size:
        return chained(("source", _rows(source, types)), final="inbox/staging/events_stored.sql")
    return typed_events(source, types)


def typed_events(source: Source, types: dict[str, str], only: str = "") -> str:
    """The query of the canonical events of a file with columns of whatever type.

    Args:
        source: the file.
        types: those of its columns.
        only: a relation with the numbers of the rows to read; else all are.
    """
    typed = "inbox/staging/events_parquet.sql"
    return chained(("source", _rows(source, types, only)), ("typed", typed), final="inbox/staging/events.sql")


def _scan(source: Source) -> str:
    return f"read_parquet({literal(one_file(source.path))}, {FILE_ROW} = true)"


def _rows(source: Source, types: dict[str, str], only: str = "") -> str:
    """The query of `source`: the canonical columns, null where the file hasn't one, and the `whole` row."""
    columns = [
        quoted(name) if name in types else f"null::{kind} as {quoted(name)}"
        for name, kind in duckdb_types(COLUMNS[source.kind]).items()
    ]
    some = f"semi join {only} using ({FILE_ROW})" if only else ""
    return f"{_rows_with(source, *columns)} {some}"


def _rows_with(source: Source, *columns: str) -> str:
    """The query of a row's number, some columns, and the `whole` row."""
    listed = ", ".join((FILE_ROW, *columns, "columns_of_file as whole"))
    return f"select {listed} from {_scan(source)} as columns_of_file"
