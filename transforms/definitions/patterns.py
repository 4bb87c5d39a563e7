"""Patterns as `patterns.yaml` declares them (semantics.md §8)."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, Field
from pydantic_core import InitErrorDetails

from transforms.definitions.base import Definition, Duration, Name, Number, advice, fault, refusal


class DeclaredTerm(Definition):
    """Events of one name, over a window that ends `offset` ago; no window: all history."""

    type: Name = Field(description="The name of the events.")
    time_window: Duration | None = Field(
        default=None,
        validation_alias=AliasChoices("time_window", "timeWindow"),
        description="Over how long they are counted; without it, ever since the first.",
    )
    offset: Duration | None = Field(default=None, description="How long ago the window ends.")
    metric: Literal["count", "total_value"] = Field(
        default="count", description="Whether events are counted, or their values summed."
    )


class CountedTerm(DeclaredTerm):
    """`min_count ≤ amount ≤ max_count`, those given."""

    min_count: Number | None = Field(
        default=None,
        validation_alias=AliasChoices("min_count", "minCount"),
        description="At least so many (or so much).",
    )
    max_count: Number | None = Field(
        default=None,
        validation_alias=AliasChoices("max_count", "maxCount"),
        description="At most so many (or so much).",
    )

    @classmethod
    def faults_in(cls, given: dict[str, Any]) -> Iterator[InitErrorDetails]:
        """The bounds leave something between them."""
        low = next((given[key] for key in ("min_count", "minCount") if key in given), None)
        high = next((given[key] for key in ("max_count", "maxCount") if key in given), None)
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            yield fault((), f"min_count {low} is greater than max_count {high}: the term can't be true")


class WeightedTerm(DeclaredTerm):
    """Adds `weight * amount` to the score."""

    weight: Number = Field(description="What each one adds to the score; may be negative.")


class ThresholdTerm(DeclaredTerm):
    """Holds when the amount reaches `threshold`."""

    threshold: Number = Field(description="From how many (or how much) on the term holds.")


class OrderedTerm(Definition):
    """An event, within `within` of the term before."""

    type: Name = Field(description="The name of the event.")
    within: Duration | None = Field(
        default=None, description="How long after the term before it may come; without it, any time."
    )


def _some(terms: tuple[Definition, ...]) -> tuple[Definition, ...]:
    if not terms:
        raise refusal("given an empty list; allowed: at least one term")
    return terms


Some = AfterValidator(_some)


class PatternBase(Definition):
    """What all patterns have; `trigger_action` is a label for people."""

    trigger_action: str | None = Field(
        default=None,
        validation_alias=AliasChoices("trigger_action", "triggerAction"),
        description="A label for people; nothing reads it.",
    )


class SequencePattern(PatternBase):
    """True when every term's amount is within its bounds."""

    pattern: Literal["sequence"] = Field(description="True while each term's amount is within its bounds.")
    events: Annotated[tuple[CountedTerm, ...], Some] = Field(description="The terms, all of which must hold.")


class WeightedScorePattern(PatternBase):
    """True when the sum of weight * amount reaches the threshold."""

    pattern: Literal["weighted_score"] = Field(description="True while the score reaches the threshold.")
    events: Annotated[tuple[WeightedTerm, ...], Some] = Field(description="What adds to the score.")
    threshold: Number = Field(description="From which score on it is true.")


class CumulativePattern(PatternBase):
    """True when all terms (or any, with `match: any`) reach their thresholds."""

    pattern: Literal["cumulative"] = Field(
        description="True while the terms' amounts reach their thresholds."
    )
    events: Annotated[tuple[ThresholdTerm, ...], Some] = Field(description="The terms.")
    match: Literal["all", "any"] = Field(
        default="all", description="Whether all terms must reach them, or any one."
    )


class OrderedPattern(PatternBase):
    """True when the terms' events occurred in this order, each within its `within` of the one before."""

    pattern: Literal["ordered"] = Field(description="True once the events have come in this order.")
    events: Annotated[tuple[OrderedTerm, ...], Some] = Field(description="The events, in order.")


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
