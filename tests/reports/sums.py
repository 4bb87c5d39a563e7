"""A database in memory with the tables that reports read, sums kept tick by tick, and the views on them."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.store.sums import Counted, count_changes, count_sums
from flows.store.tables import RECONSIDERATIONS, SMALL
from flows.warehouse import append, connect, frame, run_sql, shown, sql_names, sql_text
from transforms.tables.frames import SUMS
from transforms.tables.sums import added

TABLES = ("executions", "steps", "messages", "program_steps", "workflow_versions", "migrations")


@contextmanager
def counted_tables(*, on_sums: bool = True) -> Generator[DuckDBPyConnection]:
    """Empty tables; whatever they hold, the relations `counted_…` say what sums count of it.

    Args:
        on_sums: whether reports are made of sums, of which there are none yet; else they count the tables.
    """
    with closing(connect()) as con:
        for name in (*sql_names("store/schema"), *sql_names("store/macros")):
            run_sql(con, name)
        small = {one: SMALL[one] for one in ("program_steps", "workflow_versions", "migrations")}
        for table, columns in {**small, "goal_reconsiderations": RECONSIDERATIONS}.items():
            with shown(con, empty=pl.DataFrame(schema=columns)):
                con.execute(f"create table {table} as from empty")
        _add_counted(con)
        if on_sums:
            with shown(con, empty=pl.DataFrame(schema=SUMS)):
                con.execute("create table sums as from empty")
        customers = "store/views/customers.sql"
        for name in (
            customers,
            *sql_names("reports/base"),
            *sql_names("reports" if on_sums else "reports/full"),
        ):
            con.execute(f"create view {Path(name).stem} as {sql_text(name)}")
        yield con


def _add_counted(con: DuckDBPyConnection) -> None:
    """The relations that say what sums count."""
    running = "if(status = 'paused', 'running', status) as status"
    con.execute(f"create view counted_executions as select * replace ({running}), 1 as sign from executions")
    con.execute("create view counted_steps as select *, 1 as sign from steps")
    con.execute("create view counted_messages as select *, 1 as sign from messages")


def columns_of(con: DuckDBPyConnection, table: str) -> pl.DataFrame:
    """No rows, but the columns of a table."""
    return frame(con, f"from {table} limit 0")


def tick(
    con: DuckDBPyConnection, executions: pl.DataFrame, steps: pl.DataFrame, messages: pl.DataFrame
) -> None:
    """Write new and changed executions and messages, and new steps; add what changes to the sums.

    The frames have all columns of the tables.
    """
    after = Counted(executions, steps, messages)
    before = replace(
        after,
        executions=_replaced(con, "executions", "execution_id", executions),
        steps=steps.clear(),
        messages=_replaced(con, "messages", "message_id", messages),
    )
    append(con, "steps", steps)
    changes = count_changes(con, _as_counted(before), _as_counted(after))
    keep(con, added(kept(con), changes))


def kept(con: DuckDBPyConnection) -> pl.DataFrame:
    """The sums as they are kept."""
    return frame(con, "from sums")


def keep(con: DuckDBPyConnection, sums: pl.DataFrame) -> None:
    """Keep these sums instead."""
    con.execute("delete from sums")
    append(con, "sums", sums)


def count_anew(con: DuckDBPyConnection) -> None:
    """Keep what is counted over everything."""
    keep(con, count_sums(con))


def _replaced(con: DuckDBPyConnection, table: str, key: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Put rows in the place of those with the same keys, which are returned."""
    with shown(con, given=rows):
        before = frame(con, f"from {table} semi join given using ({key})")
        con.execute(f"delete from {table} where {key} in (select {key} from given)")
    append(con, table, rows)
    return before


def _as_counted(rows: Counted) -> Counted:
    status = pl.col("status").replace("paused", "running")
    return replace(rows, executions=rows.executions.with_columns(status))
