"""The life table of executions: who was at risk, who stayed, what came of each."""

import polars as pl

from tests.answers.pasts import Cohort, active, day, past
from transforms.answers.life_table import ENOUGH, life_table

Rows = list[tuple[float, float, int]]


def table(cohorts: list[Cohort], until: int, ages: int, version: str = "v1") -> Rows:
    """(alive, rate, at_risk) by age."""
    kinds = active("w", version=version).with_columns(branch=pl.lit("default"))
    found = life_table(past(cohorts), kinds, day(until), ages)
    return found.sort("age").select("alive", "rate", "at_risk").rows()


def test_those_in_flight_count_for_the_ages_that_they_have_lived_through() -> None:
    cohorts = [
        Cohort(0, 1, ended=1, messages=(0,)),
        Cohort(0, 2, ended=2, messages=(0,)),
        Cohort(0, 1),
        Cohort(2, 2),
    ]
    assert table(cohorts, until=3, ages=5) == [
        (1.0, 0.5, 6),
        (1.0, 0.0, 4),
        (0.75, 0.0, 3),
        (0.25, 0.0, 0),
        (0.25, 0.0, 0),
    ]


def test_what_came_on_the_day_or_later_isn_t_known() -> None:
    cohorts = [Cohort(0, 4, ended=3, messages=(3,)), Cohort(3, 9, messages=(0,))]
    assert table(cohorts, until=3, ages=4) == table([Cohort(0, 4)], until=3, ages=4)


def test_a_new_version_is_told_by_the_others_until_it_has_been_seen_often_enough() -> None:
    old = Cohort(0, 100, ended=1, messages=(1,))
    few, enough = (Cohort(5, n, ended=1, version="v2") for n in (ENOUGH - 1, ENOUGH))
    both = 100 / (100 + ENOUGH - 1)
    assert [rate for _, rate, _ in table([old, few], 10, 2, "v2")] == [0.0, both]
    assert [rate for _, rate, _ in table([old, enough], 10, 2, "v2")] == [0.0, 0.0]


def test_what_is_long_past_counts_only_where_nothing_newer_is_known() -> None:
    long_past = Cohort(0, 100, ended=2, messages=(0, 2))
    lately = Cohort(100, 100, ended=1, messages=())
    assert table([long_past, lately], until=110, ages=3) == [
        (1.0, 0.0, 100),
        (1.0, 0.0, 100),
        (0.0, 1.0, 100),
    ]
