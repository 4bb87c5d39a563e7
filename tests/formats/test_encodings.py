"""A file that isn't UTF-8 is refused with its likely encoding, or read as the settings say; one broken row is alone."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from flows.errors import InputError
from flows.formats.shapes import recognise
from flows.formats.staging import Staged, stage
from flows.settings import Limits, read_settings
from flows.warehouse import connect
from tests.runs import house
from tests.semantics.cases import at

PEOPLE = "customer_id,straße,ort\nann,Müllerstraße,Köln\nbob,Größenweg,München\ncy,Ölmühle,Düsseldorf\n"
POLISH = "customer_id,city\n1,Łódź\n2,Kraków\n3,Świętochłowice żółć\n"
RUSSIAN = "customer_id,city\n" + "ann,Санкт-Петербург и другие города\nbob,Нижний Новгород на Волге\n" * 20


@pytest.fixture
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


@pytest.mark.parametrize(
    ("text", "encoding", "likely"),
    [
        (PEOPLE, "latin-1", "CP1252"),
        (PEOPLE.replace("straße", "strasse", 1), "cp1252", "CP1252"),
        (RUSSIAN, "cp1251", "CP1251"),
        (POLISH, "cp1250", "CP1250"),
        (PEOPLE, "utf-16", "UTF-16"),
        (PEOPLE, "utf-32", "UTF-32"),
    ],
)
def test_another_encoding_is_refused_with_the_likely_one_and_how_to_convert(
    tmp_path: Path, text: str, encoding: str, likely: str
) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(
        InputError, match=rf"old\.csv: isn't UTF-8 \(line \d\); it is likely {likely}.*iconv -f"
    ):
        recognise(path, "customers")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8"])
def test_the_settings_may_name_the_encoding(con: DuckDBPyConnection, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "old.csv.gz"
    path.write_bytes(gzip.compress(PEOPLE.encode(encoding)))
    source = recognise(path, "customers", encoding=encoding)
    assert stage(con, source, "t", Limits()) == Staged(3, 3, 0)
    found = con.execute("select attributes from t order by line").fetchall()
    assert found[0] == ('{"straße":"Müllerstraße","ort":"Köln"}',)


def test_a_run_reads_encodings_by_file_name(tmp_path: Path) -> None:
    home = house(tmp_path, encodings={"old-*.csv": "latin-1"})
    (home.settings.inbox / "customers" / "old-1.csv").write_bytes(PEOPLE.encode("latin-1"))
    home.tick(at(1))
    assert home.rows("select count(*) from customers where known") == [(3,)]


def test_a_wrong_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes(PEOPLE.encode("latin-1"))
    with pytest.raises(InputError, match=r"old\.csv: isn't shift-jis, as the settings say"):
        recognise(path, "customers", encoding="shift-jis")
    for name in ("klingon", "base64"):
        (tmp_path / "onward.toml").write_text(f'encodings = {{"*.csv" = "{name}"}}\n')
        with pytest.raises(InputError, match=f"'{name}' is no encoding"):
            read_settings(tmp_path / "onward.toml")


@pytest.mark.parametrize("name", ["people.csv", "people.ndjson"])
def test_a_broken_row_among_good_ones_is_quarantined_alone(
    con: DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    rows = ["ä", "b", "ö", "ü"]
    lines = (
        [f'{{"customer_id": "{row}"}}' for row in rows] if name.endswith("json") else ["customer_id", *rows]
    )
    path = tmp_path / name
    path.write_bytes("\n".join(lines).encode().replace("ö".encode(), b"\xf6"))
    assert stage(con, recognise(path, "customers"), "t", Limits()) == Staged(4, 3, 1)
    assert con.execute("select reason from t where reason is not null").fetchall() == [("encoding",)]
