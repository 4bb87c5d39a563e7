"""Joined Parquet files read as one, by every reader."""

from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.joining import join_files
from flows.thrift import read_struct, write_struct


def part(folder: Path, number: int, rows: int, writer: str) -> Path:
    frame = pl.DataFrame(
        {
            "number": pl.Series(range(rows), dtype=pl.Int64) + number * 1000,
            "text": pl.Series([f"text {row % 7}" for row in range(rows)], dtype=pl.String),
            "list": pl.Series([[str(row)] * (row % 3) for row in range(rows)], dtype=pl.List(pl.String)),
        }
    )
    path = folder / f"{writer}-{number}.parquet"
    if writer == "polars":
        frame.write_parquet(path, row_group_size=50)
    elif writer == "pyarrow":
        pq.write_table(frame.to_arrow(), path, row_group_size=40, write_page_index=True)
    else:
        duckdb.sql("select * from frame").write_parquet(str(path))
    return path


@pytest.mark.parametrize("writer", ["polars", "pyarrow", "duckdb"])
def test_joined_files_read_as_one(tmp_path: Path, writer: str) -> None:
    parts = [part(tmp_path, number, rows, writer) for number, rows in enumerate((120, 0, 1, 300))]
    out = tmp_path / "out.parquet"
    assert join_files(parts, out) == 421
    expected = pl.concat([pl.read_parquet(one) for one in parts])
    assert pl.read_parquet(out).equals(expected)
    assert pq.read_table(out).num_rows == 421
    assert pl.from_arrow(pq.read_table(out)).equals(expected)  # type: ignore[union-attr]
    assert duckdb.sql(f"select * from '{out}'").pl().equals(expected)
    assert duckdb.sql(f"select number from '{out}' where number = 3299").fetchall() == [(3299,)]
    assert pl.scan_parquet(out).filter(pl.col("number") >= 3000).collect().height == 300


def test_files_of_different_columns_are_refused(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a")
    pl.DataFrame({"b": [1]}).write_parquet(tmp_path / "b")
    with pytest.raises(ValueError, match="different columns"):
        join_files([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


integers = st.tuples(st.sampled_from([4, 5, 6]), st.integers(-(2**63), 2**63 - 1))
values = (
    integers | st.tuples(st.just(8), st.binary(max_size=200)) | st.tuples(st.sampled_from([1, 2]), st.none())
)
lists = st.tuples(st.just(9), st.tuples(st.just(6), st.lists(st.integers(-9, 2**40), max_size=20)))
structs = st.dictionaries(st.integers(1, 300), values | lists, max_size=9).map(
    lambda one: dict(sorted(one.items()))
)


@given(st.dictionaries(st.integers(1, 40), values | st.tuples(st.just(12), structs), max_size=9))
def test_structs_survive(found: dict[int, object]) -> None:
    assert read_struct(write_struct(found)) == found  # type: ignore[arg-type]
