"""A change tried before it is made: diff."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.histories import (
    CustomerFile,
    EventFiles,
    FromStore,
    HistoryFolder,
    MoreEventFiles,
    Start,
    history_or_files,
)
from flows.commands.shared import SettingsFile, bar, check_names_file, counted, settings_of
from flows.errors import InputError, OnwardError

if TYPE_CHECKING:
    from flows.reports.diff import Side
    from flows.reports.diff_document import Document
    from flows.settings import Settings
    from transforms.engine.state import Cap

_FORMATS = "--json and --markdown: give one of them"


def diff_command(
    old: Annotated[
        Path,
        typer.Argument(
            metavar="OLD", help="Folder of definitions, or a workflow file; - for one from standard input."
        ),
    ],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The same after the change.")],
    more: MoreEventFiles = None,
    events: EventFiles = None,
    customers: CustomerFile = None,
    history: HistoryFolder = None,
    store: FromStore = False,
    patterns: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="File of pattern definitions of both; given twice, that of OLD and that of NEW. "
            "[default: patterns.yaml in or beside each folder]",
        ),
    ] = None,
    start: Start = None,
    last: Annotated[
        str | None,
        typer.Option(metavar="LENGTH", help="Instead of --start: so long before the end, like 30d."),
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="Decide until this instant (ISO 8601). [default: the last event]")
    ] = None,
    cap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N/WINDOW",
            help="Frequency cap of both, like 3/7d; may be repeated. [default: those of the settings]",
        ),
    ] = None,
    old_cap: Annotated[
        list[str] | None,
        typer.Option(metavar="N/WINDOW", help="Frequency cap of OLD only, instead of the others."),
    ] = None,
    new_cap: Annotated[
        list[str] | None,
        typer.Option(metavar="N/WINDOW", help="Frequency cap of NEW only, instead of the others."),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXPRESSION",
            help="Exit with 1 if it holds, like 'messages_per_customer > +20%'; may be repeated.",
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(min=0, help="Name so many customers and messages of each kind and workflow; 0: nobody."),
    ] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a comment for a pull request.")
    ] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write it as one HTML page.")] = None,
    settings: SettingsFile = None,
) -> None:
    """What changed definitions would have done: OLD and NEW decided over the same history, and compared."""
    from flows.arguments import parse_instant, parse_length
    from flows.backtest.past import Past
    from flows.reports.diff import Span, diff
    from flows.reports.diff_document import document
    from flows.reports.fail_if import parse_limit

    if as_json and as_markdown:
        raise InputError(_FORMATS)
    if html:
        check_names_file("--html", html)
    if start and last:
        raise InputError(f"--start {start} and --last {last}: give one of them")
    limits = [parse_limit("--fail-if", one) for one in fail_if or []]
    span = Span(
        parse_instant("--start", start) if start else None,
        parse_instant("--end", end) if end else None,
        parse_length("--last", last) if last else None,
    )
    places = settings_of(settings)
    sides = _sides((old, new), patterns or [], places, _caps(places, cap, old_cap, new_cap))
    files = [*(events or []), *(more or [])]
    past = Past(files, customers, history_or_files(files, customers, history, places if store else None))
    with bar() as progress:
        found = diff(*sides, past, span, places, progress, samples)
    told = document(found, limits)
    if html:
        from flows.reports.diff_html import write_page

        write_page(told, html)
        typer.echo(f"Written to {html}", err=True)
    _print(told, as_json=as_json, as_markdown=as_markdown)


def _caps(
    places: "Settings", cap: list[str] | None, old: list[str] | None, new: list[str] | None
) -> "list[list[Cap]]":
    """The caps of OLD and of NEW."""
    from flows.arguments import parse_cap
    from transforms.engine.state import Cap

    both = [parse_cap("--cap", one) for one in cap or []] or [
        Cap(one.messages, one.window, one.channel, one.message_class) for one in places.frequency_caps
    ]
    own = (("--old-cap", old), ("--new-cap", new))
    return [[parse_cap(option, one) for one in given or []] or both for option, given in own]


def _sides(
    given: tuple[Path, Path], patterns: list[Path], places: "Settings", caps: "list[list[Cap]]"
) -> "tuple[Side, Side]":
    """OLD and NEW, or all faults of both."""
    if given == (Path("-"), Path("-")):
        raise InputError("OLD and NEW are both -; only one can come from standard input")
    if len(patterns) > 2:
        raise InputError(f"--patterns: given {len(patterns)} times; once for both, or twice, for OLD and NEW")
    for one in patterns:
        if not one.is_file():
            raise InputError(f"--patterns {one}: no such file; leave it out if there are no patterns")
    files = [patterns[0], patterns[-1]] if patterns else [None, None]
    faults: list[str] = []
    old, new = (
        _side(name, one, file, some, places, faults)
        for name, one, file, some in zip(("OLD", "NEW"), given, files, caps, strict=True)
    )
    if faults:
        for fault in faults:
            typer.echo(fault, err=True)
        raise InputError(f"{counted(len(faults), 'fault')}; nothing was tried")
    if not old.found.workflows and not new.found.workflows:
        raise InputError(
            f"neither {old.given} nor {new.given} holds a workflow; name folders of workflow files"
        )
    for side in (old, new):
        if not side.found.workflows:
            typer.echo(f"warning: {side.name} {side.given}: holds no workflow", err=True)
    return old, new


def _side(
    name: str,
    given: Path,
    patterns: Path | None,
    caps: "Sequence[Cap]",
    places: "Settings",
    faults: list[str],
) -> "Side":
    """What one of them says; its faults are added to `faults`."""
    from flows.definitions.given import load_given, places_of
    from flows.delivery.rules import rule_faults
    from flows.reports.diff import Side

    try:
        read = places_of(given, places)
        read = replace(read, patterns=patterns) if patterns else read
        found = load_given(given, read)
    except InputError as error:
        raise InputError(f"{name} {error}") from None
    # Rules of another folder, which the settings name, are for the workflows there.
    is_own = read.content != places.content or read.workflows.resolve() == places.workflows.resolve()
    rules = rule_faults(given, read, found) if is_own else []
    faults += [f"{name} {fault}" for fault in (*found.faults, *rules)]
    return Side(name, given, found, caps)


def _print(told: "Document", *, as_json: bool, as_markdown: bool) -> None:
    """Print it, and fail if one of the limits holds."""
    from flows.reports.diff_document import as_json as in_json
    from flows.reports.diff_markdown import markdown
    from flows.reports.diff_text import text
    from flows.reports.diff_words import judged

    if as_json:
        typer.echo(in_json(told))
    else:
        width = shutil.get_terminal_size().columns
        typer.echo(markdown(told) if as_markdown else text(told, width))
    if held := [judged(one) for one in told["fail_if"] if one["holds"]]:
        sys.stdout.flush()
        raise OnwardError("\n".join(held))
