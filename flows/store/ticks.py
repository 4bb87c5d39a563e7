"""How far the store has come: its last tick."""

from datetime import datetime

from duckdb import DuckDBPyConnection

from flows.warehouse import run_sql


def last_tick(con: DuckDBPyConnection) -> tuple[int, datetime | None]:
    """The last tick's number and end; (0, None) before the first.

    Raises:
        WarehouseError: the ticks can't be read.
    """
    ((last, now),) = run_sql(con, "store/last_tick.sql").fetchall()
    return int(last), now
