"""What all charts look like: light, in colours that people with any kind of colour vision can tell apart."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from flows.errors import InputError

try:
    import altair
    import vl_convert
except ImportError as missing:
    raise InputError(
        "charts need altair and vl-convert-python; install them with `pip install 'onward[notebook]'`. "
        "Without them `.frame` has the numbers"
    ) from missing

INK, SOFT, LINE, PAGE = "#1b1f24", "#57606a", "#d7dce2", "#ffffff"
FLOW = "#a9c6e8"
FATES = {
    "went on": "#0072B2",
    "waits there": "#CC79A7",
    "converted": "#009E73",
    "exited": "#E69F00",
    "failed": "#D55E00",
}
"""What became of customers at a step → its colour, of Okabe and Ito (2008)."""
ARMS = {"treated": "#0072B2", "held_out": "#D55E00"}
DASHES = {"treated": [1, 0], "held_out": [6, 3]}
FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"

alt: Any = altair
"""Altair, whose decorators type checkers don't see through."""
Chart: TypeAlias = Any
"""Anything of Altair's."""


def fate_colours(shown: Sequence[str]) -> Chart:
    """A legend above the chart, of the fates that it shows."""
    names = [one for one in FATES if one in shown]
    scale = alt.Scale(domain=names, range=[FATES[one] for one in names])
    return alt.Color("fate:N", scale=scale, legend=alt.Legend(title=None, orient="top", symbolType="square"))


def dressed(chart: Any, title: str, subtitle: str) -> Any:
    """The chart with its headings and in the common style."""
    heading = alt.TitleParams(text=title, subtitle=subtitle, anchor="start")
    axis = {
        "labelColor": INK,
        "titleColor": SOFT,
        "titleFontWeight": "normal",
        "labelLimit": 0,
        "titleLimit": 0,
    }
    quiet = {
        "gridColor": "#eceff2",
        "domainColor": LINE,
        "tickColor": LINE,
        "labelFontSize": 12,
        "titleFontSize": 12,
    }
    return (
        chart.properties(title=heading, background=PAGE, padding=12, description=f"{title}. {subtitle}")
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(**axis, **quiet)
        .configure_legend(labelColor=INK, labelFontSize=12, labelLimit=0, columnPadding=14)
        .configure_title(
            fontSize=16, color=INK, subtitleColor=SOFT, subtitleFontSize=12, offset=12, subtitlePadding=5
        )
    )


def svg_of(chart: Chart) -> str:
    """The chart as SVG that needs nothing else, and asks nothing of the network."""
    found: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return found


def png_of(chart: Chart, scale: float) -> bytes:
    """The chart as PNG, `scale` pixels for one of the chart's."""
    found: bytes = vl_convert.vegalite_to_png(chart.to_dict(), scale=scale)
    return found
