"""Why, and what if: explain."""

import json
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.shared import SettingsFile, check_names_file, settings_of


def explain_command(
    customer_id: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")],
    workflow: Annotated[str | None, typer.Option(metavar="ID", help="Of this workflow only.")] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="T", help="As of this instant. [default: the last run]", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write it as one HTML page.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Say why a customer got, or did not get, what: facts, decisions and messages, each with its reasons."""
    from flows.arguments import parse_instant
    from flows.reports.explain import explain_customer
    from flows.reports.timeline import lines
    from transforms.answers.explain import as_json as told_as_json

    if html:
        check_names_file("--html", html)
    instant = parse_instant("--at", at) if at is not None else None
    found = explain_customer(settings_of(settings), customer_id, workflow, instant)
    if as_json:
        told = {**told_as_json(found.found), "until": found.until.isoformat(), "notes": list(found.notes)}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        typer.echo("\n".join(lines(found, width)))
    if html:
        from flows.reports.html.explained import write_page

        write_page(found, html)
        typer.echo(f"Written to {html}", err=as_json)
