"""Files of any shape → canonical Parquet, without copying what is canonical already.

Rows of a canonical Parquet file are judged in one pass; only those that aren't good as they stand go through staging.
"""

from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.files import printable
from flows.formats.parquet import (
    COLUMNS,
    check_size,
    column_types,
    count_rows,
    has_canonical_types,
    objects,
    rows_apart,
)
from flows.formats.parquet_schema import FILE_ROW, NotTextError, damage
from flows.formats.shapes import Kind, Source, is_parquet
from flows.formats.staging import counts, damaged, drop, prepare, shaped, stage
from flows.formats.ways import Ways
from flows.settings import Limits
from flows.warehouse import WarehouseError, chained, copy_rows, literal, make_table, shown, sql_text
from transforms.columns.arrays import Ints
from transforms.tables.checks import check_columns

KEYS: dict[Kind, str] = {"events": "event_id", "customers": "customer_id"}
DEFAULTS: dict[Kind, dict[str, pl.Expr]] = {
    "events": {},
    "customers": {"attributes": pl.lit("{}"), "tags": pl.lit([], pl.List(pl.String))},
}
NOTHING = (pl.Null, pl.List(pl.Null))
"""The types of columns that hold nothing but nulls, or empty lists."""
ROW = "row of the file"
_FROM_POLARS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


@dataclass(frozen=True)
class Part:
    """Good rows in a Parquet file.

    Attributes:
        kind: what they are.
        path: the file.
        source: the number of the source they come from; files are loaded in this order.
        rows: how many rows the file has.
        without: the numbers (from 0) of those that don't count.
        lines: whether the file says which `line` of its source a row was; otherwise row n is line n + 1.
    """

    kind: Kind
    path: Path
    source: int
    rows: int
    without: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    lines: bool = False

    def scan(self) -> pl.LazyFrame:
        """Its good rows, with the canonical columns in their types, `line` and `row of the file`."""
        rows = pl.scan_parquet(self.path, row_index_name=ROW, glob=False)
        there = {name for name, kind in rows.collect_schema().items() if kind not in NOTHING}
        columns = [
            self._column(name, there).cast(kind).alias(name) for name, kind in COLUMNS[self.kind].items()
        ]
        line = pl.col("line") if self.lines else (pl.col(ROW) + 1).alias("line")
        if self.without.size:
            left_out = pl.Series(self.without, dtype=rows.collect_schema()[ROW])
            rows = rows.filter(~pl.col(ROW).is_in(left_out.implode()))
        return rows.select(*columns, line.cast(pl.Int64), ROW)

    def _column(self, name: str, there: Collection[str]) -> pl.Expr:
        column = pl.col(name) if name in there else pl.lit(None)
        default = DEFAULTS[self.kind].get(name)
        return column if default is None else column.fill_null(default)

    def leave_out(self, rows: Ints) -> "Part":
        """The part without these rows too."""
        return replace(self, without=np.union1d(self.without, rows))


@dataclass(frozen=True)
class Canonical:
    """What became of some sources: parts with the good rows, Parquet files with the bad ones, how many of each."""

    parts: tuple[Part, ...]
    quarantine: tuple[Path, ...]
    bad: int

    @property
    def good(self) -> int:
        """How many good rows there are."""
        return sum(one.rows - one.without.size for one in self.parts)


@dataclass(frozen=True)
class Scratch:
    """What reading files needs.

    Attributes:
        con: a connection in UTC.
        folder: where to write what isn't canonical as it stands, and bad rows.
        limits: what one file may hold.
        ways: how files are read, where they don't tell.
    """

    con: DuckDBPyConnection
    folder: Path
    limits: Limits
    ways: Ways = field(default_factory=Ways)


def read_canonical(scratch: Scratch, path: Path, kind: Kind, number: int) -> Canonical:
    """Make the rows of a file canonical.

    Args:
        scratch: what reading needs.
        path: the file, of any format and shape.
        kind: what it holds.
        number: its place among the sources.

    Raises:
        InputError: the file as a whole can't be loaded.
    """
    if (name := printable(str(path))) != str(path) or "\\" in name:
        raise InputError(f"{name}: its name has a backslash, or bytes that aren't UTF-8; rename it")
    con, source = scratch.con, scratch.ways.recognise(path, kind)
    prepare(con, source, scratch.limits)
    types = _stored_types(scratch, source)
    if types is None:
        return _staged(scratch, source, number)
    try:
        with damaged(source):
            apart = rows_apart(con, source, types, closely=kind == "customers")
            rows = count_rows(con, source)
    except NotTextError:
        return _staged(scratch, source, number)
    part = Part(kind, path, number, rows, apart)
    if not apart.size:
        return Canonical((part,), (), 0)
    if kind == "customers" or apart.size > rows / 2:
        return _staged(scratch, source, number)
    _stage_apart(con, source, apart)
    others = _written(scratch, source, number)
    return replace(others, parts=(part, *others.parts))


@contextmanager
def damage_named(files: Sequence[Path]) -> Generator[None]:
    """If reading Parquet files where they lie fails, say which of them is damaged: their values are decoded late.

    Raises:
        InputError: one of them can't be read.
    """
    try:
        yield
    except (*_FROM_POLARS, WarehouseError) as error:
        if bad := next(filter(_is_damaged, files), None):
            raise damage(bad, error) from error
        raise


def _is_damaged(file: Path) -> bool:
    try:
        for _ in pl.scan_parquet(file).collect_batches() if is_parquet(file) else ():
            pass
    except _FROM_POLARS:
        return True
    return False


def _stored_types(scratch: Scratch, source: Source) -> dict[str, str] | None:
    """The columns of a Parquet file whose canonical columns have canonical types; None for any other file."""
    if source.format != "parquet" or source.shape != "canonical":
        return None
    with damaged(source):
        check_size(scratch.con, source, scratch.limits)
        types = column_types(scratch.con, source)
    return types if has_canonical_types(source, types) else None


def _staged(scratch: Scratch, source: Source, number: int) -> Canonical:
    stage(scratch.con, source, "staged", scratch.limits)
    return _written(scratch, source, number)


def _stage_apart(con: DuckDBPyConnection, source: Source, apart: Ints) -> None:
    """Stage only these rows."""
    query = shaped(source, objects(con, source, only="rows_apart"))
    with damaged(source), shown(con, rows_apart=pl.DataFrame({FILE_ROW: apart})):
        make_table(con, "staged", query)


def _written(scratch: Scratch, source: Source, number: int) -> Canonical:
    """Write what was staged to files; the table `staged` is gone then."""
    con, kind, parts, quarantine = scratch.con, source.kind, list[Part](), list[Path]()
    staged = counts(con, "staged")
    if staged.good:
        file = scratch.folder / f"{kind}-{number}.parquet"
        copy_rows(con, sql_text("formats/staging/good.sql"), file)
        check_canonical(kind, file)
        parts.append(Part(kind, file, number, staged.good, lines=True))
    if staged.bad:
        file = scratch.folder / f"quarantine-{kind}-{number}.parquet"
        found = f"select {literal(source.path)} as file, * from staged"
        copy_rows(con, chained(("found", found), final="formats/staging/bad.sql"), file)
        quarantine.append(file)
    drop(con, "staged")
    return Canonical(tuple(parts), tuple(quarantine), staged.bad)


def check_canonical(kind: Kind, file: Path) -> None:
    """Look whether a file that was written has the columns of canonical rows; staging answers for their values.

    Raises:
        ValueError: it hasn't, which is a fault of the program.
    """
    check_columns(kind, COLUMNS[kind], pl.scan_parquet(file, glob=False).collect_schema())


def united(some: Sequence[Canonical]) -> Canonical:
    """Several sources' rows together."""
    return Canonical(
        tuple(part for one in some for part in one.parts),
        tuple(file for one in some for file in one.quarantine),
        sum(one.bad for one in some),
    )
