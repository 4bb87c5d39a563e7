"""The share that reached the goal by each day: rows by hand, and the product-limit estimate in plain Python."""

from math import ceil, prod

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.answers.survival_days import DAY, SCHEMA, conversion_by_day


def watched(*rows: tuple[str, float, bool]) -> pl.DataFrame:
    """Arm, days, and whether the goal was reached then."""
    frame = pl.DataFrame(rows, {"arm": pl.String, "days": pl.Float64, "reached": pl.Boolean}, orient="row")
    return frame.select("arm", "reached", seconds=pl.col("days") * DAY)


def test_by_hand() -> None:
    """Five entries: hits at once, after one and a half days, after three; watched for two and for three and a half."""
    found = conversion_by_day(
        watched(("t", 0, True), ("t", 1.5, True), ("t", 2, False), ("t", 3, True), ("t", 3.5, False))
    )
    rows = found.select("arm", "days", "at_risk", "conversions", pl.col("share").round(9)).rows()
    # Still without: 4/5; of these 3/4; then one of the two who are left.
    assert rows == [
        ("t", 0, 5, 1, 0.2),
        ("t", 1, 4, 0, 0.2),
        ("t", 2, 3, 1, 0.4),
        ("t", 3, 2, 1, 0.7),
        ("t", 4, 0, 0, 0.7),
    ]


def test_arms_apart_and_intervals() -> None:
    found = conversion_by_day(watched(*[("a", 1, True)] * 5, *[("a", 2, False)] * 5, ("b", 1, False)))
    assert found.filter(arm="b").select("days", "at_risk", "share").rows() == [(0, 1, 0.0), (1, 1, 0.0)]
    day = found.filter(arm="a", days=1)
    # Greenwood's variance on the log-log scale, half of them left: 0.5 ** exp(1.96 * sqrt(0.1) / log(2)).
    assert day["high"].item() == pytest.approx(1 - 0.5**2.4449, abs=1e-3)
    assert day["low"].item() == pytest.approx(1 - 0.5 ** (1 / 2.4449), abs=1e-3)


def test_all_converted_has_no_interval_and_nobody_no_rows() -> None:
    found = conversion_by_day(watched(("a", 1, True), ("a", 1, True)))
    assert found.select("share", "low", "high").row(-1) == (1.0, None, None)
    assert conversion_by_day(watched()).rows() == []
    assert dict(conversion_by_day(watched()).schema) == SCHEMA


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["held_out", "treated"]), st.integers(0, 40).map(lambda n: n / 4), st.booleans()
        ),
        min_size=1,
        max_size=30,
    )
)
def test_equals_the_product_limit(rows: list[tuple[str, float, bool]]) -> None:
    found = conversion_by_day(watched(*rows))
    assert set(found["arm"]) == {arm for arm, _, _ in rows}
    for arm, day, at_risk, conversions, share, low, high in found.iter_rows():
        times = [(t, reached) for of, t, reached in rows if of == arm]
        left = [
            1 - sum(one == t and hit for one, hit in times) / sum(one >= t for one, _ in times)
            for t in sorted({t for t, hit in times if hit and t <= day})
        ]
        assert share == pytest.approx(1 - prod(left))
        assert at_risk == sum(t >= day for t, _ in times)
        assert conversions == sum(hit and ceil(t) == day for t, hit in times)
        assert low is None or low - 1e-9 <= share <= high + 1e-9
    assert found.group_by("arm").agg(pl.col("conversions").sum())["conversions"].sum() == sum(
        hit for *_, hit in rows
    )
