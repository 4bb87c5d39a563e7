"""A difference as one document: all that `onward diff --json` prints, and what the other prints are made of."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from flows.reports.diff import Difference, Side
from flows.reports.fail_if import Limit
from transforms.answers.figures import WORKFLOW
from transforms.timing.durations import spoken

Document = dict[str, Any]
ALL = "all"
"""The key of what is counted over all workflows."""
_SUMS = ("before", "after", "changes")


def document(found: Difference, limits: Sequence[Limit] = ()) -> Document:
    """What a change would have done, as JSON values and instants.

    Args:
        found: the difference.
        limits: what must not hold of it.
    """
    total = {name: _row(getattr(found.compared, name), None) for name in _SUMS}
    return {
        "old": _side(found.old),
        "new": _side(found.new),
        "period": {**vars(found.period), "days": round(found.period.days, 3)},
        "definitions": {
            "workflows": found.workflows,
            "patterns": found.patterns,
            "identical": found.is_of_identical,
        },
        "nothing_changed": found.compared.is_empty,
        ALL: {**total, "days": _all_days(found.compared.days).to_dicts()},
        "workflows": _workflows(found),
        "fail_if": [_judged(one, total) for one in limits],
    }


def as_json(told: Document) -> str:
    """The document as JSON text; instants as ISO 8601, UTC."""
    return json.dumps(told, indent=2, ensure_ascii=False, default=_text)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _side(side: Side) -> Document:
    caps = [
        f"{one.messages}/{spoken(one.window)}"
        + "".join(f" {what}" for what in (one.channel, one.message_class) if what)
        for one in side.caps
    ]
    return {"given": str(side.given), "workflows": len(side.found.workflows), "caps": caps}


def _row(frame: pl.DataFrame, workflow: str | None) -> Document:
    (row,) = frame.filter(pl.col(WORKFLOW).eq_missing(workflow)).drop(WORKFLOW).to_dicts()
    return row


def _workflows(found: Difference) -> list[Document]:
    """One by one, in the order of their ids."""
    compared = found.compared
    seconds = pl.col("moved_by").dt.total_seconds(fractional=True).alias("moved_by_seconds")
    lists = {
        "templates": compared.templates.with_columns(seconds).drop("moved_by"),
        "days": compared.days,
        "customers": compared.customers,
        "messages": compared.messages,
    }
    parts = {
        name: frame.partition_by(WORKFLOW, as_dict=True, include_key=False) for name, frame in lists.items()
    }
    sums = {name: getattr(compared, name).rows_by_key(WORKFLOW, named=True, unique=True) for name in _SUMS}
    return [
        {
            WORKFLOW: one,
            "definition": definition,
            **{name: rows[one] for name, rows in sums.items()},
            **{name: rows[(one,)].to_dicts() if (one,) in rows else [] for name, rows in parts.items()},
        }
        for one, definition in found.workflows.items()
    ]


def _all_days(days: pl.DataFrame) -> pl.DataFrame:
    return days.group_by("day").agg(pl.col("before", "after").sum()).sort("day")


def _judged(limit: Limit, total: Document) -> Document:
    every = {**dict.fromkeys(total["changes"], 0), **total["before"]}
    before, after = every[limit.metric], {**total["changes"], **total["after"]}[limit.metric]
    return {
        "expression": limit.text,
        "metric": limit.metric,
        "before": before,
        "after": after,
        "holds": limit.holds(before, after),
    }
