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


def _print_json(told: Any) -> None:
    typer.echo(json.dumps(told, ensure_ascii=False, default=str))
