"""What is wrong with a row ends in quarantine with its reason; what is wrong with a file changes nothing."""

import gzip
import json
import re
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from duckdb import DuckDBPyConnection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.errors import InputError
from flows.formats.shapes import Kind, Source, recognise
from flows.formats.staging import Staged, stage
from flows.settings import Limits
from flows.warehouse import connect

GOOD = {"event_id": "e", "customer_id": "c", "ts": "2024-01-01", "type": "behavioral", "name": "n"}


@pytest.fixture(scope="module")
def shared() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


@pytest.fixture
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


def staged(con: DuckDBPyConnection, path: Path, shape: str = "canonical", **limits: int) -> list[Any]:
    stage(con, recognise(path, "events", shape), "t", Limits(**limits))
    return con.execute("select line, reason, row from t where reason is not null order by line").fetchall()


def line_of(**changes: Any) -> str:
    return json.dumps({key: value for key, value in (GOOD | changes).items() if value is not ...})


FAULTS = [
    ("nonsense", "not_json"),
    ('{"a": 1', "not_json"),
    ("[1]", "not_an_object: ARRAY"),
    ('"text"', "not_an_object: VARCHAR"),
    ("null", "not_an_object: NULL"),
    (line_of(customer_id=...), "no_customer_id"),
    (line_of(customer_id=None), "no_customer_id"),
    (line_of(customer_id="  "), "no_customer_id"),
    (line_of(customer_id={"id": 1}), 'no_customer_id: {"id":1}'),
    (line_of(ts=...), "no_time"),
    (line_of(ts=""), "no_time"),
    (line_of(ts="yesterday"), "bad_time: yesterday"),
    (line_of(ts="2024-02-30"), "bad_time: 2024-02-30"),
    (line_of(ts="infinity"), "bad_time: infinity"),
    (line_of(ts=1e300), "bad_time: 1e+300"),
    (line_of(ts="2024-01-01T10:00 Europe/Berlin"), "bad_time: 2024-01-01T10:00 Europe/Berlin"),
    (line_of(type=...), "bad_type: none"),
    (line_of(type="purchase"), "bad_type: purchase"),
    (line_of(type="attribute_change", name=...), "no_name"),
    (line_of(value="much"), "bad_value: much"),
    (line_of(properties=[1]), "bad_properties: [1]"),
    (line_of(properties="{not json"), "bad_properties: {not json"),
    (line_of(attributes=7), "bad_attributes: 7"),
    (line_of(received_at="soon"), "bad_time: received_at soon"),
]


@pytest.mark.parametrize(("line", "reason"), FAULTS)
def test_each_row_fault_has_its_reason_its_line_and_its_row(
    con: DuckDBPyConnection, tmp_path: Path, line: str, reason: str
) -> None:
    path = tmp_path / "e.ndjson"
    path.write_text(f"{line_of()}\n\n  \n{line}\r\n{line_of()}")
    assert staged(con, path) == [(4, reason, line)]
    assert con.execute("select count(*) from t where reason is null").fetchall() == [(2,)]


TIMES = [
    ("2024-01-01", "2024-01-01 00:00:00+00"),
    ("2024-01-01T10:30", "2024-01-01 10:30:00+00"),
    ("2024-01-01 10:30:15.123456789Z", "2024-01-01 10:30:15.123456+00"),
    ("2024-01-01t10:30:15z", "2024-01-01 10:30:15+00"),
    ("2024-01-01T10:30:15+02:00", "2024-01-01 08:30:15+00"),
    ("2024-01-01T10:30:15-0530", "2024-01-01 16:00:15+00"),
    (" 2024-01-01 ", "2024-01-01 00:00:00+00"),
    (1704105015, "2024-01-01 10:30:15+00"),
    (1704105015.123456, "2024-01-01 10:30:15.123456+00"),
    (1704105015123, "2024-01-01 10:30:15.123+00"),
    (1704105015123456, "2024-01-01 10:30:15.123456+00"),
    ("1704105015", "2024-01-01 10:30:15+00"),
    (20240101, "2024-01-01 00:00:00+00"),
    ("2024-01-01 10:30:15.5 UTC", "2024-01-01 10:30:15.5+00"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999+00"),
]


@pytest.mark.parametrize(("given_time", "instant"), TIMES)
def test_times(con: DuckDBPyConnection, tmp_path: Path, given_time: str | float, instant: str) -> None:
    path = tmp_path / "e.ndjson"
    path.write_text(line_of(ts=given_time))
    assert staged(con, path) == []
    assert con.execute("select ts::varchar from t").fetchall() == [(instant,)]


@pytest.mark.parametrize("given_time", [0, -1, 12, 46027.375, 946684799, 20241301, "45292", "1 Jan 2024"])
def test_what_is_no_time_is_quarantined(
    con: DuckDBPyConnection, tmp_path: Path, given_time: str | float
) -> None:
    path = tmp_path / "e.ndjson"
    path.write_text(line_of(ts=given_time))
    assert staged(con, path) == [(1, f"bad_time: {given_time}", line_of(ts=given_time))]


@pytest.mark.parametrize(
    ("given_id", "customer_id"),
    [(12346, "12346"), (12346.0, "12346"), ("007", "007"), (2**70, str(2**70)), ("a.0", "a.0"), (1.5, "1.5")],
)
def test_customer_ids(
    con: DuckDBPyConnection, tmp_path: Path, given_id: str | float, customer_id: str
) -> None:
    path = tmp_path / "e.ndjson"
    path.write_text(line_of(customer_id=given_id))
    assert staged(con, path) == []
    assert con.execute("select customer_id from t").fetchall() == [(customer_id,)]


def test_numbers_json_has_not_become_null_but_not_inside_strings(
    con: DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "e.ndjson"
    properties = '{"a": NaN, "b": [1, -Infinity, 1e999], "c": "NaN, \\"NaN\\"", "d": 1e300}'
    path.write_text(line_of()[:-1] + f', "value": NaN, "properties": {properties}}}')
    assert staged(con, path) == []
    ((value, found),) = con.execute("select value, properties from t").fetchall()
    assert (value, json.loads(found)) == (
        None,
        {"a": None, "b": [1, None, None], "c": 'NaN, "NaN"', "d": 1e300},
    )


def test_one_key_twice_is_no_reason_to_lose_an_event(con: DuckDBPyConnection, tmp_path: Path) -> None:
    row = '{"event_type": "behavioral", "customer_id": "c", "timestamp": "2024-01-01", "a": %d, "a": 3}'
    path = tmp_path / "e.ndjson"
    path.write_text(f"{row % 1}\n{row % 2}")
    assert staged(con, path, "seed") == []
    assert con.execute("select count(distinct event_id) from t").fetchall() == [(2,)]


def test_over_long_lines_are_quarantined_cut(con: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "e.ndjson"
    path.write_text(f"{line_of()}\n{line_of(name='x' * 5000)}\n{line_of()}")
    ((line, reason, row),) = staged(con, path, line_bytes=2000)
    assert (line, reason, len(row)) == (2, "line_too_long", 1000)


def test_too_many_fields(con: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "e.ndjson"
    path.write_text(line_of(**{f"x{i}": i for i in range(30)}))
    assert [reason for _, reason, _ in staged(con, path, columns=20)] == ["too_many_fields: 35 > 20"]


def test_lines_that_are_not_utf_8(con: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "e.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + line_of().encode() + b'\n{"a": "\xff"}\n' + line_of().encode())
    assert staged(con, path) == [(2, "encoding", '{"a": "\ufffd"}')]


def test_a_bom_is_no_fault(con: DuckDBPyConnection, tmp_path: Path) -> None:
    for name, text in (("e.ndjson", line_of()), ("e.csv", "customer_id,ts,type\nc,2024-01-01,behavioral")):
        (tmp_path / name).write_text("\ufeff" + text)
        assert staged(con, tmp_path / name) == []
        assert con.execute("select customer_id from t").fetchall() == [("c",)]


def test_faulty_csv_records(con: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    records = [
        b"customer_id,ts,type,name",
        b'c1,2024-01-01,behavioral,"two\nlines"',
        b"c2,2024-01-01",
        b"",
        b",2024-01-01,behavioral,n",
        b"c3,2024-01-01,behavioral,\xff",
        b"c4,2024-01-01,behavioral," + b"x" * 500,
        b"c5,2024-01-01,behavioral,n",
    ]
    path.write_bytes(b"\r\n".join(records))
    assert staged(con, path, line_bytes=400) == [
        (4, "bad_csv: 2 cells, 4 columns", "c2,2024-01-01"),
        (6, "no_customer_id", ",2024-01-01,behavioral,n"),
        (7, "encoding", "c3,2024-01-01,behavioral,\ufffd"),
        (8, "line_too_long", "c4,2024-01-01,behavioral," + "x" * 500),
    ]
    good = con.execute("select customer_id, name from t where reason is null order by line").fetchall()
    assert good == [("c1", "two\nlines"), ("c5", "n")]


def test_csv_cells_keep_leading_zeros_and_read_numbers(con: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    path.write_text(
        "event_type;customer_id;action;timestamp;zip;n;flag;list;blank\n"
        "behavioral;0012;n;2024-01-01;0815;1.5;True;[1];\n"
    )
    assert staged(con, path, "seed") == []
    ((customer_id, properties),) = con.execute("select customer_id, properties from t").fetchall()
    assert customer_id == "0012"
    assert json.loads(properties) == {"zip": "0815", "n": 1.5, "flag": True, "list": [1]}


def test_faulty_customers(con: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "c.ndjson"
    rows = [
        {"customer_id": ""},
        {"customer_id": "c", "created_at": "x"},
        {"customer_id": "c", "attributes": [1]},
        {"customer_id": "c", "tags": {"a": 1}},
        {"customer_id": "c", "timezone": "Nowhere"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert stage(con, recognise(path, "customers"), "t", Limits()) == Staged(5, 1, 4)
    assert [
        r for (r,) in con.execute("select reason from t where reason is not null order by line").fetchall()
    ] == [
        "no_customer_id",
        "bad_time: created_at x",
        "bad_attributes: [1]",
        'bad_tags: {"a":1}',
    ]


def test_parquet_rows_are_quarantined_with_the_row_as_json(con: DuckDBPyConnection, tmp_path: Path) -> None:
    pl.DataFrame([GOOD, GOOD | {"customer_id": None}]).write_parquet(tmp_path / "e.parquet")
    ((line, reason, row),) = staged(con, tmp_path / "e.parquet")
    without = {name: value for name, value in GOOD.items() if name != "customer_id"}
    assert (line, reason, json.loads(row)) == (2, "no_customer_id", without)


GZIP = gzip.compress("\n".join(line_of(event_id=str(i)) for i in range(20_000)).encode())
ZSTD = zstandard.compress(gzip.decompress(GZIP))
CSV = "customer_id,ts,type\n"


def parquet_bytes() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({key: [value] * 100 for key, value in GOOD.items()}), sink)
    return bytes(sink.getvalue())


FILE_FAULTS = [
    ("e.ndjson.gz", GZIP[: len(GZIP) // 2], {}, "damaged or incomplete"),
    ("e.ndjson.gz", GZIP[:-1], {}, "damaged or incomplete"),
    ("e.ndjson.zst", ZSTD[: len(ZSTD) // 2], {}, "damaged or incomplete"),
    ("e.ndjson.zst", ZSTD[:-1], {}, "damaged or incomplete"),
    ("e.ndjson.gz", GZIP + b"more", {}, "damaged or incomplete"),
    ("e.ndjson.gz", b"", {}, "is empty"),
    ("e.ndjson.gz", b"{}", {}, "is no .gz file"),
    ("e.parquet", b"", {}, "is empty"),
    ("e.parquet", parquet_bytes()[:-10], {}, "damaged or incomplete"),
    ("e.parquet", parquet_bytes()[:300], {}, "damaged or incomplete"),
    ("e.parquet", b"PAR1" + bytes(200) + parquet_bytes()[204:], {}, "can't be read"),
    ("e.parquet", parquet_bytes(), {"decompressed_bytes": 100}, "decompressed"),
    ("e.parquet", parquet_bytes(), {"columns": 3}, "has 5 columns; allowed: 3"),
    ("e.csv", CSV.encode(), {"columns": 2}, "has 3 columns; allowed: 2"),
    ("e.csv", b"customer_id,ts,type,ts\n", {}, "columns ts more than once"),
    ("e.ndjson", line_of().encode("utf-16"), {}, "isn't UTF-8 \\(line 1\\); it is likely UTF-16"),
    ("e.ndjson", bytes(range(256)) * 4, {}, "neither Parquet nor UTF-8"),
    (
        "e.json",
        b"[" + line_of().encode() + b",",
        {},
        "line 1: the JSON array that begins there is never closed",
    ),
    ("e.ndjson", b'{"who": 1, "when": 2}', {}, "found the columns who, when"),
    ("e.csv", b"who,when\n1,2", {}, "found the columns who, when"),
    ("e.ndjson", (line_of() + "\n").encode() * 9, {"decompressed_bytes": 100}, "more than 100 bytes"),
]


@pytest.mark.parametrize(("name", "content", "limits", "message"), FILE_FAULTS)
def test_a_faulty_file_is_refused_whole(
    con: DuckDBPyConnection,
    tmp_path: Path,
    name: str,
    content: bytes,
    limits: dict[str, int],
    message: str,
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        stage(con, recognise(path, "events"), "t", Limits(**limits))
    assert str(path) in str(caught.value)
    assert con.execute(
        "select count(*) from information_schema.tables where table_name = 't'"
    ).fetchall() == [(0,)]


def test_a_refused_text_file_leaves_the_open_transaction_usable(
    con: DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "e.ndjson.gz").write_bytes(GZIP[:-1])
    con.execute("create table kept (x integer)")
    con.execute("begin")
    con.execute("insert into kept values (1)")
    with pytest.raises(InputError):
        staged(con, tmp_path / "e.ndjson.gz")
    con.execute("commit")
    assert con.execute("from kept").fetchall() == [(1,)]


def test_missing_files_folders_and_shapes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        recognise(tmp_path / "none.csv", "events")
    with pytest.raises(InputError, match="not a file"):
        recognise(tmp_path, "events")
    with pytest.raises(InputError, match="no shape 'odd' for events; allowed: canonical"):
        recognise(tmp_path, "events", "odd")
    (tmp_path / "c.csv").write_text("id,email\n1,x")
    with pytest.raises(
        InputError, match=r"not recognised as customers; found the columns id, email; allowed: can"
    ):
        recognise(tmp_path / "c.csv", "customers")


@pytest.mark.parametrize("name", ["two\nlines", "a\x00b", "c\x1b[31m", "n" * 500], ids=ascii)
def test_a_refusal_is_one_line_whatever_the_columns_are_called(tmp_path: Path, name: str) -> None:
    (tmp_path / "c.csv").write_text(f'"{name}",mail\n1,x')
    (tmp_path / "j.ndjson").write_text(json.dumps({name: 1, "mail": "x"}))
    (tmp_path / "twice.csv").write_text(f'customer_id,"{name}","{name}"\n1,x,y')
    pq.write_table(pa.table({name: [1], "mail": ["x"]}), tmp_path / "p.parquet")
    for file in sorted(tmp_path.iterdir()):
        with pytest.raises(InputError, match=str(file)) as refused:
            recognise(file, "customers")
        said = str(refused.value)
        assert said.isprintable(), said
        assert len(said) < 800


@pytest.mark.parametrize(
    ("kind", "columns", "told"),
    [
        ("customers", "customer_id,ts,type,name", "holds events, but lies among customers"),
        ("customers", "Customer ID,TS,Type,Name", "holds events, but lies among customers"),
        ("customers", "messageId,userId,timestamp,type", "holds events, but lies among customers"),
        ("events", "Customer ID,E-mail", "holds customers, but lies among events"),
        ("events", "customer_id,email,first_name", "holds customers, but lies among events"),
    ],
)
def test_a_file_of_the_other_kind_is_told_where_it_belongs(
    tmp_path: Path, kind: Kind, columns: str, told: str
) -> None:
    (tmp_path / "f.csv").write_text(columns + "\n")
    (tmp_path / "f.ndjson").write_text(json.dumps(dict.fromkeys(columns.split(","), 1)))
    with pytest.raises(InputError, match=rf"f\.csv: {told}.*inbox/(events|customers)/"):
        recognise(tmp_path / "f.csv", kind)
    if columns.islower():
        with pytest.raises(InputError, match=rf"f\.ndjson: {told}"):
            recognise(tmp_path / "f.ndjson", kind)


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_bomb_is_refused_without_its_memory(
    con: DuckDBPyConnection, tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "e.ndjson.gz"
    path.write_bytes(compress(line_of().encode() + b"\n" + b" " * (600 * 1024**2)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="more than 400,000,000 bytes"):
        stage(con, recognise(path, "events", "canonical"), "t", Limits(decompressed_bytes=400_000_000))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


@pytest.mark.parametrize("filler", [b"\n", b"\r\n", b"a", b" ", b'"', b"[", b"{}"])
@pytest.mark.parametrize("name", ["e.ndjson.zst", "e.csv.gz", "e.json.gz"])
def test_a_bomb_is_refused_before_it_is_read(
    con: DuckDBPyConnection, tmp_path: Path, name: str, filler: bytes
) -> None:
    path = tmp_path / name
    compress = gzip.compress if name.endswith("gz") else zstandard.compress
    heads = {"csv": CSV.encode() + b"c,2024-01-01,behavioral\n", "json": b"[" + line_of().encode() + b","}
    head = heads.get(name.split(".")[1], line_of().encode() + b"\n")
    path.write_bytes(compress(head + filler * (60_000_000 // len(filler))))
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(InputError, match="more than 50,000,000 bytes"):
        stage(con, recognise(path, "events", "canonical"), "t", Limits(decompressed_bytes=50_000_000))
    assert time.process_time() - began < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_a_deeply_nested_line_is_no_crash(con: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "e.ndjson"
    deep = '{"a":' * 100_000 + "1" + "}" * 100_000
    path.write_text(line_of(event_id=...)[:-1] + f', "properties": {deep}}}\n' + "[" * 500_000)
    assert [(line, reason) for line, reason, _ in staged(con, path)] == [(1, "not_json"), (2, "not_json")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["event_id", "customer_id", "ts", "timestamp", "type", "event_type", "name", "action", "value"]
MORE = [
    "properties",
    "attributes",
    "received_at",
    "userId",
    "messageId",
    "event",
    "traits",
    "tags",
    "created_at",
]
OBJECTS = st.dictionaries(st.sampled_from(FIELDS + MORE), JSON, max_size=10).map(
    lambda row: json.dumps(row).encode()
)
LINES = st.lists(st.binary(max_size=40) | OBJECTS | st.just(line_of().encode()), max_size=8)


@pytest.mark.parametrize(
    "kind_and_shape", ["events canonical", "events seed", "events segment", "customers canonical"]
)
@settings(max_examples=60, deadline=None)
@given(lines=LINES)
@example(lines=[b"\xef\xbb\xbf"])
@example(lines=[b'{"customer_id":"\\u0000","ts":0}', b"\x00", b"\x0b", b"\xc2\x85"])
def test_no_line_is_fatal_and_none_is_lost(
    shared: DuckDBPyConnection,
    tmp_path_factory: pytest.TempPathFactory,
    kind_and_shape: str,
    lines: list[bytes],
) -> None:
    kind, shape = kind_and_shape.split()
    path = tmp_path_factory.mktemp("garbage") / "e.ndjson"
    path.write_bytes(b"\n".join(lines))
    found = stage(shared, Source(path, kind, "ndjson", "none", shape), "t", Limits())
    written = b"\n".join(lines).removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert found.rows == found.good + found.bad == sum(1 for line in written if line.strip(b" \t\r\n"))


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300) | st.text('c1,"\n;é', max_size=300).map(str.encode))
@example(data=b'c,2024-01-01,"behavioral')
def test_no_csv_record_is_fatal_and_a_lost_quote_is_told(
    shared: DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("garbage") / "e.csv"
    path.write_bytes(CSV.encode() + data)
    source = Source(path, "events", "csv", "none", "canonical", ("customer_id", "ts", "type"))
    try:
        found = stage(shared, source, "t", Limits())
    except InputError as error:
        told = str(error)
    else:
        told = ""
        assert found.rows == found.good + found.bad
    assert not told or (b'"' in data and re.search(r"e\.csv: line \d+: (a|the) quote", told))
