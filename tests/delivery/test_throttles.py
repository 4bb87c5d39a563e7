"""How much goes out at most: held against a plain loop, message by message."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.delivery.chosen import with_choices
from flows.delivery.policies import domain_key
from flows.settings import Settings
from tests.delivery.test_dispatch import due as due_frame
from tests.delivery.test_dispatch import message
from transforms.delivery.throttles import EVERY_OTHER, Bounds, WarmUpPlan, let_through
from transforms.delivery.variants import NO_WINNERS

NOW = datetime(2026, 3, 5, 12, 30, tzinfo=UTC)
DUE = {"message_id": pl.String, "at": pl.Datetime("us", "UTC"), "domain": pl.String}
SENT = {"domain": pl.String, "last_hour": pl.Int64, "today": pl.Int64}
DOMAINS = ["gmail.com", "web.de", "shop.example", "t-online.de"]
Message = tuple[str, datetime, str]
Count = tuple[str, int, int]


def by_hand(due: list[Message], sent: list[Count], bounds: Bounds, now: datetime) -> set[str]:
    """The ids that go out: one message at a time, the oldest first."""
    hour, today = Counter[str](), 0
    for domain, last_hour, since_midnight in sent:
        hour[domain] += last_hour
        today += since_midnight
    gone = set()
    for message_id, _, domain in sorted(due, key=lambda one: (one[1], one[0])):
        own = bounds.domain_per_hour.get(domain, bounds.domain_per_hour.get(EVERY_OTHER))
        daily = bounds.warm_up.bound(now.date()) if bounds.warm_up else None
        full = (
            (own is not None and hour[domain] >= own)
            or (bounds.per_hour is not None and hour.total() >= bounds.per_hour)
            or (daily is not None and today >= daily)
        )
        if not full:
            gone.add(message_id)
            hour[domain] += 1
            today += 1
    return gone


def passed(due: list[Message], sent: list[Count], bounds: Bounds, now: datetime = NOW) -> set[str]:
    frame = pl.DataFrame(due, schema=DUE, orient="row")
    found = let_through(frame, pl.DataFrame(sent, schema=SENT, orient="row"), bounds, now)
    assert found.dtype == pl.Boolean
    assert len(found) == len(due)
    return set(frame.filter(found)["message_id"])


few = st.integers(0, 4)
limits = st.none() | st.integers(1, 6)
instants = few.map(lambda minutes: NOW - timedelta(minutes=minutes))
messages = st.lists(
    st.tuples(st.uuids().map(str), instants, st.sampled_from(DOMAINS)),
    max_size=12,
    unique_by=lambda one: one[0],
)
counts = st.lists(st.tuples(st.sampled_from(DOMAINS), few, few), max_size=4)
plans = st.builds(
    WarmUpPlan,
    st.integers(-3, 3).map(lambda days: date(2026, 3, 5) + timedelta(days=days)),
    st.integers(1, 3),
    st.sampled_from([1.0, 1.5, 2.0]),
    st.integers(1, 4),
)
all_bounds = st.builds(
    Bounds,
    limits,
    st.dictionaries(st.sampled_from([*DOMAINS[:2], EVERY_OTHER]), st.integers(1, 3)),
    st.none() | plans,
)


@given(messages, counts, all_bounds)
def test_as_many_go_as_one_by_one(due: list[Message], sent: list[Count], bounds: Bounds) -> None:
    assert passed(due, sent, bounds) == by_hand(due, sent, bounds, NOW)


@given(messages, counts)
def test_without_bounds_everything_goes(due: list[Message], sent: list[Count]) -> None:
    assert passed(due, sent, Bounds()) == {one[0] for one in due}


def at(minute: int) -> datetime:
    return NOW - timedelta(hours=2) + timedelta(minutes=minute)


def test_what_a_domain_holds_back_takes_no_room_from_others() -> None:
    due = [("a", at(0), "gmail.com"), ("b", at(1), "gmail.com"), ("c", at(2), "web.de")]
    assert passed(due, [], Bounds(per_hour=2, domain_per_hour={"gmail.com": 1})) == {"a", "c"}


def test_every_other_domain_counts_for_itself() -> None:
    due = [
        ("a", at(0), "web.de"),
        ("b", at(1), "shop.example"),
        ("c", at(2), "web.de"),
        ("d", at(3), "gmail.com"),
    ]
    bounds = Bounds(domain_per_hour={EVERY_OTHER: 1, "gmail.com": 5})
    assert passed(due, [("gmail.com", 4, 4)], bounds) == {"a", "b", "d"}


def test_the_oldest_go_first_whatever_the_order_of_rows() -> None:
    due = [("new", at(9), "web.de"), ("old", at(1), "web.de"), ("mid", at(5), "web.de")]
    assert passed(due, [("gmail.com", 1, 1)], Bounds(per_hour=2)) == {"old"}


def test_the_hour_counts_what_went_out_to_anybody() -> None:
    assert (
        passed([("a", at(0), "web.de")], [("gmail.com", 3, 3), ("x.example", 2, 2)], Bounds(per_hour=5))
        == set()
    )


@pytest.mark.parametrize(
    ("day", "bound"),
    [
        (date(2025, 1, 1), 500), (date(2026, 3, 1), 500), (date(2026, 3, 2), 750), (date(2026, 3, 3), 1125),
        (date(2026, 3, 4), 1687), (date(2026, 3, 5), None), (date(2030, 1, 1), None),
    ],
)  # fmt: skip
def test_a_plan_grows_from_day_to_day_and_ends(day: date, bound: int | None) -> None:
    assert WarmUpPlan(date(2026, 3, 1), 500, 1.5, 4).bound(day) == bound


def test_a_plan_that_grows_beyond_all_numbers_is_no_bound() -> None:
    assert WarmUpPlan(date(2026, 1, 1), 10**9, 1e300, 365).bound(date(2026, 12, 1)) is None


def test_yesterday_doesn_t_count_for_the_plan_of_today() -> None:
    bounds = Bounds(warm_up=WarmUpPlan(date(2026, 3, 5), 2, 2.0, 9))
    due = [("a", at(0), "web.de"), ("b", at(1), "web.de"), ("c", at(2), "web.de")]
    assert passed(due, [("web.de", 0, 1)], bounds) == {"a"}
    assert passed(due, [("web.de", 0, 1)], bounds, NOW + timedelta(days=1)) == {"a", "b", "c"}


def test_a_domain_is_the_same_in_every_script() -> None:
    given = ["a@MÜNCHEN.de", "Ann <b@münchen.de>", "c@xn--mnchen-3ya.de", "x@Gmail.com", "nobody", None]
    frame = due_frame(*(message(number, email=one) for number, one in enumerate(given)))
    chosen = with_choices(Settings(), frame.with_columns(tags=pl.lit([])), {}, [], NO_WINNERS)
    assert chosen["domain"].to_list() == [*["xn--mnchen-3ya.de"] * 3, "gmail.com", "", ""]
    assert domain_key("München.DE") == "xn--mnchen-3ya.de"
