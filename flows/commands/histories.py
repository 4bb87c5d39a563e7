"""The engine over history: backtest, prepare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.shared import SettingsFile, bar, counted, settings_of
from flows.errors import InputError

if TYPE_CHECKING:
    from flows.backtest.plan import Plan
    from flows.settings import Settings


EventFiles = Annotated[
    list[Path] | None,
    typer.Option("--events", metavar="FILE", help="Event file; may be given several times."),
]
MoreEventFiles = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE]...", help="Further event files.")
]
CustomerFile = Annotated[
    Path | None,
    typer.Option(
        "--customers",
        help="Customer file: Parquet, NDJSON or CSV. Without it, events alone make customers known.",
    ),
]
HistoryFolder = Annotated[
    Path | None,
    typer.Option(
        "--history",
        metavar="DIR",
        help="A history that `onward prepare` made, instead of --events and --customers.",
    ),
]
FromStore = Annotated[
    bool,
    typer.Option("--store", help="Read what the store has loaded, as `onward compact` laid it out last."),
]
Start = Annotated[
    str | None, typer.Option("--start", help="Events before it build profiles and trigger nothing.")
]


def backtest_command(
    workflows: Annotated[Path, typer.Option(help="Folder of workflow files.")],
    end: Annotated[str, typer.Option(help="Decide until this instant (ISO 8601).")],
    out: Annotated[Path, typer.Option(help="Folder for the Parquet files and summary.json.")],
    events: EventFiles = None,
    customers: CustomerFile = None,
    history: HistoryFolder = None,
    store: FromStore = False,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="TABLES",
            help="Write just these tables, like executions,messages; others of an earlier backtest in --out go. "
            "[default: all]",
        ),
    ] = None,
    patterns: Annotated[Path | None, typer.Option(help="File of pattern definitions.")] = None,
    start: Start = None,
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
    report: Annotated[
        bool,
        typer.Option("--report", help="Print the reports of what was decided; they go to DIR/reports, too."),
    ] = False,
    settings: SettingsFile = None,
    more: MoreEventFiles = None,
) -> None:
    """The same engine over history: no store, nothing is sent. Writes Parquet and summary.json to --out."""
    from flows.arguments import parse_cap, parse_instant, parse_length, parse_names, parse_size
    from flows.backtest.out import doubt_of_out
    from flows.backtest.plan import TABLES, Plan
    from flows.backtest.run import backtest
    from flows.definitions.folder import read_definitions
    from flows.formats.ways import Ways
    from flows.reports.of_backtest import NEEDED, drop_reports

    if patterns and not patterns.is_file():
        raise InputError(f"--patterns {patterns}: no such file; leave it out if there are no patterns")
    files = [*(events or []), *(more or [])]
    defaults = settings_of(settings)
    history = history_or_files(files, customers, history, defaults if store else None)
    until = parse_instant("--end", end)
    found = read_definitions(workflows, patterns)
    plan = Plan(
        workflows=found.workflows,
        patterns=found.patterns,
        send_times=defaults.send_times,
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
    if report and (lacking := [one for one in NEEDED if one not in plan.tables]):
        raise InputError(
            f"--only {only}: --report reads {', '.join(lacking)}, too; add {'it' if len(lacking) == 1 else 'them'}, "
            "or leave --only out"
        )
    if plan.start and plan.start > plan.end:
        raise InputError(f"--start {start} is after --end {end}; give an earlier start")
    inputs = [*plan.events, *(one for one in (customers, patterns, history) if one), workflows]
    if doubt := doubt_of_out(out, inputs, [defaults.inbox / kind for kind in ("", "events", "customers")]):
        typer.echo(f"warning: {doubt}", err=True)
    with bar() as progress:
        summary = backtest(plan, progress)
    drop_reports(out)
    names = ("events", "executions", "steps", "messages", "webhooks", "quarantined")
    counts = ", ".join(f"{summary[name]:,} {name}" for name in names)
    typer.echo(f"{counts}; {summary['ticks']:,} ticks in {summary['decide_seconds']:.1f} s. Written to {out}")
    if report:
        _report(plan)


def _report(plan: "Plan") -> None:
    """Print the reports over what a backtest wrote, and write them beside it."""
    from flows.fitting import report_console
    from flows.reports.of_backtest import write_reports
    from flows.reports.scope import Scope
    from flows.reports.terminal import print_scoped

    print_scoped(write_reports(plan.out, plan.workflows, plan.end), Scope(), report_console())


def history_or_files(
    files: list[Path], customers: Path | None, history: Path | None, store: "Settings | None"
) -> Path | None:
    """The prepared history to read, of those options that a command was given; None: its files are read.

    Args:
        files: of events.
        customers: their file.
        history: the folder of `--history`.
        store: the settings, if the store's archive is asked for.

    Raises:
        InputError: there is nothing to read, or one thing beside the other.
    """
    if store:
        from flows.backtest.archive import history_of_store

        if history:
            raise InputError(f"--history {history} and --store: give one of them")
        history = history_of_store(store).folder
        typer.echo(f"note: the store's events as they were laid out last, in {history}", err=True)
    if history and (files or customers):
        raise InputError(
            f"--history {history}: holds events and customers already; give either it, or --events and --customers"
        )
    if not history and not files:
        raise InputError(
            "no events: give --events FILE, --history DIR that `onward prepare` made, or --store"
        )
    return history


def prepare_command(
    events: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Event files.")],
    out: Annotated[Path, typer.Option(help="Folder for the history; one that is there is replaced.")],
    customers: CustomerFile = None,
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

    defaults = settings_of(settings)
    size = parse_size("--memory", memory or defaults.memory)
    given = Preparation(events, customers, out, defaults.limits, Ways.of(defaults), size)
    with bar() as progress:
        told = prepare(given, progress)
    typer.echo(
        f"{counted(told.events, 'event')}, {counted(told.customers, 'customer')}, {told.quarantined:,} quarantined, "
        f"{counted(told.duplicates, 'duplicate')}. Written to {out}"
    )
