"""`python -m demo`: a year of real grocery orders, week by week, through the run that users have."""

import argparse
import shutil
import sys
from datetime import datetime
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from demo.complete_journey import write_files
from demo.earned import earnings
from flows.errors import OnwardError
from flows.fitting import report_console
from flows.reports.terminal import print_reports
from flows.settings import Settings, read_settings
from flows.store.winners import read_winners
from flows.summary import TickSummary
from flows.tick.run import run_tick
from flows.warehouse import connect

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
COUNTS = ("events", "quarantined", "executions", "steps", "messages")


def main() -> int:
    """Build the demo from scratch and run it; the exit code is 0, or that of the error told."""
    console = report_console()
    try:
        demonstrate(console)
    except OnwardError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    return 0


def demonstrate(console: Console) -> None:
    """Convert the data, feed it week by week, print the reports and where everything lies.

    Raises:
        OnwardError: the demo data isn't installed, or a run failed.
    """
    began = perf_counter()
    settings = fresh_settings()
    with console.status("Converting a year of grocery orders"):
        customers, weeks = write_files(settings.data_dir / "source")
    console.print(f"Converted in {perf_counter() - began:.1f} s: 2017, {len(weeks)} weekly event files.")
    deliver(customers, settings.inbox / "customers")
    summaries = run_weeks(weeks, settings, console)
    tell(summaries, settings, perf_counter() - began, console)


def fresh_settings() -> Settings:
    """The demo's settings over an emptied build folder; nothing in the environment can move that folder."""
    shutil.rmtree(BUILD, ignore_errors=True)
    return read_settings(HERE / "onward.toml", data_dir=BUILD)


def deliver(file: Path, folder: Path) -> None:
    """Copy `file` into a folder of the inbox, as whoever produces the files would."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, folder)


def run_weeks(weeks: list[tuple[datetime, Path]], settings: Settings, console: Console) -> list[TickSummary]:
    """One run at the end of each week, over the events that came in during it."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    summaries = []
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Running", total=len(weeks))
        for now, file in weeks:
            progress.update(task, description=f"Week until {now:%Y-%m-%d}")
            deliver(file, settings.inbox / "events")
            summaries.append(run_tick(settings, now))
            progress.advance(task)
    return summaries


def tell(summaries: list[TickSummary], settings: Settings, seconds: float, console: Console) -> None:
    """Print the reports, the year's totals and where everything lies."""
    published = settings.published / "onward.duckdb"
    with connect(published, read_only=True) as con:
        print_reports(con, console)
        console.print("What the workflows earned", style="bold")
        for paragraph in earnings(con, read_winners(settings)):
            console.print(f"\n{paragraph}", highlight=False, markup=False)
    totals = {name: sum(getattr(summary, name) for summary in summaries) for name in COUNTS}
    counted = ", ".join(f"{total:,} {name}" for name, total in totals.items())
    console.print(
        f"\n{len(summaries)} runs in {seconds:.0f} s: {counted}.\n", highlight=False, soft_wrap=True
    )
    places = {
        "Open this with DuckDB": published,
        "Reports as Parquet": settings.published / "reports",
        "Messages, as e-mail files": settings.outbox,
        "The engine's state": settings.state,
        "Workflows, templates, rules": settings.workflows.parent,
    }
    for what, where in places.items():
        console.print(f"{what:<29}{_shown(where)}", soft_wrap=True, highlight=False, markup=False)


def _shown(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m demo", description=__doc__).parse_args()  # it takes none
    sys.exit(main())
