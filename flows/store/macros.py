"""The macros that views of the store and of reports are written with (`sql/store/macros/`)."""

from duckdb import DuckDBPyConnection

from flows.warehouse import run_sql, sql_names


def make_macros(con: DuckDBPyConnection) -> None:
    """Make them known to a connection: `goal_window(definition)`, `has_hits(definition)`, ….

    Raises:
        WarehouseError: one can't be made.
    """
    for name in sql_names("store/macros"):
        run_sql(con, name)
