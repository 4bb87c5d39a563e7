"""The Prefect deployments: ticks, reports, the week's mail, and `serve`, which runs them all from one command.

The flows do what `onward run` and `onward report` do, in tasks. Every task opens the store for itself, so that a run
that was killed leaves nothing open, and a task that finds the store busy tries again.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar

# Prefect decides while it is imported whether to report its use.
os.environ["DO_NOT_TRACK"] = os.environ.get("DO_NOT_TRACK", "1")

import typer
from prefect import Flow, flow, get_run_logger
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, State
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import FailedRun
from prefect.runner import Runner
from prefect.schedules import Cron, Schedule
from prefect.states import Completed, Failed
from prefect.types.entrypoint import EntrypointType

from flows.arguments import parse_instant
from flows.backtest.archive import lay_out_archive
from flows.errors import InputError, OnwardError
from flows.interrupts import CTRL_C
from flows.reports.frames import open_reports
from flows.serve.artifacts import leave_counted, leave_tables, leave_tick
from flows.serve.claims import check_name, check_names, served_alone, tags_of
from flows.serve.server import prefect_api
from flows.serve.tasks import WHILE_PUT_OFF, in_a_task
from flows.serve.until_stopped import serve_until_stopped
from flows.settings import Settings, read_settings
from flows.store.compact import compact as compact_ledger
from flows.store.opening import open_store
from flows.store.publish import published_file
from flows.store.store import Store
from flows.store.winners import read_winners
from flows.summary import TickSummary
from flows.tick.run import StageRunner, run_stages
from flows.tick.stages import read_workflows

if TYPE_CHECKING:
    from flows.weekly.mail import Mailing

DEPLOYMENT = "onward"
REPORT_CRON = "0 6 * * *"
COMPACT_CRON = "30 3 * * *"
ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
# Prefect holds on to flows, and so to what they name, past the interpreter's end, where DuckDB would complain of
# a leak. A module that is held itself is emptied before.
THIS_MODULE = sys.modules.get(__name__)

P = ParamSpec("P")
R = TypeVar("R")


def _shorten(record: logging.LogRecord) -> bool:
    """Take the traceback off a failure that was meant for people: its message has been logged."""
    if record.exc_info and isinstance(record.exc_info[1], FailedRun):
        record.exc_info = None
    return True


# A run in a process of its own ends by raising the failure its flow returned.
logging.getLogger("prefect.flow_runs").addFilter(_shorten)


def _stages_as_tasks(settings: Settings) -> StageRunner:
    """Each stage is a task that opens the store for itself."""

    def run(stage: Callable[Concatenate[Store, P], R], /, *given: P.args, **named: P.kwargs) -> R:
        def work() -> R:
            log = get_run_logger()
            with open_store(settings, log.info) as store:
                for warning in store.warnings:
                    log.warning(warning)
                return stage(store, *given, **named)

        return in_a_task(getattr(stage, "__name__", "stage"), work)

    return run


@flow(name="onward-tick")
def tick(
    settings_file: str | None = None, now: str | None = None, force: bool = False
) -> State[dict[str, Any]]:
    """One tick: load new files, decide, send, report.

    Args:
        settings_file: the settings file; without it, `onward.toml` in the working folder, if there.
        now: decide until this instant (ISO 8601, UTC unless it has a zone); without it, until the present,
            however late the run starts.
        force: whether `now` may be more than `max_future` ahead of the clock.

    Returns:
        Completed with the numbers of the tick, or Failed with a message for people; where an inbox file was refused,
        after everything else was done.
    """
    try:
        summary = _tick(settings_file, now, force)
    except OnwardError as error:
        return Failed(message=str(error))
    typer.echo(summary.sentence)
    if summary.refused:
        return Failed(message="\n".join([*summary.refused, summary.sentence]))
    return Completed(message=summary.sentence, data=asdict(summary))


@flow(name="onward-report")
def report(settings_file: str | None = None) -> State[None]:
    """Rebuild the reports; arguments and end as for `tick`."""
    try:
        settings = _settings(settings_file)
        in_a_task("show_reports", lambda: _show_store(settings))
    except OnwardError as error:
        return Failed(message=str(error))
    return Completed(message="The reports are among the artifacts")


@flow(name="onward-weekly-report")
def weekly_report(settings_file: str | None = None) -> State[dict[str, Any]]:
    """Mail the week's report to whoever has not got it this week; arguments as for `tick`.

    Returns:
        Completed, also where the settings name nobody; or Failed, where somebody hasn't got it.
    """
    try:
        settings = _settings(settings_file)
        if not settings.weekly_report.to:
            return Completed(message="Nobody is to get it: weekly_report.to is empty")
        mailing = in_a_task("mail_report", lambda: _mail(settings), WHILE_PUT_OFF)
    except OnwardError as error:
        return Failed(message=str(error))
    return (Completed if mailing.arrived else Failed)(message=mailing.sentence, data=asdict(mailing))


@flow(name="onward-compact")
def compact(settings_file: str | None = None) -> State[None]:
    """Put the ledger's small files together and lay the archive out, beside ticks; arguments and end as for `tick`."""
    try:
        settings = _settings(settings_file)
        done = in_a_task("compact", lambda: compact_ledger(settings, get_run_logger().info))
        laid_out = in_a_task("lay_out_archive", lambda: lay_out_archive(settings, get_run_logger().info))
    except OnwardError as error:
        return Failed(message=str(error))
    return Completed(message=f"{done.sentence}. {laid_out}")


def _tick(settings_file: str | None, now: str | None, force: bool) -> TickSummary:
    settings = _settings(settings_file)
    until = parse_instant("now", now) if now else None
    definitions = in_a_task("check_definitions", lambda: read_workflows(settings))
    for fault in definitions.faults:
        get_run_logger().warning(fault)
    summary = run_stages(_stages_as_tasks(settings), definitions, until, force)
    in_a_task("show_tick", lambda: leave_tick(summary, published_file(settings)))
    return summary


def serve(settings: Settings, settings_file: Path | None, cron: str, name: str = DEPLOYMENT) -> NoReturn:
    """Register the deployments and run what they schedule, until interrupted.

    The Prefect server is the one of `PREFECT_API_URL`; without one, a server is started on this machine for
    as long as this runs, with its history and log beside the state.

    Args:
        settings: where things lie.
        settings_file: the file they come from, handed to every run.
        cron: when to run a tick, UTC.
        name: of the deployments; each data folder needs its own where several share a Prefect server.

    Raises:
        AlreadyServedError: another one works in this data folder.
        InputError: `cron` isn't a cron expression, `name` no name, there is no folder of workflows, the port is
            taken, or another data folder is served by this name.
        OnwardError: the Prefect server doesn't answer.
        SystemExit: with 130, after Ctrl-C.
    """
    _check_cron("--cron", cron)
    _check_cron("weekly_report.cron", settings.weekly_report.cron)
    check_name(name)
    for fault in read_workflows(settings).faults:
        typer.echo(f"warning: {fault}", err=True)
    folder = settings.state / "prefect"
    # From here on a polite kill unwinds, so that no server stays behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with served_alone(folder, settings.data_dir), prefect_api(folder) as api:
        tags = tags_of(folder, settings.data_dir)
        times = times_of(settings, cron)
        check_names([f"{work.name}/{name}" for work, _ in times], tags, api)
        typer.echo(
            f"Ticks run at {cron!r} (UTC), one at a time. Watch them at {api.removesuffix('/api')}\n"
            f"At once: PREFECT_API_URL={api} prefect deployment run {tick.name}/{name}\n"
            "Stop with Ctrl-C; the next tick after a pause catches up."
        )
        parameters = {"settings_file": str(settings_file.absolute()) if settings_file else None}
        runner = Runner(pause_on_shutdown=True)
        for work, schedule in times:
            runner.add_deployment(_deployment(work, name, schedule, parameters, tags))
        serve_until_stopped(runner, tags)
    typer.echo("Stopped; the schedules are paused until `onward serve` runs again.")
    sys.exit(CTRL_C)


def times_of(settings: Settings, cron: str) -> list[tuple[Flow[..., Any], Schedule]]:
    """The flows that are served, and when they run: ticks by `cron`, the week's report if anybody is to get it."""
    times: list[tuple[Flow[..., Any], Schedule]] = [
        (tick, Cron(cron, timezone="UTC")),
        (report, Cron(REPORT_CRON, timezone="UTC")),
        (compact, Cron(COMPACT_CRON, timezone="UTC")),
    ]
    if settings.weekly_report.to:
        times.append((weekly_report, Cron(settings.weekly_report.cron, timezone=settings.timezone)))
    return times


def _check_cron(given: str, cron: str) -> None:
    try:
        CronSchedule(cron=cron)
    except ValueError:
        raise InputError(f"{given} {cron!r} is not a cron expression; give one like '*/5 * * * *'") from None


def _deployment(
    work: Flow[..., Any], name: str, schedule: Schedule, parameters: dict[str, Any], tags: list[str]
) -> RunnerDeployment:
    return RunnerDeployment.from_flow(
        work,
        name,
        schedule=schedule,
        parameters=parameters,
        tags=tags,
        concurrency_limit=ONE_AT_A_TIME,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def _mail(settings: Settings) -> "Mailing":
    """Mail the week's report.

    Raises:
        OnwardError: some of it was put off, or it can't be mailed.
    """
    # No tick shall pay for importing what it takes.
    from flows.weekly.mail import mail_report

    mailing = mail_report(settings, get_run_logger().info)
    if mailing.waits:
        raise OnwardError(mailing.sentence)
    return mailing


def _show_store(settings: Settings) -> None:
    """Publish anew, unless a run is just doing so, and leave the reports as artifacts."""
    with open_reports(settings) as con:
        leave_tables(con)
        leave_counted(con, read_winners(settings))


def _settings(file: str | None) -> Settings:
    return read_settings(Path(file) if file else None)
