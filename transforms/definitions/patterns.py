"""Patterns as `patterns.yaml` declares them (semantics.md §8)."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, Field
from pydantic_core import InitErrorDetails

from transforms.definitions.base import Definition, Duration, Name, Number, advice, fault, refusal


class DeclaredTerm(Definition):
    """Events of one name, over a window that ends `offset` ago; no window: all history."""

    type: Name
    time_window: Duration | None = Field(
        default=None, validation_alias=AliasChoices("time_window", "timeWindow")
    )
    offset: Duration | None = None
    metric: Literal["count", "total_value"] = "count"


class CountedTerm(DeclaredTerm):
    """`min_count ≤ amount ≤ max_count`, those given."""

    min_count: Number | None = Field(default=None, validation_alias=AliasChoices("min_count", "minCount"))
    max_count: Number | None = Field(default=None, validation_alias=AliasChoices("max_count", "maxCount"))

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """The bounds leave something between them."""
        low = next((given[key] for key in ("min_count", "minCount") if key in given), None)
        high = next((given[key] for key in ("max_count", "maxCount") if key in given), None)
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            yield fault((), f"min_count {low} is greater than max_count {high}: the term can't be true")


class WeightedTerm(DeclaredTerm):
    """Adds `weight * amount` to the score."""

    weight: Number


class ThresholdTerm(DeclaredTerm):
    """Holds when the amount reaches `threshold`."""

    threshold: Number


class OrderedTerm(Definition):
    """An event, within `within` of the term before."""

    type: Name
    within: Duration | None = None


def _some(terms: tuple[Definition, ...]) -> tuple[Definition, ...]:
    if not terms:
        raise refusal("given an empty list; allowed: at least one term")
    return terms


Some = AfterValidator(_some)


class PatternBase(Definition):
    """What all patterns have; `trigger_action` is a label for people."""

    trigger_action: str | None = Field(
        default=None, validation_alias=AliasChoices("trigger_action", "triggerAction")
    )


class SequencePattern(PatternBase):
    """True when every term's amount is within its bounds."""

    pattern: Literal["sequence"]
    events: Annotated[tuple[CountedTerm, ...], Some]


class WeightedScorePattern(PatternBase):
    """True when the sum of weight * amount reaches the threshold."""

    pattern: Literal["weighted_score"]
    events: Annotated[tuple[WeightedTerm, ...], Some]
    threshold: Number


class CumulativePattern(PatternBase):
    """True when all terms (or any, with `match: any`) reach their thresholds."""

    pattern: Literal["cumulative"]
    events: Annotated[tuple[ThresholdTerm, ...], Some]
    match: Literal["all", "any"] = "all"


class OrderedPattern(PatternBase):
    """True when the terms' events occurred in this order, each within its `within` of the one before."""

    pattern: Literal["ordered"]
    events: Annotated[tuple[OrderedTerm, ...], Some]


Pattern = Annotated[
    SequencePattern | WeightedScorePattern | CumulativePattern | OrderedPattern,
    Field(discriminator="pattern"),
]


def pattern_fault(name: str, patterns: Mapping[str, Pattern], *, scored: bool = False) -> str | None:
    """What is wrong with a pattern's name in a workflow; None: nothing.

    Args:
        name: what the workflow names.
        patterns: the patterns there are.
        scored: whether the pattern must have a score.
    """
    if name not in patterns:
        return f"no valid pattern {name!r}; {advice(name, sorted(patterns))}"
    if scored and not isinstance(patterns[name], WeightedScorePattern):
        with_score = sorted(one for one, found in patterns.items() if isinstance(found, WeightedScorePattern))
        kind = patterns[name].pattern
        return f"pattern {name!r} is a {kind} and has no score; {advice(name, with_score)}"
    return None
