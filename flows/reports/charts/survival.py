"""The share that reached the goal by the time since the entry, as a chart."""

import polars as pl

from flows.reports.charts.style import ARMS, DASHES, INK, SOFT, Chart, alt, dressed

WIDTH, HEIGHT, ROW = 560, 300, 18
TICKS = 8


def survival_chart(workflow: str, curve: pl.DataFrame) -> Chart:
    """A line for each arm, its 95 percent interval, and below how many were still watched.

    Args:
        workflow: its id.
        curve: what `survival` returns as a frame, at least a row.
    """
    arms = [one for one in ARMS if one in curve["arm"].unique()]
    names = curve.group_by("arm").agg(
        told=_told(pl.col("share").last(), pl.col("low").last(), pl.col("high").last())
    )
    told = dict(names.iter_rows())
    rows = curve.with_columns(
        pl.col("arm").replace_strict(told).alias("line"),
        *((100 * pl.col(one)).alias(one) for one in ("share", "low", "high")),
    )
    days = _ticks(int(curve["days"].to_numpy().max()))
    axis = alt.Axis(values=days, format="d", grid=False)
    x = alt.X(
        "days:Q", title="days since the entry", scale=alt.Scale(domain=[0, max(days)], nice=False), axis=axis
    )
    lines = _lines(rows, x, [told[one] for one in arms], arms)
    counts = _at_risk(rows.filter(pl.col("days").is_in(days)), arms, max(days))
    subtitle = (
        "Share of entries that reached the goal, with 95 % intervals; who still can counts as long as watched"
    )
    return dressed(alt.vconcat(lines, counts, spacing=8), f"Time to the goal of {workflow}", subtitle)


def _lines(rows: pl.DataFrame, x: Chart, names: list[str], arms: list[str]) -> Chart:
    legend = alt.Legend(
        title=None, orient="top", symbolType="stroke", symbolSize=300, symbolStrokeWidth=2.5, symbolOpacity=1
    )
    colour = alt.Color(
        "line:N", scale=alt.Scale(domain=names, range=[ARMS[one] for one in arms]), legend=legend
    )
    dash = alt.StrokeDash(
        "line:N", scale=alt.Scale(domain=names, range=[DASHES[one] for one in arms]), legend=legend
    )
    base = alt.Chart(rows)
    percent = alt.Axis(labelExpr="datum.label + ' %'", tickCount=6)
    band = base.mark_area(opacity=0.15, interpolate="step-after").encode(
        x, alt.Y("low:Q"), alt.Y2("high:Q"), colour
    )
    line = base.mark_line(strokeWidth=2.5, interpolate="step-after").encode(
        x, alt.Y("share:Q", title=None, scale=alt.Scale(domainMin=0), axis=percent), colour, dash
    )
    return alt.layer(band, line).properties(width=WIDTH, height=HEIGHT)


def _at_risk(rows: pl.DataFrame, arms: list[str], last: int) -> Chart:
    """A row of numbers for each arm."""
    axis = alt.Axis(title=None, domain=False, ticks=False, labelPadding=22)
    return (
        alt.Chart(rows)
        .mark_text(fontSize=12, color=INK)
        .encode(
            alt.X("days:Q", title=None, axis=None, scale=alt.Scale(domain=[0, last], nice=False)),
            alt.Y("arm:N", sort=arms, axis=axis),
            text=alt.Text("at_risk:Q", format=","),
        )
        .properties(
            width=WIDTH,
            height=alt.Step(ROW),
            title=alt.TitleParams(
                text="still watched",
                anchor="start",
                frame="group",
                fontSize=12,
                fontWeight="normal",
                color=SOFT,
                offset=4,
            ),
        )
    )


def _told(share: pl.Expr, low: pl.Expr, high: pl.Expr) -> pl.Expr:
    """The arm, and what it comes to."""
    figures = [(100 * one).round(1).cast(pl.String).fill_null("-") for one in (share, low, high)]
    return pl.format("{}: {} % ({} … {})", pl.col("arm").first(), *figures)


def _ticks(last: int) -> list[int]:
    """Whole days from 0 on, so many that their numbers stand apart."""
    apart = max(1, -(-last // TICKS))
    steps = [one for one in (1, 2, 5, 7, 10, 14, 30, 60, 90, 180, 365) if one >= apart]
    return [*range(0, last + 1, steps[0] if steps else apart)] if last else [0, 1]
