"""The `onward` command: parse arguments, call, print — nothing else.

Exit codes: 0 success, 2 bad usage or invalid input, 130 Ctrl-C, 1 any other failure; no traceback reaches a user
(`ONWARD_DEBUG=1` shows it). Modules are imported by the command that needs them, so each starts fast.
"""

import os
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from flows.errors import INTERRUPTED, InputError, OnwardError, machine_error
from flows.interrupts import CTRL_C

if TYPE_CHECKING:
    from flows.definitions.folder import Definitions
    from flows.settings import Settings

A_MINUTE = 60


class _Commands(TyperGroup):
    """Commands whose errors are told by `main`: Typer has words of its own for some, and none for Ctrl-C."""

    def invoke(self, ctx: Any) -> Any:
        """What the command returns."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _fail(INTERRUPTED, CTRL_C)
        except EOFError as error:
            raise RuntimeError(f"a file or stream ended too early: {error}") from error


app = typer.Typer(
    name="onward",
    cls=_Commands,
    help="Customer-journey automation that runs where the data is: exact, replayable, explained.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", help="Settings file. [default: onward.toml, if there]", show_default=False),
]


def main() -> None:
    """The entry point: run the command, turn errors into messages and exit codes."""
    try:
        app()
    except OnwardError as error:
        _fail(str(error), error.exit_code)
    except Exception as error:
        if str(error) == "Query interrupted":  # what DuckDB makes of Ctrl-C
            _fail(INTERRUPTED, CTRL_C)
        if os.environ.get("ONWARD_DEBUG"):
            raise
        if told := machine_error(error):
            _fail(str(told), told.exit_code)
        _fail(
            f"unexpected {type(error).__name__}: {error}\nThis is a fault of Onward's; ONWARD_DEBUG=1 shows more.",
            1,
        )


@app.command("run")
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
    with _status() as say:
        summary = run_tick(_settings(settings), until, say, force=force)
    for warning in summary.warnings:
        typer.echo(f"warning: {warning}", err=True)
    for sentence in summary.refused:
        typer.echo(f"refused: {sentence}", err=True)
    typer.echo(summary.sentence)
    if summary.refused:
        sys.exit(InputError.exit_code)


@app.command("backtest")
def backtest_command(
    workflows: Annotated[Path, typer.Option(help="Folder of workflow files.")],
    end: Annotated[str, typer.Option(help="Decide until this instant (ISO 8601).")],
    out: Annotated[Path, typer.Option(help="Folder for the Parquet files and summary.json.")],
    events: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Event file; may be given several times.")
    ] = None,
    customers: Annotated[
        Path | None,
        typer.Option(
            help="Customer file: Parquet, NDJSON or CSV. Without it, events alone make customers known."
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="A history that `onward prepare` made, instead of --events and --customers."
        ),
    ] = None,
    store: Annotated[
        bool,
        typer.Option("--store", help="Read what the store has loaded, as `onward compact` laid it out last."),
    ] = False,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="TABLES",
            help="Write just these tables, like executions,messages; others of an earlier backtest in --out go. "
            "[default: all]",
        ),
    ] = None,
    patterns: Annotated[Path | None, typer.Option(help="File of pattern definitions.")] = None,
    start: Annotated[
        str | None, typer.Option(help="Events before it build profiles and trigger nothing.")
    ] = None,
    tick: Annotated[str | None, typer.Option(help="Length of a tick, like 1h. [default: one tick]")] = None,
    cap: Annotated[
        list[str] | None, typer.Option(metavar="N/WINDOW", help="Frequency cap, like 3/7d; may be repeated.")
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(help="About how much memory to use, like 4GB. [default: that of the settings]"),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many processes decide. [default: 2 where that is faster]")
    ] = None,
    settings: SettingsFile = None,
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Further event files.")
    ] = None,
) -> None:
    """The same engine over history: no store, nothing is sent. Writes Parquet and summary.json to --out."""
    from flows.arguments import parse_cap, parse_instant, parse_length, parse_names, parse_size
    from flows.backtest.out import doubt_of_out
    from flows.backtest.plan import TABLES, Plan
    from flows.backtest.run import backtest
    from flows.definitions.folder import read_definitions
    from flows.formats.ways import Ways

    if patterns and not patterns.is_file():
        raise InputError(f"--patterns {patterns}: no such file; leave it out if there are no patterns")
    files = [*(events or []), *(more or [])]
    if store:
        from flows.backtest.archive import history_of_store

        if history:
            raise InputError(f"--history {history} and --store: give one of them")
        history = history_of_store(_settings(settings)).folder
        typer.echo(f"note: the store's events as they were laid out last, in {history}", err=True)
    if history and (files or customers):
        raise InputError(
            f"--history {history}: holds events and customers already; give either it, or --events and --customers"
        )
    if not history and not files:
        raise InputError(
            "no events: give --events FILE, --history DIR that `onward prepare` made, or --store"
        )
    until = parse_instant("--end", end)
    found, defaults = read_definitions(workflows, patterns), _settings(settings)
    plan = Plan(
        workflows=found.workflows,
        patterns=found.patterns,
        send_times=[one for one in (defaults.quiet_hours, defaults.send_window) if one],
        timezone=defaults.timezone,
        customers=customers,
        events=files,
        out=out,
        end=until,
        start=None if start is None else parse_instant("--start", start),
        tick=parse_length("--tick", tick) if tick else None,
        caps=[parse_cap("--cap", one) for one in cap or []],
        memory=parse_size("--memory", memory or defaults.memory),
        processes=processes,
        limits=defaults.limits,
        ways=Ways.of(defaults),
        history=history,
        tables=TABLES if only is None else parse_names("--only", only, TABLES),
    )
    if plan.start and plan.start > plan.end:
        raise InputError(f"--start {start} is after --end {end}; give an earlier start")
    inputs = [*plan.events, *(one for one in (customers, patterns, history) if one), workflows]
    if doubt := doubt_of_out(out, inputs, [defaults.inbox / kind for kind in ("", "events", "customers")]):
        typer.echo(f"warning: {doubt}", err=True)
    with _bar() as progress:
        summary = backtest(plan, progress)
    names = ("events", "executions", "steps", "messages", "webhooks", "quarantined")
    counts = ", ".join(f"{summary[name]:,} {name}" for name in names)
    typer.echo(f"{counts}; {summary['ticks']:,} ticks in {summary['decide_seconds']:.1f} s. Written to {out}")


@app.command("prepare")
def prepare_command(
    events: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Event files.")],
    out: Annotated[Path, typer.Option(help="Folder for the history; one that is there is replaced.")],
    customers: Annotated[
        Path | None,
        typer.Option(
            help="Customer file: Parquet, NDJSON or CSV. Without it, events alone make customers known."
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(help="About how much memory to use, like 4GB. [default: that of the settings]"),
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Lay out event files once, so that backtests with --history start at once: by customer and time, each id once."""
    from flows.arguments import parse_size
    from flows.backtest.prepare import Preparation, prepare
    from flows.formats.ways import Ways

    defaults = _settings(settings)
    size = parse_size("--memory", memory or defaults.memory)
    given = Preparation(events, customers, out, defaults.limits, Ways.of(defaults), size)
    with _bar() as progress:
        told = prepare(given, progress)
    typer.echo(
        f"{_counted(told.events, 'event')}, {_counted(told.customers, 'customer')}, {told.quarantined:,} quarantined, "
        f"{_counted(told.duplicates, 'duplicate')}. Written to {out}"
    )


@app.command("validate")
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
    """Check workflow, pattern and template files; print every error, and warnings."""
    from flows.definitions.given import load_given, places_of
    from flows.definitions.lint import lint_definitions
    from transforms.definitions.workflow import definition_json

    places = _settings(settings)
    read = places_of(given, places)
    templates, found = read.templates, load_given(given, read)
    for fault in found.faults:
        typer.echo(fault, err=True)
    if found.faults:
        raise InputError(
            f"{_counted(len(found.faults), 'fault')}; valid: {_counted(len(found.workflows), 'workflow')}"
        )
    if not templates.is_dir() and any('"template_id"' in definition_json(one) for one in found.workflows):
        typer.echo(f"note: there is no folder {templates}, so template_ids aren't checked", err=True)
    typer.echo(
        f"valid: {_counted(len(found.workflows), 'workflow')}, {_counted(len(found.patterns), 'pattern')}"
        + (f"; read with {given}: {read.shown}" if given else "")
    )
    doubts = lint_definitions(places, found)
    for doubt in doubts:
        typer.echo(f"warning: {doubt}", err=True)
    if doubts and strict:
        raise InputError("--strict: warnings are failures; mend the files, or leave --strict out")
    if data:
        _lint(places, found, strict)


def _lint(places: "Settings", found: "Definitions", strict: bool) -> None:
    from flows.definitions.lint import lint_data

    warnings = lint_data(places, found)
    if warnings is None:
        typer.echo("data: none yet, so nothing was held against it; `onward run` loads some")
        return
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"data: {_counted(len(warnings), 'warning')}")
    if warnings and strict:
        raise InputError("--strict: warnings are failures; mend the files, or leave --strict out")


@app.command("report")
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
    with open_reports(_settings(settings)) as con:
        print_reports(con, console)
    if html:
        console.save_html(str(html))
        typer.echo(f"Written to {html}")


@app.command("migrate")
def migrate_command(
    workflow: Annotated[str, typer.Argument(help="The workflow's id.")],
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
    from flows.reports.terminal import print_moves, report_console
    from flows.tick.migrate import Request, migrate

    request = Request(workflow, to, maps or (), dry_run, skip_unmapped)
    with _status() as say:
        found = migrate(_settings(settings), request, say)
    print_moves(found.plan, found.target, report_console())
    for one in found.idle:
        typer.echo(f"warning: --map {one} moves nobody: no execution stands there", err=True)
    if found.sentence:
        typer.echo(found.sentence)
    if found.left and not (dry_run or skip_unmapped):
        raise InputError(
            f"{_counted(found.left, 'execution')} can't be moved, so nothing was; give --map OLD=NEW for their "
            "steps, or --skip-unmapped to leave them on their version"
        )


@app.command("rebuild")
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
    with _status() as say:
        if ledger:
            summary = remake_ledger(_settings(settings), say)
        else:
            summary = rebuild(_settings(settings), say, request=request)
    typer.echo(summary)


@app.command("compact")
def compact_command(settings: SettingsFile = None) -> None:
    """Put the ledger's many small files together, and lay the archive out by key; ticks may go on meanwhile."""
    from flows.backtest.archive import lay_out_archive
    from flows.store.compact import compact

    places = _settings(settings)
    with _status() as say:
        done = compact(places, say)
        laid_out = lay_out_archive(places, say)
    typer.echo(f"{done.sentence}\n{laid_out}")


@app.command("check")
def check_command(
    repair: Annotated[
        bool, typer.Option("--repair", help="Make again what can be made from the customers' documents.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Read every file that the store counts on, and say which is gone or damaged."""
    from flows.store.check import check

    with _status() as say:
        found = check(_settings(settings), say, repair=repair)
    if as_json:
        typer.echo(found.write_json())
    else:
        for file, fault, advice in found.iter_rows():
            typer.echo(f"{file}: {fault}; {advice}")
        typer.echo("every file is as it was written" if found.is_empty() else _counted(len(found), "fault"))
    if len(found):
        sys.exit(OnwardError.exit_code)


@app.command("reconcile")
def reconcile_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Count everything anew, and compare it with the reports' sums and with the send ledger."""
    from flows.delivery.reconcile import ledger_differences
    from flows.reports.frames import open_reports
    from flows.reports.reconcile import reconcile

    places = _settings(settings)
    with _status() as say:
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
            "everything is as it is counted" if found.is_empty() else _counted(len(found), "difference")
        )
    if len(found):
        sys.exit(OnwardError.exit_code)


@app.command("export")
def export_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The DuckDB file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Write one DuckDB file that holds every table and report itself, to be taken anywhere."""
    from flows.reports.export import export

    with _status() as say:
        rows = export(_settings(settings), file, say, force=force)
    typer.echo(f"{rows:,} rows. Written to {file}")


@app.command("serve")
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
    serve(_settings(settings), settings, cron, name)


def _settings(file: Path | None) -> "Settings":
    from flows.settings import read_settings

    return read_settings(file)


@contextmanager
def _status() -> Generator[Callable[[str], object]]:
    """A spinner that says what is being done, where somebody looks; else a line a minute."""
    if not sys.stderr.isatty():
        yield _line_a_minute()
        return
    from rich.console import Console

    with Console(stderr=True).status("Starting") as status:
        yield status.update


def _line_a_minute() -> Callable[[str], object]:
    """Tells what is being done when a minute has passed since the start, or since it last did."""
    told = time.monotonic()

    def say(sentence: str) -> None:
        nonlocal told
        if time.monotonic() - told >= A_MINUTE:
            told = time.monotonic()
            typer.echo(sentence, err=True)

    return say


@contextmanager
def _bar() -> Generator[Callable[[str, float], object]]:
    """A bar of what is being done and how far that is, where somebody looks."""
    if not sys.stderr.isatty():
        yield lambda _step, _share: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=1.0)
        yield lambda step, share: bar.update(task, description=step, completed=share)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(code)
