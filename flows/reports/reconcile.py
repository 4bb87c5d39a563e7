"""Whether what is kept equals what is counted anew over everything: sums, reports, where executions are held."""

from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.reports.frames import open_reports
from flows.settings import Settings
from flows.store.sums import count_sums
from flows.warehouse import frame, read_sql, run_sql, sql_names
from transforms.tables.frames import SUMS
from transforms.tables.sums import KEY

TOLERANCE = 0.02
_ROUNDED = "^(median|p95)_"
_COLUMNS = {
    "name": pl.String,
    "parts": pl.String,
    "measure": pl.String,
    "kept": pl.String,
    "counted": pl.String,
}


def reconcile(settings: Settings) -> pl.DataFrame:
    """The same of a store, as it is published now.

    Raises:
        OnwardError: the store can't be used.
    """
    with open_reports(settings) as con:
        run_sql(con, "reports/reconcile/counted.sql")
        return differences(con)


def differences(con: DuckDBPyConnection) -> pl.DataFrame:
    """Every value that differs between what is kept and what everything says.

    Args:
        con: a connection in which are visible: `sums`; the views of the reports, made of sums; the public tables
            `executions` (with `held_by`), `steps` (with `version`), `messages`, `workflow_versions`, `program_steps`,
            `migrations` and the view `execution_standing`; `counted_executions`, `counted_steps`, `counted_messages`
            over everything (`flows.store.sums.count_sums`).

    Returns:
        One row per value, none if all is well: name (of the sum, the report, or `held_by`), parts (JSON: a sum's, the
        texts of a report's row, or the execution), measure (the column), kept, counted (as text; null: no such row).

    Raises:
        WarehouseError: a relation or a column is missing.
    """
    reports = [Path(name).stem for name in sql_names("reports/full")]
    return pl.concat([_of_sums(con), *(_of_report(con, name) for name in reports), _of_held(con)])


def _of_sums(con: DuckDBPyConnection) -> pl.DataFrame:
    kept = frame(con, "select * replace (total::hugeint as total) from sums where n <> 0 or total <> 0")
    return _differing(_measures(kept.select(*SUMS), KEY, "kept"), _measures(count_sums(con), KEY, "counted"))


def _of_report(con: DuckDBPyConnection, name: str) -> pl.DataFrame:
    kept, counted = frame(con, f"from {name}"), read_sql(con, f"reports/full/{name}.sql")
    return _differing(_report_measures(kept, name, "kept"), _report_measures(counted, name, "counted"))


def _of_held(con: DuckDBPyConnection) -> pl.DataFrame:
    held = read_sql(con, "reports/reconcile/held_by.sql")
    return held.select(
        name=pl.lit("held_by"),
        parts=pl.struct("execution_id").struct.json_encode(),
        measure=pl.lit("held_by"),
        kept="kept",
        counted="counted",
    )


def _report_measures(rows: pl.DataFrame, name: str, side: str) -> pl.DataFrame:
    """A report's numbers and instants, by its texts and days."""
    texts = rows.select(pl.selectors.string() | pl.selectors.date())
    keyed = rows.drop(texts.columns).with_columns(
        name=pl.lit(name), parts=texts.select(pl.struct(pl.all()).struct.json_encode()).to_series()
    )
    return _measures(keyed, KEY, side)


def _measures(rows: pl.DataFrame, key: list[str], side: str) -> pl.DataFrame:
    """One row per value: the key, measure, and the value as text in the column `side`."""
    values = [column for column in rows.columns if column not in key]
    texts = rows.with_columns(pl.col(values).cast(pl.String))
    return texts.unpivot(values, index=key, variable_name="measure", value_name=side)


def _differing(kept: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    key = [*KEY, "measure"]
    both = kept.join(counted, on=key, how="full", coalesce=True)
    kept_number, number = (pl.col(one).cast(pl.Float64, strict=False) for one in ("kept", "counted"))
    near = (kept_number - number).abs() <= TOLERANCE * number
    rounded = (pl.col("measure").str.contains(_ROUNDED) & near).fill_null(value=False)
    differs = pl.col("kept").ne_missing(pl.col("counted")) & ~rounded
    return both.filter(differs).select(*_COLUMNS).sort(key)
