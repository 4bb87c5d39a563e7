"""Ids, names, zones and addresses are trimmed at both ends; own fields; what no id and no attribute may be."""

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from duckdb import DuckDBPyConnection

from flows.formats.shapes import Kind, recognise
from flows.formats.staging import make_macros, stage
from flows.settings import Limits
from flows.warehouse import connect, shown

EVENT = {
    "event_id": "e",
    "customer_id": "c",
    "ts": "2024-01-01T00:00:00Z",
    "type": "behavioral",
    "name": "Unsubscribed",
}
PERSON = {"customer_id": "c", "email": "c@example.com", "timezone": "Europe/Berlin"}
BLANKS = " \t\r\n\u00a0\ufeff"
FORMATS = ("ndjson", "csv", "parquet")


@pytest.fixture(scope="module")
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rows")


def staged(con: DuckDBPyConnection, path: Path, kind: Kind, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows as staged from a file of the format that its name says."""
    if path.suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(path)
    elif path.suffix == ".csv":
        pl.DataFrame(rows).write_csv(path, quote_style="non_numeric")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    stage(con, recognise(path, kind), "staged", Limits())
    return con.sql("from staged order by line").pl().to_dicts()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(("kind", "row"), [("events", EVENT), ("customers", PERSON)])
def test_outer_blanks_do_not_count(
    con: DuckDBPyConnection, folder: Path, suffix: str, kind: Kind, row: dict[str, str]
) -> None:
    pads = [*BLANKS, "".join(BLANKS), ""]
    padded = [{name: one + text + other for name, text in row.items()} for one in pads for other in pads]
    (plain,) = staged(con, folder / f"plain.{suffix}", kind, row)
    place = {"line": plain["line"]}
    found = staged(con, folder / f"padded.{suffix}", kind, *padded)
    assert [one | place for one in found] == [plain] * len(pads) ** 2
    assert plain["reason"] is None


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_id_with_a_control_character_is_refused_by_name(
    con: DuckDBPyConnection, folder: Path, suffix: str
) -> None:
    rows = [EVENT | {"customer_id": "a\x07b"}, EVENT | {"event_id": "a\tb"}, EVENT | {"event_id": 'a"\\b'}]
    found = staged(con, folder / f"control.{suffix}", "events", *rows)
    assert [row["reason"] for row in found] == [
        r'bad_customer_id: it holds a control character: "a\u0007b"',
        r'bad_event_id: it holds a control character: "a\tb"',
        None,
    ]
    assert all(row["row"] for row in found[:2])


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        ("12346.0", "12346"),
        ("12346.000", "12346"),
        ("-7.0", "-7"),
        ("1.2e+19", "12000000000000000000"),
        ("1.2e19", "12000000000000000000"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1e+21", "1000000000000000000000"),
        ('"1e3"', "1e3"),
        ("1e3", "1000"),
        ("1e22", "10000000000000000000000"),
        ('"1e22"', "1e22"),
        ("9007199254740993.0", "9007199254740993"),
        ('"9007199254740993.0"', "9007199254740993"),
        ("-9007199254740993.00", "-9007199254740993"),
        ("9007199254740993.5", "9007199254740993.5"),
        ("12345678901234567890123.0", "12345678901234567890123"),
        ("1e400", "1e400"),
        ("1.5", "1.5"),
        ("1.5e+0", "1.5"),
        ('"0012"', "0012"),
        ('"+49.0"', "+49.0"),
    ],
)
def test_whole_floats_as_ids_are_their_integer(
    con: DuckDBPyConnection, folder: Path, given_: str, read: str
) -> None:
    path = folder / "ids.ndjson"
    path.write_text(json.dumps(PERSON).replace('"c"', given_, 1))
    stage(con, recognise(path, "customers"), "staged", Limits())
    assert con.execute("select customer_id from staged").fetchall() == [(read,)]


LONG, DIGITS = "12345678901234567890123.0", "12345678901234567890123"
IN_SHAPES = {
    "canonical.ndjson": '{"event_id":%s,"x": {"event_id": 1}, "customer_id": %s, "ts": 1772409600,"type":"behavioral"}',
    "seed.ndjson": '{"event_id":%s,"customer_id" : %s,"timestamp":"2026-03-02","event_type":"behavioral"}',
    "segment.ndjson": '{"messageId": %s, "userId": %s, "timestamp": "2026-03-02", "type": "track", "event": "go"}',
    "table.ndjson": '{"id": %s, "user_id": %s, "timestamp": "2026-03-02", "event": "go"}',
    "canonical.csv": "event_id,customer_id,ts,type\n%s,%s,2026-03-02,behavioral",
    "segment.csv": "message_id,user_id,timestamp,event\n%s,%s,2026-03-02,go",
}


@pytest.mark.parametrize("name", IN_SHAPES)
def test_ids_are_exact_in_every_shape(con: DuckDBPyConnection, folder: Path, name: str) -> None:
    path = folder / name
    path.write_text(IN_SHAPES[name] % ("9007199254740993.0", LONG))
    stage(con, recognise(path, "events"), "staged", Limits())
    assert con.execute("select event_id, customer_id, reason from staged").fetchall() == [
        ("9007199254740993", DIGITS, None)
    ]


@pytest.mark.parametrize("suffix", ["ndjson", "csv"])
def test_own_fields_of_a_canonical_event_are_properties(
    con: DuckDBPyConnection, folder: Path, suffix: str
) -> None:
    own = EVENT | {"source": "radio", "count": 2, "properties": '{"count": 3, "sku": null}'}
    ((found),) = staged(con, folder / f"own.{suffix}", "events", own)
    assert json.loads(found["properties"]) == {"source": "radio", "count": 3, "sku": None}
    (alone,) = staged(con, folder / f"alone.{suffix}", "events", EVENT | {"source": "radio"})
    assert json.loads(alone["properties"]) == {"source": "radio"}


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_attribute_called_tags_is_refused_by_name(
    con: DuckDBPyConnection, folder: Path, suffix: str
) -> None:
    rows = [
        EVENT | {"attributes": '{"tags": ["vip"]}'},
        EVENT | {"type": "attribute_change", "name": "tags", "attributes": "{}"},
        EVENT | {"attributes": '{"plan": "tags"}'},
    ]
    found = staged(con, folder / f"tags.{suffix}", "events", *rows)
    assert [(row["reason"] or "")[:47] for row in found] == [
        *["bad_attributes: no attribute can be called tags"] * 2,
        "",
    ]
    (person,) = staged(
        con, folder / f"person.{suffix}", "customers", PERSON | {"attributes": '{"tags": ["vip"]}'}
    )
    assert person["reason"].startswith("bad_attributes: no attribute can be called tags")


def test_an_id_stays_as_it_is_exactly_if_reading_changes_nothing_of_it(con: DuckDBPyConnection) -> None:
    make_macros(con)
    signs = [*'a Zz_^09.-+eE[{`~@"\\é\t\n\x01\x7f\u00a0\ufeff\U0001f600', ""]
    ids = pl.DataFrame({"id": ["".join(some) for some in product(signs, repeat=3)]}).unique()
    finer = "coalesce(id_of(id) = id, false) and not has_control(id)"
    with shown(con, ids=ids):
        ((plain, stay, wrong),) = con.sql(
            "select count(*) filter (where url_encode(id) = id), count(*) filter (where is_id(id)), "
            f"count(*) filter (where is_id(id) <> ({finer})) from ids"
        ).fetchall()
    assert 1000 < plain < stay < len(ids)
    assert wrong == 0
