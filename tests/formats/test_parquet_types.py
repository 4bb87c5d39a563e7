"""Parquet columns of every type, at any depth: as attributes, properties, ids, times; what can't be used is named."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.formats.shapes import recognise
from flows.formats.staging import stage
from flows.settings import Limits
from flows.warehouse import connect

INSTANT = datetime(2024, 3, 10, 1, 30, 5, 120000)
NANOS = pa.array([1710034205_123456789]).cast(pa.timestamp("ns"))
MIDNIGHT = datetime(2024, 3, 10)
UNITS = ("s", "ms", "us", "ns")

VALUES: dict[str, tuple[pa.Array, Any]] = {
    **{str(kind): (pa.array([7], kind), 7) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(kind): (pa.array([7], kind), 7) for kind in (pa.uint8(), pa.uint16(), pa.uint32())},
    "uint64": (pa.array([2**64 - 1], pa.uint64()), 2**64 - 1),
    "decimal of 38 digits": (pa.array([Decimal(10**38 - 1)], pa.decimal128(38, 0)), 10**38 - 1),
    "decimal with zeros": (pa.array([Decimal("12.50")], pa.decimal128(10, 2)), 12.5),
    "decimal in 32 bits": (pa.array([Decimal("-1.25")], pa.decimal32(5, 2)), -1.25),
    "float16": (pa.array([1.5], pa.float16()), 1.5),
    "float32": (pa.array([0.5], pa.float32()), 0.5),
    "float64": (pa.array([0.1]), 0.1),
    "large float64": (pa.array([1e18]), 1e18),
    "nan": (pa.array([float("nan")]), None),
    "infinity": (pa.array([float("-inf")], pa.float32()), None),
    "bool": (pa.array([False]), False),
    "string": (pa.array(['a "b" \n ü']), 'a "b" \n ü'),
    "large_string": (pa.array(["a"], pa.large_string()), "a"),
    "string_view": (pa.array(["a"], pa.string_view()), "a"),
    "binary": (pa.array(["ü".encode()]), "ü"),
    "large_binary": (pa.array([b"a"], pa.large_binary()), "a"),
    "binary_view": (pa.array([b"a"], pa.binary_view()), "a"),
    "fixed binary": (pa.array([b"abc"], pa.binary(3)), "abc"),
    "uuid": (pa.array([UUID(int=1).bytes], pa.uuid()), str(UUID(int=1))),
    "json": (pa.array(['{"a": [1]}'], pa.json_()), {"a": [1]}),
    "dictionary": (pa.array(["a"]).dictionary_encode(), "a"),
    "date32": (pa.array([date(2024, 3, 10)]), "2024-03-10"),
    "date64": (pa.array([date(2024, 3, 10)], pa.date64()), "2024-03-10"),
    "time32": (pa.array([time(1, 2, 3)], pa.time32("s")), "01:02:03"),
    "time64": (pa.array([time(1, 2, 3, 500)]), "01:02:03.0005"),
    "time64 ns": (pa.array([3723_000000001], pa.time64("ns")), "01:02:03"),
    **{f"timestamp {unit}": (pa.array([MIDNIGHT], pa.timestamp(unit)), "2024-03-10T00:00:00") for unit in UNITS},
    **{
        f"zoned {unit}": (pa.array([INSTANT], pa.timestamp("us", "Europe/Berlin")).cast(
            pa.timestamp(unit, "Europe/Berlin"), safe=False
        ), "2024-03-10T01:30:05Z" if unit == "s" else "2024-03-10T01:30:05.12Z")
        for unit in UNITS
    },
    "nanoseconds are cut": (NANOS, "2024-03-10T01:30:05.123456"),
    **{
        f"duration {unit}": (pa.array([timedelta(seconds=-90)], pa.duration(unit)), -90)
        for unit in UNITS
    },
    "part of a second": (pa.array([timedelta(microseconds=1500)]), 0.0015),
    "list": (pa.array([[1, None]]), [1, None]),
    "empty list": (pa.array([[]], pa.list_(pa.string())), []),
    "large_list": (pa.array([[MIDNIGHT]], pa.large_list(pa.timestamp("ms"))), ["2024-03-10T00:00:00"]),
    "fixed list": (pa.array([[1, 2]], pa.list_(pa.int8(), 2)), [1, 2]),
    "struct": (
        pa.array([{"at": INSTANT, "none": None, "in": {"a": 1, "A": 2}}]),
        {"at": "2024-03-10T01:30:05.12", "in": {"a": 1, "A": 2}},
    ),
    "list of structs": (pa.array([[{"a": b"x", "b": None}, None]]), [{"a": "x"}, None]),
    "map": (
        pa.array([[("k", None), ("l", date(2024, 3, 10))]], pa.map_(pa.string(), pa.date32())),
        {"k": None, "l": "2024-03-10"},
    ),
    "map by number": (pa.array([[(1, [1])]], pa.map_(pa.int64(), pa.list_(pa.int8()))), {"1": [1]}),
    "it's \"named\"": (pa.array([1]), 1),
}  # fmt: skip


@pytest.fixture
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


def loaded(
    con: DuckDBPyConnection, path: Path, kind: str, table: pa.Table, *columns: str
) -> list[tuple[Any, ...]]:
    pq.write_table(table, path)
    stage(con, recognise(path, kind), "t", Limits())
    return con.execute(f"select {', '.join(columns)} from t order by line").fetchall()


def events(**columns: Any) -> pa.Table:
    given = {"customer_id": ["ann"], "ts": [INSTANT], "type": ["behavioral"], "name": ["go"]} | columns
    return pa.table(given)


def test_attributes_of_every_type(con: DuckDBPyConnection, tmp_path: Path) -> None:
    table = pa.table({"customer_id": ["ann"], **{name: value for name, (value, _) in VALUES.items()}})
    ((found, reason),) = loaded(con, tmp_path / "c.parquet", "customers", table, "attributes", "reason")
    assert reason is None
    assert json.loads(found) == {name: expected for name, (_, expected) in VALUES.items()}


@pytest.mark.parametrize("column", ["properties", "attributes"])
def test_properties_and_attributes_of_every_type(
    con: DuckDBPyConnection, tmp_path: Path, column: str
) -> None:
    names, values = list(VALUES), [value for value, _ in VALUES.values()]
    plain = [value.cast(pa.string()) if pa.types.is_dictionary(value.type) else value for value in values]
    storage = [value.storage if isinstance(value, pa.ExtensionArray) else value for value in plain]
    kept = [(n, v) for n, v, p in zip(names, storage, plain, strict=True) if v is p]
    table = events(**{column: pa.StructArray.from_arrays([v for _, v in kept], [n for n, _ in kept])})
    ((found, reason),) = loaded(con, tmp_path / "e.parquet", "events", table, column, "reason")
    assert reason is None
    assert json.loads(found) == {name: VALUES[name][1] for name, _ in kept}


def test_own_columns_of_events_are_properties_and_entries_of_properties_win(
    con: DuckDBPyConnection, tmp_path: Path
) -> None:
    table = events(
        event_id=["e"], cart=[{"at": MIDNIGHT}], sku=["own"], none=pa.array([None], pa.int64()),
        properties=['{"sku": "theirs", "x": null}'],
    )  # fmt: skip
    ((found,),) = loaded(con, tmp_path / "e.parquet", "events", table, "properties")
    assert json.loads(found) == {"cart": {"at": "2024-03-10T00:00:00"}, "sku": "theirs", "x": None}


IDS = [
    (pa.array([2**64 - 1], pa.uint64()), str(2**64 - 1)),
    (pa.array([12346.0]), "12346"),
    (pa.array([1e18]), str(10**18)),
    (pa.array([2.0**70]), str(2**70)),
    (pa.array([1e300]), str(int(1e300))),
    (pa.array([12346.0], pa.float32()), "12346"),
    (pa.array([Decimal("12346.00")], pa.decimal128(12, 2)), "12346"),
    (pa.array([Decimal(10**37)], pa.decimal128(38, 0)), str(10**37)),
    (pa.array([1.5]), "1.5"),
    (pa.array([b"007"]), "007"),
    (pa.array(["007"]).dictionary_encode(), "007"),
]


@pytest.mark.parametrize(("stored", "expected"), IDS, ids=str)
@pytest.mark.parametrize("column", ["customer_id", "event_id"])
def test_ids_of_every_type(
    con: DuckDBPyConnection, tmp_path: Path, column: str, stored: pa.Array, expected: str
) -> None:
    table = events(**{column: stored})
    assert loaded(con, tmp_path / "e.parquet", "events", table, column, "reason") == [(expected, None)]


@pytest.mark.parametrize(
    "stored", [pa.array([float("nan")]), pa.array([["a"]]), pa.array([{"a": 1}])], ids=str
)
def test_what_is_no_id_is_quarantined(con: DuckDBPyConnection, tmp_path: Path, stored: pa.Array) -> None:
    ((reason,),) = loaded(con, tmp_path / "e.parquet", "events", events(customer_id=stored), "reason")
    assert reason.startswith("no_customer_id")


TIMES = [name for name in VALUES if name.startswith(("timestamp", "zoned", "date"))]


@pytest.mark.parametrize("name", TIMES)
def test_times_of_every_type(con: DuckDBPyConnection, tmp_path: Path, name: str) -> None:
    stored, text = VALUES[name]
    table = events(ts=stored, received_at=stored)
    expected = datetime.fromisoformat(text).replace(tzinfo=UTC)
    found = loaded(con, tmp_path / "e.parquet", "events", table, "ts", "received_at", "reason")
    assert found == [(expected, expected, None)]
    people = pa.table({"customer_id": ["ann"], "created_at": stored})
    assert loaded(con, tmp_path / "c.parquet", "customers", people, "created_at") == [(expected,)]


BROKEN = {
    "bytes": pa.array([b"good", b"\xff", None]),
    "list": pa.array([[b"good"], [b"good", b"\xff"], None]),
    "struct": pa.array([{"in": b"good"}, {"in": b"\xff"}, None]),
    "map": pa.array([[("k", b"good")], [("k", b"\xff")], None], pa.map_(pa.string(), pa.binary())),
}


@pytest.mark.parametrize("stored", BROKEN.values(), ids=BROKEN)
def test_a_row_with_bytes_that_are_no_text_is_quarantined(
    con: DuckDBPyConnection, tmp_path: Path, stored: pa.Array
) -> None:
    table = pa.table({"customer_id": ["ann", "bob", "cy"], "x": stored})
    found = loaded(con, tmp_path / "c.parquet", "customers", table, "reason", "row")
    assert [reason for reason, _ in found] == [None, "encoding", None]
    assert json.loads(found[1][1])["customer_id"] == "bob"


HUGE = pa.array([Decimal(1)], pa.decimal256(70, 0))
UNUSABLE = [
    (pa.table({"customer_id": ["a"], "big": HUGE}), "column big has the type decimal256"),
    (pa.table({"customer_id": ["a"], "big": pa.ListArray.from_arrays([0, 1], HUGE)}), "within it decimal256"),
    (pa.table([["a"], ["b"], ["c"]], ["customer_id", "x", "x"]), "the columns x more than once"),
    (pa.table({"customer_id": ["a"], "file_row_number": [1]}), "a column file_row_number"),
    (
        pl.DataFrame({"customer_id": ["a"], "huge": pl.Series([1], dtype=pl.Int128)}),
        "column huge has the type Int128",
    ),
]


@pytest.mark.parametrize(("table", "message"), UNUSABLE, ids=lambda one: one if isinstance(one, str) else "")
def test_a_column_that_can_not_be_used_is_named(
    con: DuckDBPyConnection, tmp_path: Path, table: pa.Table | pl.DataFrame, message: str
) -> None:
    path = tmp_path / "c.parquet"
    if isinstance(table, pl.DataFrame):
        table.write_parquet(path)
    else:
        pq.write_table(table, path)
    with pytest.raises(InputError, match=message) as caught:
        stage(con, recognise(path, "customers"), "t", Limits())
    assert str(path) in str(caught.value)


def test_names_that_differ_in_case_stay_apart(con: DuckDBPyConnection, tmp_path: Path) -> None:
    table = pa.table([["ann"], [1], [2]], ["customer_id", "size", "Size"])
    ((found,),) = loaded(con, tmp_path / "c.parquet", "customers", table, "attributes")
    assert json.loads(found) == {"size": 1, "Size": 2}
