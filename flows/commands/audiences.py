"""Who would enter a workflow: audience."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.shared import SettingsFile, counted, settings_of, status

if TYPE_CHECKING:
    from flows.backtest.audience import Audience


def audience_command(
    workflow_id: Annotated[str, typer.Argument(metavar="WORKFLOW", help="The workflow's id, active or not.")],
    length: Annotated[str, typer.Option("--last", help="How long a time until the last run.")] = "7d",
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Say who would have entered a workflow lately, had it been active: before it is let go.

    Decided by the engine over what the store has loaded; nothing is sent, and the store isn't changed.
    """
    from flows.arguments import parse_length
    from flows.backtest.audience import find_audience
    from flows.definitions.folder import load_definitions
    from flows.definitions.rules import rules_of
    from flows.overview.columns import named, room
    from flows.overview.listing import list_workflows
    from flows.overview.show import find_workflow

    places, span = settings_of(settings), parse_length("--last", length)
    listed = find_workflow(list_workflows(places), workflow_id).listed
    rules = rules_of(places, load_definitions(places.workflows, places.patterns, places.templates))
    with status() as say:
        found = find_audience(places, listed.workflow, rules, span, say)
    if as_json:
        typer.echo(json.dumps(found and _as_json(workflow_id, found), ensure_ascii=False))
    elif found is None:
        typer.echo("nothing was loaded yet, so nobody can be told: `onward status` says what to do")
    else:
        typer.echo("\n".join(named(_words(found), room())))
        if listed.versions and listed.entries != 0:
            typer.echo("note: it has run before; whoever entered then is let in again here", err=True)


def _as_json(workflow_id: str, found: "Audience") -> dict[str, Any]:
    return {
        "workflow_id": workflow_id,
        "start": found.start.isoformat(),
        "end": found.end.isoformat(),
        "entries": found.entries,
        "customers": found.customers,
        "held_out": found.held_out,
        "messages": found.messages,
        "branches": found.branches,
        "days": [{"day": day.isoformat(), "entries": entries} for day, entries in found.days.iter_rows()],
        "sample": [
            {"customer_id": customer, "entered_at": entered.isoformat(), "branch": branch}
            for customer, entered, branch in found.sample.iter_rows()
        ],
    }


def _words(found: "Audience") -> dict[str, str | list[str]]:
    days = (found.end - found.start).total_seconds() / 86_400
    told: dict[str, str | list[str]] = {
        "From": f"{found.start:%Y-%m-%d %H:%M} until {found.end:%Y-%m-%d %H:%M} UTC, had it been active",
        "Entries": f"{found.entries:,}, of {counted(found.customers, 'customer')}; {found.entries / days:,.1f} a day",
        "Held out": f"{found.held_out:,}" if found.held_out else "",
        "Branches": ", ".join(f"{name} {n:,}" for name, n in found.branches.items()),
        "Messages": f"{found.messages:,} by then",
        "Days": [f"{day}  {entries:,}" for day, entries in found.days.iter_rows()],
        "Newest": [f"{customer}, {at:%Y-%m-%d %H:%M:%S}" for customer, at, _ in found.sample.iter_rows()],
    }
    return {subject: what for subject, what in told.items() if what}
