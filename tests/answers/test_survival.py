"""Survival curves: the textbook product, and the interval of Greenwood's formula."""

from math import exp, log, sqrt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.answers.survival import kaplan_meier

WATCHED = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)


def curve(*watched: tuple[float, bool]) -> pl.DataFrame:
    durations, converted = zip(*watched, strict=True)
    return kaplan_meier(pl.Series(durations), pl.Series(converted))


def test_by_hand() -> None:
    # One converts at 1, one at 2 while another is seen no longer; one is seen until 3; the last converts at 5.
    rows = curve((1, True), (2, True), (2, False), (3, False), (5, True))
    assert rows.select("at", "at_risk").rows() == [(0, 5), (1, 5), (2, 4), (3, 2), (5, 1)]
    assert rows["share"].to_list() == pytest.approx([1, 4 / 5, 4 / 5 * 3 / 4, 3 / 5, 0])


def test_the_interval_is_log_log_of_greenwood() -> None:
    rows = curve((1, True), (2, True), (2, False), (3, False), (5, False))
    share, variance = 3 / 5, 1 / (5 * 4) + 1 / (4 * 3)
    wide = 1.959964 * sqrt(variance) / log(share)
    low, high = rows.row(2, named=True)["low"], rows.row(2, named=True)["high"]
    assert (low, high) == pytest.approx((share ** exp(-wide), share ** exp(wide)), rel=1e-4)


def test_nobody_has_no_curve_and_of_nobody_converted_it_is_flat() -> None:
    assert kaplan_meier(pl.Series([], dtype=pl.Float64), pl.Series([], dtype=pl.Boolean)).is_empty()
    assert curve((3, False), (4, False))["share"].to_list() == [1, 1, 1]


@given(WATCHED)
def test_the_product_over_those_at_risk(watched: list[tuple[int, bool]]) -> None:
    share, wanted = 1.0, [1.0]
    for at in sorted({one for one, _ in watched}):
        at_risk = sum(one >= at for one, _ in watched)
        share *= 1 - sum(one == at and is_hit for one, is_hit in watched) / at_risk
        wanted.append(share)
    assert curve(*watched)["share"].to_list() == pytest.approx(wanted)
