"""Experiments side by side."""

import polars as pl
import pytest

from transforms.answers.experiment import analyse
from transforms.answers.lifts import SCHEMA, lifts


def groups(**converted: tuple[int, int]) -> pl.DataFrame:
    """Group → how many of how many converted."""
    rows = [(name, place < n) for name, (n, of) in converted.items() for place in range(of)]
    frame = pl.DataFrame(rows, {"group": pl.String, "converted": pl.Boolean}, orient="row")
    return frame.with_columns(
        pl.lit(None, pl.Float64).alias("value"), pl.lit(None, pl.Float64).alias("before")
    )


def test_a_row_for_each_group_beside_the_control() -> None:
    found = lifts(
        {
            "a": analyse(groups(held_out=(20, 100), blue=(40, 100), red=(20, 100)), "held_out"),
            "b": analyse(groups(held_out=(0, 50), treated=(5, 100)), "held_out"),
        }
    )
    told = (
        "workflow_id",
        "group",
        "converted",
        "customers",
        "control_converted",
        "lift",
        "shows",
        "rates_told",
    )
    assert found.select(told).rows() == [
        ("a", "blue", 40, 100, 20, pytest.approx(1.0), "more", "40.0 % of 100 against 20.0 % of 100"),
        ("a", "red", 20, 100, 20, pytest.approx(0.0), None, "20.0 % of 100 against 20.0 % of 100"),
        ("b", "treated", 5, 100, 0, None, None, "5.0 % of 100 against 0.0 % of 50"),
    ]
    assert found["lift_told"].to_list()[0].startswith("+100.0 % (")
    assert found["lift_high"].to_list()[2] is None
    assert found["rate"].to_list() == pytest.approx([0.4, 0.2, 0.05])


def test_nothing_to_compare() -> None:
    assert lifts({}).is_empty()
    assert list(lifts({"a": analyse(groups(held_out=(1, 2)), "held_out")}).schema) == list(SCHEMA)
