"""`onward export --parquet`: every table and report as a file that says the same."""

from pathlib import Path

import polars as pl
import pytest

from flows.errors import InputError
from flows.reports.export import export_parquet
from tests.house.comments import described
from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, workflow


@pytest.fixture
def home(tmp_path: Path) -> House:
    home = house(tmp_path, workflow(send()))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    return home


def test_files_hold_what_tables_do(home: House, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    rows = export_parquet(home.settings, folder)
    found = {file.stem: pl.read_parquet(file) for file in folder.iterdir()}
    assert found.keys() == described().keys()
    assert rows == sum(map(len, found.values()))
    assert found["executions"].select("customer_id", "status").rows() == [("ann", "completed")]


def test_what_is_there_stays(home: House, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "steps.parquet").write_text("mine")
    with pytest.raises(InputError, match=r"steps\.parquet: is there already; give another name, or --force"):
        export_parquet(home.settings, folder)
    assert [file.name for file in folder.iterdir()] == ["steps.parquet"]
    export_parquet(home.settings, folder, force=True)
    assert len(pl.read_parquet(folder / "steps.parquet")) == 1
    with pytest.raises(InputError, match="a file; --parquet writes a folder"):
        export_parquet(home.settings, folder / "steps.parquet")
