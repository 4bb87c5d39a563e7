"""All workflows as pages: docs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.shared import SettingsFile, counted, settings_of


def docs_command(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder to write, made if it isn't there.")
    ] = Path("site"),
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Write pages of all workflows: a map, every condition in a sentence, who starts whom. They need no server.

    From the files alone; where runs were made, with versions and counts. A folder that holds anything else isn't
    touched.
    """
    from flows.site.write import write_site

    found, written = write_site(settings_of(settings), out)
    faults = [*(fault for one in found.subjects for fault in one.faults), *found.faults]
    if as_json:
        told = {"written": [str(one) for one in written], "faults": faults}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for fault in faults:
        typer.echo(f"has faults: {fault}", err=True)
    typer.echo(f"{counted(len(found.subjects), 'workflow')}. Written to {out}: open {written[0]}")
