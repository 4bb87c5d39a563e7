"""Ticks and what repeats them: run, rebuild, migrate, serve."""

import sys
from typing import Annotated

import typer

from flows.commands.shared import SettingsFile, counted, settings_of, status
from flows.errors import InputError, OnwardError


def run_command(
    now: Annotated[
        str | None,
        typer.Option(
            help="Decide until this instant (ISO 8601; UTC unless it has a zone). [default: the present]",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Take a --now that is more than max_future ahead of the clock; whatever comes in until then is late.",
        ),
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """One tick: load new files, decide, send, report. Safe to run at any time, twice, or after a crash."""
    from flows.arguments import parse_instant
    from flows.tick.run import run_tick

    until = None if now is None else parse_instant("--now", now)
    with status() as say:
        summary = run_tick(settings_of(settings), until, say, force=force)
    for warning in summary.warnings:
        typer.echo(f"warning: {warning}", err=True)
    for sentence in summary.refused:
        typer.echo(f"refused: {sentence}", err=True)
    typer.echo(summary.sentence)
    if summary.refused:
        sys.exit(InputError.exit_code)
    if summary.nothing_went_out:
        raise OnwardError("every message that was due failed; `onward outbox` says why")


def rebuild_command(
    until: Annotated[
        str | None,
        typer.Option(
            help="Undo what was decided after this instant (ISO 8601). Files loaded later come in again with the next "
            "run; what was sent stays sent.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also where the archive lacks ticks that the present state knows.")
    ] = False,
    ledger: Annotated[
        bool,
        typer.Option(
            "--ledger",
            help="Instead make a lost send ledger again, from what the state shows as sent. Whatever was handed over "
            "and not noted before a crash is forgotten, and may go out twice.",
        ),
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Compute the state again from the archive of loaded events; sends nothing twice."""
    from flows.arguments import parse_instant
    from flows.tick.rebuild import Request, rebuild, remake_ledger

    if ledger and (force or until is not None):
        raise InputError(
            "--ledger makes the send ledger again and no state; give it without --force and --until"
        )
    request = Request(None if until is None else parse_instant("--until", until), force)
    with status() as say:
        if ledger:
            summary = remake_ledger(settings_of(settings), say)
        else:
            summary = rebuild(settings_of(settings), say, request=request)
    typer.echo(summary)


def migrate_command(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="The id of a workflow.")],
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OLD=NEW",
            help="A step and where it goes, like 2=3, default/2=vip/3 or 2=end; may be repeated.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help="Number or hash of a version. [default: that of the file]", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be moved.")] = False,
    skip_unmapped: Annotated[
        bool, typer.Option("--skip-unmapped", help="Leave those whose step has no counterpart.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Move a workflow's executions in flight to its present version."""
    from flows.fitting import report_console
    from flows.reports.terminal import print_moves
    from flows.tick.migrate import Request, migrate

    request = Request(workflow, to, maps or (), dry_run, skip_unmapped)
    with status() as say:
        found = migrate(settings_of(settings), request, say)
    print_moves(found.plan, found.target, report_console())
    for one in found.idle:
        typer.echo(f"warning: --map {one} moves nobody: no execution stands there", err=True)
    if found.sentence:
        typer.echo(found.sentence)
    if found.left and not (dry_run or skip_unmapped):
        raise InputError(
            f"{counted(found.left, 'execution')} can't be moved, so nothing was; give --map OLD=NEW for their "
            "steps, or --skip-unmapped to leave them on their version"
        )


def serve_command(
    cron: Annotated[
        str, typer.Option(help="When to run a tick, as a cron expression (UTC).")
    ] = "*/5 * * * *",
    name: Annotated[
        str,
        typer.Option(
            help="Name of the deployments; each data folder its own where they share a Prefect server."
        ),
    ] = "onward",
    settings: SettingsFile = None,
) -> None:
    """Register and serve the scheduled Prefect deployments, until interrupted."""
    try:
        from flows.serve.deployments import serve
    except ValueError as error:  # which Prefect reads while it is imported
        raise InputError(
            f"Prefect's settings (PREFECT_… variables, or its profile) are not valid: {error}"
        ) from None
    serve(settings_of(settings), settings, cron, name)
