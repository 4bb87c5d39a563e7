"""The archive keeps events in the order of time; a batch that is in it already isn't sorted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from flows.inbox.ordered import in_order
from flows.warehouse import connect, frame, shown
from tests.effort import few_cases

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
Row = tuple[int, int]
"""Minutes and the number of the event's id."""


@pytest.fixture(scope="module")
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as opened:
        yield opened


def archived(con: DuckDBPyConnection, rows: list[Row]) -> tuple[list[Row], bool]:
    """The rows as the archive keeps them, and whether they were sorted for it."""
    rest = dict.fromkeys(("type", "name", "properties", "attributes"), pl.lit("{}"))
    given = pl.DataFrame(rows, schema={"minute": pl.Int64, "number": pl.Int64}, orient="row").select(
        event_id=pl.format("e{}", pl.col("number").cast(pl.String).str.zfill(6)),
        customer_id=pl.lit("c"),
        ts=pl.lit(BEGAN) + pl.duration(minutes="minute"),
        value=pl.lit(1.0),
        received_at=pl.lit(BEGAN),
        **rest,
    )
    with shown(con, given=given):
        con.execute("create or replace temp table loaded as from given")
    query = in_order(con, "events", "loaded")
    found = frame(con, query).select("ts", "event_id").rows()
    return [((ts - BEGAN) // timedelta(minutes=1), int(name[1:])) for ts, name in found], "order by" in query


@few_cases
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 99)), max_size=6, unique_by=lambda row: row[1]))
def test_events_lie_in_the_order_of_time_and_ids(con: DuckDBPyConnection, rows: list[Row]) -> None:
    assert archived(con, rows) == (sorted(rows), rows != sorted(rows))


@pytest.mark.parametrize("place", [0, 122_879, 122_880, 199_999])
def test_one_event_out_of_order_among_many_is_seen(con: DuckDBPyConnection, place: int) -> None:
    rows = [(number // 2, number) for number in range(200_000)]
    assert archived(con, rows) == (rows, False)
    rows[place] = (100_000 if place < 100_000 else 0, place)
    assert archived(con, rows) == (sorted(rows), True)
