"""Which variant of a message a customer gets."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from tests.oracle.values import bucket
from transforms.definitions.actions import Message
from transforms.delivery.steps import STEP, StepKey
from transforms.delivery.variants import WINNERS, chosen_variants

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
KEY: StepKey = ("cart", "v1", "default", "1")
NOBODY = pl.DataFrame(schema=WINNERS)
THREE = Message.model_validate(
    {"content": "C", "variants": [{"name": "a", "weight": 2}, {"name": "b"}, {"name": "c", "weight": 0.5}]}
)


def due(customers: Sequence[str], key: StepKey = KEY, at: datetime = AT) -> pl.DataFrame:
    return pl.DataFrame({"customer_id": customers}).with_columns(
        *(pl.lit(value).alias(name) for name, value in zip(STEP, key, strict=True)), at=pl.lit(at)
    )


def winners(*rows: tuple[str, datetime], key: StepKey = KEY) -> pl.DataFrame:
    return pl.DataFrame([(*key, *row) for row in rows], schema=WINNERS, orient="row")


def by_weight(customer: str, step: str = "1") -> str:
    """Semantics.md §9, one customer at a time: 2, 1 and 0.5 of 3.5."""
    drawn = bucket("variant", "cart", step, customer)
    return "a" if drawn < 2 / 3.5 else "b" if drawn < 3 / 3.5 else "c"


MANY = [f"customer-{number}" for number in range(3500)]


def test_variants_are_drawn_by_weight_and_stay() -> None:
    chosen = chosen_variants(due(MANY), {KEY: THREE}, NOBODY).to_list()
    assert chosen == [by_weight(one) for one in MANY]
    assert [chosen.count(one) for one in "abc"] == pytest.approx([2000, 1000, 500], abs=100)
    later = due(MANY[::-1], ("cart", "v2", "family", "1"), AT + timedelta(days=90))
    assert chosen_variants(later, {("cart", "v2", "family", "1"): THREE}, NOBODY).to_list() == chosen[::-1]


def test_steps_draw_apart() -> None:
    key = ("cart", "v1", "default", "3")
    both = pl.concat([due(MANY[:50]), due(MANY[:50], key)])
    chosen = chosen_variants(both, {KEY: THREE, key: THREE}, NOBODY).to_list()
    assert chosen == [by_weight(one) for one in MANY[:50]] + [by_weight(one, "3") for one in MANY[:50]]
    assert chosen[:50] != chosen[50:]


def test_a_step_without_variants_has_none() -> None:
    plain = Message.model_validate({"content": "C"})
    assert chosen_variants(due(["x"]), {KEY: plain}, NOBODY).to_list() == [None]
    assert chosen_variants(due(["x"]), {}, NOBODY).to_list() == [None]
    assert chosen_variants(due([]), {KEY: THREE}, NOBODY).to_list() == []


def varied(**winner: Any) -> Message:
    return THREE.model_validate({**THREE.model_dump(), "winner": {"metric": "opened", **winner}})


def test_from_its_instant_on_the_winner_takes_over_but_for_a_share() -> None:
    won = winners(("c", AT))
    before = chosen_variants(due(MANY, at=AT - timedelta(microseconds=1)), {KEY: varied(keep=0.1)}, won)
    assert before.to_list() == [by_weight(one) for one in MANY]
    after = chosen_variants(due(MANY, at=AT), {KEY: varied(keep=0.1)}, won).to_list()
    stay = [bucket("variant_kept", "cart", "1", one) < 0.1 for one in MANY]
    assert after == [by_weight(one) if stays else "c" for one, stays in zip(MANY, stay, strict=True)]
    assert 250 < sum(stay) < 450
    assert set(chosen_variants(due(MANY), {KEY: varied(keep=0)}, won)) == {"c"}


def test_the_latest_winner_that_has_begun_counts() -> None:
    won = winners(("c", AT - timedelta(days=9)), ("a", AT + timedelta(days=1)), ("b", AT - timedelta(days=1)))
    assert set(chosen_variants(due(MANY), {KEY: varied(keep=0)}, won)) == {"b"}


@pytest.mark.parametrize("other", [("cart", "v1", "default", "2"), ("cart", "v2", "default", "1")])
def test_a_winner_of_another_step_or_version_says_nothing(other: StepKey) -> None:
    won = winners(("c", AT), key=other)
    chosen = chosen_variants(due(MANY[:20]), {KEY: varied(keep=0)}, won).to_list()
    assert chosen == [by_weight(one) for one in MANY[:20]]


def test_a_winner_that_is_no_variant_any_more_says_nothing() -> None:
    chosen = chosen_variants(due(MANY[:20]), {KEY: varied(keep=0)}, winners(("z", AT))).to_list()
    assert chosen == [by_weight(one) for one in MANY[:20]]
