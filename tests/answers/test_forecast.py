"""Messages to come: exact where all is steady, nothing where nothing is known, and laws that hold of any past."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.answers.pasts import Cohort, active, day, past
from tests.effort import few_cases
from transforms.answers.forecast import Forecast, forecast
from transforms.answers.totals import banded, parted, strangers, summed

Row = tuple[object, ...]
STEADY = [
    one
    for week in range(10)
    for one in (
        Cohort(7 * week, 10, ended=3, messages=(3,)),
        Cohort(7 * week + 5, 4, ended=3, messages=(3,)),
    )
]
"""Ten on each Monday, four on each Saturday; a message after three days, which ends it."""


def of_days(found: Forecast) -> list[Row]:
    """(in flight, entries, low, high) by day."""
    rows = banded(summed(found.parts, ["day"])).with_columns(pl.selectors.float().round(6))
    return rows.select("in_flight", "entries", "low", "high").rows()


def test_a_steady_workflow_is_told_exactly() -> None:
    found = forecast(past(STEADY, until=70), active("w"), day(70), 8)
    none = (0.0, 0.0, 0, 0)
    assert of_days(found) == [
        none,
        (4.0, 0.0, 4, 4),
        none,
        (0.0, 10.0, 10, 10),
        none,
        none,
        none,
        none,
    ]
    later = of_days(forecast(past(STEADY, until=70), active("w"), day(70), 15))
    assert later[8] == (0.0, 4.0, 4, 4)


def test_entries_are_those_of_the_last_weeks_by_weekday_and_differ_as_those_do() -> None:
    numbers = [8, 12, 8, 12, 8, 12, 8, 12]
    cohorts = [Cohort(7 * week, n, ended=0, messages=(0,)) for week, n in enumerate(numbers)]
    found = forecast(past(cohorts), active("w"), day(56), 7)
    spread = (4 * 8 / 7 * 9 / 8) ** 0.5 * 1.2815515655446004
    assert of_days(found)[0] == (0.0, 10.0, round(10 - spread), round(10 + spread))
    assert of_days(found)[1] == (0.0, 0.0, 0, 0)


def test_chance_widens_the_band_where_not_all_have_a_message() -> None:
    half = [Cohort(number, 50, ended=3, messages=messages) for number in range(70) for messages in ((3,), ())]
    in_flight, entries, low, high = of_days(forecast(past(half, until=70), active("w"), day(70), 1))[0]
    assert (in_flight, entries) == (50.0, 0.0)
    assert (low, high) == (round(50 - 1.28155 * 5), round(50 + 1.28155 * 5))


def test_a_day_far_above_its_weekday_is_left_out_and_told() -> None:
    mailing = Cohort(57, 800, ended=3, messages=(3,))
    with_it, without = (
        forecast(past([*STEADY, *more], until=70), active("w"), day(70), 14) for more in ([mailing], [])
    )
    assert of_days(with_it) == of_days(without)
    assert with_it.bursts.rows() == [("w", day(57), 800)]
    assert without.bursts.is_empty()


def test_those_of_a_mailing_that_are_in_flight_are_run_forward_all_the_same() -> None:
    found = forecast(
        past([*STEADY, Cohort(69, 800, ended=3, messages=(3,))], until=70), active("w"), day(70), 3
    )
    assert of_days(found)[2][:2] == (800.0, 0.0)


def test_a_workflow_of_less_than_two_weeks_has_no_figure() -> None:
    young = [replace(one, workflow="young", entered=one.entered + 57) for one in STEADY[:4]]
    found = forecast(past([*STEADY, *young], until=70), active("w", "young"), day(70), 7)
    assert found.young.rows() == [("young", day(57))]
    assert found.parts["workflow_id"].unique().to_list() == ["w"]
    alone = forecast(past(young, until=70), active("young"), day(70), 7)
    assert alone.parts.is_empty()
    assert forecast(past(young, until=71), active("young"), day(71), 7).young.is_empty()


def test_of_what_isn_t_active_nothing_is_expected() -> None:
    found = forecast(past(STEADY, until=70), active("other"), day(70), 7)
    assert (found.parts.is_empty(), found.inactive.rows()) == (True, [("w",)])


def test_a_past_without_anything_gives_no_figure() -> None:
    found = forecast(past([]), active("w"), day(70), 7)
    assert found.parts.is_empty()
    assert banded(summed(found.parts, ["day"])).is_empty()


def test_whom_nobody_has_been_like_is_told_and_not_counted() -> None:
    waiting = [Cohort(number, 5) for number in range(20)]
    found = forecast(past(waiting, until=20), active("w"), day(20), 3)
    assert all(row[:2] == (0.0, 0.0) for row in of_days(found))
    assert strangers(found.parts).rows() == [("w", day(20), 15)]
    assert strangers(forecast(past(STEADY, until=70), active("w"), day(70), 30).parts).is_empty()


def test_hours_take_their_shares_and_one_of_all_is_all() -> None:
    found = forecast(past(STEADY, until=70), active("w"), day(70), 14)
    shares = pl.DataFrame({"workflow_id": ["w", "w"], "hour": [9, 17], "sender": ["ses", "ses"], "n": [3, 1]})
    hours = summed(parted(found.parts, shares, "hour"), ["hour"])
    assert hours.select("hour", "messages").rows() == [(9, 21.0), (17, 7.0)]
    assert hours["variance"].to_list() == pytest.approx([28 * 3 / 16] * 2)
    (whole,) = banded(summed(found.parts.with_columns(sender=pl.lit("ses")), ["sender"])).rows()
    assert banded(summed(parted(found.parts, shares, "sender"), ["sender"])).rows() == [whole]
    unknown = summed(parted(found.parts, shares.clear(), "hour"), ["hour"])
    assert unknown.select("hour", "messages").rows() == [(None, 28.0)]


@st.composite
def cohorts(draw: st.DrawFn) -> Cohort:
    """Executions of two workflows, in flight or not, with messages before their end."""
    ended = draw(st.none() | st.integers(0, 30))
    ages = st.integers(0, 30 if ended is None else ended)
    return Cohort(
        draw(st.integers(0, 100)),
        draw(st.integers(1, 60)),
        ended,
        tuple(sorted(draw(st.sets(ages, max_size=3)))),
        draw(st.sampled_from(["a", "b"])),
        draw(st.sampled_from(["v1", "v2"])),
    )


@few_cases
@given(some=st.lists(cohorts(), max_size=12), days=st.integers(1, 20), more=st.integers(1, 10))
def test_any_past(some: list[Cohort], days: int, more: int) -> None:
    """What comes later isn't looked at; more days say the same of the first; sums are sums; nothing is below none."""
    told = forecast(past(some, until=70), active("a", "b"), day(70), days)
    same = forecast(past(some), active("a", "b"), day(70), days)
    longer = forecast(past(some, until=70), active("a", "b"), day(70), days + more)
    assert of_days(told) == of_days(same) == of_days(longer)[:days]
    rows, whole = summed(told.parts, ["day"]), summed(told.parts, ["workflow_id"])
    assert rows["messages"].sum() == pytest.approx(whole["messages"].sum())
    assert rows.height in {0, days}
    assert rows.select(pl.all_horizontal(pl.col("in_flight", "entries", "variance") >= 0).all()).item()
    assert banded(rows).filter(~pl.col("messages").round().is_between("low", "high")).is_empty()


@few_cases
@given(some=st.lists(cohorts(), max_size=12))
def test_without_entries_lately_only_those_in_flight_are_counted(some: list[Cohort]) -> None:
    long_past = [replace(one, entered=one.entered % 14) for one in some]
    found = summed(forecast(past(long_past), active("a", "b"), day(70), 14).parts, ["workflow_id"])
    assert found["entries"].sum() == 0
    gone = [one for one in long_past if one.ended is not None and one.entered + one.ended < 70]
    none = summed(forecast(past(gone), active("a", "b"), day(70), 14).parts, ["workflow_id"])
    assert none["messages"].sum() == 0
