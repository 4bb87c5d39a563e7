"""The types of tables' columns as DuckDB names them."""

import polars as pl

from transforms.tables.frames import INSTANT, Schema

_NAMES = (
    (pl.String, "VARCHAR"),
    (pl.Float64, "DOUBLE"),
    (pl.Int64, "BIGINT"),
    (pl.Int32, "INTEGER"),
    (pl.Decimal(38, 0), "DECIMAL(38, 0)"),
    (pl.Boolean, "BOOLEAN"),
    (INSTANT, "TIMESTAMP WITH TIME ZONE"),
    (pl.List(pl.String), "VARCHAR[]"),
)


def duckdb_types(columns: Schema) -> dict[str, str]:
    """Name → type, in the columns' order.

    Raises:
        StopIteration: of a type that no table at a border has.
    """
    return {column: next(name for dtype, name in _NAMES if kind == dtype) for column, kind in columns.items()}
