"""What is looked at in passing: the version, the store's status, the list of workflows, one workflow."""

import json
from typing import Annotated, Any

import typer

from flows.commands.shared import SettingsFile, settings_of

AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
_SHOWN = {"duckdb": "DuckDB", "polars": "Polars", "prefect": "Prefect"}
"""Packages whose versions people ask for when something is odd, and what they are called."""


def tell_version(asked: bool) -> None:
    """Print which version this is, and of what it stands on; then end."""
    if not asked:
        return
    import platform
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("onward")
    except PackageNotFoundError:
        own = "of a checkout that isn't installed"
    beside = [
        f"Python {platform.python_version()}",
        *(f"{name} {version(one)}" for one, name in _SHOWN.items()),
    ]
    typer.echo(f"onward {own} ({', '.join(beside)})")
    raise typer.Exit


def status_command(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Say how the store stands: last tick, what is due, what waits, what was refused, and what to do next.

    May be asked at any time, also while a run is at work; nothing is changed.
    """
    from flows.overview.columns import named, room
    from flows.overview.status import read_status
    from flows.overview.status_told import status_json, status_words

    found = read_status(settings_of(settings))
    if as_json:
        _print_json(status_json(found))
    else:
        typer.echo("\n".join(named(status_words(found), room())))


def list_command(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """List the workflows: state, version, how many executions are in flight, how many entries there were.

    Files with faults are named with what is wrong.
    """
    from flows.overview.columns import room, table
    from flows.overview.listing import list_workflows

    found = list_workflows(settings_of(settings))
    if as_json:
        _print_json({"workflows": [one.as_json() for one in found.workflows], "faults": found.faults})
        return
    numbers = ("version", "in flight", "entries")
    lines = list(table([one.as_row() for one in found.workflows], room(), numbers, spare=["name"]))
    if any(one.entries is None for one in found.workflows):
        lines.append("?: the next run counts them")
    if not found.workflows and not found.faults:
        lines.append("no workflows yet: `onward init` writes a first one")
    typer.echo("\n".join(lines))
    for fault in found.faults:
        typer.echo(f"left out: {fault}", err=True)


def show_command(
    workflow_id: Annotated[str, typer.Argument(metavar="WORKFLOW", help="The workflow's id.")],
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> None:
    """Tell a workflow in sentences: who enters, each step, goal, exits, whom it starts, what runs on each version."""
    from flows.overview.columns import room
    from flows.overview.listing import list_workflows
    from flows.overview.show import find_workflow, shown_json, shown_words

    found = find_workflow(list_workflows(settings_of(settings)), workflow_id)
    if as_json:
        _print_json(shown_json(found))
    else:
        typer.echo("\n".join(shown_words(found, room())))


def _print_json(told: Any) -> None:
    typer.echo(json.dumps(told, ensure_ascii=False, default=str))
