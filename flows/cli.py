"""The `onward` command: parse arguments, call, print — nothing else.

Exit codes: 0 success, 2 bad usage or invalid input, 130 Ctrl-C, 1 any other failure; no traceback reaches a user
(`ONWARD_DEBUG=1` shows it). Modules are imported by the command that needs them, so each starts fast.
"""

import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from flows.commands import (
    answers,
    at_hand,
    audiences,
    changes,
    content,
    definitions,
    experiments,
    forecasts,
    goals,
    histories,
    messages,
    outbox,
    people,
    projects,
    reports,
    rows,
    sites,
    store,
    ticks,
    trials,
)
from flows.errors import INTERRUPTED, OnwardError, is_interrupt, machine_error
from flows.interrupts import CTRL_C


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
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def onward(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=at_hand.tell_version, is_eager=True, help="Say which version this is."
        ),
    ] = False,
) -> None:
    """Customer-journey automation that runs where the data is: exact, replayable, explained."""


def main() -> None:
    """The entry point: run the command, turn errors into messages and exit codes."""
    try:
        app(prog_name="onward")
    except OnwardError as error:
        _fail(str(error), error.exit_code)
    except Exception as error:
        if is_interrupt(error):
            _fail(INTERRUPTED, CTRL_C)
        if os.environ.get("ONWARD_DEBUG"):
            raise
        if told := machine_error(error):
            _fail(str(told), told.exit_code)
        _fail(
            f"unexpected {type(error).__name__}: {error}\nThis is a fault of Onward's; ONWARD_DEBUG=1 shows more.",
            1,
        )


app.command("init", short_help="Begin a project: a workflow, its test, sample data.")(projects.init_command)
app.command("run", short_help="One tick: load new files, decide, send, report.")(ticks.run_command)
app.command("serve", short_help="Run ticks on a schedule, with Prefect.")(ticks.serve_command)
app.command("status", short_help="How the store stands, and what to do next.")(at_hand.status_command)
app.command("list", short_help="The workflows: state, version, in flight, entries.")(at_hand.list_command)
app.command("show", short_help="A workflow in sentences.")(at_hand.show_command)
app.command("docs", short_help="Pages of all workflows: maps, sentences, who starts whom.")(
    sites.docs_command
)
app.command("audience", short_help="Who would have entered a workflow lately.")(audiences.audience_command)
app.command("report", short_help="Rebuild the reports and print them.")(reports.report_command)
app.command("explain", short_help="Say why a customer got, or did not get, what.")(answers.explain_command)
app.command("validate", short_help="Check workflows, patterns, templates, rules and settings.")(
    definitions.validate_command
)
app.command("test", short_help="Test workflows by customers and events of a few lines.")(trials.trial_command)
app.command("activate", short_help="Let a workflow go, once its tests pass; or pause it.")(
    trials.activate_command
)
app.command("backtest", short_help="The same engine over history; nothing is sent.")(
    histories.backtest_command
)
app.command("prepare", short_help="Lay out event files once, for backtests.")(histories.prepare_command)
app.command("diff", short_help="What a change would have done: two sets of definitions over one history.")(
    changes.diff_command
)
app.command("preview", short_help="Show messages as readers see them, on one HTML page.")(
    content.preview_command
)
app.command("send-test", short_help="Send one message now, to yourself.")(content.send_test_command)
app.add_typer(outbox.app, name="outbox", short_help="What waits to be sent, what isn't sent, and why.")
app.command("message", short_help="Show a message as it went out.")(messages.message_command)
app.command("addresses", short_help="Look through the customers' e-mail addresses.")(people.addresses_command)
app.command("forecast", short_help="How many messages are to come, and how far off that was before.")(
    forecasts.forecast_command
)
app.command("experiment", short_help="How groups of customers differ, with intervals.")(
    experiments.experiment_command
)
app.command("customers", short_help="Customers by what holds of them.")(rows.customers_command)
app.command("quarantine", short_help="Input rows that were refused, and why.")(rows.quarantine_command)
app.command("migrate", short_help="Move a workflow's executions to its present version.")(
    ticks.migrate_command
)
app.command("reconsider-goal", short_help="Count goal hits of the past by a workflow's present goal.")(
    goals.reconsider_goal_command
)
app.command("rebuild", short_help="Compute the state again from the archive.")(ticks.rebuild_command)
app.command("compact", short_help="Put the small files of the store together.")(store.compact_command)
app.command("check", short_help="Say which file of the store is gone or damaged.")(store.check_command)
app.command("reconcile", short_help="Count everything anew, and compare.")(reports.reconcile_command)
app.command("export", short_help="Write one DuckDB file of every table and report.")(reports.export_command)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(code)
