"""`onward report --html`: one page, self-contained, that asks nothing of the network."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from flows.delivery.went_out import read_messages
from flows.files import write_text
from flows.fitting import Column, cell_text
from flows.reports.frames import open_reports
from flows.reports.html.curves import survival_of
from flows.reports.html.experiments import panel_of
from flows.reports.html.letters import Kind, Letter, letters_json, read_letters
from flows.reports.html.maps import drop_off_of, map_of
from flows.reports.html.numbers import WEEKS_SHOWN, Numbers, of_workflow, read_numbers
from flows.reports.html.parts import beside, policy
from flows.reports.html.tables import overview_tables, workflow_tables
from flows.reports.html.trends import trends_of
from flows.reports.scope import Scope
from flows.reports.terminal import NOTHING_YET
from flows.settings import Settings
from flows.store.winners import read_winners
from transforms.content.pages import filled_page

LARGEST = 1_000_000
"""Of the page in bytes: messages are shown as far as there is room."""
TEMPLATES = ("charts.html.j2", "page.html.j2")
SCRIPTS = ("journey.js", "page.js", "map.js", "letters.js")
STYLES = ("page.css", "charts.css")
NO_LETTERS = '<script type="application/json" id="letters">[]'
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
        numbers = read_numbers(con, read_winners(settings), scope)
    told = numbers.newest.join(numbers.views["report_workflow_summary"], on="workflow_id", how="semi")
    write_text(file, page_of(numbers, read_letters(told, partial(read_messages, settings))))


def page_of(numbers: Numbers, letters: Mapping[Kind, Letter]) -> str:
    """The page as text, at most `LARGEST` bytes as far as that depends on messages.

    Args:
        numbers: what it tells.
        letters: the messages that can be looked at.
    """
    script = "".join(map(beside, SCRIPTS))
    style = "".join(map(beside, STYLES))
    places = {kind: place for place, kind in enumerate(letters)}
    summary = numbers.views["report_workflow_summary"].to_dicts()
    values = {
        "policy": policy(script),
        "style": style,
        "script": script,
        "icons": beside("icons.svg"),
        "as_of": f"{numbers.as_of:%Y-%m-%d %H:%M} UTC" if numbers.as_of else "",
        "nothing": "" if any(one["total_executions"] + one["held_out"] for one in summary) else NOTHING_YET,
        "tables": overview_tables(numbers),
        "workflows": [_workflow(numbers, one, places) for one in summary],
    }
    page = filled_page("".join(map(beside, TEMPLATES)), values)
    room = LARGEST - len(page.encode()) - len(letters) * 2
    return page.replace(NO_LETTERS, f"{NO_LETTERS[:-2]}{letters_json(list(letters.values()), room)}", 1)


def _workflow(numbers: Numbers, summary: dict[str, Any], letters: Mapping[Kind, int]) -> dict[str, Any]:
    workflow = summary["workflow_id"]
    drop_off = drop_off_of(numbers, workflow)
    watched = numbers.watched.get(workflow)
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
        "trends": trends_of(of_workflow(numbers.weeks, workflow), WEEKS_SHOWN, numbers.as_of),
        "experiments": [panel_of(one) for one in numbers.experiments.get(workflow, ())],
        "survival": None if watched is None else survival_of(watched),
        "tables": workflow_tables(numbers, workflow, drop_off, letters),
    }
