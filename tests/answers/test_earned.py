"""Revenue of an experiment's customers: after the exposure, and as long before it."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tests.semantics.cases import at
from transforms.answers.earned import with_revenue

INSTANT = pl.Datetime("us", "UTC")
EXPOSED: dict[str, Any] = {"customer_id": pl.String, "exposed_at": INSTANT}
ORDERS: dict[str, Any] = {"customer_id": pl.String, "ts": INSTANT, "earned_at": INSTANT, "cents": pl.Int64}
Order = tuple[str, datetime, datetime, int]


def order(day: float, money: float, who: str = "ann", earned: float | None = None) -> Order:
    """Told on a day, earned on that day or on another."""
    return who, at(days=day), at(days=day if earned is None else earned), round(100 * money)


def spent(exposed: dict[str, float], orders: list[Order], days: float = 10) -> dict[str, tuple[float, float]]:
    """Who was exposed on which day → after, before."""
    rows = [(who, at(days=day)) for who, day in exposed.items()]
    found = with_revenue(
        pl.DataFrame(rows, schema=EXPOSED, orient="row"),
        pl.DataFrame(orders, schema=ORDERS, orient="row"),
        timedelta(days=days),
    )
    return {who: (value, before) for who, _, value, before in found.iter_rows()}


def test_orders_after_the_exposure_and_as_long_before_it() -> None:
    orders = [
        order(10, 1),
        order(10.001, 2),
        order(20, 4.01),
        order(20.001, 8),
        order(0, 16),
        order(0.001, 32),
    ]
    assert spent({"ann": 10, "bob": 10}, orders) == {"ann": (6.01, 33.0), "bob": (0.0, 0.0)}


def test_a_refund_counts_where_its_order_was_earned() -> None:
    refund = order(25, -3, earned=12)
    assert spent({"ann": 10}, [order(12, 5), refund]) == {"ann": (2.0, 0.0)}
    assert spent({"ann": 10}, [order(12, 5), order(15, -5)]) == {"ann": (0.0, 0.0)}


def test_what_is_given_back_later_takes_nothing_off_the_time_before() -> None:
    late = order(15, -5, earned=5)
    assert spent({"ann": 10}, [order(5, 5), late]) == {"ann": (0.0, 5.0)}
    assert spent({"ann": 10}, [order(5, 5), order(8, -5, earned=5)]) == {"ann": (0.0, 0.0)}


def test_each_customer_has_an_own_time_and_only_own_orders() -> None:
    orders = [order(day, 1, who) for who in ("ann", "bob", "eve") for day in (1, 5, 9)]
    assert spent({"bob": 4, "ann": 8}, orders, days=4) == {"bob": (1.0, 1.0), "ann": (1.0, 1.0)}


DAYS = st.integers(0, 12)
PAID = st.tuples(st.sampled_from(["ann", "bob", "eve"]), DAYS, DAYS, st.integers(-500, 500))


@given(
    st.fixed_dictionaries({}, optional={"ann": DAYS, "bob": DAYS, "cy": DAYS}),
    st.lists(PAID, max_size=12),
    st.integers(1, 8),
)
def test_it_is_what_plain_python_says(
    exposed: dict[str, int], orders: list[tuple[str, int, int, int]], window: int
) -> None:
    found = spent(
        dict(exposed), [order(ts, cents / 100, who, earned) for who, ts, earned, cents in orders], window
    )
    expected = {}
    for who, start in exposed.items():
        own = [one[1:] for one in orders if one[0] == who]
        after = sum(cents for _, earned, cents in own if start < earned <= start + window)
        before = sum(cents for ts, earned, cents in own if start - window < earned <= start and ts <= start)
        expected[who] = (after / 100, before / 100)
    assert found == expected
