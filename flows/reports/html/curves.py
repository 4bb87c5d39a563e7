"""Survival curves of a workflow's arms, as the page draws them: how many haven't reached the goal, by time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor

import polars as pl

from transforms.answers.survival import kaplan_meier
from transforms.answers.wording import UNKNOWN

MINUTE, HOUR, DAY = 60, 3600, 86400
STEPS = (
    *(1, 5, 15, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR),
    *(DAY, 2 * DAY, 5 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 60 * DAY, 90 * DAY, 180 * DAY, 365 * DAY),
)
"""Between the marks of the time axis, in seconds."""
MARKS = 6
POINTS = 80
"""So many steps of a curve are drawn, evenly spread over its time."""
_BOTTOMS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
"""Where the other axis begins."""


@dataclass(frozen=True)
class Row:
    """What the curve of an arm says at a mark of the time axis; told as text, and as the number it is."""

    at: str
    seconds: float
    arm: str
    share: float
    told: str
    at_risk: int


@dataclass(frozen=True)
class Curve:
    """An arm's curve as SVG path data in a square of 100, with the band of its interval."""

    arm: str
    entries: int
    reached: int
    line: str
    band: str
    last: str


@dataclass(frozen=True)
class Survival:
    """The curves of a workflow on the same axes; marks are places in percent, and what stands there."""

    curves: list[Curve]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    rows: list[Row]
    is_cut: bool


def survival_of(watched: pl.DataFrame) -> Survival | None:
    """The curves of those who were watched.

    Args:
        watched: rows of `sql/reports/survival/watched.sql`.

    Returns:
        None where nobody has reached the goal, or everybody at once.
    """
    longest = watched["seconds"].max()
    if not watched["reached"].any() or not isinstance(longest, float) or not longest:
        return None
    arms = sorted(watched.partition_by("arm"), key=lambda one: str(one["arm"][0]), reverse=True)
    known = [(one, kaplan_meier(one["seconds"], one["reached"])) for one in arms]
    least = min(float(one.select(pl.min_horizontal(pl.col("share", "low").min())).item()) for _, one in known)
    bottom = max(one for one in _BOTTOMS if one < least or one == 0)
    marks = _marks(longest)
    return Survival(
        [_curve(rows, curve, longest, bottom) for rows, curve in known],
        [(100 * one / longest, _time(one)) for one in marks],
        [(100 * part, f"{100 - 100 * part * (1 - bottom):g} %") for part in (0.0, 0.5, 1.0)],
        [row for rows, curve in known for row in _rows(str(rows["arm"][0]), curve, marks[1:])],
        bottom > 0,
    )


def _curve(watched: pl.DataFrame, curve: pl.DataFrame, longest: float, bottom: float) -> Curve:
    drawn = _thinned(curve, longest).with_columns(pl.col("low", "high").fill_null(strategy="forward"))
    end = float(watched.select(pl.col("seconds").max()).item())
    places = [100 * at / longest for at in (*drawn["at"], end)]

    def heights(name: str) -> list[float]:
        return [100 * (1 - max(one, bottom)) / (1 - bottom) for one in drawn[name]]

    share, low, high = heights("share"), heights("low"), heights("high")
    back = [f"H{left:.2f}V{y:.2f}" for left, y in zip(places[-2:0:-1], low[-2::-1], strict=True)]
    band = f"M{_steps(places, high)}V{low[-1]:.2f}{''.join(back)}H0Z"
    told = _share(float(curve["share"][-1]))
    return Curve(
        str(watched["arm"][0]).replace("_", " "),
        watched.height,
        int(watched["reached"].sum()),
        f"M{_steps(places, share)}",
        band,
        told,
    )


def _thinned(curve: pl.DataFrame, longest: float) -> pl.DataFrame:
    """The last row of each of `POINTS` equal spans of time."""
    span = (pl.col("at") * POINTS / longest).floor()
    return curve if curve.height <= POINTS else curve.group_by(span.alias("span"), maintain_order=True).last()


def _steps(places: Sequence[float], heights: Sequence[float]) -> str:
    """A staircase: each height holds until the next place; there is one more place than heights."""
    first, *rest = (f"{x:.2f}" for x in places)
    treads = [
        f"{heights[0]:.2f}H{rest[0]}",
        *(f"V{y:.2f}H{x}" for y, x in zip(heights[1:], rest[1:], strict=True)),
    ]
    return f"{first} {''.join(treads)}"


def _rows(arm: str, curve: pl.DataFrame, marks: Sequence[float]) -> Iterator[Row]:
    asked = pl.DataFrame({"mark": pl.Series(marks, dtype=pl.Float64)}).sort("mark")
    found = asked.join_asof(curve, left_on="mark", right_on="at")
    later = curve.select("at", still="at_risk")
    found = found.join_asof(later, left_on="mark", right_on="at", strategy="forward", suffix="_later")
    for one in found.to_dicts():
        limits = f" ({_share(one['low'])} … {_share(one['high'])})" if one["low"] is not None else ""
        told = _share(one["share"]) + limits
        yield Row(
            _time(one["mark"]), one["mark"], arm.replace("_", " "), one["share"], told, one["still"] or 0
        )


def _marks(longest: float) -> list[float]:
    step = next(
        (one for one in STEPS if longest / one <= MARKS),
        STEPS[-1] * max(1, floor(longest / STEPS[-1] / MARKS)),
    )
    return [float(step * n) for n in range(floor(longest / step) + 1)]


def _time(seconds: float) -> str:
    for unit, length in (("d", DAY), ("h", HOUR), ("m", MINUTE)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:,.0f}{unit}"
    return "0" if not seconds else f"{seconds:.0f}s"


def _share(share: float | None) -> str:
    return UNKNOWN if share is None else f"{100 * share:.1f} %"
