"""The upkeep of the store: compact, check."""

import sys
from typing import Annotated

import typer

from flows.commands.shared import SettingsFile, counted, settings_of, status
from flows.errors import OnwardError


def compact_command(settings: SettingsFile = None) -> None:
    """Put the ledger's many small files together, and lay the archive out by key; ticks may go on meanwhile."""
    from flows.backtest.archive import lay_out_archive
    from flows.store.compact import compact

    places = settings_of(settings)
    with status() as say:
        done = compact(places, say)
        laid_out = lay_out_archive(places, say)
    typer.echo(f"{done.sentence}\n{laid_out}")


def check_command(
    repair: Annotated[
        bool, typer.Option("--repair", help="Make again what can be made from the customers' documents.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Read every file that the store counts on, and say which is gone or damaged."""
    from flows.store.check import check

    with status() as say:
        found = check(settings_of(settings), say, repair=repair)
    if as_json:
        typer.echo(found.write_json())
    else:
        for file, fault, advice in found.iter_rows():
            typer.echo(f"{file}: {fault}; {advice}")
        typer.echo("every file is as it was written" if found.is_empty() else counted(len(found), "fault"))
    if len(found):
        sys.exit(OnwardError.exit_code)
