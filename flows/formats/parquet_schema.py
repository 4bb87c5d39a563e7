"""The columns of a Parquet file and their types; what can't be read is refused by name."""

from collections import Counter
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.formats.parquet_types import Stored, stored, unusable
from flows.formats.wording import listed, one_line
from flows.warehouse import literal, one_file

FILE_ROW = "file_row_number"
"""The column that reading a Parquet file adds: the number of a row, from 0."""
UNREAD = ("Int128", "UInt128")
CAUSE = 500
"""So much of what a library says is shown."""
ALLOWED = (
    "allowed: text, UTF-8 bytes, booleans, numbers (decimals of up to 38 digits), dates, times, timestamps, durations, "
    "and lists, structs and maps of these. Cast it, for instance to text, or leave it out. Nothing of it was loaded"
)


def arrow_schema(path: Path) -> pa.Schema:
    """The columns as Arrow calls them.

    Raises:
        InputError: no Parquet, damaged, encrypted, with a column that Arrow can't read, or two of one name.
    """
    try:
        schema = pq.read_schema(path)
        names, _ = (
            schema.names,
            list(map(str, schema.types)),
        )  # a name that isn't UTF-8 shows only when it is asked for
    except pa.ArrowNotImplementedError as error:
        raise _unread(path, error) from error
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        if "encrypt" in str(error) or "decrypt" in str(error):
            raise InputError(
                f"{path}: is encrypted Parquet, which can't be read. Nothing of it was loaded: deliver it unencrypted"
            ) from error
        raise damage(path, error) from error
    _check_names(path, names)
    return schema


class NotTextError(InputError):
    """A Parquet file says that bytes are text which aren't UTF-8."""


def damage(path: Path, error: Exception) -> InputError:
    """What to say of a Parquet file that a library can't read."""
    told = NotTextError if "is not valid UTF8" in str(error) else InputError
    cause = one_line(str(error).split("\n", 1)[0].rstrip(". "), CAUSE)
    return told(
        f"{path}: can't be read as Parquet ({cause}); the file is damaged or incomplete. "
        "Nothing of it was loaded: deliver it again, whole"
    )


def stored_columns(con: DuckDBPyConnection, path: Path) -> dict[str, Stored]:
    """The columns by DuckDB's names of them, in the file's order.

    Raises:
        InputError: one has a type that can't be used.
    """
    schema = arrow_schema(path)
    found = con.sql(f"from read_parquet({literal(one_file(path))})")
    columns = {
        name: stored(field.name, kind, field.type)
        for name, kind, field in zip(found.columns, found.types, schema, strict=True)
    }
    for column in columns.values():
        for one in unusable(column):
            within = "" if one is column else f", within it {one_line(one.shown)}"
            raise InputError(
                f"{path}: the column {one_line(column.name)} has the type {one_line(column.shown)}{within}, "
                f"which can't be used; {ALLOWED}"
            )
    return columns


def _check_names(path: Path, names: list[str]) -> None:
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise InputError(f"{path}: has the columns {listed(twice)} more than once; name each differently")
    if taken := [name for name in names if name.lower() == FILE_ROW]:
        raise InputError(
            f"{path}: has a column {one_line(taken[0])}, a name that reading a file needs; name it differently"
        )


def _unread(path: Path, error: Exception) -> InputError:
    try:
        types = pl.read_parquet_schema(path).items()
    except (OSError, pl.exceptions.PolarsError):
        return damage(path, error)
    named = [f"{one_line(name)} has the type {kind}" for name, kind in types if str(kind) in UNREAD]
    if not named:
        return InputError(
            f"{path}: a column has a type that can't be used ({one_line(str(error), CAUSE)}); {ALLOWED}"
        )
    return InputError(f"{path}: the column {named[0]}, which can't be used; {ALLOWED}")
