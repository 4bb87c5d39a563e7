"""Canonical Parquet events as a view over the file: every column read by its type, nothing copied."""

import duckdb

from flows.errors import InputError
from flows.inbox.shapes import Source
from flows.settings import Limits
from flows.warehouse import chained, literal, quoted, sql_text
from transforms.tables.frames import CANONICAL_EVENTS
from transforms.tables.sql_types import duckdb_types

CANONICAL_TYPES = duckdb_types(CANONICAL_EVENTS)
OPTIONAL = {"value", "attributes", "received_at"}
# A row of the file as JSON, without the number that `scan` adds.
ROW = "json_merge_patch(to_json(columns_of_file), '{\"file_row_number\": null}')::varchar"


def scan(source: Source) -> str:
    """The file as a relation; `file_row_number` counts from 0."""
    return f"read_parquet({literal(source.path)}, file_row_number = true)"


def check_size(con: duckdb.DuckDBPyConnection, source: Source, limits: Limits) -> None:
    """Refuse a file whose column chunks are larger decompressed than the limit, by its own metadata.

    Raises:
        InputError: it is too large.
    """
    total = "coalesce(sum(total_uncompressed_size), 0)::bigint"
    query = f"select {total} from parquet_metadata({literal(source.path)})"
    ((size,),) = con.execute(query).fetchall()
    if size > limits.decompressed_bytes:
        raise InputError(
            f"{source.path}: holds {size:,} bytes decompressed; allowed: {limits.decompressed_bytes:,}. "
            "Nothing of it was loaded: split it, or raise limits.decompressed_bytes in the settings"
        )


def objects(source: Source) -> str:
    """The query of `lines` (one JSON object per row) for a file of another shape; nulls mean absent."""
    return (
        f"select file_row_number + 1 as line, {ROW} as row, null::varchar as fault, "
        f"without_nulls({ROW}) as body from {scan(source)} as columns_of_file"
    )


def canonical_events(con: duckdb.DuckDBPyConnection, source: Source) -> str:
    """The query of the canonical events of a file of canonical shape.

    Where all columns have their canonical type and every row is good as it stands, the query passes the
    columns through untouched, so that filters reach the file's statistics.
    """
    types = column_types(con, source)
    if _as_they_stand(con, source, types):
        return _passed_through(source, types)
    return chained(("typed", typed_events(scan(source), types)), final="inbox/staging/events.sql")


def column_types(con: duckdb.DuckDBPyConnection, source: Source) -> dict[str, str]:
    """The types of the file's columns, as DuckDB names them; `file_row_number` among them."""
    described = con.execute(f"describe select * from {scan(source)}").fetchall()
    return {name: str(kind) for name, kind, *_ in described}


def _as_they_stand(con: duckdb.DuckDBPyConnection, source: Source, types: dict[str, str]) -> bool:
    """Whether every row is canonical without a change."""
    stored = all(
        types.get(name) == kind or (name in OPTIONAL and name not in types)
        for name, kind in CANONICAL_TYPES.items()
    )
    if not stored:
        return False
    columns = columns_or_nulls(CANONICAL_TYPES, types)
    query = f"with source as (select {columns} from {scan(source)}) {_nested('inbox/staging/events_as_they_stand.sql')}"
    ((_, others),) = con.execute(query).fetchall()
    return not others


def _nested(name: str) -> str:
    return f"select * from ({sql_text(name)})"


def _passed_through(source: Source, types: dict[str, str]) -> str:
    columns = columns_or_nulls(CANONICAL_TYPES, types)
    return (
        "select file_row_number + 1 as line, null::varchar as reason, null::varchar as row, "
        f"file_row_number + 1 as batch_order, {columns} from {scan(source)}"
    )


def columns_or_nulls(wanted: dict[str, str], types: dict[str, str]) -> str:
    """The columns to select, null of the wanted type where the file hasn't one."""
    return ", ".join(
        quoted(name) if name in types else f"null::{kind} as {quoted(name)}" for name, kind in wanted.items()
    )


def typed_events(relation: str, types: dict[str, str]) -> str:
    """The query of `typed` (sql/inbox/staging/events_typed.sql), from a relation with columns of whatever type."""
    columns = {
        "line": "file_row_number + 1",
        "row": ROW,
        "fault": "null::varchar",
        "event_id": _identifier("event_id", types),
        "customer_id": _identifier("customer_id", types),
        "customer_given": _given("customer_id", types),
        "ts": _instant("ts", types),
        "ts_given": _given("ts", types),
        "type": _given("type", types),
        "name": _given("name", types),
        "value": f"finite(try_cast({_given('value', types)} as double))",
        "value_given": _given("value", types),
        "properties": _object("properties", types),
        "properties_given": _given("properties", types),
        "attributes": _object("attributes", types),
        "attributes_given": _given("attributes", types),
        "received_at": _instant("received_at", types),
        "received_given": _given("received_at", types),
    }
    select = ", ".join(f"{expression} as {quoted(name)}" for name, expression in columns.items())
    return f"select {select} from {relation} as columns_of_file"


def _given(name: str, types: dict[str, str]) -> str:
    return f"nullif(trim({quoted(name)}::varchar), '')" if name in types else "null::varchar"


def _identifier(name: str, types: dict[str, str]) -> str:
    if name not in types:
        return "null::varchar"
    if types[name] in ("DOUBLE", "FLOAT") or types[name].startswith("DECIMAL"):
        return f"regexp_replace({quoted(name)}::varchar, '^(-?\\d+)\\.0+$', '\\1')"
    return f"{quoted(name)}::varchar"


def _instant(name: str, types: dict[str, str]) -> str:
    kind = types.get(name)
    if kind is None:
        return "null::timestamptz"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"bounded({quoted(name)})"
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return f"bounded(try_cast({quoted(name)}::timestamp as timestamptz))"
    return f"instant_of({_given(name, types)})"


def _object(name: str, types: dict[str, str]) -> str:
    kind = types.get(name)
    if kind is None:
        return "null::varchar"
    if kind.startswith(("STRUCT", "MAP")) and not kind.endswith("]"):
        return f"without_non_finite(without_nulls(to_json({quoted(name)})))"
    return f"object_text({_given(name, types)})"
