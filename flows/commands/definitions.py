"""What people write: validate."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import SettingsFile, counted, settings_of
from flows.errors import InputError

if TYPE_CHECKING:
    from flows.definitions.folder import Definitions
    from flows.settings import Settings


def validate_command(
    given: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR|FILE|-]",
            help="A folder of workflow files, or one with workflows/ in it; a workflow, patterns or template file; "
            "- for a workflow from standard input. [default: the folder of the settings]",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        bool, typer.Option("--data", help="Also hold the files against the store's data; prints warnings.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Check workflow, pattern, template and rule files, and the settings of sending.

    Prints every fault with its place, and warns of what likely isn't meant.
    """
    from flows.definitions.given import load_given, places_of
    from flows.definitions.lint import lint_definitions
    from flows.delivery.rules import rule_faults
    from transforms.definitions.workflow import definition_json

    places = settings_of(settings, warn=False)
    read = places_of(given, places)
    templates, found = read.templates, load_given(given, read)
    faults = [*found.faults, *rule_faults(given, read, found)]
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        if given is None and (told := _unsendable(places, found)):
            typer.echo(told, err=True)
        raise InputError(
            f"{counted(len(faults), 'fault')}; valid: {counted(len(found.workflows), 'workflow')}"
        )
    if not templates.is_dir() and any('"template_id"' in definition_json(one) for one in found.workflows):
        typer.echo(f"note: there is no folder {templates}, so template_ids aren't checked", err=True)
    typer.echo(
        f"valid: {counted(len(found.workflows), 'workflow')}, {counted(len(found.patterns), 'pattern')}"
        + (f"; read with {given}: {read.shown}" if given else "")
    )
    if given is None and (told := _unsendable(places, found)):
        raise InputError(told)
    doubts = [*lint_definitions(places, found), *_variables(places)]
    for doubt in doubts:
        typer.echo(f"warning: {doubt}", err=True)
    if doubts and strict:
        raise InputError("--strict: warnings are failures; mend the files, or leave --strict out")
    if data:
        _lint(places, found, strict)


def _unsendable(places: "Settings", found: "Definitions") -> str | None:
    """What is wrong with the settings of sending; None: nothing."""
    from flows.delivery.checks import check_sending, weekly_faults

    try:
        check_sending(places, found.workflows, found.unreadable)
    except InputError as error:
        return str(error)
    return "\n".join(weekly_faults(places)) or None


def _variables(places: "Settings") -> list[str]:
    """A sentence for each variable that begins like a setting and is none."""
    from flows.setting_faults import unknown_variables, variable_told

    return [variable_told(name, meant) for name, meant in unknown_variables(places, os.environ)]


def _lint(places: "Settings", found: "Definitions", strict: bool) -> None:
    from flows.definitions.lint import lint_data

    warnings = lint_data(places, found)
    if warnings is None:
        typer.echo("data: none yet, so nothing was held against it; `onward run` loads some")
        return
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"data: {counted(len(warnings), 'warning')}")
    if warnings and strict:
        raise InputError("--strict: warnings are failures; mend the files, or leave --strict out")
