"""Parquet files as relations: what is canonical already stays where it lies, every other row becomes a JSON object."""

import numpy as np
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.formats.parquet_schema import FILE_ROW, stored_columns
from flows.formats.parquet_types import Stored, as_id, as_json, object_of, undecodable
from flows.formats.shapes import Kind, Source
from flows.settings import Limits
from flows.warehouse import chained, count, literal, one_file, quoted, run_sql, sql_text
from transforms.columns.arrays import Ints
from transforms.tables.frames import CANONICAL_CUSTOMERS, CANONICAL_EVENTS, Schema
from transforms.tables.sql_types import duckdb_types

COLUMNS: dict[Kind, Schema] = {"events": CANONICAL_EVENTS, "customers": CANONICAL_CUSTOMERS}
IDS = {
    *("event_id", "customer_id", "messageId", "message_id", "id"),
    *("userId", "user_id", "anonymousId", "anonymous_id"),
}
OPTIONAL = {"value", "attributes", "received_at", "email", "tags", "timezone"}
NOTHING = {'"NULL"', '"NULL"[]'}
"""The types of columns that hold nothing but nulls, or empty lists."""


def check_size(con: DuckDBPyConnection, source: Source, limits: Limits) -> None:
    """Refuse a file whose column chunks are larger decompressed than the limit, by its own metadata.

    Raises:
        InputError: it is too large.
    """
    ((size,),) = con.execute(sql_text("formats/parquet/size.sql"), {"file": one_file(source.path)}).fetchall()
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
    found = con.execute(sql_text("formats/parquet/columns.sql"), {"file": one_file(source.path)}).fetchall()
    return {name: str(kind) for name, kind in found}


def has_canonical_types(source: Source, types: dict[str, str]) -> bool:
    """Whether each canonical column has its type, or holds nothing and needn't, and there are no further columns."""
    wanted = duckdb_types(COLUMNS[source.kind])
    there = all(
        types.get(name) == kind or (name in OPTIONAL and types.get(name, '"NULL"') in NOTHING)
        for name, kind in wanted.items()
    )
    return there and types.keys() <= wanted.keys()


def rows_apart(
    con: DuckDBPyConnection, source: Source, types: dict[str, str], *, closely: bool = True
) -> Ints:
    """The numbers, from 0, of the rows that aren't canonical as they stand, in a file of canonical types.

    Args:
        con: a connection that `staging.prepare` has seen.
        source: the file.
        types: those of its columns.
        closely: whether to look too for what shows once rows are read one by one: numbers that JSON hasn't, and damage.
    """
    judged = f"formats/staging/{source.kind}_apart.sql"
    query = chained(("source", _rows(source, types)), final=judged)
    found = con.execute(query, {"closely": closely}).fetchnumpy()
    return np.asarray(found[FILE_ROW], np.int64)


def canonical_rows(source: Source, types: dict[str, str], without: str = "") -> str:
    """The query of a file of canonical events, passed through so that filters reach the file's statistics.

    Args:
        source: the file.
        types: those of its columns.
        without: a relation with the numbers of the rows to leave out, if there are any.
    """
    some = f"anti join {without} using ({FILE_ROW})" if without else ""
    rows = f"{_rows(source, types)} {some}"
    return chained(("source", rows), final="formats/staging/events_stored.sql")


def objects(con: DuckDBPyConnection, source: Source, only: str = "") -> str:
    """The query of `lines`: one JSON object per row, whatever the types of its columns; nulls mean absent.

    Args:
        con: a connection, which knows how types are written from then on.
        source: the file.
        only: a relation with the numbers of the rows to read; else all are.

    Raises:
        InputError: a column has a type that can't be used.
    """
    run_sql(con, "formats/parquet/macros.sql")
    columns = stored_columns(con, source.path)
    members = [(column.name, _member(name, column)) for name, column in columns.items()]
    broken = filter(None, (undecodable(column, quoted(name)) for name, column in columns.items()))
    listed = f"{FILE_ROW}, {object_of(members)} as object, {' or '.join(broken) or 'false'} as is_broken"
    some = f"semi join {only} using ({FILE_ROW})" if only else ""
    rows = f"select {listed} from {_scan(source)} {some}"
    return chained(("source", rows), final="formats/staging/parquet.sql")


def _member(name: str, column: Stored) -> str:
    return as_id(column, quoted(name)) if column.name in IDS else as_json(column, quoted(name))


def _scan(source: Source) -> str:
    return f"read_parquet({literal(one_file(source.path))}, {FILE_ROW} = true)"


def _rows(source: Source, types: dict[str, str]) -> str:
    """The query of `source`: a row's number and the canonical columns, null where the file hasn't one."""
    columns = [
        quoted(name) if types.get(name) == kind else f"null::{kind} as {quoted(name)}"
        for name, kind in duckdb_types(COLUMNS[source.kind]).items()
    ]
    return f"select {', '.join((FILE_ROW, *columns))} from {_scan(source)}"
