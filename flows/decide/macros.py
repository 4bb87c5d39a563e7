"""What queries of a tick's facts rely on."""

from duckdb import DuckDBPyConnection

from flows.warehouse import run_sql


def make_macros(con: DuckDBPyConnection) -> None:
    """Make the macros of `sql/decide/macros.sql` known: which events make customers known."""
    run_sql(con, "decide/macros.sql")
