"""Files joined by their footers hold the rows of their parts, whoever reads them."""

from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from flows.formats.parquet_footers import JoinedParquet

COLUMNS = {"id": pl.String, "n": pl.Int64, "x": pl.Float64, "yes": pl.Boolean, "tags": pl.List(pl.String)}
rows = st.tuples(
    st.text(max_size=5),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.booleans(),
    st.lists(st.sampled_from("ab"), max_size=2),
)


def joined(parts: list[pl.DataFrame], folder: Path, **options: object) -> Path:
    target = folder / "joined.parquet"
    with target.open("wb") as file:
        whole = JoinedParquet(file)
        for number, rows in enumerate(parts):
            part = folder / f"{number}.parquet"
            pq.write_table(
                rows.to_arrow(compat_level=pl.CompatLevel.oldest()), part, store_schema=False, **options
            )
            whole.append(part)
        whole.finish()
    return target


def read_everywhere(file: Path) -> list[pl.DataFrame]:
    return [
        pl.read_parquet(file),
        pl.DataFrame(pl.from_arrow(pq.read_table(file))),
        duckdb.sql(f"from read_parquet('{file}')").pl(),
    ]


@given(parts=st.lists(st.lists(rows, max_size=6), min_size=1, max_size=4), size=st.integers(1, 4))
def test_the_rows_are_those_of_the_parts_in_order(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[tuple[object, ...]]], size: int
) -> None:
    frames = [pl.DataFrame(some, schema=COLUMNS, orient="row") for some in parts]
    file = joined(frames, tmp_path_factory.mktemp("joined"), row_group_size=size, compression="zstd")
    for found in read_everywhere(file):
        assert_frame_equal(found, pl.concat(frames))


def test_statistics_lead_to_the_row_groups_that_were_moved(tmp_path: Path) -> None:
    parts = [
        pl.DataFrame({"n": range(first, first + 1000), "name": f"of {first}"})
        for first in range(0, 9000, 1000)
    ]
    file = joined(parts, tmp_path, row_group_size=250, write_page_index=True, use_dictionary=["name"])
    assert pq.ParquetFile(file).metadata.num_row_groups == 36
    expected = pl.DataFrame({"n": [4321], "name": ["of 4000"]})
    assert_frame_equal(pl.scan_parquet(file).filter(pl.col("n") == 4321).collect(), expected)
    assert_frame_equal(duckdb.sql(f"from '{file}' where n = 4321").pl(), expected)
    assert_frame_equal(pl.DataFrame(pl.from_arrow(pq.read_table(file, filters=[("n", "=", 4321)]))), expected)


def test_nothing_joined_to_nothing_has_columns(tmp_path: Path) -> None:
    empty = pl.DataFrame(schema=COLUMNS)
    for found in read_everywhere(joined([empty, empty], tmp_path)):
        assert_frame_equal(found, empty)
