"""Ticks of a backtest by their numbers: the same as counted one after the other, however many there are."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from flows.backtest.ticks import TickEnds
from transforms.columns.arrays import NEVER
from transforms.timing.durations import epoch_us

INSTANT = pl.Datetime("us", "UTC")
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
minutes = st.integers(-3, 30).map(lambda some: BEGAN + timedelta(minutes=some))


def counted(ends: TickEnds) -> list[datetime]:
    """The ends, one after the other."""
    found: list[datetime] = []
    if ends.began and ends.every:
        while (end := ends.began + (len(found) + 1) * ends.every) < ends.last:
            found.append(end)
    return [*found, ends.last]


@given(
    ends=st.builds(
        TickEnds,
        minutes,
        st.none() | minutes,
        st.none() | st.integers(1, 12).map(lambda some: timedelta(minutes=some)),
    ),
    at=st.lists(minutes, max_size=12),
    at_once=st.integers(1, 5),
)
def test_ticks_and_spans_by_number_are_those_counted(
    ends: TickEnds, at: list[datetime], at_once: int
) -> None:
    every = counted(ends)
    assert [ends[number] for number in range(len(ends))] == every
    ticks = [next((number for number, end in enumerate(every) if one <= end), len(every)) for one in at]
    assert ends.tick_of(np.array([*map(epoch_us, at), NEVER])).tolist() == [*ticks, len(every)]
    rows = pl.DataFrame({"at": at, "place": range(len(at))}, schema={"at": INSTANT, "place": pl.Int64})
    spans = ends.spans([rows[: len(at) // 2], rows[len(at) // 2 :]], at_once)
    dealt = spans.deal(rows)
    assert set(spans.lasts.tolist()) <= set(range(len(every)))
    assert [now for _, now in spans.bounds()][-1] == every[-1]
    for (before, now), some in zip(spans.bounds(), dealt, strict=True):
        within = [place for place, one in enumerate(at) if (before is None or before < one) and one <= now]
        assert some["place"].to_list() == within
    assert len(dealt) <= sum(map(len, dealt)) // at_once + 1


def test_seconds_of_a_century_take_no_room() -> None:
    ends = TickEnds(BEGAN + timedelta(days=36_525), BEGAN, timedelta(seconds=1))
    assert len(ends) == 36_525 * 86_400
    assert ends[len(ends) // 2] == BEGAN + timedelta(seconds=len(ends) // 2 + 1)
