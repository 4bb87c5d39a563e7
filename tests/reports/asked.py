"""What views that are counted when asked say of a few rows of the tables."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection

from flows.settings import Settings
from flows.store.of_settings import of_settings
from flows.store.tables import SMALL
from flows.warehouse import append, connect, run_sql, shown, sql_names, sql_text
from tests.semantics.cases import Row

_SMALL = ("batches", "tick_counts", "ticks", "workflow_versions")


@dataclass(frozen=True)
class Tables:
    """Empty tables in memory."""

    con: DuckDBPyConnection

    def answer(self, view: str, **tables: list[Row]) -> list[tuple[Any, ...]]:
        """The rows of a view of `sql/reports/asked/` over tables that hold these rows; columns left out are null."""
        self.con.begin()
        try:
            for name, given in tables.items():
                rows = pl.DataFrame(given, infer_schema_length=None)
                if given:
                    append(self.con, name, rows.select(~pl.selectors.by_dtype(pl.Null)))
            return self.con.execute(sql_text(f"reports/asked/{view}.sql")).fetchall()
        finally:
            self.con.rollback()


@contextmanager
def asked_tables(settings: Settings | None = None) -> Generator[Tables]:
    """The tables, empty but for what views read of the settings."""
    with closing(connect(threads=1)) as con:
        for name in (*sql_names("store/schema"), *sql_names("store/macros")):
            run_sql(con, name)
        con.execute(f"create table events as {sql_text('store/event_columns.sql')}; create schema internal")
        empty = {name: pl.DataFrame(schema=SMALL[name]) for name in _SMALL}
        told = {f"internal.{name}": rows for name, rows in of_settings(settings or Settings()).items()}
        for name, rows in {**empty, **told}.items():
            with shown(con, given=rows):
                con.execute(f"create table {name} as from given")
        con.execute(f"create view orders as {sql_text('reports/asked/orders.sql')}")
        yield Tables(con)
