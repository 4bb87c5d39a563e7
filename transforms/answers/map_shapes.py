"""A journey map as frames of lines, boxes and texts, for whatever draws them. Lengths are those of the map."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.answers.funnel import fates
from transforms.answers.journey_map import Branch, JourneyMap, Line, Step, journey_map
from transforms.program.steps import choices

WIDEST, THINNEST = 22.0, 1.5
"""Of a line: everybody who entered, and anybody at all."""
MARGIN = 10.0
"""Between the side of a box and what is in it."""
_BENDS = 24
"""Points of a bend between two others."""


def laid_out(drop_off: pl.DataFrame, entered: Mapping[str, int]) -> JourneyMap:
    """The map of a workflow.

    Args:
        drop_off: rows of `report_drop_off` of one workflow.
        entered: branch → how many took it, in the order in which they are drawn; those without steps too.
    """
    names = dict.fromkeys([*drop_off["branch"].unique(maintain_order=True), *entered])
    return journey_map([Branch(one, entered.get(one, 0), _steps(drop_off, one)) for one in names])


def _steps(drop_off: pl.DataFrame, branch: str) -> list[Step]:
    columns = ("step", "action_type", "label", "entered", "passed")
    rows = drop_off.filter(pl.col("branch") == branch).select(columns)
    return [
        Step(step, choices(action, label or ""), entered, passed)
        for step, action, label, entered, passed in zip(*(rows[one] for one in columns), strict=True)
    ]


def lines(laid: JourneyMap, total: int) -> pl.DataFrame:
    """The ways between boxes.

    Returns:
        One row per point: `line` (its number), `at` (the point's place), `x`, `y`, `customers`, `thick`, `nobody`.
    """
    return pl.concat(
        [pl.DataFrame(schema=_LINES), *(_line(number, one, total) for number, one in enumerate(laid.lines))]
    )


_LINES = {
    "line": pl.Int64,
    "at": pl.Int64,
    "x": pl.Float64,
    "y": pl.Float64,
    "customers": pl.Int64,
    "thick": pl.Float64,
    "nobody": pl.Boolean,
}


def _line(number: int, line: Line, total: int) -> pl.DataFrame:
    x, y = bent(line.points)
    thick = max(THINNEST, WIDEST * line.customers / total) if line.customers and total else THINNEST
    return pl.DataFrame({"x": x, "y": y}, schema={"x": pl.Float64, "y": pl.Float64}).select(
        pl.lit(number, pl.Int64).alias("line"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("at"),
        "x",
        "y",
        pl.lit(line.customers, pl.Int64).alias("customers"),
        pl.lit(thick, pl.Float64).alias("thick"),
        pl.lit(line.customers == 0).alias("nobody"),
    )


def bent(points: Sequence[tuple[float, float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of a line, straight downwards or in an S (the cubic Bézier curve that `journey_map.curve` writes)."""
    xs, ys = [np.array([points[0][0]])], [np.array([points[0][1]])]
    for (x, y), (to_x, to_y) in pairwise(points):
        t = np.linspace(0, 1, 2 if x == to_x else _BENDS)[1:]
        xs.append(x + (to_x - x) * (3 * t**2 - 2 * t**3))
        half = (y + to_y) / 2
        ys.append(y * (1 - t) ** 3 + 3 * half * t * (1 - t) + to_y * t**3)
    return np.concatenate(xs), np.concatenate(ys)


def boxes(laid: JourneyMap) -> pl.DataFrame:
    """The boxes.

    Returns:
        One row per node: `kind` (`entry`, `step`, `end`), `name`, `branch`, and its corners `x`, `y`, `x2`, `y2`.
    """
    rows = [
        (one.kind, one.name, one.branch, one.x, one.y, one.x + one.width, one.y + one.height)
        for one in laid.nodes
    ]
    texts, places = ("kind", "name", "branch"), ("x", "y", "x2", "y2")
    return pl.DataFrame(
        rows, dict.fromkeys(texts, pl.String) | dict.fromkeys(places, pl.Float64), orient="row"
    )


def signs(laid: JourneyMap) -> pl.DataFrame:
    """The names of paths and branches, where they begin.

    Returns:
        One row per name: `name`, `customers`, and its middle `x`, `y`.
    """
    rows = [(one.name, one.customers, *one.label) for one in laid.lines if one.label is not None]
    schema = {"name": pl.String, "customers": pl.Int64, "x": pl.Float64, "y": pl.Float64}
    return pl.DataFrame(rows, schema, orient="row")


def bars(steps: pl.DataFrame, drop_off: pl.DataFrame) -> pl.DataFrame:
    """What became of those who reached a step, as parts of a bar in its box.

    Args:
        steps: rows of `boxes` that are steps.
        drop_off: rows of `report_drop_off` of the workflow.

    Returns:
        One row per step and fate: `branch`, `name`, `fate`, `n`, and the part's ends `x`, `x2`; the whole bar is the
        branch's entries.
    """
    positions = drop_off.select("branch", "position", name="step")
    parts = fates(drop_off).join(positions, on=["branch", "position"]).join(steps, on=["branch", "name"])
    until = pl.col("share").cum_sum().over("branch", "name", order_by="place")
    left, whole = pl.col("x") + MARGIN, pl.col("x2") - pl.col("x") - 2 * MARGIN
    return parts.select(
        *("branch", "name", "fate", "n", "place"),
        x=left + whole * (until - pl.col("share")) / 100,
        x2=left + whole * until / 100,
    ).sort("branch", "name", "place")
