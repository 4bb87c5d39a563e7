"""Which variant is the best: by customers, and by a test that may be looked at as often as one likes."""

from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest

from transforms.definitions.actions import Message
from transforms.delivery.steps import STEP, StepKey
from transforms.delivery.variants import WINNERS, chosen_variants
from transforms.delivery.winners import Count, chance, counts_of, decide_winners, winner_of

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
KEY: StepKey = ("cart", "v1", "default", "1")
TWO = Message.model_validate(
    {
        "content": "C",
        "variants": [{"name": "a"}, {"name": "b"}],
        "winner": {"metric": "opened", "minimum": 100},
    }
)


def counts(**given: tuple[int, int]) -> tuple[Count, ...]:
    return tuple(Count(name, *one) for name, one in given.items())


@pytest.mark.parametrize(
    ("given", "minimum", "best"),
    [
        (counts(a=(2000, 400), b=(2000, 520)), 100, "b"),
        (counts(a=(2000, 520), b=(2000, 400)), 100, "a"),
        (counts(a=(2000, 400), b=(2000, 420)), 100, None),
        (counts(a=(2000, 400), b=(2000, 520)), 2001, None),
        (counts(a=(2000, 400), b=(99, 60)), 100, None),
        (counts(a=(2000, 400), b=(2000, 520), c=(2000, 515)), 100, None),
        (counts(a=(2000, 400), b=(2000, 520), c=(2000, 300)), 100, "b"),
        (counts(a=(2000, 0), b=(2000, 0)), 100, None),
        (counts(a=(2000, 2000), b=(2000, 2000)), 100, None),
        (counts(a=(100, 0), b=(100, 5)), 100, None),
        (counts(a=(0, 0), b=(0, 0)), 0, None),
        (counts(a=(2000, 400)), 100, None),
    ],
)
def test_the_best_variant_beats_each_other_one(
    given: tuple[Count, ...], minimum: int, best: str | None
) -> None:
    assert winner_of(given, minimum) == best


def test_the_p_value_by_hand() -> None:
    """400 and 500 of 2,000: shares .2 and .25, pooled .225, 1/n + 1/m = 1/1000, so Z² = .05² · 1000 / (.225 · .775).

    1 + τ² · 1000 = 11, and 1/Λ = √11 · exp(−Z²/2 · 10/11).
    """
    assert chance(*counts(a=(2000, 400), b=(2000, 500))) == pytest.approx(0.0049034, abs=1e-6)


def looks_until_a_winner(level: float, runs: int) -> tuple[float, float]:
    """How often one of two equal variants wins, looked at 100 times: by our test, and by a plain one of that level."""
    drawn = np.random.default_rng(11).binomial(100, 0.2, (runs, 2, 100)).cumsum(axis=2)
    bound = NormalDist().inv_cdf(1 - level / 2)
    ours, plain = 0, 0
    for a, b in drawn:
        seen = [(100 * (look + 1), int(a[look]), int(b[look])) for look in range(100)]
        ours += any(winner_of(counts(a=(n, one), b=(n, other)), 100) for n, one, other in seen)
        plain += any(abs(one - other) > bound * (2 * n * p * (1 - p)) ** 0.5 for n, one, other in seen
                     for p in [(one + other) / (2 * n)])  # fmt: skip
    return ours / runs, plain / runs


def test_equal_variants_rarely_win_however_often_one_looks() -> None:
    ours, plain = looks_until_a_winner(0.05, runs=300)
    assert ours <= 0.05
    assert plain > 0.2


def responses(variant_of: dict[str, str], responded: set[str], at: datetime = AT) -> pl.DataFrame:
    rows = [(*KEY, customer, at, customer in responded) for customer in variant_of]
    return pl.DataFrame(
        rows,
        schema={
            **dict.fromkeys((*STEP, "customer_id"), pl.String),
            "at": WINNERS["from"],
            "responded": pl.Boolean,
        },
        orient="row",
    )


def drawn(count: int, message: Message = TWO) -> dict[str, str]:
    names = [f"c{number}" for number in range(count)]
    frame = responses(dict.fromkeys(names, ""), set())
    return dict(zip(names, chosen_variants(frame, {KEY: message}, pl.DataFrame(schema=WINNERS)), strict=True))


def test_the_winner_of_a_step_is_the_variant_its_customers_respond_to() -> None:
    variant_of = drawn(1000)
    mine = {customer for customer, variant in variant_of.items() if variant == "b"}
    told = responses(variant_of, set(sorted(mine)[: len(mine) // 2]))
    (decided,) = decide_winners(told, {KEY: TWO})
    assert (decided.step, decided.variant) == (KEY, "b")
    assert {one.variant: one.responded for one in decided.counts} == {"a": 0, "b": len(mine) // 2}
    assert sum(one.customers for one in decided.counts) == 1000


def test_customers_are_counted_once_and_variants_that_nobody_got_too() -> None:
    told = pl.concat(
        [responses({"x": "a"}, {"x"}, AT + timedelta(days=day)) for day in range(3)]
        + [responses({"x": "a", "y": "a"}, set())]
    ).with_columns(variant=pl.lit("a"))
    assert counts_of(told, TWO) == (Count("a", 2, 1), Count("b", 0, 0))
    nothing: Any = responses({}, set())
    assert decide_winners(nothing, {KEY: TWO}) == []
