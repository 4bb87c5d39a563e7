"""A workflow's journey map with its numbers, as the page draws it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import polars as pl

from flows.reports.html.numbers import Numbers, of_workflow
from flows.reports.html.versions import VersionNumbers
from transforms.answers.funnel import with_unreached
from transforms.answers.journey_map import (
    ENTRY,
    LETTER,
    Branch,
    JourneyMap,
    Line,
    Node,
    Step,
    curve,
    journey_map,
)  # fmt: skip
from transforms.program.steps import choices

WIDEST, THINNEST = 22.0, 1.5
"""Of a line, in pixels: everybody who entered, and anybody at all."""
LETTERS = 20
"""How much of a label has room in a box; the rest is told where the step is clicked."""
COUNTED = (
    *("entered", "passed", "waiting_here", "left_here_converted", "left_here_exited", "left_here_failed"),
    "pct_of_entries",
)
Row = Mapping[str, Any]
Steps = Mapping[tuple[str, str], Row]
"""Branch and step → row of the drop-off."""


def drop_off_of(numbers: Numbers, workflow: str) -> pl.DataFrame:
    """The rows of `report_drop_off`; of a workflow nobody entered, those of its newest version, reached by nobody."""
    return with_unreached(numbers.of("report_drop_off", workflow), of_workflow(numbers.steps, workflow))


def map_of(numbers: Numbers, summary: Row, drop_off: pl.DataFrame) -> dict[str, Any]:
    """What the page draws of a workflow, by the names of its template.

    Args:
        numbers: what the page tells.
        summary: the workflow's row of `report_workflow_summary`.
        drop_off: see `drop_off_of`.
    """
    workflow, total = summary["workflow_id"], summary["total_executions"]
    rows = {(one["branch"], one["step"]): one for one in drop_off.to_dicts()}
    entered = _entered(numbers, workflow, drop_off)
    laid = journey_map([Branch(name, n, _steps(rows, name)) for name, n in entered.items()])
    samples = _samples(of_workflow(numbers.waiting, workflow))
    versions = numbers.versions.get(workflow, [])
    return {
        "width": laid.width,
        "height": laid.height,
        "lines": [_line(one, total, entered) for one in laid.lines],
        "steps": [
            {
                **_step(one, rows[one.branch, one.name], entered),
                "samples": samples.get((one.branch, one.name)),
            }
            for one in laid.nodes
            if one.kind == "step" and one.branch is not None
        ],
        "ends": list(_ends(laid, summary)),
        "held_out": summary["held_out"],
        "versions": [f"version {one.number}, since {one.since:%Y-%m-%d}" for one in versions],
        "numbers": json.dumps(
            [
                _numbers(laid, summary, entered, rows, rows),
                *(_numbers_of(laid, one, entered, rows) for one in versions),
            ],
            separators=(",", ":"),
        ),
    }


def _numbers_of(
    laid: JourneyMap, version: VersionNumbers, entered: Mapping[str, int], rows: Steps
) -> dict[str, Any]:
    """What a version's own views say, at the places of the map of all versions."""
    own = {(one["branch"], one["step"]): one for one in version.drop_off.to_dicts()}
    took = {name: version.entered.get(name, 0) for name in entered}
    nobody = dict.fromkeys(COUNTED, 0)
    filled = {key: {**row, **nobody, **own.get(key, {})} for key, row in rows.items()}
    alone = journey_map([Branch(name, n, _steps(filled, name)) for name, n in took.items()])
    gone = {_way(one): one.customers for one in alone.lines}
    lines = tuple(replace(one, customers=gone.get(_way(one), 0)) for one in laid.lines)
    return _numbers(replace(laid, lines=lines), version.summary, took, own, rows)


def _way(line: Line) -> tuple[str | None, ...]:
    return line.branch, line.source, line.target, line.name


def _numbers(
    laid: JourneyMap, summary: Row, entered: Mapping[str, int], own: Steps, rows: Steps
) -> dict[str, Any]:
    """What the page's script draws, in the map's order: counts, and what they are shares of.

    A step is its counts, the entries of its branch, and its kind and label where they differ from the map's; null: the
    version doesn't have it.
    """
    total = summary["total_executions"]
    places = [(str(one.branch), one.name) for one in laid.nodes if one.kind == "step"]
    return {
        "held": summary["held_out"],
        "ends": [
            total if one.kind == ENTRY else summary[one.name] for one in laid.nodes if one.kind != "step"
        ],
        "total": total,
        "lines": [[one.customers, _whole(one, total, entered)] for one in laid.lines],
        "steps": [
            [*(own[one][name] for name in COUNTED[:6]), entered[one[0]], *_other(own[one], rows[one])]
            if one in own
            else None
            for one in places
        ],
    }


def _whole(line: Line, total: int, entered: Mapping[str, int]) -> int:
    """Of whom a line's share is told: of the branch, between branches of all."""
    return total if line.source == ENTRY or line.branch is None else entered[line.branch]


def _other(own: Row, row: Row) -> list[str]:
    """Kind and label, where a version has another step at a place than the newest has."""
    names = ("action_type", "label")
    return [own[one] or "" for one in names] if any(own[one] != row[one] for one in names) else []


def _entered(numbers: Numbers, workflow: str, drop_off: pl.DataFrame) -> dict[str, int]:
    """Branch → how many took it, in their order in the reports; also one without steps."""
    cohorts = numbers.of("report_entry_cohorts", workflow).filter(pl.col("arm") == "treated")
    counts = dict(cohorts.group_by("branch", maintain_order=True).agg(pl.col("entered").sum()).iter_rows())
    names = {**dict.fromkeys(drop_off["branch"]), **dict.fromkeys(counts)}
    return {one: counts.get(one, 0) for one in names}


def _steps(rows: Steps, branch: str) -> list[Step]:
    return [
        Step(step, choices(row["action_type"], row["label"] or ""), row["entered"], row["passed"])
        for (of, step), row in rows.items()
        if of == branch
    ]


def _line(line: Line, total: int, entered: Mapping[str, int]) -> dict[str, Any]:
    """A line's width is that of its share of all; told is its share of the branch, between branches that of all."""
    of = _whole(line, total, entered)
    return {
        **asdict(line),
        "drawn": curve(line.points),
        "thick": max(THINNEST, WIDEST * line.customers / total) if line.customers and total else 0,
        "share": _percent(line.customers, of),
        "short": (short := _short(line.name or "")),
        "sign": LETTER * max(len(short), len(f"{line.customers:,}"), len("100.0 %")) + 14,
    }


def _step(node: Node, row: Row, entered: Mapping[str, int]) -> dict[str, Any]:
    of = entered[row["branch"]]
    kind = row["action_type"].replace("_", " ")
    return {
        **asdict(node),
        "kind": kind,
        "icon": row["action_type"],
        "label": row["label"] or "",
        "short": _short(row["label"] or kind),
        "numbers": {name: row[name] for name in COUNTED},
        "share": _percent(row["entered"], of),
        "waiting_share": _percent(row["waiting_here"], of),
    }


def _ends(laid: JourneyMap, summary: Row) -> Iterator[dict[str, Any]]:
    total = summary["total_executions"]
    for node in laid.nodes:
        if node.kind != "step":
            n = total if node.kind == ENTRY else summary[node.name]
            yield {**asdict(node), "n": n, "share": _percent(n, total)}


def _samples(waiting: pl.DataFrame) -> dict[tuple[str, str], str]:
    """Branch and step → JSON list of customer, since and until."""
    instants = pl.col("since", "until").dt.strftime("%Y-%m-%d %H:%M")
    told = waiting.select("branch", "step", "customer_id", instants)
    groups = told.partition_by("branch", "step", as_dict=True, include_key=False)
    return {
        (str(branch), str(step)): json.dumps([list(one) for one in rows.iter_rows()], ensure_ascii=False)
        for (branch, step), rows in groups.items()
    }


def _percent(n: int, of: int) -> str:
    return f"{100 * n / of:.1f} %" if of else "-"


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"
