"""Text that is an instant: four readers, and what each accepts (semantics.md §2)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import polars as pl
import pytest
from duckdb import DuckDBPyConnection

from flows.arguments import parse_instant
from flows.errors import InputError
from flows.warehouse import connect, run_sql
from transforms.timing.durations import epoch_us
from transforms.timing.instants import any_iso_instant, extended_iso_instant, with_instants

EVERYWHERE = "condition value command file"
NOON = "2026-03-01T09:30:15"
TABLE = [
    # text, its instant (UTC, or µs where no datetime can be so early or late), who accepts it
    ("2026-03-01", "2026-03-01", EVERYWHERE),
    ("2026-03-01T09:30", "2026-03-01T09:30", EVERYWHERE),
    ("2026-03-01 09:30:15", NOON, EVERYWHERE),
    ("2026-03-01T09:30:15Z", NOON, EVERYWHERE),
    ("2026-03-01T09:30Z", "2026-03-01T09:30", EVERYWHERE),
    ("2026-03-01T09:30:15+02:00", "2026-03-01T07:30:15", EVERYWHERE),
    ("2026-03-01T09:30+23:59", "2026-02-28T09:31", EVERYWHERE),
    ("2026-03-01T09:30-00:00", "2026-03-01T09:30", EVERYWHERE),
    ("2026-03-01T09:30:15.5", f"{NOON}.500", EVERYWHERE),
    ("2026-03-01T09:30:15.123456", f"{NOON}.123456", EVERYWHERE),
    ("2026-03-01T09:30:15.1234567", f"{NOON}.123456", "command file"),
    ("2026-03-01T09:30:15.123456789Z", f"{NOON}.123456", "command file"),
    ("2026-03-01t09:30", "2026-03-01T09:30", "command file"),
    ("2026-03-01T09:30:15z", NOON, "file"),
    ("2026-03-01T09:30:15+0200", "2026-03-01T07:30:15", "command file"),
    ("2026-03-01T09:30:15+02", "2026-03-01T07:30:15", "command file"),
    ("2026-03-01T09:30:15 +02:00", "2026-03-01T07:30:15", "command"),
    ("2026-03-01T09:30:15 Z", NOON, "command"),
    ("2026-03-01T09", "2026-03-01T09:00", "command"),
    ("2026-03-01T09:30:15,5", f"{NOON}.500", "command"),
    ("2026-03-01_09:30", "2026-03-01T09:30", "command"),
    ("20260301", "2026-03-01", "command"),
    ("20260301T0930", "2026-03-01T09:30", "command"),
    ("2026-W09-7", "2026-03-01", "command"),
    ("2026-03-01T24:00", "2026-03-02", "file"),
    ("2026-03-01T24:00:00", "2026-03-02", "file"),
    ("2026-03-01T23:59:60", "2026-03-02", "value"),
    ("2026-03-01T09:30+24:00", "2026-02-28T09:30", "file"),
    ("0001-01-01T00:00+01:00", -62_135_600_400_000_000, "value file"),
    ("9999-12-31T23:59-01:00", 253_402_304_340_000_000, "value file"),
    ("0000-01-01", -62_167_219_200_000_000, "value file"),
    *((text, "", "") for text in ("", "today", "2026", "2026-060", "2026-3-1", "1772357415", "٢٠٢٦-03-01")),
    *((text, "", "") for text in (" 2026-03-01", "2026-03-01 ", "2026-03-01\n", "2026-03-01T09:30 UTC")),
    *((text, "", "") for text in ("2026-02-30", "2026-03-01T9:30", "2026-03-01T09:60")),
]


@pytest.fixture(scope="module")
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as opened:
        run_sql(opened, "inbox/staging/macros.sql")
        yield opened


def of_values(text: str) -> int | None:
    found: int | None = with_instants(pl.DataFrame({"text": [text]}))["instant"].item()
    return found


def of_datetime(found: datetime | None) -> int | None:
    return None if found is None else epoch_us(found)


@pytest.mark.parametrize(("text", "instant", "accepted"), TABLE, ids=[repr(text) for text, *_ in TABLE])
def test_who_accepts_which_text(
    con: DuckDBPyConnection, text: str, instant: str | int, accepted: str
) -> None:
    def of_files(given: str) -> int | None:
        return con.execute("select epoch_us(iso_instant($1))", [given]).fetchall()[0][0]

    readers: dict[str, Callable[[str], int | None]] = {
        "condition": lambda given: of_datetime(extended_iso_instant(given)),
        "value": of_values,
        "command": lambda given: of_datetime(any_iso_instant(given)),
        "file": of_files,
    }
    read = {name: micros for name, reader in readers.items() if (micros := reader(text)) is not None}
    expected = instant if isinstance(instant, int) else instant and written(instant)
    assert read == dict.fromkeys(accepted.split(), expected)


def written(instant: str) -> int:
    return epoch_us(datetime.fromisoformat(instant).replace(tzinfo=UTC))


def test_a_value_without_an_offset_is_of_a_wall_clock() -> None:
    texts = ["2026-03-01", "2026-03-01T09:30", "2026-03-01T09:30Z", "2026-03-01T09:30+02:00", "today", None]
    found = with_instants(pl.DataFrame({"text": texts}))
    assert found["is_wall"].to_list() == [True, True, False, False, False, False]


@pytest.mark.parametrize("given", ["today", "0001-01-01T00:00+01:00"])
def test_the_command_line_says_what_an_instant_is(given: str) -> None:
    with pytest.raises(InputError, match=r"--now '.*' is not an instant; give one like 2026-01-31 or"):
        parse_instant("--now", given)
