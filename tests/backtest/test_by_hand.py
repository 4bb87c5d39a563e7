"""What a data engineer would write by hand gives the rows of a backtest, and tells an id that comes twice."""

from pathlib import Path

import polars as pl
import pytest

from flows.backtest.plan import Plan
from flows.backtest.run import backtest
from flows.definitions.folder import read_definitions
from flows.warehouse import WarehouseError
from tests.benchmarks.by_hand import WORKFLOWS, assert_equal, run_query
from tests.benchmarks.generate import Load, Size, write_load


@pytest.fixture
def load(tmp_path: Path) -> Load:
    write_load(Size(20_000, 1_000), tmp_path / "load")
    return Load(tmp_path / "load")


def test_the_query_and_a_backtest_give_the_same_rows(load: Load, tmp_path: Path) -> None:
    found = read_definitions(WORKFLOWS)
    backtest(Plan(found.workflows, load.customers, load.files, tmp_path / "out", load.end))
    run_query(load, tmp_path / "query.parquet")
    counts = assert_equal(tmp_path / "query.parquet", tmp_path / "out")
    assert min(counts.values()) > 500
    entered = pl.read_parquet(tmp_path / "out" / "executions.parquet")
    assert set(entered["workflow_id"]) == {"cart", "thanks", "win_back"}
    assert {"converted", "completed", "running"} <= set(entered["status"])


def test_the_query_refuses_an_id_that_comes_twice(load: Load, tmp_path: Path) -> None:
    again = pl.read_parquet(load.files[0])
    pl.concat([again, again[:1]]).write_parquet(load.files[0])
    with pytest.raises(WarehouseError, match="an event id comes twice"):
        run_query(load, tmp_path / "query.parquet")
