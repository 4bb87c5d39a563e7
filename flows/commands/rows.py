"""Rows of the store that people ask for by what holds of them: refused input, customers."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import SettingsFile, counted, settings_of
from flows.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from transforms.definitions.conditions import Condition

AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
CSV_HEAD = "file,line,reason,quarantined_at,row"
NOTHING_YET = "nothing was loaded yet: `onward status` says what to do"


def quarantine_command(
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Only rows whose reason has this in it.")
    ] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every row, as CSV.")] = False,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> None:
    """Say which input rows were refused, and why: by reason, with the first row of each; or every row, as CSV.

    To load a row after all, mend it and put it into a new file of the inbox.
    """
    from flows.overview.columns import room
    from flows.reports.quarantine import refused_by_reason, refused_json, refused_rows

    if as_csv and as_json:
        raise InputError("--csv and --json: allowed is one of them")
    places = settings_of(settings)
    if as_csv:
        rows = refused_rows(places, reason)
        typer.echo(f"{CSV_HEAD}\n" if rows is None else rows.write_csv(), nl=False)
        return
    found = refused_by_reason(places, reason)
    if as_json:
        typer.echo(json.dumps([] if found is None else refused_json(found), ensure_ascii=False))
    elif found is None:
        typer.echo(NOTHING_YET)
    elif found.is_empty():
        typer.echo(f"no refused row has {reason!r} in its reason" if reason else "no row was ever refused")
    else:
        typer.echo("\n".join(_reasons(found, room())))


def _reasons(found: "pl.DataFrame", width: int | None) -> "Iterator[str]":
    """Each reason with its first row, and how many rows they are together."""
    from flows.overview.columns import named

    for one in found.to_dicts():
        yield f"{counted(one['rows'], 'row')}: {one['reason']}"
        first = {
            "  first": f"{one['file']}, line {one['line']}",
            "  why": one["first_reason"],
            "  row": one["row"],
        }
        yield from named(first, width)
    yield f"{counted(sum(found['rows'].to_list()), 'row')}; --csv prints each"


def customers_command(
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="CONDITIONS",
            help="What must hold: attribute, operator, value, with 'and' between: 'plan = pro and orders >= 3'. "
            "Operators: = != > < >= <= and those of workflow files, as in 'tags contains vip', 'plan in_list [a, b]', "
            "'seen_at within_last 7d', 'email exists'. May be given again.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many to print.")] = 20,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> None:
    """Count and list customers by what holds of them now."""
    from flows.overview.columns import room, table
    from flows.reports.customers import find_customers, found_json, shown_cells
    from flows.session import wall_clock

    conditions = [condition for one in where or () for condition in _conditions(one)]
    found = find_customers(settings_of(settings), conditions, wall_clock(), limit)
    if as_json:
        told = {"count": 0, "customers": []} if found is None else found_json(found)
        typer.echo(json.dumps(told, ensure_ascii=False))
    elif found is None:
        typer.echo(NOTHING_YET)
    else:
        lines = [*table(shown_cells(found, conditions), room()), counted(found.count, "customer")]
        if found.count > limit:
            lines[-1] += f", of whom the first {limit:,} are shown; --limit shows more"
        typer.echo("\n".join(lines))


def _conditions(typed: str) -> "list[Condition]":
    from transforms.definitions.where import parse_where

    try:
        return parse_where(typed)
    except ValueError as error:
        raise InputError(f"--where {typed!r}: {error}") from None
