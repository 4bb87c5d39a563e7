"""Whom workflows met, and who converted: semantics.md §10, customers and not executions."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tests.semantics.cases import at
from transforms.answers.exposures import draw_exposures, exposures
from transforms.tables.frames import EXECUTIONS, GOAL_HITS, chosen

Row = dict[str, Any]
ENTRY = chosen(EXECUTIONS, "workflow_id", "customer_id", "entered_at", "status")
DRAW = {"workflow_id": pl.String, "customer_id": pl.String, "arm": pl.String, "at": pl.Datetime("us", "UTC")}
HIT = chosen(GOAL_HITS, "workflow_id", "customer_id", "entered_at", "at")


def entry(day: float, status: str = "completed", who: str = "ann", workflow: str = "w") -> Row:
    return {"workflow_id": workflow, "customer_id": who, "entered_at": at(days=day), "status": status}


def hit(entered: float, day: float, who: str = "ann", workflow: str = "w") -> Row:
    return {"workflow_id": workflow, "customer_id": who, "entered_at": at(days=entered), "at": at(days=day)}


def goals(**windows: float | None) -> pl.DataFrame:
    days = {"w": 10.0, **windows}
    return pl.DataFrame(
        {
            "workflow_id": list(days),
            "window": [None if one is None else timedelta(days=one) for one in days.values()],
        },
        schema={"workflow_id": pl.String, "window": pl.Duration("us")},
    )


def exposed(
    entries: list[Row],
    hits: list[Row],
    since: datetime | None = None,
    until: datetime | None = None,
    new_only: bool = False,
    **windows: float | None,
) -> list[tuple[str, str, datetime, bool | None]]:
    """Who, in which arm, since when, converted; the goal of `w` has a window of 10 days."""
    found = exposures(
        pl.DataFrame(entries, schema=ENTRY),
        pl.DataFrame(hits, schema=HIT),
        goals(**windows),
        since=since,
        until=until,
        new_only=new_only,
    )
    return found.select("customer_id", "arm", "exposed_at", "converted").rows()


def test_the_first_entry_exposes_and_any_hit_in_its_window_counts() -> None:
    entries = [entry(5), entry(0), entry(20)]
    assert exposed(entries, [hit(5, 9)]) == [("ann", "treated", at(), True)]
    assert exposed(entries, [hit(5, 10)]) == [("ann", "treated", at(), True)]
    assert exposed(entries, [hit(5, 10.001)]) == [("ann", "treated", at(), False)]
    assert exposed(entries, [hit(20, 21)]) == [("ann", "treated", at(), False)]


def test_held_out_customers_enter_again_and_are_one_each() -> None:
    entries = [entry(day, "held_out", "bob") for day in (0, 1, 2, 3)] + [
        entry(0, "running"),
        entry(1, who="cy"),
    ]
    hits = [hit(3, 4, "bob"), hit(0, 0, "ann")]
    assert exposed(entries, hits) == [
        ("ann", "treated", at(), True),
        ("bob", "held_out", at(), True),
        ("cy", "treated", at(days=1), False),
    ]


def test_the_period_says_which_entry_is_the_first() -> None:
    entries, hits = [entry(0), entry(12, "held_out"), entry(15)], [hit(0, 3), hit(15, 23)]
    assert exposed(entries, hits, since=at(days=1)) == [("ann", "held_out", at(days=12), False)]
    assert exposed(entries, hits, since=at(days=12)) == [("ann", "held_out", at(days=12), False)]
    assert exposed(entries, hits, since=at(days=13)) == [("ann", "treated", at(days=15), True)]
    assert exposed(entries, hits, until=at(days=12)) == [("ann", "treated", at(), True)]
    assert exposed(entries, hits, until=at()) == []


def test_what_began_the_exposure_is_no_outcome_of_it() -> None:
    entries = [entry(0), entry(12)]
    assert exposed(entries, [hit(0, 12)], since=at(days=5)) == [("ann", "treated", at(days=12), False)]
    assert exposed(entries, [hit(12, 12)], since=at(days=5)) == [("ann", "treated", at(days=12), True)]


def test_a_goal_without_hits_is_not_known() -> None:
    entries = [entry(0), entry(0, "held_out", "bob"), entry(0, workflow="x"), entry(0, workflow="elsewhere")]
    assert exposed(entries, [], w=None) == [("ann", "treated", at(), None), ("bob", "held_out", at(), None)]


def test_workflows_are_apart() -> None:
    entries = [entry(0), entry(3, workflow="x", status="held_out"), entry(0, who="bob", workflow="x")]
    assert exposed(entries, [hit(3, 4, workflow="x")], x=2) == [
        ("ann", "treated", at(), False),
        ("ann", "held_out", at(days=3), True),
        ("bob", "treated", at(), False),
    ]


def test_nobody() -> None:
    assert exposed([], []) == []


def test_of_new_customers_only_the_first_entry_of_all_time_counts() -> None:
    entries = [entry(0), entry(12), entry(13, "held_out", "bob"), entry(14, "held_out", "bob")]
    assert exposed(entries, [], since=at(days=1), new_only=True) == [("bob", "held_out", at(days=13), False)]
    assert exposed(entries, [], since=at(days=14), new_only=True) == []
    assert exposed(entries, [], new_only=True) == exposed(entries, [])


def drawn(day: float, arm: str, who: str = "ann") -> Row:
    return {"workflow_id": "w", "customer_id": who, "arm": arm, "at": at(days=day)}


def met(
    draws: list[Row], hits: list[Row], since: datetime | None = None, *, new_only: bool = False
) -> list[tuple[str, str, datetime, bool | None]]:
    frames = pl.DataFrame(draws, schema=DRAW), pl.DataFrame(hits, schema=HIT)
    found = draw_exposures(*frames, goals(), since=since, new_only=new_only)
    return found.select("customer_id", "arm", "exposed_at", "converted").rows()


def test_the_first_draw_decides_the_arm_and_hits_after_it_count_of_whichever_entry() -> None:
    draws = [drawn(9, "b"), drawn(3, "a"), drawn(4, "c", "bob"), drawn(5, "b", "cy")]
    hits = [hit(0, 13), hit(1, 4, "bob"), hit(2, 4, "cy"), hit(2, 15.001, "cy")]
    assert met(draws, hits) == [
        ("ann", "a", at(days=3), True),
        ("bob", "c", at(days=4), False),
        ("cy", "b", at(days=5), False),
    ]


def test_the_period_of_draws() -> None:
    draws = [drawn(3, "a"), drawn(9, "b"), drawn(8, "c", "bob")]
    assert met(draws, [], at(days=5)) == [("ann", "b", at(days=9), False), ("bob", "c", at(days=8), False)]
    assert met(draws, [], at(days=5), new_only=True) == [("bob", "c", at(days=8), False)]


DAYS = st.integers(0, 15)


@given(
    st.lists(st.tuples(DAYS, st.sampled_from("abc"), st.sampled_from("xyz")), unique_by=lambda one: one[::2]),
    st.lists(st.tuples(DAYS, DAYS, st.sampled_from("xyz"))),
    st.integers(0, 15),
    st.booleans(),
)
def test_draws_are_met_as_plain_python_says(
    draws: list[tuple[int, str, str]], hits: list[tuple[int, int, str]], since: int, new_only: bool
) -> None:
    expected = []
    for who in "xyz":
        own = sorted(one for one in draws if one[2] == who)
        inside = [one for one in own if one[0] >= since]
        if not inside or (new_only and inside != own):
            continue
        start, arm, _ = inside[0]
        converted = any(start < day <= start + 10 for _, day, other in hits if other == who)
        expected.append((who, arm, at(days=start), converted))
    found = met(
        [drawn(*one) for one in draws], [hit(*one) for one in hits], at(days=since), new_only=new_only
    )
    assert found == expected
