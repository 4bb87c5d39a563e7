"""`python -m demo.online_retail FILE`: UCI Online Retail as canonical events (docs/online-retail.md).

Source: Chen, Sain and Guo 2012, doi:10.1057/dbm.2012.17, CC0. Times are naive, to the minute, taken as UTC.
"""

import argparse
import sys
from pathlib import Path

import polars as pl
from rich.console import Console

from demo.complete_journey import INSTANT, json_object
from flows.errors import InputError, OnwardError
from flows.formats.shapes import recognise
from flows.formats.staging import Staged, stage
from flows.settings import Limits
from flows.warehouse import connect

PROPERTIES = ("invoice_no", "stock_code", "description", "quantity", "unit_price", "country")
COLUMNS = (*PROPERTIES, "invoice_date", "customer_id")


def read_lines(file: Path) -> pl.DataFrame:
    """Read the invoice lines from a Parquet file.

    Raises:
        InputError: no such file, not Parquet, or a column is missing.
    """
    try:
        lines = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"{file}: can't be read as Parquet ({error}); give the data set as a Parquet file"
        ) from error
    missing = [name for name in COLUMNS if name not in lines.columns]
    if missing:
        raise InputError(
            f"{file}: no column {', '.join(missing)}; found {', '.join(lines.columns)}. "
            f"Expected {', '.join(COLUMNS)}; rename the columns of your copy"
        )
    return lines.select(COLUMNS)


def events(lines: pl.DataFrame) -> pl.DataFrame:
    """One event per invoice line, in file order; lines without a customer keep their null `customer_id`.

    Invoices starting with `C` are `Order Cancelled`, all others `Product Ordered`. The value is quantity
    times unit price to the cent, negative for cancelled lines. Ids count an invoice's lines, so that equal
    lines stay apart.

    Args:
        lines: columns `COLUMNS`.

    Returns:
        Canonical events, one row per line.
    """
    cancelled = pl.col("invoice_no").str.starts_with("C")
    # Padded, so that ids of one instant sort as the lines do.
    place = pl.int_range(1, pl.len() + 1).over("invoice_no").cast(pl.String).str.zfill(4)
    return lines.with_columns(pl.col("invoice_no", "stock_code").cast(pl.String)).select(
        pl.format("line-{}-{}", "invoice_no", place).alias("event_id"),
        _customer().alias("customer_id"),
        _instant().alias("ts"),
        pl.lit("behavioral").alias("type"),
        pl.when(cancelled).then(pl.lit("Order Cancelled")).otherwise(pl.lit("Product Ordered")).alias("name"),
        (pl.col("quantity") * pl.col("unit_price")).cast(pl.Float64).round(2).alias("value"),
        json_object(PROPERTIES).alias("properties"),
        pl.lit(None, pl.String).alias("attributes"),
        pl.lit(None, INSTANT).alias("received_at"),
    )


def customers(lines: pl.DataFrame) -> pl.DataFrame:
    """One row per customer, with the country of the newest line as an attribute; no addresses are known."""
    return (
        lines.select(_customer().alias("customer_id"), "country", _instant().alias("ts"), "invoice_no")
        .drop_nulls("customer_id")
        .sort("customer_id", "ts", "invoice_no", maintain_order=True)
        .unique("customer_id", keep="last", maintain_order=True)
        .select(
            "customer_id",
            pl.lit(None, pl.String).alias("email"),
            pl.lit(None, INSTANT).alias("created_at"),
            json_object(["country"]).alias("attributes"),
            pl.lit([], pl.List(pl.String)).alias("tags"),
            pl.lit(None, pl.String).alias("timezone"),
        )
    )


def write_files(file: Path, out: Path) -> tuple[Path, Path]:
    """Write the event file and the customer file of the data set into `out`.

    Raises:
        InputError: `file` isn't the data set, see `read_lines`.
    """
    lines = read_lines(file)
    folders = out / "events", out / "customers"
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    written = tuple(folder / "online-retail.parquet" for folder in folders)
    events(lines).write_parquet(written[0])
    customers(lines).write_parquet(written[1])
    return written[0], written[1]


def check(file: Path) -> tuple[Staged, dict[str, int]]:
    """Stage the event file with the loader that runs use; nothing is kept.

    Returns:
        The loader's counts, and how many rows go to quarantine by reason.
    """
    with connect() as con:
        staged = stage(con, recognise(file, "events"), "online_retail", Limits())
        by_reason = con.execute(
            "select reason, count(*) from online_retail where reason is not null group by all order by all"
        ).fetchall()
    return staged, dict(by_reason)


def main() -> int:
    """Map the file named on the command line, stage the result, print what is good and what isn't."""
    parser = argparse.ArgumentParser(prog="python -m demo.online_retail", description=__doc__)
    parser.add_argument("file", type=Path, help="the data set as Parquet")
    parser.add_argument(
        "--out", type=Path, default=Path("online-retail"), help="folder to write to (%(default)s)"
    )
    given = parser.parse_args()
    console = Console(highlight=False)
    try:
        mapped, people = write_files(given.file, given.out)
        staged, by_reason = check(mapped)
    except OnwardError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    console.print(f"{staged.rows:,} lines: {staged.good:,} good, {staged.bad:,} to quarantine")
    for reason, count in by_reason.items():
        console.print(f"  {count:,} {reason}", markup=False)
    console.print(f"written: {mapped}\n         {people}", soft_wrap=True, markup=False)
    return 0


def _customer() -> pl.Expr:
    return pl.col("customer_id").cast(pl.Float64).cast(pl.Int64).cast(pl.String)


def _instant() -> pl.Expr:
    return pl.col("invoice_date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


if __name__ == "__main__":
    sys.exit(main())
