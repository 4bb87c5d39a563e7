"""A workflow's journey map with its numbers, as the page draws it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from flows.reports.html.numbers import Numbers, of_workflow
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
REASONS = ("converted", "exited", "failed")
COUNTED = (
    *("entered", "passed", "waiting_here", "left_here_converted", "left_here_exited", "left_here_failed"),
    "pct_of_entries",
)
Row = Mapping[str, Any]


def drop_off_of(numbers: Numbers, workflow: str) -> pl.DataFrame:
    """The rows of `report_drop_off`; of a workflow nobody entered, those of its newest version, reached by nobody."""
    found = numbers.of("report_drop_off", workflow)
    if not found.is_empty():
        return found
    steps = of_workflow(numbers.steps, workflow)
    rest = [pl.lit(0, found.schema[one]).alias(one) for one in found.columns if one not in steps.columns]
    return steps.with_columns(rest).select(found.columns)


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
    }


def _entered(numbers: Numbers, workflow: str, drop_off: pl.DataFrame) -> dict[str, int]:
    """Branch → how many took it, in their order in the reports; also one without steps."""
    cohorts = numbers.of("report_entry_cohorts", workflow).filter(pl.col("arm") == "treated")
    counts = dict(cohorts.group_by("branch", maintain_order=True).agg(pl.col("entered").sum()).iter_rows())
    names = {**dict.fromkeys(drop_off["branch"]), **dict.fromkeys(counts)}
    return {one: counts.get(one, 0) for one in names}


def _steps(rows: Mapping[tuple[str, str], Row], branch: str) -> list[Step]:
    return [
        Step(step, choices(row["action_type"], row["label"] or ""), row["entered"], row["passed"])
        for (of, step), row in rows.items()
        if of == branch
    ]


def _line(line: Line, total: int, entered: Mapping[str, int]) -> dict[str, Any]:
    """A line's width is that of its share of all; told is its share of the branch, between branches that of all."""
    of = total if line.source == ENTRY or line.branch is None else entered[line.branch]
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
        "bar": [_length(row[name], of) for name in COUNTED[1:6]],
        "left": [
            {"reason": reason, "n": n, "share": _percent(n, of), "thick": max(2.0, 14 * n / (of or 1))}
            for reason in REASONS
            if (n := row[f"left_here_{reason}"])
        ],
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


def _length(n: int, of: int) -> float:
    return 100 * n / of if of else 0.0


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"
