"""Sums that reports are made of: a file of `sql/store/sums/` defines each, for everything and for a tick's changes."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.store.state_file import StateFile
from flows.warehouse import frame, literal, make_table, shown, sql_names, sql_text
from transforms.tables.frames import SUMS, Schema
from transforms.tables.sums import KEY, added

_STORED: Schema = {**SUMS, "total": pl.String, "first": pl.Int64, "last": pl.Int64}


@dataclass(frozen=True)
class Counted:
    """Rows that sums count, as they are before or after a change.

    Attributes:
        executions: those of the table, and `held_by`; a paused one has status `running`.
        steps: those of the table, and `version`.
        messages: those of the table.
    """

    executions: pl.DataFrame
    steps: pl.DataFrame
    messages: pl.DataFrame


def count_sums(con: DuckDBPyConnection) -> pl.DataFrame:
    """Every sum over the relations `counted_executions`, `counted_steps` and `counted_messages` (see `Counted`).

    They have a column more, `sign`: 1 for a row that is there, −1 for one that is there no more. `program_steps` must
    have the steps of every version that occurs.

    Returns:
        `frames.SUMS`, without those that are nothing (n and total 0).

    Raises:
        WarehouseError: a relation or a column is missing.
    """
    # Asked for rows at once, DuckDB would plan the query twice, which costs more than counting a tick's rows.
    make_table(con, "sums_counted", sums_query())
    return frame(con, "from sums_counted").select(*SUMS)


def sums_query() -> str:
    """The query by which `count_sums` counts: one row per sum."""
    return " union all ".join(
        f"select {literal(Path(name).stem)} as name, * from ({sql_text(name)}) where n <> 0 or total <> 0"
        for name in sql_names("store/sums")
    )


def count_changes(con: DuckDBPyConnection, before: Counted, after: Counted) -> pl.DataFrame:
    """What a change adds to the sums.

    Args:
        con: a connection in which `program_steps` is visible.
        before: the rows that change, as they were; those that come anew aren't among them.
        after: the same rows, as they are now.

    Returns:
        `frames.SUMS`; n and total may be negative. `transforms.tables.sums.added` adds them up.
    """
    with shown(
        con,
        counted_executions=_signed(before.executions, after.executions),
        counted_steps=_signed(before.steps, after.steps),
        counted_messages=_signed(before.messages, after.messages),
    ):
        return count_sums(con)


def _signed(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([before.with_columns(sign=-1), after.with_columns(sign=1)], how="vertical_relaxed")


def read_sums(stored: pl.DataFrame) -> pl.DataFrame:
    """Sums (`frames.SUMS`) that the state file keeps: totals as texts, which may be larger than its integers."""
    return stored.select(pl.col(name).cast(kind) for name, kind in SUMS.items())


def add_sums(state: StateFile, changes: pl.DataFrame) -> None:
    """Add changes (`frames.SUMS`) to the sums that are kept, inside the caller's transaction."""
    keys = changes.select(KEY).rows()
    texts = state.query(sql_text("store/state/kept_sums.sql"), sums=keys)
    kept = read_sums(pl.DataFrame(texts, schema=_STORED, orient="row"))
    state.write("delete from sums where name = ? and parts = ?", keys)
    state.append("sums", added(kept, changes).with_columns(pl.col("total").cast(pl.String)))
