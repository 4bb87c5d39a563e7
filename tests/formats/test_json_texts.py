"""JSON objects however they are written give the same rows; what can't be read is quarantined alone."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import InputError
from flows.formats import json_texts
from flows.formats.decompressed import Bytes
from flows.formats.json_texts import value_blocks
from flows.formats.shapes import recognise
from flows.formats.staging import stage
from flows.settings import Limits
from flows.warehouse import connect
from tests.effort import few_cases

Row = dict[str, Any]
VALUES = (
    st.none()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('{}[]",\\'), max_size=8)
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"customer_id": st.text("ab", min_size=1), "x": VALUES, "y": st.lists(VALUES, max_size=2)}
    ),
    min_size=1,
    max_size=4,
)
WRITERS: dict[str, Callable[[list[Row]], str]] = {
    "lines": lambda rows: "\n".join(map(json.dumps, rows)),
    "one after the other": lambda rows: "".join(map(json.dumps, rows)),
    "with commas": lambda rows: ", ".join(map(json.dumps, rows)),
    "array": json.dumps,
    "pretty array": lambda rows: json.dumps(rows, indent=2),
    "pretty": lambda rows: "\n".join(json.dumps(row, indent=1) for row in rows),
    "array by lines": lambda rows: "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n",
    "commas in front": lambda rows: "[" + "\n,".join(map(json.dumps, rows)) + "]",
    "umlauts": lambda rows: "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows),
}
LIMIT = 2000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("json")


@pytest.fixture
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


def read(path: Path) -> list[tuple[int, str, str | None]]:
    """Line, text and fault of each value of a JSON text."""
    tables = value_blocks(Bytes(path, "none", 10**9), LIMIT)
    return [tuple(row.values()) for table in tables for row in table.to_pylist()]


@pytest.mark.parametrize("block", [json_texts.BLOCK_BYTES, 3])
@pytest.mark.parametrize("written", WRITERS)
@few_cases
@given(rows=ROWS)
def test_objects_are_read_however_they_are_written(
    folder: Path, written: str, block: int, rows: list[Row]
) -> None:
    path = folder / "people.json"
    path.write_text(WRITERS[written](rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_texts, "BLOCK_BYTES", block)
        found = read(path)
    assert [json.loads(text) for _, text, _ in found] == rows
    assert [fault for *_, fault in found] == [None] * len(rows)


@pytest.mark.parametrize("written", WRITERS)
def test_each_way_of_writing_is_recognised(con: DuckDBPyConnection, folder: Path, written: str) -> None:
    rows = [{"customer_id": one, "about": {"likes": ["}{", {}]}} for one in ("ann", "bob", "cy")]
    path = folder / "some.json"
    path.write_text(WRITERS[written](rows))
    staged = stage(con, recognise(path, "customers"), "t", Limits())
    assert (staged.good, staged.bad) == (3, 0)
    found = con.execute("select customer_id, attributes from t order by customer_id").fetchall()
    assert [(name, json.loads(attributes)) for name, attributes in found] == [
        (row["customer_id"], {"about": row["about"]}) for row in rows
    ]


BROKEN = """[
  {
    "customer_id": "ann"
  },
  {
    "customer_id": "bob",
    "note: {"a": [{}]}
  },
  {
    "customer_id": "cy"
  }
]
"""


def test_an_object_that_cannot_be_read_is_alone(folder: Path) -> None:
    path = folder / "broken.json"
    path.write_text(BROKEN)
    assert [(line, text.split()[2][:6], fault) for line, text, fault in read(path)] == [
        (2, '"ann"', None),
        (5, '"bob",', "not_json"),
        (9, '"cy"', None),
    ]
    path.write_text('{"a": 1}{"b": x}{"c": 3} 7\n{"d": 4}')
    assert [(line, text.strip(), fault) for line, text, fault in read(path)] == [
        (1, '{"a": 1}', None),
        (1, '{"b": x}', "not_json"),
        (1, '{"c": 3}', None),
        (1, "7", None),
        (2, '{"d": 4}', None),
    ]


def test_objects_together_on_a_later_line_are_read(con: DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "people.ndjson"
    path.write_text(
        '{"customer_id": "a"}\n{"customer_id": "b"} {"customer_id": "c", "x": "}{"}'
        '{"customer_id": \n{"customer_id": "d"}'
    )
    stage(con, recognise(path, "customers"), "t", Limits())
    assert con.execute(
        "select line, customer_id, reason, row from t order by line, customer_id"
    ).fetchall() == [
        (1, "a", None, None),
        (2, "b", None, None),
        (2, "c", None, None),
        (2, None, "not_json", '{"customer_id": '),
        (3, "d", None, None),
    ]


def test_a_value_beyond_the_limit_is_alone(folder: Path) -> None:
    path = folder / "long.json"
    long = "x" * 3 * LIMIT
    for text in (f'[{{"a": "{long}"}},\n{{"a": 1}}]', f'[{{"a": {long}\n,\n{{"a": 1}}]'):
        path.write_text(text)
        (first, second) = read(path)
        assert (first[0], first[1][:6], first[2]) == (1, '{"a": ', "line_too_long")
        assert second[1:] == ('{"a": 1}', None)


def test_bytes_that_are_not_utf_8_concern_their_object_only(folder: Path) -> None:
    path = folder / "bytes.json"
    path.write_bytes(b'[{"a": "\xfc"}, {"a": "\xc3\xbc"}]')
    assert read(path) == [(1, '{"a": "\ufffd"}', "encoding"), (1, '{"a": "\u00fc"}', None)]


def test_a_first_block_without_a_good_line_does_not_refuse_the_file(
    con: DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "people.ndjson.gz"
    path.write_bytes(gzip.compress(b"oops\n" * 1_200_000 + b'{"customer_id": "ann"}\n'))
    staged = stage(con, recognise(path, "customers"), "t", Limits())
    assert (staged.rows, staged.good) == (1_200_001, 1)


def test_a_file_without_any_object_is_refused_with_a_sentence_that_fits(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    path.write_text("<html>\n<p>404</p>\n")
    with pytest.raises(InputError, match="holds no JSON object"):
        recognise(path, "customers")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('{"x": 1}\n[{"x": 2}, {"x": 3}]\n', [(1, None), (2, None), (2, None)]),
        ('{"x": 1}\n[[[\n{"x": 2}', [(1, None), (2, "not_json"), (3, None)]),
        ('{"x": 1}\n[1, 2]\n{"x": 2}', [(1, None), (2, None), (3, None)]),
        ('{"x": 1}\n[{"x": 2},\n', [(1, None), (2, None), (2, "not_json")]),
    ],
)
def test_an_array_behind_other_values_takes_none_along(
    folder: Path, text: str, rows: list[tuple[int, str | None]]
) -> None:
    path = folder / "mixed.json"
    path.write_text(text)
    assert [(line, fault) for line, _, fault in read(path)] == rows
