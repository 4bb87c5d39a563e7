"""Canonical Parquet is read where it lies; what isn't good as it stands is loaded as staging would."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from flows.formats.canonical import Canonical, Scratch, read_canonical
from flows.formats.duplicates import distinct
from flows.formats.parquet import COLUMNS, objects
from flows.formats.shapes import Kind, recognise
from flows.formats.staging import shaped, stage
from flows.settings import Limits
from flows.warehouse import connect, shown
from tests.effort import few_cases

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def event(number: int, **given: Any) -> dict[str, Any]:
    row = {"event_id": f"e{number}", "customer_id": "ann", "ts": NOON + timedelta(hours=number)}
    return row | {"type": "behavioral", "name": "go", "properties": '{"a": 1}'} | given


APART = [
    {"event_id": None}, {"event_id": " "}, {"customer_id": None}, {"customer_id": " "}, {"ts": None},
    {"type": "nothing"}, {"type": None}, {"name": None}, {"name": "", "type": "attribute_change"},
    {"properties": None}, {"properties": "[1]"}, {"properties": "{"},
    {"attributes": "x"}, {"value": float("nan")}, {"value": float("inf")},
]  # fmt: skip


def canonical(folder: Path, rows: list[dict[str, Any]], kind: Kind) -> tuple[Canonical, pl.DataFrame]:
    """What `read_canonical` makes of the rows, and the good rows that staging makes of them."""
    file = folder / "given.parquet"
    pl.DataFrame(rows, schema=COLUMNS[kind]).write_parquet(file)
    with connect() as con:
        found = read_canonical(Scratch(con, folder, Limits()), file, kind, 0)
        stage(con, recognise(file, kind), "expected", Limits())
        columns = "line, " + ", ".join(COLUMNS[kind])
        expected = con.sql(f"select {columns} from expected where reason is null order by line").pl()
    return found, expected


def rows_of(found: Canonical) -> pl.DataFrame:
    return pl.concat([part.scan().drop("row of the file") for part in found.parts]).sort("line").collect()


@pytest.mark.parametrize("given", APART, ids=str)
def test_only_rows_that_are_not_good_as_they_stand_are_staged(tmp_path: Path, given: dict[str, Any]) -> None:
    rows = [event(1), event(2), event(3, **given), event(4), event(5, attributes="{}")]
    found, expected = canonical(tmp_path, rows, "events")
    assert found.parts[0].path.name == "given.parquet"
    assert found.parts[0].without.tolist() == [2]
    assert rows_of(found).equals(expected.select(rows_of(found).columns))
    assert found.good + found.bad == 5
    assert len(found.quarantine) == found.bad


def test_good_rows_are_not_copied(tmp_path: Path) -> None:
    found, expected = canonical(tmp_path, [event(one) for one in range(5)], "events")
    assert [part.path.name for part in found.parts] == ["given.parquet"]
    assert rows_of(found).equals(expected.select(rows_of(found).columns))


@pytest.mark.parametrize("nothing", [None, [], [None]], ids=str)
def test_columns_that_hold_nothing_cost_nothing(tmp_path: Path, nothing: list[None] | None) -> None:
    """A writer that doesn't know a column's type, because it is empty, says null, or list of null."""
    kinds = {"customer_id": pa.string(), "email": pa.null(), "created_at": pa.timestamp("us", "UTC")}
    kinds |= {"attributes": pa.string(), "tags": pa.list_(pa.null())}
    row = {"customer_id": "ann", "email": None, "created_at": NOON, "attributes": "{}", "tags": nothing}
    file = tmp_path / "given.parquet"
    pq.write_table(pa.Table.from_pylist([row, row | {"customer_id": "bob"}], pa.schema(kinds)), file)
    with connect() as con:
        found = read_canonical(Scratch(con, tmp_path, Limits()), file, "customers", 0)
    assert [(part.path, part.without.size) for part in found.parts] == [(file, 0)]
    assert rows_of(found).drop("line", "created_at").rows() == [
        ("ann", None, "{}", [], None),
        ("bob", None, "{}", [], None),
    ]


ODD = ["", " ", "a", " a", "a ", "\t", "7.0", "{a", None]
OBJECTS = [
    *(None, "", "{}", " {}", "{} ", "\n{}", '{"a": 1}', "[1]", "{", "x"),
    *('{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', '{"a": "NaN"}', '{"a": 1E+308, "b": 2e400}'),
]
TIMES = [None, NOON, NOON - timedelta(days=9)]
odd_events = st.fixed_dictionaries(
    {},
    optional={
        "event_id": st.sampled_from(ODD),
        "customer_id": st.sampled_from(ODD),
        "ts": st.sampled_from(TIMES),
        "type": st.sampled_from(["behavioral", "attribute_change", " behavioral", "other", None]),
        "name": st.sampled_from(ODD),
        "value": st.sampled_from([None, 1.5, float("nan"), float("-inf")]),
        "properties": st.sampled_from(OBJECTS),
        "attributes": st.sampled_from(OBJECTS),
        "received_at": st.sampled_from(TIMES),
    },
)


def spelled(con: DuckDBPyConnection, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their objects spelled alike: no blanks, no numbers that JSON hasn't."""
    objects = (f"json(without_non_finite({one}))::varchar as {one}" for one in ("properties", "attributes"))
    with shown(con, given_rows=rows):
        return con.sql(f"select * replace ({', '.join(objects)}) from given_rows order by line").pl()


@few_cases
@given(st.lists(odd_events, max_size=4))
def test_a_row_is_read_the_same_whatever_stands_beside_it(changes: list[dict[str, Any]]) -> None:
    """Passed through, taken apart or read by its columns' types: of one row the same becomes."""
    file = Path(mkdtemp()) / "given.parquet"
    rows = [event(number, **change) for number, change in enumerate(changes)]
    pl.DataFrame(rows, schema=COLUMNS["events"]).write_parquet(file)
    with connect() as con:
        found = read_canonical(Scratch(con, file.parent, Limits()), file, "events", 0)
        stage(con, recognise(file, "events"), "staged", Limits())
        columns = "line, " + ", ".join(COLUMNS["events"])
        staged = con.sql(f"select {columns} from staged where reason is null order by line").pl()
        source = recognise(file, "events")
        typed = shaped(source, objects(con, source))
        expected = con.sql(f"select {columns} from ({typed}) where reason is null order by line").pl()
        read = rows_of(found) if found.parts else staged.clear()
        seen = [spelled(con, rows.select(expected.columns)) for rows in (staged, read, expected)]
    rmtree(file.parent)
    assert seen[0].equals(seen[2])
    assert seen[1].equals(seen[2])
    assert found.bad == len(rows) - len(expected)


CUSTOMERS: list[dict[str, Any]] = [
    {}, {"attributes": None}, {"attributes": '{"a": NaN}'}, {"attributes": "x"}, {"tags": None},
    {"tags": ["b", "a", "b"]}, {"tags": [" a "]}, {"email": " "}, {"customer_id": "7.0"}, {"customer_id": " "},
]  # fmt: skip


@pytest.mark.parametrize("given", CUSTOMERS, ids=str)
def test_customers_are_loaded_as_staging_would(tmp_path: Path, given: dict[str, Any]) -> None:
    one = {"customer_id": "ann", "email": "a@b.c", "created_at": NOON, "attributes": '{"x":1}', "tags": ["a"]}
    found, expected = canonical(tmp_path, [one, one | {"customer_id": "bob"} | given], "customers")
    told = rows_of(found)
    assert told.equals(expected.select(told.columns))
    assert (found.good, found.bad) == (len(expected), 2 - len(expected))


def test_the_first_event_of_an_id_stays_and_the_last_row_of_a_customer(tmp_path: Path) -> None:
    rows = [event(1), event(2, event_id="e1", name=None), event(3), event(4, event_id="e3"), event(1)]
    found, _ = canonical(tmp_path, rows, "events")
    parts, repeated = distinct(found.parts, "events")
    assert repeated == 3
    kept = pl.concat([part.scan().select("line") for part in parts]).collect()["line"]
    assert np.sort(kept.to_numpy()).tolist() == [1, 3]
    people = [{"customer_id": "ann", "tags": [tag]} for tag in "abc"]
    found, _ = canonical(tmp_path, people, "customers")
    (part,), repeated = distinct(found.parts, "customers")
    assert (repeated, part.scan().collect()["tags"].to_list()) == (2, [["c"]])
