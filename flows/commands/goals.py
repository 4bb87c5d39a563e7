"""What counts as a success, looked at again: reconsider-goal."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from flows.commands.shared import SettingsFile, settings_of, status
from flows.errors import InputError


def reconsider_goal_command(
    workflow_id: Annotated[str, typer.Argument(metavar="WORKFLOW", help="The workflow's id.")],
    since: Annotated[
        str | None,
        typer.Option(
            metavar="T", help="Only entries of this instant or later, like 2026-01-31. [default: all]"
        ),
    ] = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="Take it back: reports show what ticks found again.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was counted as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Count a workflow's goal hits by its present goal, beside those that ticks found, for reports to show."""
    from flows.arguments import parse_instant
    from flows.tick.reconsider import drop as take_back
    from flows.tick.reconsider import reconsider_goal

    if drop and since:
        raise InputError(f"--drop takes back everything of {workflow_id}: give it without --since {since}")
    instant = parse_instant("--since", since) if since else None
    places = settings_of(settings)
    if drop:
        sentence = take_back(places, workflow_id)
        typer.echo(json.dumps({"workflow_id": workflow_id, "dropped": True}) if as_json else sentence)
        return
    with status() as say:
        found = reconsider_goal(places, workflow_id, instant, say)
    if not as_json:
        typer.echo(found.sentence)
        return
    told = {**asdict(found.kept), "decided_hits": found.decided, "goal": json.loads(found.kept.goal)}
    del told["file"]
    typer.echo(json.dumps(told, default=lambda one: f"{one:%Y-%m-%dT%H:%M:%S.%f}Z"))
