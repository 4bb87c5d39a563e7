"""A CSV column has one type; once text, always text, in later files too and after a rebuild; settings win."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from flows.formats.shapes import recognise
from flows.formats.staging import stage
from flows.settings import Limits, read_settings
from flows.tick.rebuild import rebuild
from flows.warehouse import connect
from tests.effort import few_cases
from tests.runs import House, house, person
from tests.semantics.cases import at

CELLS = st.sampled_from(
    ["", " ", "1", "2.50", "-3", "007", "1e5", "true", "False", "[1]", '{"a": 1}', "x", "[x"]
)

KINDS = {int: "number", float: "number", bool: "boolean", list: "json", dict: "json"}


@pytest.fixture(scope="module")
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("types")


def attributes(home: House) -> dict[str, Any]:
    return {name: json.loads(row) for name, row in home.rows("select customer_id, attributes from customers")}


def deliver(home: House, name: str, text: str) -> None:
    (home.settings.inbox / "customers" / name).write_text(text)


@few_cases
@given(cells=st.lists(CELLS, max_size=5))
def test_a_column_has_the_type_that_all_its_cells_have(
    con: DuckDBPyConnection, folder: Path, cells: list[str]
) -> None:
    path = folder / "people.csv"
    quoted = ('"' + cell.replace('"', '""') + '"' for cell in cells)
    path.write_text("customer_id,x\n" + "".join(f"{n},{cell}\n" for n, cell in enumerate(quoted)))
    staged = stage(con, recognise(path, "customers"), "t", Limits())
    rows = con.execute("select attributes from t order by line").fetchall()
    found = [json.loads(row).get("x") for (row,) in rows]
    filled = [(cell, value) for cell, value in zip(cells, found, strict=True) if cell.strip()]
    assert [value for cell, value in zip(cells, found, strict=True) if not cell.strip()] == [None] * (
        len(cells) - len(filled)
    )
    if staged.text_columns == ("x",):
        assert all(cell == value for cell, value in filled)
    else:
        assert len({KINDS[type(value)] for _, value in filled}) <= 1
        assert all(json.loads(cell.lower()) == value for cell, value in filled)


def test_one_cell_with_a_leading_zero_makes_its_column_text(tmp_path: Path) -> None:
    home = house(tmp_path)
    deliver(home, "a.csv", "customer_id,zip,age\nann,01234,7\nbob,10115,8\n")
    home.tick(at(1))
    assert attributes(home) == {"ann": {"zip": "01234", "age": 7}, "bob": {"zip": "10115", "age": 8}}


def test_text_once_is_text_in_later_files_in_the_same_tick_and_after_a_rebuild(tmp_path: Path) -> None:
    home = house(tmp_path)
    deliver(home, "a.csv", "customer_id,zip\nann,01234\n")
    deliver(home, "b.csv", "customer_id,zip\nbob,10115\n")
    home.tick(at(1))
    rebuild(home.settings)
    deliver(home, "c.csv", "customer_id,zip\ncy,20095\n")
    home.tick(at(2))
    assert {name: row["zip"] for name, row in attributes(home).items()} == {
        "ann": "01234",
        "bob": "10115",
        "cy": "20095",
    }
    assert home.rows("select kind, name, type, batch_id from column_types") == [
        ("customers", "zip", "text", 1)
    ]


def test_types_of_the_settings_win(tmp_path: Path) -> None:
    home = house(tmp_path, types={"zip": "text", "age": "number"})
    deliver(home, "a.csv", "customer_id,zip,age\nann,10115,07\nbob,1,n/a\n")
    home.tick(at(1))
    assert attributes(home) == {"ann": {"zip": "10115", "age": 7}, "bob": {"zip": "1", "age": "n/a"}}
    (tmp_path / "onward.toml").write_text('types = {zip = "text"}\n')
    assert read_settings(tmp_path / "onward.toml").types == {"zip": "text"}


def test_properties_of_events_have_types_of_columns_too(tmp_path: Path) -> None:
    home = house(tmp_path)
    home.customers("people", person("ann"))
    (home.settings.inbox / "events" / "e.csv").write_text(
        "customer_id,ts,type,name,sku,count\n"
        "ann,2026-03-02T00:00:30Z,behavioral,go,0012,1\nann,2026-03-02T00:00:31Z,behavioral,1,12,2\n"
    )
    home.tick(at(1))
    assert [json.loads(row) for (row,) in home.rows("select properties from events order by ts")] == [
        {"sku": "0012", "count": 1},
        {"sku": "12", "count": 2},
    ]
    assert home.rows("select name from events order by ts") == [("go",), ("1",)]
