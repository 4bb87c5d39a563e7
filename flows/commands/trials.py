"""Workflows before they are let loose: test, activate."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.shared import SettingsFile, counted, settings_of
from flows.errors import InputError, OnwardError


def trial_command(
    given: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE|DIR]",
            help="A file of tests, or a folder of them; workflows and templates beside it are those that are tested. "
            "[default: the folder of the settings]",
            show_default=False,
        ),
    ] = None,
    named: Annotated[
        str | None, typer.Option("-k", metavar="NAME", help="Only tests that have this in their name.")
    ] = None,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help="Write what happens into tests that fail, or expect nothing yet, as their expectation.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Test workflows: customers and events of a few lines, and the messages that must come of them. Nothing is sent.

    Exits with 1 if a test fails, with 2 if a file has faults. Drafts take part as if they were active.
    """
    from flows.scenarios.run import run_tests
    from flows.scenarios.telling import told, told_json

    tested = run_tests(given, settings_of(settings), named)
    if not tested:
        raise InputError("no test" + (f" has {named!r} in its name" if named else "; write one first"))
    failed = [one for one in tested if one.differences]
    if record:
        from flows.scenarios.record import record as write

        files = write(failed)
        typer.echo(
            f"recorded: {counted(len(failed), 'test')} in {counted(len(files), 'file')}; read what was written"
        )
        return
    if as_json:
        typer.echo(json.dumps(told_json(tested), indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(told(tested)))
    if failed:
        raise OnwardError(f"{len(failed)} of {counted(len(tested), 'test')} failed")
    if not as_json:
        typer.echo(f"{counted(len(tested), 'test')} passed")


def activate_command(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW", help="The id of a workflow.")],
    off: Annotated[bool, typer.Option("--off", help="Pause it instead; asks for no tests.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Set is_active in a workflow's file, once its tests pass; comments stay. The next run goes by it."""
    from flows.definitions.folder import workflow_files
    from flows.scenarios.activate import check_tested, set_active
    from flows.scenarios.run import run_tests
    from transforms.definitions.base import advice

    places = settings_of(settings)
    files = workflow_files(places.workflows) if places.workflows.is_dir() else {}
    if workflow not in files:
        raise InputError(
            f"no valid workflow {workflow!r} in {places.workflows}; {advice(workflow, sorted(files))}"
        )
    file, tests = files[workflow], ""
    if not off:
        passed = check_tested(workflow, run_tests(None, places, also=[workflow]))
        tests = f"; {counted(passed, 'test')} passed"
    changed = set_active(file, active=not off)
    now = "is paused" if off else "is active"
    typer.echo(f"{file}: {workflow} {now}{'' if changed else ', as it was'}{tests}")
