"""Rows of an experiment's file, read and judged."""

import polars as pl
import pytest

from tests.semantics.cases import Row
from transforms.answers.outcomes import customers_of, judged, refusals
from transforms.tables.frames import OUTCOMES

ROW = {"line": pl.Int64, "reason": pl.String, **OUTCOMES}


def rows(*given: Row) -> pl.DataFrame:
    found = [{"line": line, "group": "a", "outcome": "1", **one} for line, one in enumerate(given, start=2)]
    return judged(pl.DataFrame(found, schema=ROW))


@pytest.mark.parametrize(
    ("text", "converted"),
    [(one, True) for one in ("1", "true", "TRUE", "yes", "Y", "t", "1.0")]
    + [(one, False) for one in ("0", "false", "False", "no", "N", "f", "0.0")],
)
def test_outcomes(text: str, converted: bool) -> None:
    found = rows({"customer_id": "ann", "outcome": text})
    assert found.select("reason", "converted").row(0) == (None, converted)


@pytest.mark.parametrize(
    ("given", "reason", "told"),
    [
        ({"group": None}, "no_group", None),
        ({"outcome": None}, "no_outcome", None),
        ({"outcome": "maybe"}, "bad_outcome", "maybe"),
        ({"outcome": "2"}, "bad_outcome", "2"),
        ({"value": "dear"}, "bad_value", "dear"),
        ({"value": "NaN"}, "bad_value", "NaN"),
        ({"value": "inf"}, "bad_value", "inf"),
        ({"value": "1e999"}, "bad_value", "1e999"),
        ({"before": "-inf"}, "bad_before", "-inf"),
        ({"reason": "not_json"}, "not_json", None),
        ({"value": "-3.5", "before": "1e3"}, None, None),
    ],
)
def test_reasons(given: Row, reason: str | None, told: str | None) -> None:
    found = rows({"customer_id": "ann", **given})
    assert found.select("reason", "given").row(0) == (reason, told)


def test_any_outcome_counts_values_sum_and_the_first_of_before_counts() -> None:
    found = rows(
        {"customer_id": "ann", "outcome": "0", "value": "1.5", "before": None},
        {"customer_id": "ann", "outcome": "1", "value": None, "before": "7"},
        {"customer_id": "ann", "outcome": "0", "value": "-4", "before": "9"},
        {"customer_id": "bob", "outcome": "0", "group": "b"},
    )
    assert customers_of(found).rows() == [("ann", "a", True, -2.5, 7.0), ("bob", "b", False, None, None)]


def test_a_customer_in_two_groups_is_left_out_with_all_rows() -> None:
    found = rows(
        {"customer_id": "ann"},
        {"customer_id": "bob", "group": "a"},
        {"customer_id": "ann", "group": "b", "outcome": "?"},
        {"customer_id": "cy", "group": None},
        {"customer_id": "cy"},
    )
    assert customers_of(found)["customer_id"].to_list() == ["bob", "cy"]
    assert refusals(found).rows() == [
        ("two_groups", 2, 1, 2, "ann", "a and b"),
        ("no_group", 1, 1, 5, "cy", None),
    ]


def test_nothing_is_refused() -> None:
    assert refusals(rows({"customer_id": "ann"})).is_empty()
    assert customers_of(rows()).is_empty()
