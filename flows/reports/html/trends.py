"""How a workflow went week by week, as the page draws it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

MEASURES = ("entries", "completions", "conversions", "messages")
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Trend:
    """A measure: bars (place, width, height in a square of 100), the last week, and the change to it."""

    measure: str
    counts: list[int]
    bars: list[tuple[float, float, float]]
    last: int
    before: int
    change: str


@dataclass(frozen=True)
class Trends:
    """The measures that there are, and the end of each week, the oldest first."""

    measures: list[Trend]
    until: list[str]
    rows: list[tuple[str, list[int]]]


def trends_of(weeks: pl.DataFrame, shown: int, as_of: datetime | None) -> Trends | None:
    """Week by week; None where nothing came.

    Args:
        weeks: rows of `sql/reports/page/weeks.sql`, of one workflow.
        shown: how many weeks.
        as_of: when the last of them ends.
    """
    if weeks.is_empty() or as_of is None:
        return None
    ends = [f"{as_of - WEEK * ago:%Y-%m-%d}" for ago in range(shown)][::-1]
    found = [_trend(one, _counts(weeks, one, shown)) for one in MEASURES]
    told = [one for one in found if any(one.counts)]
    rows = [(end, [one.counts[at] for one in told]) for at, end in enumerate(ends)]
    return Trends(told, ends, rows[::-1])


def _counts(weeks: pl.DataFrame, measure: str, shown: int) -> list[int]:
    """Of each week, the oldest first."""
    of = dict(weeks.filter(pl.col("measure") == measure).select("weeks_ago", "n").iter_rows())
    return [of.get(ago, 0) for ago in range(shown)][::-1]


def _trend(measure: str, counts: list[int]) -> Trend:
    room, most = 100 / len(counts), max(counts) or 1
    bars = [(at * room, 0.8 * room, 100 * n / most) for at, n in enumerate(counts)]
    last, before = counts[-1], counts[-2]
    return Trend(
        measure,
        counts,
        bars,
        last,
        before,
        f"{100 * (last - before) / before:+.1f} %".replace("-", "−") if before else "",
    )
