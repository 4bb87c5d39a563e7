"""What analysts ask for: report, reconcile, export."""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.commands.shared import SettingsFile, check_names_file, settings_of, status
from flows.errors import InputError, OnwardError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl
    from rich.console import Console

    from flows.reports.scope import Scope
    from flows.settings import Settings


def report_command(
    html: Annotated[
        Path | None,
        typer.Option(help="Also write one HTML page: a map of each workflow with its numbers, and tables."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every view with all its columns, as one JSON object.")
    ] = False,
    csv: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Print one view as CSV, such as report_workflow_summary."),
    ] = None,
    workflow: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only of this workflow; may be repeated.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="Only executions that entered at this instant or later, and messages of then or later; "
            "like 2026-01-31.",
        ),
    ] = None,
    compare: Annotated[
        Literal["last-week"] | None,
        typer.Option(help="Instead the seven days until the last tick, beside the seven before."),
    ] = None,
    mail: Annotated[
        bool,
        typer.Option(
            "--mail",
            help="Instead mail the week's report to whom weekly_report.to of the settings names, once a week each.",
        ),
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Rebuild the reports and print them."""
    from flows.arguments import parse_instant
    from flows.fitting import report_console
    from flows.reports.machine import csv_of, json_of
    from flows.reports.scope import Scope

    if mail:
        others = {
            "--html": html,
            "--csv": csv,
            "--workflow": workflow,
            "--since": since,
            "--compare": compare,
        }
        _mail(settings, [name for name, given in others.items() if given], as_json=as_json)
        return
    _check(csv, html, as_json=as_json)
    if html:
        _check_page(html, of_all_time=not (compare or since))
    if compare and since:
        raise InputError(f"--compare {compare} has its own time: give it without --since")
    instant = None if since is None else parse_instant("--since", since)
    scope = Scope(tuple(workflow or ()), instant)
    places = settings_of(settings)
    answer = _answer(places, scope, csv, weeks=bool(compare))
    if csv is not None:
        typer.echo(csv_of(answer.frames[csv]), nl=False)
    elif as_json:
        typer.echo(json_of(answer.frames))
    else:
        answer.shown(report_console())
    if html:
        from flows.reports.html.page import write_page

        with status() as say:
            say("Counting for the page")
            write_page(places, html, scope)
        typer.echo(f"Written to {html}", err=as_json)


def _mail(settings: Path | None, others: list[str], *, as_json: bool) -> None:
    """Mail the week's report, and say what became of it.

    Raises:
        InputError: given with other options, or it can't be mailed so.
    """
    import json
    from dataclasses import asdict

    from flows.weekly.mail import mail_report

    if others:
        raise InputError(f"--mail sends the week's report whole: give it without {', '.join(others)}")
    with status() as say:
        mailing = mail_report(settings_of(settings), say)
    typer.echo(json.dumps(asdict(mailing), ensure_ascii=False) if as_json else mailing.sentence)
    if not mailing.arrived:
        sys.exit(OnwardError.exit_code)


def _check(csv: str | None, html: Path | None, *, as_json: bool) -> None:
    """Whether the options go together.

    Raises:
        InputError: they don't.
    """
    if csv is not None and (as_json or html):
        raise InputError(f"--csv {csv} prints one view alone: give it without --json and --html")


def _check_page(html: Path, *, of_all_time: bool) -> None:
    """Whether a page can be written there, and can tell what is asked for.

    Raises:
        InputError: it can't.
    """
    check_names_file("--html", html)
    if not of_all_time:
        raise InputError(f"--html {html} tells of all time: give it without --since and --compare")


@dataclass(frozen=True)
class _Answer:
    """Frames by the names of their views, and how people see them."""

    frames: "Mapping[str, pl.DataFrame]"
    shown: "Callable[[Console], object]"


def _answer(places: "Settings", scope: "Scope", csv: str | None, *, weeks: bool) -> _Answer:
    from flows.reports.frames import open_reports
    from flows.reports.scope import LAST_WEEK, last_week, reconsidered, scoped_frames, view_names
    from flows.reports.terminal import print_last_week
    from transforms.definitions.base import advice

    names = [LAST_WEEK] if weeks else view_names(scope)
    if csv is not None and csv not in names:
        raise InputError(f"--csv {csv!r} is the name of no report; {advice(csv, names)}")
    with status() as say:
        say("Reading the tables")
        with open_reports(places) as con:
            if weeks:
                rows = last_week(con, scope.workflows)
                return _Answer({LAST_WEEK: rows}, partial(print_last_week, rows))
            frames = scoped_frames(con, scope, None if csv is None else [csv])
            others = reconsidered(con, scope)
    return _Answer(frames, partial(_print, frames, scope, others))


def _print(
    frames: "Mapping[str, pl.DataFrame]", scope: "Scope", reconsidered: "pl.DataFrame", console: "Console"
) -> None:
    from flows.reports.terminal import print_reconsidered, print_scoped

    print_scoped(frames, scope, console)
    print_reconsidered(reconsidered, console)


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
