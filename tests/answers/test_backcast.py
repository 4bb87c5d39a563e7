"""Forecasts of the past: literal errors, and a year with weekdays in which last week tells less."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from tests.answers.pasts import Cohort, active, day, past
from transforms.answers.backcast import backcast, errors

WEEKDAYS = (120, 80, 60, 60, 90, 30, 20)


def actives(firsts: list[int]) -> pl.DataFrame:
    """`w` was active on each of these days."""
    return pl.concat([active("w").with_columns(day=pl.lit(day(one))) for one in firsts])


def test_the_errors_of_a_forecast_and_of_last_week() -> None:
    cohorts = [Cohort(7 * week, 10, ended=1, messages=(1,)) for week in range(8)]
    changed = [*cohorts, Cohort(56, 14, ended=1, messages=(1,))]
    rows = backcast(past(changed), actives([56]), [day(56)], 7)
    assert rows.select("day", "came", "messages", "last_week").row(1) == (day(57), 14, 10.0, 10)
    assert rows.height == 7
    (found,) = errors(rows).rows(named=True)
    assert found == {
        "first": day(56),
        "came": 14,
        "messages": 10.0,
        "error": pytest.approx(4 / 7),
        "last_week_error": pytest.approx(4 / 7),
        "within": pytest.approx(6 / 7),
    }


def test_a_second_week_is_held_against_the_week_before_the_first_day() -> None:
    cohorts = [Cohort(number, 1 + number // 7, ended=0, messages=(0,)) for number in range(70)]
    rows = backcast(past(cohorts), actives([56]), [day(56)], 14)
    assert rows["came"].to_list() == [9] * 7 + [10] * 7
    assert rows["last_week"].to_list() == [8] * 14


def test_days_before_there_was_history_enough_are_left_out() -> None:
    cohorts = [Cohort(number, 3, ended=0, messages=(0,)) for number in range(40)]
    rows = backcast(past(cohorts), actives([7, 14]), [day(7), day(14)], 7)
    assert rows["first"].unique().to_list() == [day(14)]
    assert backcast(past(cohorts), actives([7]), [], 7).is_empty()


def test_a_year_with_weekdays_is_told_better_than_by_last_week() -> None:
    """Entries by weekday, by chance; a third leaves before the message of the third day; another comes after ten."""
    draws = np.random.default_rng(7)
    cohorts: list[Cohort] = []
    for number in range(364):
        entries = int(draws.poisson(WEEKDAYS[number % 7]))
        cuts = [0, *np.cumsum(draws.multinomial(entries, [1 / 3, 1 / 3, 1 / 3])).tolist()]
        leave, once, twice = (high - low for low, high in pairwise(cuts))
        ends = (Cohort(number, leave, 2), Cohort(number, once, 5, (3,)), Cohort(number, twice, 10, (3, 10)))
        cohorts += [one for one in ends if one.n]
    firsts = [*range(70, 350, 28)]
    found = errors(backcast(past(cohorts), actives(firsts), [day(one) for one in firsts], 14))
    error, last_week, within = found.select(pl.col("error", "last_week_error", "within").mean()).row(0)
    assert found.height == 10
    assert error < 0.85 * last_week
    assert 0.7 < within < 0.92
