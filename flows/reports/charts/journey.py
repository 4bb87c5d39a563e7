"""A journey map as a chart: boxes for steps, lines as wide as the customers who went there."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from flows.reports.charts.style import FLOW, INK, LINE, PAGE, SOFT, Chart, alt, dressed, fate_colours
from flows.reports.charts.texts import thousands
from transforms.answers.journey_map import JourneyMap
from transforms.answers.map_shapes import MARGIN, bars, boxes, lines, signs

BAR = 4.0
LETTERS = {13: 22, 11: 27}
"""Of a label in a box: its size → how many letters of it have room in a line; others take two small lines."""
SMALL, FEW = 9.5, 31
TIGHT = 26
"""Letters of what a step is and of its name that have room beside each other."""
WAITS = ("wait", "wait_for_event")
STYLES: Mapping[str, Mapping[str, Any]] = {
    "kind": {"align": "left", "fontSize": 11, "color": SOFT},
    "place": {"align": "right", "fontSize": 11, "color": SOFT},
    **{
        f"label-{size}": {"align": "left", "fontSize": size, "fontWeight": 600, "color": INK}
        for size in LETTERS
    },
    "folded": {
        "align": "left",
        "fontSize": SMALL,
        "fontWeight": 600,
        "color": INK,
        "lineBreak": "\n",
        "lineHeight": 11,
    },
    "count": {"align": "left", "fontSize": 12, "color": INK},
    "here": {"align": "right", "fontSize": 11, "color": INK},
    "left": {"align": "left", "fontSize": 11, "color": INK},
    "end": {"align": "center", "fontSize": 12, "color": INK},
    "number": {"align": "center", "fontSize": 15, "fontWeight": 600, "color": INK},
    "sign": {"align": "center", "fontSize": 12, "color": INK},
    "less": {"align": "center", "fontSize": 11, "color": SOFT},
    "held": {"align": "left", "fontSize": 12, "color": SOFT},
}


def map_chart(workflow: str, laid: JourneyMap, drop_off: pl.DataFrame, summary: Mapping[str, Any]) -> Chart:
    """The map.

    Args:
        workflow: its id.
        laid: see `transforms.answers.map_shapes.laid_out`.
        drop_off: what `journey_map` returns as a frame.
        summary: the workflow's row of `report_workflow_summary`.
    """
    total = summary["total_executions"]
    every = boxes(laid)
    steps = every.filter(kind="step").join(
        drop_off, left_on=["branch", "name"], right_on=["branch", "step"], how="left"
    )
    ends = every.filter(pl.col("kind") != "step").with_columns(n=_counts(summary))
    parts = bars(every.filter(kind="step"), drop_off)
    left = _left(parts.filter(pl.col("fate").is_in(["converted", "exited", "failed"])), every)
    x, y = _scales(laid)
    texts = pl.concat(
        [
            _step_texts(steps),
            _end_texts(ends, summary["held_out"]),
            _sign_texts(signs(laid)),
            _left_texts(left),
        ]
    )
    shown = parts["fate"].unique().to_list()
    layers = [
        *_ways(lines(laid, total), x, y),
        *_signs(signs(laid), x, y),
        _frames(steps.filter(~pl.col("action_type").is_in(WAITS)), x, y, cornerRadius=9, stroke=SOFT),
        _frames(
            steps.filter(pl.col("action_type").is_in(WAITS)),
            x,
            y,
            cornerRadius=9,
            stroke=SOFT,
            strokeDash=[5, 4],
        ),
        _frames(ends, x, y, cornerRadius=30, stroke=INK),
        *_parts(steps, parts, left, shown, x, y),
        *(_told(texts.filter(style=style), props, x, y) for style, props in STYLES.items()),
    ]
    drawn = alt.layer(*layers).properties(width=laid.width, height=laid.height)
    subtitle = "Lines are as wide as the customers who went there; a bar is the share of the branch's entries"
    return dressed(drawn, f"Journey map of {workflow}", subtitle)


def _scales(laid: JourneyMap) -> tuple[Any, Any]:
    """How places of the map become places of the chart: as they are, y downwards."""
    across = alt.Scale(domain=[0, laid.width], nice=False, zero=False)
    down = alt.Scale(domain=[laid.height, 0], nice=False, zero=False)
    return alt.X("x:Q", scale=across, axis=None), alt.Y("y:Q", scale=down, axis=None)


def _counts(summary: Mapping[str, Any]) -> pl.Expr:
    told = {
        "entry": summary["total_executions"],
        **{one: summary[one] for one in ("converted", "completed", "exited", "failed")},
    }
    return pl.col("name").replace_strict(told, return_dtype=pl.Int64)


def _ways(points: pl.DataFrame, x: Chart, y: Chart) -> list[Chart]:
    """Lines; dashed ones where nobody went."""
    kinds: list[tuple[bool, dict[str, Any]]] = [
        (False, {"stroke": FLOW}),
        (True, {"stroke": LINE, "strokeDash": [4, 4]}),
    ]
    return [
        alt.Chart(points.filter(nobody=nobody))
        .mark_line(strokeJoin="round", **style)
        .encode(
            x,
            y,
            detail="line:N",
            order="at:Q",
            strokeWidth=alt.StrokeWidth("thick:Q", scale=None, legend=None),
        )
        for nobody, style in kinds
    ]


def _signs(found: pl.DataFrame, x: Chart, y: Chart) -> list[Chart]:
    """Light plates under the names of paths, so that lines don't run through them."""
    half = pl.max_horizontal(pl.col("name").str.len_chars() * 7, pl.lit(48)) / 2 + 8
    plates = found.select(
        x=pl.col("x") - half, x2=pl.col("x") + half, y=pl.col("y") - 22, y2=pl.col("y") + 10
    )
    return [_frames(plates, x, y, cornerRadius=8, stroke=LINE)]


def _frames(rows: pl.DataFrame, x: Chart, y: Chart, **style: Any) -> Chart:
    return (
        alt.Chart(rows.select("x", "x2", "y", "y2"))
        .mark_rect(fill=PAGE, **style)
        .encode(x, y, alt.X2("x2:Q"), alt.Y2("y2:Q"))
    )


def _left(parts: pl.DataFrame, every: pl.DataFrame) -> pl.DataFrame:
    """Who left at a step, told beside it: a short stroke for each way out, one below the other."""
    beside = parts.drop("x", "x2").join(every, on=["branch", "name"])
    at = pl.col("place").rank("ordinal").over("branch", "name") - 1
    return beside.select(
        "fate",
        "n",
        x=pl.col("x2") + 1,
        x2=pl.col("x2") + 12,
        y=pl.col("y") + 11 + 19 * at,
        y2=pl.col("y") + 19 + 19 * at,
    )


def _parts(
    steps: pl.DataFrame, parts: pl.DataFrame, left: pl.DataFrame, shown: list[str], x: Chart, y: Chart
) -> list[Chart]:
    ground = steps.select(
        x=pl.col("x") + MARGIN, x2=pl.col("x2") - MARGIN, y=pl.col("y2") - 9, y2=pl.col("y2") - 9 + BAR
    )
    tops = steps.select("branch", "name", y=pl.col("y2") - 9, y2=pl.col("y2") - 9 + BAR)
    found = pl.concat([parts.join(tops, on=["branch", "name"]).select(left.columns), left])
    coloured = alt.Chart(found).mark_rect().encode(x, y, alt.X2("x2:Q"), alt.Y2("y2:Q"), fate_colours(shown))
    plain = alt.Chart(ground).mark_rect(fill=LINE).encode(x, y, alt.X2("x2:Q"), alt.Y2("y2:Q"))
    return [plain, coloured] if shown else [plain]


def _told(rows: pl.DataFrame, style: Mapping[str, Any], x: Chart, y: Chart) -> Chart:
    return alt.Chart(rows.drop("style")).mark_text(baseline="alphabetic", **style).encode(x, y, text="text:N")


def _text(rows: pl.DataFrame, style: Any, text: pl.Expr, x: pl.Expr, y: pl.Expr) -> pl.DataFrame:
    named = style if isinstance(style, pl.Expr) else pl.lit(style)
    return rows.select(style=named, text=text.cast(pl.String), x=x.cast(pl.Float64), y=y.cast(pl.Float64))


def _step_texts(steps: pl.DataFrame) -> pl.DataFrame:
    """What stands in a step's box."""
    left, right, top = pl.col("x") + MARGIN, pl.col("x2") - MARGIN, pl.col("y")
    kind = pl.col("action_type").str.replace_all("_", " ")
    label = pl.when(pl.col("label").fill_null("") == "").then(kind).otherwise("label")
    folded = label.str.len_chars() > max(LETTERS.values())
    size = pl.lit("folded")
    for points, room in sorted(LETTERS.items()):
        size = pl.when(label.str.len_chars() <= room).then(pl.lit(f"label-{points}")).otherwise(size)
    whole = pl.when(folded).then(_folded(label)).otherwise(label)
    tight = pl.col("name").str.len_chars() + kind.str.len_chars() > TIGHT
    place = pl.when(tight).then(pl.lit("")).otherwise("name")
    waiting = steps.filter(pl.col("waiting_here") > 0)
    return pl.concat(
        [
            _text(steps, "kind", kind, left, top + 18),
            _text(steps, "place", place, right, top + 18),
            _text(steps, size, whole, left, top + pl.when(folded).then(29).otherwise(36)),
            _text(steps, "count", thousands("entered"), left, top + 53),
            _text(waiting, "here", thousands("waiting_here") + " waiting", right, top + 53),
        ]
    )


def _folded(label: pl.Expr) -> pl.Expr:
    """A long label in two lines, parted at a blank if there is one; what has no room in them is left out."""
    parted = label.str.replace(rf"^(.{{1,{FEW}}}) (.*)$", "$1\n$2")
    lines = (
        pl.when(parted.str.contains("\n"))
        .then(parted)
        .otherwise(label.str.replace(rf"^(.{{{FEW}}})(.+)$", "$1\n$2"))
    )
    second = lines.str.split("\n").list.get(1, null_on_oob=True).fill_null("")
    short = pl.when(second.str.len_chars() > FEW).then(second.str.head(FEW - 1) + "…").otherwise(second)
    return lines.str.split("\n").list.get(0) + "\n" + short


def _end_texts(ends: pl.DataFrame, held_out: int) -> pl.DataFrame:
    middle = (pl.col("x") + pl.col("x2")) / 2
    name = pl.when(pl.col("name") == "entry").then(pl.lit("entered")).otherwise("name")
    entry = ends.filter(kind="entry") if held_out else ends.clear()
    return pl.concat(
        [
            _text(ends, "end", name, middle, pl.col("y") + 28),
            _text(ends, "number", thousands("n"), middle, pl.col("y") + 49),
            _text(entry, "held", pl.lit(f"{held_out:,} held out"), pl.col("x2") + 8, pl.col("y") + 38),
        ]
    )


def _sign_texts(found: pl.DataFrame) -> pl.DataFrame:
    x, y = pl.col("x"), pl.col("y")
    return pl.concat(
        [
            _text(found, "sign", pl.col("name"), x, y - 9),
            _text(found, "less", thousands("customers"), x, y + 5),
        ]
    )


def _left_texts(left: pl.DataFrame) -> pl.DataFrame:
    return _text(left, "left", thousands("n"), pl.col("x2") + 3, pl.col("y2"))
