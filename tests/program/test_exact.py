"""Numbers of any size are compared exactly, and one value is one text however it is written (semantics.md §5)."""

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.oracle.values import EPOCH, holds, same, text
from transforms.columns.json_values import NUMBER, intern, number_ranks, numbers_frame, text_of
from transforms.program.conditions import truth_of
from transforms.timing.instants import with_instants

near = st.builds(
    lambda base, by, sign: sign * (base + by),
    st.sampled_from([0, 2**53, 10**16, 2**63, 2**64, 10**25, 2**1024]),
    st.integers(-2, 2),
    st.sampled_from([1, -1]),
)
finite = st.floats(allow_nan=False, allow_infinity=False)
small = st.floats(-1e-3, 1e-3)
doubles = st.sampled_from([2.0**53, 1e16, 2.0**63, 1e25, -1e25, 0.5, -0.0]) | finite | small
numbers = near | doubles | near.map(lambda one: float(one) if abs(one) < 2**1023 else 1.0)
OPERATORS = ["equals", "not_equals", "greater_than", "less_than", "at_least", "at_most"]


def interned(*values: Any) -> tuple[pl.DataFrame, list[int]]:
    """The dictionary of values, and their codes."""
    column = pl.Series("x", list(map(json.dumps, values)), dtype=pl.String)
    dictionary, codes = intern({"x": column}, ())
    return with_instants(dictionary), codes["x"].tolist()


@given(numbers, numbers, st.sampled_from(OPERATORS))
def test_two_numbers(have: float, value: float, operator: str) -> None:
    dictionary, (code,) = interned(have)
    verdict = dictionary.select(truth_of(operator, value).alias("holds"))["holds"]
    found = verdict[code if len(verdict) > 1 else 0]
    assert found == holds(operator, have, value, EPOCH)


@given(st.lists(numbers, min_size=2, max_size=6))
@example([6.103515625e-05, 1e-4, 1e-5, -1.5e-6, 5e-324])
def test_codes_and_ranks_are_those_of_the_exact_numbers(given: list[float]) -> None:
    dictionary, codes = interned(*given, [given[0]], [given[1]])
    ranks = number_ranks(dictionary)
    for one, code in zip(given, codes, strict=False):
        for other, another in zip(given, codes, strict=False):
            assert (code == another) is same(one, other)
            assert bool(ranks[code] < ranks[another]) is (one < other)
    assert (codes[-2] == codes[-1]) is same(given[0], given[1])
    assert [dictionary["json"][code] for code in codes[: len(given)]] == [text_of(one) for one in given]


@given(numbers)
def test_the_text_of_a_number(given: float) -> None:
    assert text_of(given) == text(given)


@given(st.lists(small | st.floats(-1e15, 1e15), min_size=1))
@example([6.103515625e-05, 1e-4, 1e-5, -1.5e-6, 5e-324])
def test_a_number_that_was_counted_has_the_text_of_one_that_was_read(given: list[float]) -> None:
    found = numbers_frame(np.array(given), np.full(len(given), NUMBER))
    assert found["json"].to_list() == [text_of(one) for one in given]


@pytest.mark.parametrize("digits", ["1" * 5000, "-" + "9" * 5000])
def test_an_integer_too_long_to_read_is_beyond_all_others(digits: str) -> None:
    dictionary, codes = intern({"x": pl.Series([digits, f"[{digits}]", "1"])}, ())
    verdict = dictionary.select(truth_of("greater_than", 0).alias("holds"))["holds"]
    assert [verdict[code] for code in codes["x"].tolist()] == [digits[0] != "-", False, True]
