"""Which variant of a step is the best, once its messages tell: from responses to a row of winners."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, sqrt

import polars as pl

from transforms.definitions.actions import Message
from transforms.delivery.steps import STEP, StepKey
from transforms.delivery.variants import NO_WINNERS, chosen_variants

LEVEL = 0.05
"""How often, at most, one of equal variants is taken for the best."""
_EFFECT = 0.1
"""The difference that is looked for, in standard deviations of one customer's response: the mixture's own deviation."""


@dataclass(frozen=True)
class Count:
    """How many customers got a variant, and how many of them responded."""

    variant: str
    customers: int
    responded: int

    @property
    def rate(self) -> float:
        """The share that responded."""
        return self.responded / self.customers if self.customers else 0.0


@dataclass(frozen=True)
class Decided:
    """A step's winner, and what it was decided by."""

    step: StepKey
    variant: str
    counts: tuple[Count, ...]


def decide_winners(responses: pl.DataFrame, messages: Mapping[StepKey, Message]) -> list[Decided]:
    """The winners that responses tell by now.

    Args:
        responses: one row per settled message: `STEP`, `customer_id`, `at`, `responded`.
        messages: what the steps say; each has variants and a `winner`, and none was made yet.
    """
    variants = chosen_variants(responses, messages, NO_WINNERS)
    told = responses.with_columns(variant=variants)
    decided = []
    for key, message in messages.items():
        own = told.filter(pl.col(name) == value for name, value in zip(STEP, key, strict=True))
        counts = counts_of(own, message)
        least = message.winner.minimum if message.winner else 0
        if best := winner_of(counts, least):
            decided.append(Decided(key, best, counts))
    return decided


def counts_of(told: pl.DataFrame, message: Message) -> tuple[Count, ...]:
    """The customers of each variant of a step, and those of them who responded to any message (semantics.md §10)."""
    by_variant = told.group_by("variant").agg(
        customers=pl.col("customer_id").n_unique(),
        responded=pl.col("customer_id").filter("responded").n_unique(),
    )
    every = pl.DataFrame({"variant": [one.name for one in message.variants]})
    found = every.join(by_variant, on="variant", how="left", maintain_order="left").fill_null(0)
    return tuple(
        map(Count, found["variant"].to_list(), found["customers"].to_list(), found["responded"].to_list())
    )


def winner_of(counts: tuple[Count, ...], minimum: int) -> str | None:
    """The variant that beats each other one; None while none does.

    Args:
        counts: of all variants of a step.
        minimum: how many customers each must have.
    """
    best, *others = sorted(counts, key=lambda one: one.rate, reverse=True)
    if not others or min(one.customers for one in counts) < minimum:
        return None
    level = LEVEL / len(others)
    return best.variant if all(chance(best, other) < level for other in others) else None


def chance(one: Count, other: Count) -> float:
    """The always-valid p-value of two equal shares: however often one looks, it is below x in at most x of all cases.

    That of a mixture sequential probability ratio test for two streams with a normal mixture, in standard deviations:
    Johari, Koomen, Pekelis, Walsh, *Always Valid Inference: Continuous Monitoring of A/B Tests*, Operations Research
    70 (3), 2022, §5 (equation 11).
    """
    if not one.customers or not other.customers:
        return 1.0
    pooled = (one.responded + other.responded) / (one.customers + other.customers)
    if pooled in (0.0, 1.0):
        return 1.0
    size = one.customers * other.customers / (one.customers + other.customers)
    squared = (one.rate - other.rate) ** 2 * size / (pooled * (1 - pooled))
    weight = 1 + _EFFECT**2 * size
    return min(1.0, sqrt(weight) * exp(-squared / 2 * (1 - 1 / weight)))
