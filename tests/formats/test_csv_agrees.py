"""Any table that CSV can say loads from it as from NDJSON, in every dialect; with column types set, any text too."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from flows.formats.shapes import Kind, recognise
from flows.formats.staging import stage
from flows.settings import Limits
from flows.warehouse import connect
from tests.effort import few_cases

CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\r\t")
ANY_TEXT = st.text(CHARACTERS, min_size=1, max_size=8).filter(
    lambda text: text.strip() != ""
) | st.sampled_from(["007", "1", "2.50", "true", "False", "{}", '["a"]', "null", "1e5", '"', '""', "=1+1"])
PLAIN_TEXT = ANY_TEXT.map(lambda text: f"x{text}")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(CHARACTERS, max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
).filter(lambda value: isinstance(value, list | dict))
NUMBERS = st.integers(-(10**17), 10**17) | st.integers(-(10**9), 10**9).map(lambda number: number / 1000)
BOOLEANS = st.booleans()
NAMES = st.text("pqrsä 7\"'", min_size=1, max_size=4).map(lambda name: f"n{name}n")


@dataclass(frozen=True)
class Dialect:
    """A way to write CSV."""

    delimiter: str
    line_end: str
    quoting: int
    start: str
    packed: bool

    def write(self, path: Path, header: list[str], rows: list[list[str]]) -> None:
        """Write a table."""
        text = io.StringIO(newline="")
        # Of line ends Python's writer quotes only those of its own.
        has_ends = any(end in one for row in [header, *rows] for one in row for end in "\r\n")
        quoting = csv.QUOTE_ALL if has_ends else self.quoting
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator=self.line_end, quoting=quoting)
        writer.writerows([header, *rows])
        excel = f"sep={self.delimiter}{self.line_end}" if self.start == "sep=" else self.start
        content = (excel + text.getvalue()).encode()
        path.write_bytes(gzip.compress(content) if self.packed else content)


DIALECTS = st.builds(
    Dialect,
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["", "\ufeff", "sep="]),
    st.booleans(),
)


@st.composite
def tables(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The types of some columns, and rows; a value that isn't there is None."""
    kinds = {"text": texts, "number": NUMBERS, "boolean": BOOLEANS, "json": JSON}
    types = draw(st.dictionaries(NAMES, st.sampled_from(list(kinds)), min_size=1, max_size=4))
    row = st.fixed_dictionaries({name: st.none() | kinds[kind] for name, kind in types.items()})
    return types, draw(st.lists(row, min_size=1, max_size=4))


@pytest.fixture(scope="module")
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


def cell(value: Any) -> str:
    """A value as a CSV cell."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def loaded(con: DuckDBPyConnection, path: Path, kind: Kind, types: dict[str, str]) -> list[tuple[Any, ...]]:
    """The rows as loaded: the reason if there is one, the id, and the object that own columns go to."""
    stage(con, replace(recognise(path, kind), types=types), "t", Limits())
    columns = "event_id, properties" if kind == "events" else "customer_id, attributes"
    found = con.execute(f"select reason, {columns} from t order by line").fetchall()
    return [(reason, key, json.loads(own)) for reason, key, own in found]


def agree(
    con: DuckDBPyConnection, kind: Kind, dialect: Dialect, rows: list[dict[str, Any]], types: dict[str, str]
) -> None:
    """Load the rows from CSV and from NDJSON, and compare."""
    known = {"customer_id": "ann"}
    if kind == "events":
        known |= {"ts": "2026-03-02T12:00:00Z", "type": "behavioral", "name": "go"}
    folder = Path(mkdtemp())
    names = list(rows[0])
    cells = [[*known.values(), *(cell(row[name]) for name in names)] for row in rows]
    dialect.write(folder / "t.csv", [*known, *names], cells)
    own = [{name: value for name, value in row.items() if value is not None} for row in rows]
    (folder / "t.ndjson").write_text("".join(json.dumps(known | row) + "\n" for row in own))
    found, expected = (loaded(con, folder / name, kind, types) for name in ("t.csv", "t.ndjson"))
    rmtree(folder)
    assert found == expected
    assert [(reason, row) for reason, _, row in found] == [(None, row) for row in own]


@few_cases
@given(kind=st.sampled_from(["events", "customers"]), dialect=DIALECTS, table=tables(PLAIN_TEXT))
def test_csv_loads_as_ndjson_does(
    con: DuckDBPyConnection, kind: Kind, dialect: Dialect, table: tuple[dict[str, str], list[dict[str, Any]]]
) -> None:
    agree(con, kind, dialect, table[1], {})


@few_cases
@given(kind=st.sampled_from(["events", "customers"]), dialect=DIALECTS, table=tables(ANY_TEXT))
def test_with_types_any_text_loads_as_it_is(
    con: DuckDBPyConnection, kind: Kind, dialect: Dialect, table: tuple[dict[str, str], list[dict[str, Any]]]
) -> None:
    agree(con, kind, dialect, table[1], table[0])
