"""Loading: the same rows whatever shape, format and compression; duplicates; limits on memory and copies."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from duckdb import DuckDBPyConnection

from flows.files import content_hash
from flows.formats.duplicates import deduplicated
from flows.formats.shapes import recognise
from flows.formats.staging import Staged, placed, stage
from flows.settings import Limits
from flows.warehouse import connect

EVENT = ["event_id", "customer_id", "ts", "type", "name", "value", "properties", "attributes", "received_at"]
T0 = datetime(2024, 1, 1, 10, 0, tzinfo=UTC)

CANONICAL = [
    {
        "event_id": "e1",
        "customer_id": "c1",
        "ts": "2024-01-01T10:00:00Z",
        "type": "behavioral",
        "name": "cart_abandonment",
        "value": 125.99,
        "properties": {"cart_value": 125.99, "vip": True, "zip": "0123"},
        "attributes": {"plan": "pro"},
        "received_at": "2024-01-01T10:00:05Z",
    },
    {
        "event_id": "e2",
        "customer_id": "c2",
        "ts": "2024-01-01T10:00:00Z",
        "type": "attribute_change",
        "name": "plan",
        "properties": {"old_value": "free", "new_value": "pro"},
    },
]
SEED = [
    {
        "event_id": "e1",
        "customer_id": "c1",
        "timestamp": "2024-01-01T12:00:00+02:00",
        "event_type": "behavioral",
        "action": "cart_abandonment",
        "cart_value": 125.99,
        "vip": True,
        "zip": "0123",
        "attributes": {"plan": "pro"},
        "received_at": "2024-01-01T10:00:05",
    },
    {
        "event_id": "e2",
        "customer_id": "c2",
        "timestamp": 1704103200,
        "event_type": "attribute_change",
        "changed_attribute": "plan",
        "old_value": "free",
        "new_value": "pro",
    },
]
SEGMENT = [
    {
        "messageId": "m1",
        "userId": "c1",
        "type": "track",
        "event": "Order Completed",
        "timestamp": "2024-01-01T10:00:00.000Z",
        "receivedAt": "2024-01-01T10:00:05Z",
        "properties": {"revenue": 20.5, "coupon": "X"},
        "context": {"ip": "192.0.2.1"},
    },
    {
        "messageId": "m2",
        "anonymousId": "a1",
        "type": "identify",
        "traits": {"plan": "pro"},
        "timestamp": "2024-01-01T10:00:00Z",
    },
    {
        "messageId": "m3",
        "userId": "c1",
        "type": "page",
        "name": "Home",
        "properties": {"path": "/"},
        "timestamp": "2024-01-01T10:00:00Z",
    },
]
SHAPES = {"canonical": CANONICAL, "seed": SEED, "segment": SEGMENT}
LATER = datetime(2024, 1, 1, 10, 0, 5, tzinfo=UTC)
ABANDONED = ("e1", "c1", T0, "behavioral", "cart_abandonment", 125.99)
CHANGED = (
    "e2",
    "c2",
    T0,
    "attribute_change",
    "plan",
    None,
    {"old_value": "free", "new_value": "pro"},
    None,
    None,
)
OURS = [
    (*ABANDONED, {"cart_value": 125.99, "vip": True, "zip": "0123"}, {"plan": "pro"}, LATER),
    CHANGED,
]
EXPECTED = {
    "canonical": OURS,
    "seed": OURS,
    "segment": [
        (
            "m1",
            "c1",
            T0,
            "behavioral",
            "Order Completed",
            20.5,
            {"revenue": 20.5, "coupon": "X"},
            None,
            LATER,
        ),
        ("m2", "a1", T0, "behavioral", "identify", None, {}, {"plan": "pro"}, None),
        ("m3", "c1", T0, "behavioral", "Page Viewed", None, {"name": "Home", "path": "/"}, None, None),
    ],
}


@pytest.fixture
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


def write_ndjson(path: Path, rows: list[dict[str, Any]]) -> Path:
    return write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[row.get(c) if c in row else "" for c in columns] for row in rows]
    texts = [[json.dumps(v) if isinstance(v, dict | bool) else str(v) for v in row] for row in cells]
    quoted = [",".join('"' + t.replace('"', '""') + '"' for t in row) for row in [columns, *texts]]
    return write_text(path, "\r\n".join(quoted))


def write_text(path: Path, text: str) -> Path:
    packed = {".gz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix, bytes)
    path.write_bytes(packed(text.encode()))
    return path


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    values = {c: [row.get(c) for row in rows] for c in columns}
    texts = {c: [None if v is None else str(v) for v in values[c]] for c in ("timestamp",) if c in values}
    pq.write_table(pa.table(values | texts), path)
    return path


WRITERS = {
    "ndjson": write_ndjson,
    "ndjson.gz": write_ndjson,
    "jsonl.zst": write_ndjson,
    "csv": write_csv,
    "csv.gz": write_csv,
    "csv.zst": write_csv,
    "parquet": write_parquet,
}


def staged_events(con: DuckDBPyConnection, path: Path, **limits: int) -> list[tuple[Any, ...]]:
    stage(con, recognise(path, "events"), "t", Limits(**limits))
    return good_events(con)


def good_events(con: DuckDBPyConnection, table: str = "t") -> list[tuple[Any, ...]]:
    query = f"select {', '.join(EVENT)} from {table} where reason is null order by line"
    rows = con.execute(query).fetchall()
    return [(*row[:6], json.loads(row[6]), row[7] and json.loads(row[7]), row[8]) for row in rows]


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_format_and_compression_gives_the_same_rows(
    con: DuckDBPyConnection, tmp_path: Path, shape: str, suffix: str
) -> None:
    path = WRITERS[suffix](tmp_path / f"events.{suffix}", SHAPES[shape])
    source = recognise(path, "events")
    assert source.shape == shape
    assert stage(con, source, "t", Limits()) == Staged(len(SHAPES[shape]), len(SHAPES[shape]), 0)
    assert good_events(con) == EXPECTED[shape]


@pytest.mark.parametrize("suffix", ["ndjson", "csv", "parquet"])
def test_derived_ids_are_the_same_in_every_format_and_key_order(
    con: DuckDBPyConnection, tmp_path: Path, suffix: str
) -> None:
    first = {key: value for key, value in SEED[0].items() if key != "event_id"}
    second = dict(reversed(first.items()))
    one = staged_events(con, WRITERS[suffix](tmp_path / f"a.{suffix}", [first]))
    two = staged_events(con, write_ndjson(tmp_path / "b.ndjson", [second]))
    assert one[0][0] == two[0][0]
    assert len(one[0][0]) == 32


def test_the_derived_id_is_stable_across_versions(con: DuckDBPyConnection, tmp_path: Path) -> None:
    row = {"event_type": "behavioral", "customer_id": "c1", "action": "login", "timestamp": "2024-01-01"}
    ((event_id, *_),) = staged_events(con, write_ndjson(tmp_path / "a.ndjson", [row]))
    content = "c1|1704067200000000|behavioral|login||{}|"
    assert event_id == hashlib.sha256(content.encode()).hexdigest()[:32]


def test_segment_warehouse_tables(con: DuckDBPyConnection, tmp_path: Path) -> None:
    row = {
        "id": "w1",
        "user_id": "u1",
        "event": "order_completed",
        "event_text": "Order Completed",
        "timestamp": datetime(2024, 1, 1, 10, 0),
        "received_at": datetime(2024, 1, 1, 10, 0, 5, tzinfo=UTC),
        "total": 4.5,
        "coupon": None,
    }
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "tracks.parquet")
    found = staged_events(con, tmp_path / "tracks.parquet")
    assert found == [("w1", "u1", T0, "behavioral", "Order Completed", 4.5, {"total": 4.5}, None, LATER)]


@pytest.mark.parametrize("user", ["", " ", " {", "{}", "[1", "\t[", None])
def test_a_call_whose_user_is_no_id_is_anonymous(
    con: DuckDBPyConnection, tmp_path: Path, user: str | None
) -> None:
    rows = [call | {"userId": user, "anonymousId": "a1"} for call in SEGMENT]
    assert {row[1] for row in staged_events(con, write_ndjson(tmp_path / "e.ndjson", rows))} == {"a1"}
    assert con.execute("select bool_and(anonymous) from t").fetchall() == [(True,)]


def test_clean_canonical_parquet_is_a_view_that_filters_in_the_file(
    con: DuckDBPyConnection, tmp_path: Path
) -> None:
    frame = pl.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(1000)],
            "customer_id": "c1",
            "ts": pl.Series([T0] * 1000, dtype=pl.Datetime("us", "UTC")),
            "type": "behavioral",
            "name": ["a", "b"] * 500,
            "properties": '{"a": 1}',
        }
    )
    frame.write_parquet(tmp_path / "e.parquet")
    source = recognise(tmp_path / "e.parquet", "events")
    assert stage(con, source, "t", Limits()) == Staged(1000, 1000, 0)
    distinct = deduplicated(con, placed(con, source, "t"), "events")
    assert distinct.duplicates == 0
    ((_, plan),) = con.execute(f"explain select ts from {distinct.relation} where name = 'a'").fetchall()
    assert "Filters" in plan
    assert "name = 'a'" in plan.replace("\n", " ")


def test_parquet_columns_of_other_types(con: DuckDBPyConnection, tmp_path: Path) -> None:
    table = pa.table(
        {
            "customer_id": pa.array([12346.0, None, 3.0]),
            "ts": pa.array([datetime(2024, 1, 1, 10)] * 3, pa.timestamp("ns")),
            "type": pa.array(["behavioral"] * 3).dictionary_encode(),
            "name": pa.array(["a", "b", None]),
            "value": pa.array([float("nan"), 1.0, 2.0]),
            "properties": pa.array([{"x": float("nan"), "y": None, "z": 1}, None, None]),
            "attributes": pa.array([[("k", "v")], None, None], pa.map_(pa.string(), pa.string())),
        }
    )
    pq.write_table(table, tmp_path / "e.parquet")
    found = staged_events(con, tmp_path / "e.parquet")
    assert [row[1:] for row in found] == [
        ("12346", T0, "behavioral", "a", None, {"x": None, "z": 1}, {"k": "v"}, None),
        ("3", T0, "behavioral", "", 2.0, {}, None, None),
    ]
    bad = con.execute("select line, reason from t where reason is not null").fetchall()
    assert bad == [(2, "no_customer_id")]


def test_the_first_of_each_event_id_stays(con: DuckDBPyConnection, tmp_path: Path) -> None:
    rows = [{**CANONICAL[0], "event_id": i, "name": n} for i, n in zip("aabcb", "12345", strict=True)]
    path = write_ndjson(tmp_path / "e.ndjson", rows)
    staged_events(con, path)
    relation = placed(con, recognise(path, "events"), "t")
    distinct = deduplicated(con, relation, "events")
    assert (distinct.duplicates, [row[4] for row in good_events(con, distinct.relation)]) == (
        2,
        ["1", "3", "4"],
    )
    distinct = deduplicated(con, relation, "events", pl.Series(["b"]))
    assert (distinct.duplicates, [row[4] for row in good_events(con, distinct.relation)]) == (3, ["1", "4"])


def test_customers_in_every_format(con: DuckDBPyConnection, tmp_path: Path) -> None:
    rows = [
        {
            "customer_id": "c1",
            "email": "not an address",
            "created_at": "2024-01-01",
            "tags": "b;a, b",
            "timezone": "Europe/Berlin",
            "age": 31,
        },
        {"customer_id": 12346, "email": "x@example.com"},
        {"customer_id": "c1", "email": "new@example.com"},
    ]
    day = datetime(2024, 1, 1, tzinfo=UTC)
    for path in (write_ndjson(tmp_path / "c.ndjson", rows), write_csv(tmp_path / "c.csv", rows)):
        source = recognise(path, "customers")
        assert stage(con, source, "c", Limits()) == Staged(3, 3, 0)
        columns = "customer_id, email, created_at, attributes, tags, timezone"
        first, second, _ = con.execute(f"select {columns} from c order by line").fetchall()
        assert first == ("c1", "not an address", day, '{"age":31}', ["a", "b"], "Europe/Berlin")
        assert second == ("12346", "x@example.com", None, "{}", [], None)
        distinct = deduplicated(con, placed(con, source, "c"), "customers")
        kept = con.execute(f"select customer_id, email from {distinct.relation} order by all").fetchall()
        assert (kept, distinct.duplicates) == ([("12346", "x@example.com"), ("c1", "new@example.com")], 1)


def test_customer_attributes_keep_nulls_and_win_over_further_fields(
    con: DuckDBPyConnection, tmp_path: Path
) -> None:
    row = {
        "customer_id": "c1",
        "attributes": {"plan": None, "age": 1},
        "age": 2,
        "x": 3,
        "tags": ["b", "a", "b"],
    }
    path = write_ndjson(tmp_path / "c.ndjson", [row])
    stage(con, recognise(path, "customers"), "c", Limits())
    ((attributes, tags),) = con.execute("select attributes, tags from c").fetchall()
    assert json.loads(attributes) == {"plan": None, "age": 1, "x": 3}
    assert tags == ["a", "b"]


def test_customers_in_parquet(con: DuckDBPyConnection, tmp_path: Path) -> None:
    pq.write_table(
        pa.table(
            {
                "customer_id": [1, 2],
                "attributes": [{"plan": "pro"}, {"plan": None}],
                "tags": [["b", "a"], None],
            }
        ),
        tmp_path / "c.parquet",
    )
    assert stage(con, recognise(tmp_path / "c.parquet", "customers"), "c", Limits()).good == 2
    found = con.execute("select customer_id, attributes, tags from c order by line").fetchall()
    assert found == [("1", '{"plan":"pro"}', ["a", "b"]), ("2", "{}", [])]


def test_content_hash_is_of_the_bytes(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a", "abc")
    assert content_hash(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("name", ["e.ndjson", "e.csv", "e.json"])
def test_an_empty_text_file_has_no_rows(con: DuckDBPyConnection, tmp_path: Path, name: str) -> None:
    path = write_text(tmp_path / name, "")
    source = recognise(path, "events")
    assert stage(con, source, "t", Limits()) == Staged(0, 0, 0)
    assert deduplicated(con, placed(con, source, "t"), "events").duplicates == 0


def test_staging_again_replaces(con: DuckDBPyConnection, tmp_path: Path) -> None:
    ndjson = write_ndjson(tmp_path / "e.ndjson", CANONICAL)
    parquet = write_parquet(tmp_path / "e.parquet", CANONICAL)
    for path in (ndjson, parquet, ndjson, ndjson):
        assert len(staged_events(con, path)) == 2


@pytest.mark.parametrize("suffix", ["ndjson", "csv"])
def test_the_size_of_blocks_makes_no_difference(
    con: DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("flows.formats.blocks.BLOCK_BYTES", 50)
    monkeypatch.setattr("flows.formats.records.BLOCK_BYTES", 50)
    path = WRITERS[suffix](tmp_path / f"e.{suffix}", CANONICAL)
    stage(con, recognise(path, "events"), "t", Limits())
    assert good_events(con) == EXPECTED["canonical"]
    first = 1 if suffix == "ndjson" else 2
    assert con.execute("select line from t order by line").fetchall() == [(first,), (first + 1,)]
