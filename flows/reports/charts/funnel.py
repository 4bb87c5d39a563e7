"""The funnel as a chart: a bar for each step, of what became of those who reached it."""

import polars as pl

from flows.reports.charts.style import INK, Chart, alt, dressed, fate_colours
from flows.reports.charts.texts import thousands
from transforms.answers.funnel import fates

WIDTH, STEP = 380, 26


def funnel_chart(workflow: str, drop_off: pl.DataFrame) -> Chart:
    """A panel for each branch; bars in percent of those who took it.

    Args:
        workflow: its id.
        drop_off: what `funnel` returns as a frame, at least a row.
    """
    steps = drop_off.select(
        *("branch", "position", "entered"),
        what=pl.concat_str(
            "step", "action_type", pl.col("label").fill_null(""), separator=" "
        ).str.strip_chars(),
        reached=pl.col("pct_of_entries").cast(pl.Float64).fill_null(0.0),
        told=pl.format(
            "{} ({} %)",
            thousands("entered"),
            pl.col("pct_of_entries").cast(pl.Float64).round(1).fill_null(0.0),
        ),
    )
    parts = fates(drop_off)
    shown = parts["fate"].unique().to_list()
    panels = [
        _panel(str(branch), rows, parts.filter(pl.col("branch") == branch), shown)
        for (branch,), rows in steps.partition_by("branch", as_dict=True, maintain_order=True).items()
    ]
    subtitle = "Who reached each step, in percent of those who took the branch, and what became of them there"
    return dressed(alt.vconcat(*panels, spacing=18), f"Funnel of {workflow}", subtitle)


def _panel(branch: str, steps: pl.DataFrame, parts: pl.DataFrame, shown: list[str]) -> Chart:
    named = parts.join(steps.select("position", "what"), on="position", maintain_order="left")
    order = steps.sort("position")["what"].to_list()
    y = alt.Y("what:N", sort=order, title=None, axis=alt.Axis(domain=False, ticks=False, labelPadding=8))
    axis = alt.Axis(format="d", labelExpr="datum.label + ' %'", tickCount=5)
    x, reached = (
        alt.X(f"{name}:Q", title=None, scale=alt.Scale(domain=[0, 100]), axis=axis)
        for name in ("share", "reached")
    )
    bars = (
        alt.Chart(named)
        .mark_bar(height={"band": 0.72})
        .encode(
            x, y, color=fate_colours(shown), order="place:Q", tooltip=["what:N", "fate:N", "n:Q", "share:Q"]
        )
    )
    told = (
        alt.Chart(steps)
        .mark_text(align="left", dx=6, fontSize=12, color=INK)
        .encode(reached, y, text="told:N")
    )
    heading = alt.TitleParams(
        text=f"branch {branch}", anchor="start", frame="group", fontSize=13, fontWeight="normal", offset=6
    )
    layers = [told] if parts.is_empty() else [bars, told]
    return alt.layer(*layers).properties(width=WIDTH, height=alt.Step(STEP), title=heading)
