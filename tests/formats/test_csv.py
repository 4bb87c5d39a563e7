"""CSV of any dialect gives the same cells; a lost quote, wherever it was, refuses the file and mixes no records."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flows.errors import InputError
from flows.formats import records
from flows.formats.decompressed import Bytes
from flows.formats.records import record_blocks
from flows.formats.shapes import Source, recognise
from tests.effort import few_cases

COLUMNS = ("customer_id", "note", "zip")
CELLS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('",;\t|\r\n x'), max_size=6)
ROWS = st.lists(st.tuples(st.integers(0, 99).map(str), CELLS, CELLS), max_size=5)
LINE_ENDS = ("\n", "\r\n", "\r")
LIMIT = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv")


@pytest.fixture(params=[records.BLOCK_BYTES, 7, 1])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(records, "BLOCK_BYTES", request.param)
    return int(request.param)


def written(rows: list[tuple[str, ...]], delimiter: str, end: str, *, all_quoted: bool = True) -> str:
    def cell(text: str) -> str:
        needed = all_quoted or any(one in text for one in (delimiter, '"', "\r", "\n"))
        return '"' + text.replace('"', '""') + '"' if needed else text

    return "".join(delimiter.join(map(cell, row)) + end for row in [COLUMNS, *rows])


def read(folder: Path, data: bytes) -> list[tuple[int, str, str | None, list[str] | None]]:
    """Line, text, fault and cells of each record."""
    path = folder / "people.csv"
    path.write_bytes(data)
    source = recognise(path, "customers")
    return list(_rows(source))


def _rows(source: Source) -> Iterator[tuple[int, str, str | None, list[str] | None]]:
    for table in record_blocks(Bytes(source.path, "none", 10**9), source, LIMIT):
        columns = (table[name].to_pylist() for name in ("line", "row", "fault", "cells"))
        yield from zip(*columns, strict=True)


@few_cases
@given(
    rows=ROWS, delimiter=st.sampled_from(",;\t|"), end=st.sampled_from(LINE_ENDS), all_quoted=st.booleans()
)
@example(rows=[("1", 'say ""', ""), ("2", "\r\n", '"')], delimiter=",", end="\r", all_quoted=False)
@pytest.mark.usefixtures("block")
def test_any_dialect_gives_the_cells_as_they_were_written(
    folder: Path, rows: list[tuple[str, ...]], delimiter: str, end: str, *, all_quoted: bool
) -> None:
    text = written(rows, delimiter, end, all_quoted=all_quoted)
    found = read(folder, text.encode())
    assert [tuple(cells or ()) for *_, cells in found] == rows
    assert [fault for _, _, fault, _ in found] == [None] * len(rows)
    assert text.endswith("".join(row for _, row, _, _ in found))


@few_cases
@given(rows=ROWS.filter(bool), data=st.data())
def test_a_quote_lost_at_any_place_refuses_the_file_or_leaves_each_record_its_own_text(
    folder: Path, rows: list[tuple[str, ...]], data: st.DataObject
) -> None:
    # Each cell says whose it is, so text of another record shows.
    own = [(row[0], *(f"{number}:{cell}" for cell in row[1:])) for number, row in enumerate(rows)]
    text = written(own, ",", "\n")
    quotes = [one.start() for one in re.finditer('"', text)]
    lost = data.draw(st.sampled_from(quotes[6:]))
    with pytest.raises(InputError) as caught:
        read(folder, (text[:lost] + text[lost + 1 :]).encode())
    line = re.search(r"people\.csv: line (\d+): (?:a|the) quote", str(caught.value))
    assert line is not None
    assert 1 < int(line[1]) <= text.count("\n") + text.count("\r") + 1


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ('1,"Ann,9\n2,Bob,9\n3,Cleo,9\n', 2, "is never closed"),
        ('1,"Ann,9\n2,"Bob",9\n', 2, "closed on line 3 before 'B'"),
        ('1,a,9\n2,Ann",9\n3,Bob",9\n', 3, "doesn't begin with one"),
        ('1,a,9\r2,"Ann"x,9\r', 3, "closed on line 3 before 'x'"),
        ('1,"a\n\nb",9\n2, "Ann",9\n', 5, "doesn't begin with one"),
        ('1,"' + "long" * 200 + '\n2,"Bob",9\n', 2, "closed on line 3 before 'B'"),
        ('1,"' + "long\n" * 200 + "2,Bob,9\n", 2, "is never closed"),
    ],
)
def test_the_line_is_told_on_which_the_quote_opened(folder: Path, text: str, line: int, told: str) -> None:
    with pytest.raises(InputError, match=rf"people\.csv: line {line}: .*{re.escape(told)}"):
        read(folder, b"customer_id,note,zip\n" + text.encode())


@pytest.mark.usefixtures("block")
def test_a_record_of_another_width_is_kept_as_it_was_written(folder: Path) -> None:
    found = read(folder, b'customer_id,note,zip\n1,"a\nb"\n2,"x, ""y""",z,more\r\n\n  \n3,a,b')
    assert [(line, row.rstrip(), fault) for line, row, fault, _ in found] == [
        (2, '1,"a\nb"', "bad_csv: 2 cells, 3 columns"),
        (4, '2,"x, ""y""",z,more', "bad_csv: 4 cells, 3 columns"),
        (7, "3,a,b", None),
    ]


@pytest.mark.usefixtures("block")
def test_a_record_beyond_the_limit_is_alone(folder: Path) -> None:
    long = '1,"' + "x\n" * 500 + '",b\n2,' + "y" * 1000 + ",c\n3,a,b\n"
    found = read(folder, b"customer_id,note,zip\n" + long.encode())
    assert [(line, row[:6], fault) for line, row, fault, _ in found] == [
        (2, '1,"x\nx', "line_too_long"),
        (503, "2,yyyy", "line_too_long"),
        (504, "3,a,b\n", None),
    ]


def test_a_cell_may_be_as_long_as_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.formats.test_csv.LIMIT", 1024**2)
    note = "x" * 500_000
    ((_, _, fault, cells),) = read(folder, f"customer_id,note,zip\n1,{note},2\n".encode())
    assert (fault, cells) == (None, ["1", note, "2"])


def test_nameless_columns_are_left_out_where_they_are_empty(folder: Path) -> None:
    found = read(folder, b"customer_id,email,,\n1,a@example.com,,\n2,b@example.com,x,\n,,,\n")
    assert [(line, fault) for line, _, fault, _ in found] == [
        (2, None),
        (3, "bad_csv: column 3 has no name, but holds text"),
    ]


@pytest.mark.parametrize(
    ("header", "delimiter", "columns"),
    [
        ('"customer_id";"email";"address (street, no, city)"', ";", ("email", "address (street, no, city)")),
        ("customer_id;email;street, no, city, land", ";", ("email", "street, no, city, land")),
        ("customer_id|email", "|", ("email",)),
        ("customer_id\temail,first", "\t", ("email,first",)),
        ("sep=;\r\ncustomer_id;email", ";", ("email",)),
        ('"sep=,"\ncustomer_id,a;b;c;d', ",", ("a;b;c;d",)),
        ("\n\ncustomer_id , E-mail", ",", ("email",)),
        ("Customer ID,EMAIL,email", ",", ("EMAIL", "email")),
        ("CustomerId,Email,E-mail", ",", ("Email", "E-mail")),
        (
            "customer_id,Created At,Time Zone,Tags,\u00a0Vip\u00a0",
            ",",
            ("created_at", "timezone", "tags", "Vip"),
        ),
    ],
)
def test_headers(folder: Path, header: str, delimiter: str, columns: tuple[str, ...]) -> None:
    path = folder / "header.csv"
    path.write_text(header + "\n")
    source = recognise(path, "customers")
    assert (source.delimiter, source.columns) == (delimiter, ("customer_id", *columns))
    assert list(_rows(source)) == []


def test_another_spelling_of_a_column_is_told(folder: Path) -> None:
    path = folder / "spelt.csv"
    path.write_text("customer_id,E-mail,First_Name\n")
    assert recognise(path, "customers").notes == ("the column 'E-mail' is read as 'email'",)
