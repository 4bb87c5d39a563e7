"""What is to come: forecast."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import SettingsFile, settings_of, status

if TYPE_CHECKING:
    from flows.reports.forecast import LookedBack, ToCome

MOST_DAYS = 92


def forecast_command(
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, metavar="N", help="How many days.")] = 14,
    backcast: Annotated[
        bool,
        typer.Option(
            "--backcast",
            help="Instead what would have been said N days ago beside what came, how far off it was, and how far off "
            "'as on the same weekday of last week'.",
        ),
    ] = False,
    workflow: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only of this workflow; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """How many messages are to come, by day, workflow, hour and sender, from the day of the last tick on.

    The last tick is the last that changed something.
    """
    from flows.reports.forecast import looked_back, to_come
    from flows.reports.frames import open_reports

    ids = workflow or ()
    with status() as say:
        say("Reading the tables")
        with open_reports(settings_of(settings)) as con:
            found = looked_back(con, days, ids) if backcast else to_come(con, days, ids)
    _answer(found, as_json=as_json)


def _answer(found: "ToCome | LookedBack | None", *, as_json: bool) -> None:
    from flows.fitting import report_console
    from flows.reports.forecast_tables import print_forecast
    from flows.reports.machine import json_of

    if as_json:
        typer.echo(json_of(found.frames() if found else {}))
    else:
        print_forecast(found, report_console())
