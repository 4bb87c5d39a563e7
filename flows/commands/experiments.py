"""What came of experiments: experiment."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.shared import SettingsFile, settings_of, status
from flows.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.reports.experiment_answers import Answer
    from flows.reports.workflow_experiments import Period
    from flows.settings import Settings


def experiment_command(
    given: Annotated[
        str,
        typer.Argument(
            metavar="FILE|WORKFLOW",
            help="A file of customer_id, group, outcome (0, 1, true, false, yes, no), and perhaps value and before "
            "(the value of a time before the experiment): CSV, NDJSON, JSON or Parquet, perhaps compressed. Or a "
            "workflow of the store: all its experiments, which are its holdout, its random splits, and the variants "
            "of its messages.",
            show_default=False,
        ),
    ],
    control: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The group that others are compared with. [default: one called control, holdout, held_out or "
            "placebo, else the first]",
            show_default=False,
        ),
    ] = None,
    shares: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=N,…",
            help="How large the groups were meant to be, in any unit, like control=1,treated=9. [default: all "
            "alike; of a workflow, as it says]",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Of a workflow: customers who first came at this instant or later."),
    ] = None,
    until: Annotated[str | None, typer.Option(help="Of a workflow: and before this instant.")] = None,
    new_only: Annotated[
        bool,
        typer.Option(
            "--new-only",
            help="Of a workflow: only customers who had never come before --since. Without it, of those treated who "
            "were running then some are missing.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """How groups of customers differ: conversion and revenue, with intervals, and what can be concluded."""
    from flows.arguments import parse_shares

    meant = parse_shares("--shares", shares) if shares is not None else None
    places = settings_of(settings)
    if not Path(given).exists():
        if new_only and not since:
            raise InputError("--new-only: says nothing without --since; of all time everybody was new once")
        _tell_workflow(
            given, places, control, meant, _period(since, until, new_only=new_only), as_json=as_json
        )
        return
    if since or until or new_only:
        raise InputError("--since, --until, --new-only: are for workflows; of a file all rows count")
    _tell_file(Path(given), places, control, meant, as_json=as_json)


def _period(since: str | None, until: str | None, *, new_only: bool) -> "Period":
    from flows.arguments import parse_instant
    from flows.reports.workflow_experiments import Period

    first, last = (
        parse_instant(name, one) if one else None for name, one in (("--since", since), ("--until", until))
    )
    return Period(first, last, new_only)


def _tell_file(
    file: Path, places: "Settings", control: str | None, shares: dict[str, float] | None, *, as_json: bool
) -> None:
    from flows.reports.experiment_answers import answer_of_file

    with status() as say:
        say(f"Reading {file}")
        answer = answer_of_file(file, places, control, shares)
    if as_json:
        _echo(answer.document())
    else:
        _print([answer])


def _tell_workflow(
    given: str,
    places: "Settings",
    control: str | None,
    shares: dict[str, float] | None,
    period: "Period",
    *,
    as_json: bool,
) -> None:
    if Path(given).suffix or len(Path(given).parts) > 1:
        raise InputError(
            f"{given}: no such file; give one of customer_id, group, outcome, or a workflow's id"
        )
    if not places.state.is_dir():
        raise InputError(f"{given}: no such file, and no workflow has run here: there is no {places.state}")
    from flows.reports.experiment_answers import answers_of_workflow
    from flows.reports.frames import open_reports
    from flows.store.winners import read_winners

    with status() as say, open_reports(places) as con:
        say(f"Reading {given}")
        answers = answers_of_workflow(con, given, read_winners(places), period, control, shares)
    if as_json:
        _echo({"workflow_id": given, "experiments": [one.document() for one in answers]})
    else:
        _print(answers)


def _print(answers: "Sequence[Answer]") -> None:
    from flows.fitting import report_console
    from flows.reports.experiment_tables import print_experiment

    console = report_console()
    for number, one in enumerate(answers):
        if number:
            console.print()
        print_experiment(one.found, one.notes, console, title=one.title, value=one.value)


def _echo(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False))
