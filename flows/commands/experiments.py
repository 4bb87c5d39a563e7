"""What came of experiments: experiment."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.shared import SettingsFile, settings_of, status
from flows.errors import InputError

if TYPE_CHECKING:
    from flows.reports.experiments import Counted
    from flows.settings import Settings
    from transforms.answers.experiment import Experiment


def experiment_command(
    given: Annotated[
        str,
        typer.Argument(
            metavar="FILE|WORKFLOW",
            help="A file of customer_id, group, outcome (0, 1, true, false, yes, no), and perhaps value and before "
            "(the value of a time before the experiment): CSV, NDJSON, JSON or Parquet, perhaps compressed. Or a "
            "workflow of the store: those it held out, and those it treated.",
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
            "alike; of a workflow, what its holdout says]",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Of a workflow: customers whose first entry is at this instant or later."),
    ] = None,
    until: Annotated[str | None, typer.Option(help="Of a workflow: and before this instant.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """How groups of customers differ: rates, differences and lifts with intervals, and what can be concluded."""
    from flows.arguments import parse_shares
    from flows.reports.experiments import check_shares, choose_control, refusal_sentences
    from transforms.answers.experiment import analyse

    meant = parse_shares("--shares", shares) if shares is not None else None
    with status() as say:
        say(f"Reading {given}")
        counted = _counted(given, since, until, settings_of(settings))
        groups = counted.customers["group"].unique(maintain_order=True).to_list()
        chosen, note = choose_control(groups, control)
        if meant:
            check_shares(meant, groups)
        say("Comparing groups")
        found = analyse(counted.customers, chosen, meant or counted.shares)
    notes = [*counted.notes, *([note] if note else []), *refusal_sentences(counted.refused)]
    if as_json:
        typer.echo(json.dumps(_as_json(found, counted, notes), ensure_ascii=False))
        return
    _print(found, notes)


def _counted(given: str, since: str | None, until: str | None, places: "Settings") -> "Counted":
    """The customers of a file, if there is one of this name, else of a workflow."""
    file = Path(given)
    if not file.exists():
        return _of_the_store(given, since, until, places)
    from flows.reports.experiments import read_outcomes

    if since or until:
        raise InputError("--since, --until: are for workflows; of a file all rows count")
    return read_outcomes(file, places)


def _of_the_store(given: str, since: str | None, until: str | None, places: "Settings") -> "Counted":
    from flows.arguments import parse_instant
    from flows.reports.frames import open_reports
    from flows.reports.workflow_experiments import read_workflow

    if Path(given).suffix or len(Path(given).parts) > 1:
        raise InputError(
            f"{given}: no such file; give one of customer_id, group, outcome, or a workflow's id"
        )
    if not places.state.is_dir():
        raise InputError(f"{given}: no such file, and no workflow has run here: there is no {places.state}")
    period = [
        parse_instant(name, one) if one else None for name, one in (("--since", since), ("--until", until))
    ]
    with open_reports(places) as con:
        return read_workflow(con, given, *period)


def _print(found: "Experiment", notes: list[str]) -> None:
    from flows.fitting import report_console
    from flows.reports.experiment_tables import print_experiment

    print_experiment(found, notes, report_console())


def _as_json(found: "Experiment", counted: "Counted", notes: list[str]) -> dict[str, Any]:
    from dataclasses import asdict

    from transforms.answers.verdicts import verdicts

    refused = counted.refused.to_dicts()
    return {**asdict(found), "refused": refused, "notes": notes, "verdicts": verdicts(found)}
