"""Source files of any shape → canonical rows, the faulty ones with their reason, in a table of DuckDB."""

import json
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial

import duckdb
import polars as pl
import pyarrow as pa
from duckdb.sqltypes import BIGINT

from flows.errors import InputError, is_of_the_machine
from flows.formats.blocks import line_blocks
from flows.formats.column_kinds import Records, set_kinds, text_columns
from flows.formats.decompressed import check_decompressed
from flows.formats.json_texts import value_blocks
from flows.formats.non_finite import make_non_finite
from flows.formats.parquet import (
    canonical_rows,
    check_size,
    column_types,
    has_canonical_types,
    objects,
    rows_apart,
)
from flows.formats.parquet_bytes import in_bytes
from flows.formats.parquet_schema import FILE_ROW, NotTextError, damage
from flows.formats.shapes import Format, Source
from flows.formats.streams import put_blocks, put_lines
from flows.settings import Limits
from flows.warehouse import (
    assign,
    chained,
    make_function,
    make_table,
    make_view,
    quoted,
    run_sql,
    shown,
    sql_text,
)
from transforms.columns.json_values import canonical_texts
from transforms.timing.instants import instants_of

ROWS: dict[Format, str] = {
    "csv": "formats/staging/csv.sql",
    "ndjson": "formats/staging/ndjson.sql",
    "json": "formats/staging/ndjson.sql",
}


@dataclass(frozen=True)
class Staged:
    """How many rows a source has, and how many of them are good and bad.

    Attributes:
        text_columns: of a CSV file, the columns whose type isn't set and turned out to be text.
    """

    rows: int
    good: int
    bad: int
    text_columns: tuple[str, ...] = field(default=(), compare=False)


def stage(con: duckdb.DuckDBPyConnection, source: Source, table: str, limits: Limits) -> Staged:
    """Read a source into the temporary table or view `table`; all of it or nothing.

    There is one row per row of the source (blank lines aside): `line` (from 1; of a CSV record its
    first line, of Parquet the row number), `reason` (null for a good row, else why to quarantine it), `row`
    (the original row where there is a reason), and the canonical columns of the kind. Of text the rows are in
    order, also where several stand on one line.
    Canonical Parquet events become a view over the file, without a copy: keep the file while it is used.

    Args:
        con: A connection whose `TimeZone` is UTC.
        source: What `recognise` found.
        table: Name of the table or view; replaced if it is there.
        limits: What one file may hold.

    Raises:
        InputError: the file as a whole can't be loaded (truncated, over a limit, …). A damaged Parquet file
            is found out by DuckDB, which also aborts a transaction the caller has open.
    """
    prepare(con, source, limits)
    drop(con, table)
    if source.format == "parquet":
        return _stage_any_parquet(con, source, table, limits)
    return _stage_text(con, source, table, limits)


def placed(con: duckdb.DuckDBPyConnection, source: Source, table: str) -> str:
    """Make the view `<table>_placed` of a source's staged rows: with `batch_order`, the place of each in the source."""
    # Several rows may stand on one line of a text.
    place = "line" if source.format == "parquet" else "rowid"
    view = f"{table}_placed"
    make_view(con, view, f"select {place} as batch_order, * from {quoted(table)}")
    return view


def prepare(con: duckdb.DuckDBPyConnection, source: Source, limits: Limits) -> None:
    """Make known what the files of `sql/formats/staging/` rely on.

    Raises:
        InputError: the file has more columns than allowed.
    """
    check_width(source, limits)
    make_macros(con)
    assign(con, "bigint", staging_columns=limits.columns)
    assign(con, "boolean", staging_tries=True)
    assign(
        con, "varchar[]", staging_keys=[json.dumps(name) + ":" if name else None for name in source.columns]
    )
    if source.format == "csv":
        set_kinds(con, source)


def make_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Make the macros of `sql/formats/staging/macros.sql` known: how text, instants, numbers and objects are read."""
    if not _kinds(con, "staging_macros"):
        make_function(con, "canonical_json", canonical_texts)
        make_function(con, "instant_micros", instants_of, returns=BIGINT)
        make_non_finite(con)
        run_sql(con, "formats/staging/macros.sql")


@contextmanager
def damaged(source: Source) -> Generator[None]:
    """Report whatever DuckDB says about a Parquet file as a fault of the file.

    Raises:
        InputError: the file can't be read.
    """
    try:
        yield
    except duckdb.Error as error:
        if is_of_the_machine(error):
            raise
        raise damage(source.path, error) from error


def drop(con: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Remove a temporary table or view, if it is there."""
    for kind in _kinds(con, relation):
        con.execute(f"drop {'view' if kind == 'VIEW' else 'table'} temp.{quoted(relation)}")


def _kinds(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """What is called so: a temporary table, a view or nothing."""
    found = con.execute(sql_text("formats/staging/kind.sql"), {"relation": relation}).fetchall()
    return [kind for (kind,) in found]


def counts(con: duckdb.DuckDBPyConnection, table: str) -> Staged:
    """How many rows a staged table or view has, good and bad."""
    ((rows, bad),) = con.execute(sql_text("formats/staging/counts.sql"), {"staged": table}).fetchall()
    return Staged(rows, rows - bad, bad)


def check_width(source: Source, limits: Limits) -> None:
    """Refuse a file with more columns than allowed.

    Raises:
        InputError: it has more.
    """
    if source.format not in {"ndjson", "json"} and len(source.columns) > limits.columns:
        raise InputError(
            f"{source.path}: has {len(source.columns):,} columns; allowed: {limits.columns:,}. "
            "Leave out what isn't needed, or raise limits.columns in the settings"
        )


def _stage_any_parquet(con: duckdb.DuckDBPyConnection, source: Source, table: str, limits: Limits) -> Staged:
    try:
        return _stage_parquet(con, source, table, limits)
    except NotTextError as error:
        try:
            with in_bytes(source) as copy:
                return _stage_parquet(con, copy, table, limits)
        except (OSError, pa.ArrowException, InputError) as later:
            if is_of_the_machine(later):
                raise
            raise error from None


def _stage_parquet(con: duckdb.DuckDBPyConnection, source: Source, table: str, limits: Limits) -> Staged:
    try:
        with damaged(source):
            check_size(con, source, limits)
            types = column_types(con, source)
            canonical = source.kind == "events" and source.shape == "canonical"
            if canonical and has_canonical_types(source, types):
                _put_canonical(con, source, table, types)
            else:
                make_table(con, table, shaped(source, objects(con, source)))
            return counts(con, table)
    except InputError:
        # In a transaction of the caller this fails too, and its rollback takes the view away.
        with suppress(duckdb.Error):
            drop(con, table)
        raise


def _put_canonical(con: duckdb.DuckDBPyConnection, source: Source, table: str, types: dict[str, str]) -> None:
    """Events of canonical types: the good ones as they stand, the others by way of objects."""
    apart = rows_apart(con, source, types)
    if not apart.size:
        make_view(con, table, canonical_rows(source, types))
        return
    good = canonical_rows(source, types, without="rows_apart")
    others = shaped(source, objects(con, source, only="rows_apart"))
    query = f"from ({good}) union all by name from ({others})"
    with shown(con, rows_apart=pl.DataFrame({FILE_ROW: apart})):
        make_table(con, table, query)


def _stage_text(con: duckdb.DuckDBPyConnection, source: Source, table: str, limits: Limits) -> Staged:
    try:
        texts = _put_text(con, source, table, limits)
    except InputError:
        drop(con, table)
        raise
    return replace(counts(con, table), text_columns=texts)


def _put_text(con: duckdb.DuckDBPyConnection, source: Source, table: str, limits: Limits) -> tuple[str, ...]:
    """Make the table; which columns of a CSV file turned out to be text."""
    query, texts = shaped(source, ROWS[source.format]), tuple[str, ...]()
    if source.format == "ndjson":
        put_lines(con, table, query, partial(blocks_of, source, limits))
        return texts
    blocks = blocks_of(source, limits)
    if isinstance(blocks, Records):
        texts = text_columns(con, source, blocks)
        set_kinds(con, source, texts)
    put_blocks(con, table, query, blocks)
    return texts


def blocks_of(source: Source, limits: Limits, held: bytes | None = None) -> Iterable[pa.Table]:
    """The lines or records of a text file, some at a time; `held` are the bytes of a JSON file, if they were read.

    Raises:
        InputError: the file as a whole can't be loaded.
    """
    if held is None:
        check_decompressed(source.path, source.compression, limits.decompressed_bytes)
    if source.format == "csv":
        return Records(source, limits)
    data = source.bytes(limits.decompressed_bytes, held)
    if source.format == "json":
        return value_blocks(data, limits.line_bytes)
    return line_blocks(data, limits.line_bytes)


def shaped(source: Source, lines: str) -> str:
    """The query from `lines` (one JSON object per row) to canonical rows."""
    if source.kind != "events":
        return chained(("lines", lines), final=f"formats/staging/{source.kind}.sql")
    shape = f"formats/staging/events_{source.shape}.sql"
    typed = "formats/staging/events_typed.sql"
    return chained(("lines", lines), ("shaped", shape), ("typed", typed), final="formats/staging/events.sql")
