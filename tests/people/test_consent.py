"""The two lists of semantics.md §11, in every spelling."""

import polars as pl
import pytest
from hypothesis import given

from tests.engine.strategies_workflows import consent_values
from tests.oracle.consent import NO, YES, consent
from transforms.columns.json_values import canonical
from transforms.people.consent import read_consent


def says(*values: object) -> list[str]:
    frame = read_consent(pl.Series([canonical(one) for one in values], dtype=pl.String))
    told = dict(frame.iter_rows())
    return [told[canonical(one)] for one in values]


@pytest.mark.parametrize(("words", "expected"), [(NO, "no"), (YES, "yes")])
def test_each_word_in_every_spelling(words: set[str], expected: str) -> None:
    for word in words:
        dashed = word.replace("_", "-")
        spellings = [word, word.upper(), word.title(), dashed, dashed.replace("-", " "), f" {word}\t"]
        assert says(*dict.fromkeys(spellings)) == [expected] * len(set(spellings)), word


def test_booleans_numbers_and_what_says_nothing() -> None:
    assert says(False, 0, True, 1) == ["no", "no", "yes", "yes"]
    assert says(None, "", " \t ") == ["nothing"] * 3
    assert says(2, -1, 0.5, "maybe", "opt__out", "not", [False], {"no": 1}) == ["unknown"] * 8


def test_no_values_at_all() -> None:
    assert says() == []


@given(consent_values)
def test_it_reads_as_the_oracle_does(value: object) -> None:
    (found,) = says(value)
    assert {"no": "no", "yes": "yes"}.get(found) == consent(value)
