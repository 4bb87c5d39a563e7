"""What analysts ask for: report, reconcile, export."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.shared import SettingsFile, settings_of, status
from flows.errors import InputError, OnwardError


def report_command(
    html: Annotated[Path | None, typer.Option(help="Also write the reports as one HTML page.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Rebuild the reports and print them."""
    from flows.reports.frames import open_reports
    from flows.reports.terminal import print_reports, report_console

    if html and (html.is_dir() or not html.parent.is_dir()):
        raise InputError(
            f"--html {html}: names a file in a folder that is there; this is a folder, or in none"
        )
    console = report_console(record=html is not None)
    with open_reports(settings_of(settings)) as con:
        print_reports(con, console)
    if html:
        console.save_html(str(html))
        typer.echo(f"Written to {html}")


def reconcile_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Count everything anew, and compare it with the reports' sums and with the send ledger."""
    from flows.delivery.reconcile import ledger_differences
    from flows.reports.frames import open_reports
    from flows.reports.reconcile import reconcile

    places = settings_of(settings)
    with status() as say:
        say("Counting everything")
        found = reconcile(places)
        with open_reports(places) as con:
            found = found.vstack(ledger_differences(con, places))
    if as_json:
        typer.echo(found.write_json())
    else:
        for name, parts, measure, kept, counted in found.iter_rows():
            typer.echo(f"{name} {parts}: {measure} is kept as {kept}, and counted as {counted}")
        typer.echo(
            "everything is as it is counted" if found.is_empty() else counted(len(found), "difference")
        )
    if len(found):
        sys.exit(OnwardError.exit_code)


def export_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The DuckDB file to write, or the folder.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write a folder of Parquet files.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Write every table and report, to be taken anywhere: one DuckDB file, or a Parquet file each."""
    from flows.reports.export import export, export_parquet

    write = export_parquet if parquet else export
    with status() as say:
        rows = write(settings_of(settings), file, say, force=force)
    typer.echo(f"{rows:,} rows. Written to {file}")
