"""Damaged files are loaded, quarantined by rows, or refused by name: a few of those that `mutations` tries."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.formats.canonical import Scratch, damage_named, read_canonical
from flows.formats.duplicates import distinct
from flows.settings import Limits
from flows.warehouse import connect
from tests.formats.mutants import MAKERS, ROWS, fate, good, mutant

FILES = 5


@pytest.fixture(scope="module")
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


@pytest.mark.parametrize("format_", MAKERS)
def test_a_good_file_loads_but_for_its_duplicates(
    con: DuckDBPyConnection, tmp_path: Path, format_: str
) -> None:
    path = tmp_path / f"e.{format_}"
    path.write_bytes(good(format_))
    found = fate(con, path, Limits())
    assert (found.refused, found.rows, found.loaded, found.duplicates) == ("", ROWS, ROWS - 3, 3)


@pytest.mark.parametrize("format_", MAKERS)
def test_no_row_of_a_damaged_file_is_lost_silently(
    con: DuckDBPyConnection, tmp_path: Path, format_: str
) -> None:
    path = tmp_path / f"e.{format_}"
    for number in range(FILES):
        path.write_bytes(mutant(format_, number))
        assert fate(con, path, Limits()).fault == ""


@pytest.mark.parametrize("number", [12, 77, 40, 61])
def test_damage_that_only_decoding_finds_names_the_file(tmp_path: Path, number: int) -> None:
    path = tmp_path / "e.parquet"
    path.write_bytes(mutant("parquet", number))
    with pytest.raises(InputError, match=r"e\.parquet: can't be read as Parquet"):
        read_whole(path)


def read_whole(path: Path) -> None:
    """Read a file as a backtest does."""
    with connect() as con, damage_named([path]):
        found = read_canonical(Scratch(con, path.parent, Limits()), path, "events", 0)
        parts, _ = distinct(found.parts, "events")
        parts[0].scan().collect()
