"""Patterns in sentences."""

import pytest

from transforms.definitions.reading import read_patterns
from transforms.definitions.told_patterns import pattern_told


@pytest.mark.parametrize(
    ("text", "when", "terms"),
    [
        (
            "{pattern: sequence, events: [{type: visit, time_window: 7d, offset: 1d, min_count: 3, max_count: 5}, "
            "{type: order, max_count: 0}]}",
            "true while all of these hold",
            [
                'the number of "visit" events in 7d, until 1d ago at least 3 and at most 5',
                'the number of "order" events at most 0',
            ],
        ),
        (
            "{pattern: weighted_score, threshold: 40, events: [{type: visit, weight: 2.5, time_window: 3d}]}",
            "true while the sum of these is at least 40",
            ['2.5 times the number of "visit" events in 3d'],
        ),
        (
            "{pattern: cumulative, match: any, events: [{type: order, metric: total_value, threshold: 1000}]}",
            "true while one of these holds",
            ['the sum of the values of "order" events at least 1000'],
        ),
        (
            "{pattern: cumulative, events: [{type: order, threshold: 3}]}",
            "true while all of these hold",
            ['the number of "order" events at least 3'],
        ),
        (
            "{pattern: ordered, events: [{type: visit}, {type: order, within: 2d}]}",
            "true once these have come in this order",
            ['the event "visit"', 'the event "order", within 2d of the one before'],
        ),
    ],
)
def test_a_pattern_in_sentences(text: str, when: str, terms: list[str]) -> None:
    assert pattern_told(read_patterns(f"p: {text}", "patterns.yaml")["p"]) == (when, terms)
