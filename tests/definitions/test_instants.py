"""Text and numbers that are instants: one grammar (semantics.md §2), whoever reads them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from flows.arguments import parse_instant
from flows.errors import InputError
from flows.formats.staging import make_macros
from flows.warehouse import connect
from tests.oracle import instants as oracle
from transforms.columns.json_values import intern
from transforms.timing.durations import epoch_us
from transforms.timing.instants import instant_of, with_instants

DAY = "2026-03-01"
NOON = "2026-03-01T09:30:15"
READ = {
    DAY: DAY,
    f" {DAY}\n": DAY,
    f"\u00a0{DAY}\ufeff": DAY,
    "20260301": DAY,
    "20260301.0": DAY,
    "2026-03-01T09:30": "2026-03-01T09:30",
    "20260301 09:30": "2026-03-01T09:30",
    "2026-03-01t09:30z": "2026-03-01T09:30",
    "2026-03-01 09:30:15": NOON,
    "2026-03-01T09:30:15Z": NOON,
    "2026-03-01 09:30:15UTC": NOON,
    "2026-03-01 09:30:15 UTC": NOON,
    "2026-03-01T09:30:15+02:00": "2026-03-01T07:30:15",
    "2026-03-01T09:30:15+0200": "2026-03-01T07:30:15",
    "2026-03-01T09:30:15 -02": "2026-03-01T11:30:15",
    "2026-03-01T09:30+23:59": "2026-02-28T09:31",
    "2026-03-01T09:30-00:00": "2026-03-01T09:30",
    "2026-03-01T09:30:15.5": f"{NOON}.500",
    "2026-03-01T09:30:15,5+00": f"{NOON}.500",
    "2026-03-01T09:30:15.123456789Z": f"{NOON}.123456",
    "2026-03-01T24:00": "2026-03-02",
    "2026-03-01T24:00:00-01:00": "2026-03-02T01:00",
    "2026-03-01T23:59:60": "2026-03-02",
    "2026-03-01T23:59:60.25": "2026-03-02T00:00:00.250",
    "2024-02-29": "2024-02-29",
    "0001-01-01": "0001-01-01",
    "9999-12-31T23:59:59.999999": "9999-12-31T23:59:59.999999",
    "946684800": "2000-01-01",
    "4102444799.999999": "2099-12-31T23:59:59.999999",
    "1772357415": NOON,
    "01772357415": NOON,
    "1772357415.5": f"{NOON}.500",
    "1772357415123": f"{NOON}.123",
    "1772357415123.4567": f"{NOON}.123456",
    "1772357415123456": f"{NOON}.123456",
    "1772357415123456789": f"{NOON}.123456",
}
AT_THE_EDGES = {
    "0000-12-31T23:30-01:00": "0001-01-01T00:30",
    "9999-12-31T24:00+01:00": "9999-12-31T23:00",
}
"""Their wall clocks are outside the calendar, which the oracle doesn't do."""
REFUSED = [
    *("", " ", "today", "2026", "2026-03", "2026-060", "2026-3-1", "2026-W09-7", "٢٠٢٦-03-01", "2026/03/01"),
    *("2026-0301", "202603-01", "260301", "01.03.2026", "2026-02-30", "20260230", "99999999", "0000-01-01"),
    *("2026-03-01T9:30", "2026-03-01T09", "2026-03-01T0930", "2026-03-01_09:30", "2026-03-01  09:30"),
    *("2026-03-01T09:60", "2026-03-01T09:30:61", "2026-03-01T24:01", "2026-03-01T24:00:00.0", "2026-03-01T09:30:"),
    *("2026-03-01T09:30+24:00", "2026-03-01T09:30+02:60", "2026-03-01T09:30+2", "2026-03-01T09:30  UTC"),
    *("2026-03-01T09:30 GMT", "2026-03-01T09:30 utc", "2026-03-01Z", "2026-03-01T09:30:15.Z"),
    *("0001-01-01T00:00+01:00", "9999-12-31T24:00", "9999-12-31T23:59-01:00"),
    *("0", "12", "46027.375", "946684799.999999", "4102444800", "-1772357415", "17723574150", "1772357415.5.5"),
    *("0x69A3B8A7", "1_772_357_415", "1,772,357,415", "NaN", "Infinity"),
]  # fmt: skip
"""`1.7723574e9` isn't here: files don't tell the text from the number, which is one."""


@pytest.fixture(scope="module")
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as opened:
        make_macros(opened)
        yield opened


def of_values(value: Any) -> int | None:
    found: int | None = with_instants(intern({"a": pl.Series([json.dumps(value)])}, ())[0])["instant"][-1]
    return found


def of_datetime(found: datetime | None) -> int | None:
    return None if found is None else epoch_us(found)


def readings(con: DuckDBPyConnection, value: str | float) -> dict[str, int | None]:
    """What each reader of the product makes of a value, µs since 1970."""
    text = value if isinstance(value, str) else json.dumps(value)
    in_file = con.execute("select epoch_us(instant_of($1))", [text]).fetchall()[0][0]
    return {"one": of_datetime(instant_of(value)), "column": of_values(value), "file": in_file}


def written(instant: str) -> int:
    return epoch_us(datetime.fromisoformat(instant).replace(tzinfo=UTC))


@pytest.mark.parametrize(("text", "instant"), {**READ, **AT_THE_EDGES}.items(), ids=repr)
def test_texts_that_are_instants(con: DuckDBPyConnection, text: str, instant: str) -> None:
    expected = written(instant)
    assert readings(con, text) == {"one": expected, "column": expected, "file": expected}
    if text not in AT_THE_EDGES:
        assert of_datetime(oracle.instant(text)) == expected


@pytest.mark.parametrize("text", REFUSED, ids=repr)
def test_texts_that_are_none(con: DuckDBPyConnection, text: str) -> None:
    assert readings(con, text) == {"one": None, "column": None, "file": None}
    assert oracle.instant(text) is None


@pytest.mark.parametrize(
    ("number", "instant"),
    {
        20260301: DAY,
        1772357415: NOON,
        1772357415.25: f"{NOON}.250",
        1772357415123: f"{NOON}.123",
        20260302.0: "2026-03-02",
        1.7723574e9: "2026-03-01T09:30",
    }.items(),
)
def test_numbers_that_are_instants(con: DuckDBPyConnection, number: float, instant: str) -> None:
    expected = written(instant)
    assert readings(con, number) == {"one": expected, "column": expected, "file": expected}
    assert of_datetime(oracle.instant(number)) == expected


@pytest.mark.parametrize("number", [0, 3, -1772357415, 46027.375, 20261301, 123456789012345678901, 1e300])
def test_numbers_that_are_none(con: DuckDBPyConnection, number: float) -> None:
    assert readings(con, number) == {"one": None, "column": None, "file": None}
    assert oracle.instant(number) is None


pieces = st.lists(
    st.sampled_from(
        ["2026", "-", "03", "01", "T", "t", " ", "09", ":", "30", "15", "60", "24", "00", ".", ","]
    )
    | st.sampled_from(
        ["5", "123456", "Z", "z", "UTC", "+", "0", "20260301", "1772357415", "2026-03-01T09:30"]
    ),
    max_size=12,
).map("".join)
forms = st.builds(
    lambda at, form: at.strftime(form).replace("%q", str(at.microsecond)),
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y-%m-%d %H:%M", "%Y-%m-%dt%H:%M:%S,%q UTC", "%Y%m%dT%H:%M:%S.%f+0130"])
    | st.sampled_from(["%s", "%s%f", "%s.%f", "%s%f123", "%Y-%m-%dT%H:%M:60 -02", "%Y-%m-%dT24:00:00z"]),
)  # fmt: skip


USUAL = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.123Z", "%Y-%m-%dT%H:%M:%S+00:00")


@st.composite
def nearly_usual(draw: st.DrawFn) -> str:
    """A text of a form that programs write most, some of its characters left out, put in or replaced."""
    text = draw(st.datetimes(datetime(1000, 1, 1))).strftime(draw(st.sampled_from(USUAL)))
    for _ in range(draw(st.integers(0, 3))):
        place, more = draw(st.integers(0, len(text))), draw(st.sampled_from(["", *"059 -+:.,TZ/e\t\n\u00a0"]))
        text = text[:place] + more + text[place + draw(st.integers(0, 1)) :]
    return text


@given(text=pieces | forms | nearly_usual())
def test_all_readers_agree(con: DuckDBPyConnection, text: str) -> None:
    expected = of_datetime(oracle.instant(text))
    assert readings(con, text) == {"one": expected, "column": expected, "file": expected}


@pytest.mark.parametrize(
    ("value", "is_wall"),
    {DAY: True, "20260301": True, "2026-03-01T24:00": True, f"{NOON}Z": False, f"{NOON} UTC": False}.items(),
)
def test_a_value_without_a_zone_is_of_a_wall_clock(value: str, is_wall: bool) -> None:
    assert with_instants(intern({"a": pl.Series([json.dumps(value)])}, ())[0])["is_wall"][-1] is is_wall


def test_a_count_is_of_no_wall_clock() -> None:
    found = with_instants(intern({"a": pl.Series(["1772357415", "3", "true"])}, ())[0])
    assert found["is_wall"].to_list() == [False] * 4


def test_the_command_line_reads_the_same_grammar() -> None:
    assert parse_instant("--now", " 20260301 ") == datetime(2026, 3, 1, tzinfo=UTC)
    assert parse_instant("--now", "1772357415") - datetime(2026, 3, 1, 9, 30, tzinfo=UTC) == timedelta(
        seconds=15
    )


@pytest.mark.parametrize("given", ["today", "0001-01-01T00:00+01:00"])
def test_the_command_line_says_what_an_instant_is(given: str) -> None:
    with pytest.raises(InputError, match=r"--now '.*' is not an instant; give one like 2026-01-31 or"):
        parse_instant("--now", given)
