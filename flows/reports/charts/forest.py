"""Lifts as a forest: a point and an interval for each group that was compared with a control group."""

import polars as pl

from flows.reports.charts.style import INK, SOFT, Chart, alt, dressed

WIDTH, ROW = 280, 44
LETTER = 6.6
"""About the width of a letter of the texts beside the forest."""
NONE = "no difference shown"
COLOURS = {"more": "#009E73", "less": "#D55E00", NONE: SOFT}
SHAPES = {"more": "triangle-up", "less": "triangle-down", NONE: "circle"}


def lift_chart(lifts: pl.DataFrame) -> Chart:
    """One row per comparison; an interval that nothing bounds goes to the edge.

    Args:
        lifts: what `lift_forest` returns as a frame, at least a row.
    """
    rows = lifts.with_columns(
        *((100 * pl.col(name)).alias(name) for name in ("lift", "lift_low", "lift_high")),
        what=pl.concat_str("workflow_id", "group", separator=": "),
        shown=pl.col("shows").fill_null(NONE),
    )
    order = rows["what"].to_list()
    subtitle = "Relative to the control group, with 95 % intervals; fixed horizon: don't peek"
    return dressed(
        alt.hconcat(_forest(rows, order), _told(rows, order), spacing=14), "Lift in conversion", subtitle
    )


def _forest(lifts: pl.DataFrame, order: list[str]) -> Chart:
    low, high = _ends(lifts)
    bounds = pl.col("lift_low").fill_null(low), pl.col("lift_high").fill_null(high)
    known = ~pl.all_horizontal(pl.col("lift", "lift_low", "lift_high").is_null())
    rows = lifts.filter(known).with_columns(bounds)
    x = {name: _across(name, low, high) for name in ("at", "lift", "lift_low")}
    ends = alt.Axis(domain=False, ticks=False, labelPadding=10)
    y = alt.Y("what:N", scale=alt.Scale(domain=order), title=None, axis=ends)
    legend = alt.Legend(title=None, orient="top", symbolSize=90)
    shown = [one for one in COLOURS if one in lifts["shown"]]
    colours, shapes = (
        alt.Scale(domain=shown, range=[some[one] for one in shown]) for some in (COLOURS, SHAPES)
    )
    colour = alt.Color("shown:N", scale=colours, legend=legend)
    shape = alt.Shape("shown:N", scale=shapes, legend=legend)
    zero = alt.Chart(pl.DataFrame({"at": [0]})).mark_rule(color=SOFT, strokeDash=[4, 3]).encode(x["at"])
    point = alt.Chart(lifts).mark_point(size=110, filled=True, opacity=1).encode(x["lift"], y, colour, shape)
    reach = alt.Chart(rows).mark_rule(strokeWidth=2.5).encode(x["lift_low"], alt.X2("lift_high:Q"), y, colour)
    layers = [zero, point] if rows.is_empty() else [zero, reach, point]
    return alt.layer(*layers).properties(width=WIDTH, height=alt.Step(ROW))


def _across(name: str, low: float, high: float) -> Chart:
    """A column of percents, from left to right."""
    signed = "datum.value == 0 ? '0 %' : datum.label + ' %'"
    axis = alt.Axis(labelExpr=signed, format="+d", tickCount=5)
    return alt.X(f"{name}:Q", title=None, scale=alt.Scale(domain=[low, high], nice=False), axis=axis)


def _ends(lifts: pl.DataFrame) -> tuple[float, float]:
    """Of the axis, in percent: a little beyond what is known, at least 10 to either side; nothing is below −100."""
    known = lifts.select(
        pl.concat_list("lift", "lift_low", "lift_high").list.explode().alias("at")
    ).drop_nulls()["at"]
    low, high = min(-10.0, *known, 0.0), max(10.0, *known, 0.0)
    return 1.06 * low, 1.06 * high


def _told(rows: pl.DataFrame, order: list[str]) -> Chart:
    """Beside the forest: the lift, and below it the rates."""
    y = alt.Y("what:N", scale=alt.Scale(domain=order), axis=None)
    longest = max(len(text) for name in ("lift_told", "rates_told") for text in rows[name])
    lines = [("lift_told", -8, INK), ("rates_told", 8, SOFT)]
    texts = [
        alt.Chart(rows)
        .mark_text(align="left", fontSize=12, dy=dy, color=colour)
        .encode(y, x=alt.value(0), text=f"{name}:N")
        for name, dy, colour in lines
    ]
    return alt.layer(*texts).properties(width=LETTER * longest, height=alt.Step(ROW))
