"""`onward report --html`: one page, self-contained, that asks nothing of the network."""

from pathlib import Path
from typing import Any

from flows.files import write_text
from flows.fitting import Column, cell_text
from flows.reports.frames import open_reports
from flows.reports.html.maps import drop_off_of, map_of
from flows.reports.html.numbers import Numbers, read_numbers
from flows.reports.html.parts import beside, policy
from flows.reports.html.tables import overview_tables, workflow_tables
from flows.reports.scope import Scope
from flows.reports.terminal import NOTHING_YET
from flows.settings import Settings
from transforms.content.pages import filled_page

_FIGURES = (
    Column("total_executions", "entered"),
    Column("active", "active"),
    Column("completed", "completed"),
    Column("converted", "converted"),
    Column("exited", "exited"),
    Column("failed", "failed"),
    Column("held_out", "held out"),
    Column("conversions", "reached the goal"),
    Column("conversion_rate", "% reached the goal"),
    Column("average_execution_seconds", "average time to complete"),
    Column("median_conversion_seconds", "median time to the goal"),
)


def write_page(settings: Settings, file: Path, scope: Scope) -> None:
    """Write the page of what is published, made anew.

    Args:
        settings: where things lie.
        file: what to write; replaced whole.
        scope: of which workflows.

    Raises:
        InputError: a workflow that the store doesn't know.
        OnwardError: the store or the disk can't be used.
    """
    with open_reports(settings) as con:
        numbers = read_numbers(con, scope)
    write_text(file, page_of(numbers))


def page_of(numbers: Numbers) -> str:
    """The page as text."""
    script, style = beside("page.js"), beside("page.css")
    summary = numbers.views["report_workflow_summary"].to_dicts()
    values = {
        "policy": policy(script),
        "style": style,
        "script": script,
        "icons": beside("icons.svg"),
        "as_of": f"{numbers.as_of:%Y-%m-%d %H:%M} UTC" if numbers.as_of else "",
        "nothing": "" if any(one["total_executions"] + one["held_out"] for one in summary) else NOTHING_YET,
        "tables": overview_tables(numbers),
        "workflows": [_workflow(numbers, one) for one in summary],
    }
    return filled_page(beside("page.html.j2"), values)


def _workflow(numbers: Numbers, summary: dict[str, Any]) -> dict[str, Any]:
    drop_off = drop_off_of(numbers, summary["workflow_id"])
    has_goal = (
        summary["conversions"] or not numbers.of("report_time_to_goal", summary["workflow_id"]).is_empty()
    )
    return {
        "id": summary["workflow_id"],
        "name": summary["workflow_name"] or summary["workflow_id"],
        "figures": [
            {"name": one.name, "title": one.heading, "text": cell_text(one, value), "value": value}
            for one in _FIGURES
            if (value := summary[one.name]) is not None
            and (has_goal or not one.name.startswith("conversion"))
        ],
        "map": map_of(numbers, summary, drop_off),
        "tables": workflow_tables(numbers, summary["workflow_id"], drop_off),
    }
