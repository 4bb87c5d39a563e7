"""A journey map as frames: bends, boxes, and bars whose parts are what became of customers."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.answers.funnel import FATES, fates, with_unreached
from transforms.answers.journey_map import HEIGHT, WIDTH
from transforms.answers.map_shapes import MARGIN, THINNEST, WIDEST, bars, bent, boxes, laid_out, lines, signs

COLUMNS = ("passed", "waiting_here", "left_here_converted", "left_here_exited", "left_here_failed")


def drop_off(*steps: tuple[str, str, str, tuple[int, ...]], entries: int) -> pl.DataFrame:
    """Rows of the report: step, action, label, and what `COLUMNS` count."""
    rows = [
        {
            "workflow_id": "w",
            "branch": "default",
            "step": step,
            "position": place,
            "action_type": action,
            "label": label,
        }
        | dict(zip(COLUMNS, counts, strict=True))
        | {
            "entered": sum(counts),
            "left_here": sum(counts[2:]),
            "pct_of_entries": 100 * sum(counts) / entries,
        }
        for place, (step, action, label, counts) in enumerate(steps)
    ]
    return pl.DataFrame(rows)


STEPS = drop_off(
    ("0", "wait", "7d", (50, 20, 20, 10, 0)),
    ("1", "branch_decision", "yes, default", (50, 0, 0, 0, 0)),
    ("1.yes.0", "add_tag", "fan", (40, 0, 0, 0, 0)),
    entries=100,
)


def test_fates_are_shares_of_the_entries() -> None:
    found = fates(STEPS).filter(position=0)
    assert found.select("fate", "n", "share").rows() == [
        ("went on", 50, 50.0),
        ("waits there", 20, 20.0),
        ("converted", 20, 20.0),
        ("exited", 10, 10.0),
    ]


def test_bars_follow_each_other_from_left_to_right() -> None:
    laid = laid_out(STEPS, {"default": 100})
    steps = boxes(laid).filter(kind="step")
    (left,) = steps.filter(name="0")["x"]
    found = (
        bars(steps, STEPS).filter(name="0").select((pl.col("x", "x2") - left - MARGIN) / (WIDTH - 2 * MARGIN))
    )
    assert [tuple(round(one, 9) for one in row) for row in found.rows()] == [
        (0, 0.5),
        (0.5, 0.7),
        (0.7, 0.9),
        (0.9, 1),
    ]


def test_lines_are_as_wide_as_their_customers() -> None:
    laid = laid_out(STEPS, {"default": 100})
    found = (
        lines(laid, 100)
        .group_by("line", maintain_order=True)
        .agg(pl.col("customers", "thick", "nobody").first())
    )
    assert found.select("customers", "thick", "nobody").rows() == [
        (100, WIDEST, False),
        (50, WIDEST / 2, False),
        (40, WIDEST * 0.4, False),
        (40, WIDEST * 0.4, False),
        (10, WIDEST * 0.1, False),
    ]
    assert signs(laid).select("name", "customers").rows() == [("yes", 40), ("default", 10)]
    nobody = lines(laid_out(STEPS.clear(), {"default": 0}), 0)
    assert set(nobody.select("thick", "nobody").rows()) == {(THINNEST, True)}


def test_a_branch_without_steps_is_drawn() -> None:
    laid = laid_out(STEPS, {"default": 100, "plain": 3})
    assert signs(laid)["name"].to_list() == ["default", "yes", "default", "plain"]
    assert boxes(laid).filter(name="0").select(pl.col("y2") - pl.col("y")).item() == HEIGHT


def test_steps_nobody_reached_are_counted_as_none() -> None:
    steps = STEPS.select("workflow_id", "branch", "step", "position", "action_type", "label")
    assert with_unreached(STEPS, steps.clear()).equals(STEPS)
    found = with_unreached(STEPS.clear(), steps)
    assert found.columns == STEPS.columns
    assert found["entered"].to_list() == [0, 0, 0]
    assert fates(found).is_empty()


places = st.floats(-500, 500, allow_nan=False)


@given(st.lists(st.tuples(places, places), min_size=2, max_size=5))
def test_bends_go_through_their_points_and_between_them(points: list[tuple[float, float]]) -> None:
    x, y = bent(points)
    assert (x[0], y[0]) == points[0]
    assert (x[-1], y[-1]) == pytest.approx(points[-1])
    assert min(x) >= min(one for one, _ in points) - 1e-6
    assert max(x) <= max(one for one, _ in points) + 1e-6
    assert min(y) >= min(one for _, one in points) - 1e-6
    assert max(y) <= max(one for _, one in points) + 1e-6


def test_every_fate_has_a_colour() -> None:
    from flows.reports.charts import style

    assert list(style.FATES) == list(FATES.values())
