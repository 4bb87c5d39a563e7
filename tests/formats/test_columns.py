"""The columns of events and customers are declared once; where SQL names them in text, it names those."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from duckdb import DuckDBPyConnection

from flows.buckets.partition import CUSTOMER_COLUMNS, EVENT_COLUMNS
from flows.formats.staging import make_macros
from flows.warehouse import connect, literal, sql_text
from transforms.tables import frames
from transforms.tables.frames import CANONICAL_CUSTOMERS, CANONICAL_EVENTS, Schema
from transforms.tables.sql_types import duckdb_types

DECLARED = {name: value for name, value in vars(frames).items() if name.isupper() and isinstance(value, dict)}
CANONICAL = {"events": CANONICAL_EVENTS, "customers": CANONICAL_CUSTOMERS}


@pytest.fixture
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        make_macros(con)
        yield con


def empty(con: DuckDBPyConnection, name: str, columns: Schema) -> None:
    typed = ", ".join(f'null::{kind} as "{column}"' for column, kind in duckdb_types(columns).items())
    con.execute(f"create or replace temp table {name} as select {typed} limit 0")


def schema(con: DuckDBPyConnection, query: str) -> Schema:
    return dict(con.sql(query).pl().schema)


@pytest.mark.parametrize("columns", DECLARED.values(), ids=DECLARED)
def test_every_type_has_a_name_in_duckdb(con: DuckDBPyConnection, columns: Schema) -> None:
    empty(con, "t", columns)
    assert schema(con, "from t") == columns


@pytest.mark.parametrize("kind", CANONICAL)
def test_an_archived_batch_has_the_declared_columns(con: DuckDBPyConnection, kind: str) -> None:
    empty(con, "good", CANONICAL[kind])
    assert schema(con, sql_text(f"inbox/archive/{kind}.sql")) == CANONICAL[kind]


def test_the_archive_is_read_with_the_declared_columns(con: DuckDBPyConnection, tmp_path: Path) -> None:
    assert schema(con, sql_text("store/event_columns.sql")) == CANONICAL_EVENTS
    file = tmp_path / "_columns.parquet"
    con.execute(f"copy ({sql_text('store/event_columns.sql')}) to {literal(file)}")
    con.execute("create temp table batches as select 'events' as kind, 'a.parquet' as archive")
    view = sql_text("store/views/events.sql").replace("{archive}", literal(file))
    assert schema(con, view) == CANONICAL_EVENTS


@pytest.mark.parametrize(("file", "kind"), [("events_canonical", "events"), ("customers", "customers")])
def test_text_is_read_by_the_declared_columns(file: str, kind: str) -> None:
    (read,) = re.findall(
        r"fields_of\(body, '(\{.*?\})'\)", sql_text(f"formats/staging/{file}.sql"), re.DOTALL
    )
    assert list(json.loads(read)) == list(CANONICAL[kind])


def test_an_event_from_the_future_is_kept_with_the_declared_columns() -> None:
    (told,) = re.findall(r"to_json\(\{(.*?)\}\)", sql_text("inbox/intake/judged.sql"), re.DOTALL)
    assert re.findall(r"(\w+): \1\b", told) == [name for name in CANONICAL_EVENTS if name != "received_at"]


def test_a_tick_and_a_backtest_read_the_same_columns(con: DuckDBPyConnection) -> None:
    empty(con, "new_events", CANONICAL_EVENTS)
    empty(con, "stored_events", CANONICAL_EVENTS)
    empty(con, "bucket_files", EVENT_COLUMNS)
    con.execute("set variable tick_previous = null::timestamptz")
    con.execute("set variable backtest_start = null::timestamptz")
    con.execute(sql_text("tick/events.sql"))
    con.execute(sql_text("backtest/bucket_events.sql"))
    assert CANONICAL_EVENTS.keys() - EVENT_COLUMNS.keys() == {"received_at"}
    assert CANONICAL_CUSTOMERS.keys() == CUSTOMER_COLUMNS.keys()
    for events in ("tick_events", "bucket_events"):
        found = schema(con, f"from {events}")
        assert {**EVENT_COLUMNS, "at": pl.Datetime("us", "UTC")}.items() <= found.items()
