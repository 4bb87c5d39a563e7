"""Numbers that JSON hasn't, left out of an object."""

from duckdb import DuckDBPyConnection

from flows.warehouse import run_sql


def make_non_finite(con: DuckDBPyConnection) -> None:
    """Make the macro `without_non_finite` known: an object without the numbers that JSON hasn't."""
    run_sql(con, "formats/staging/non_finite.sql")
