"""The `onward` command: parse arguments, call, print — nothing else.

Exit codes: 0 success, 2 bad usage or invalid input, 130 Ctrl-C, 1 any other failure; no traceback reaches a user
(`ONWARD_DEBUG=1` shows it). Modules are imported by the command that needs them, so each starts fast.
"""

import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperGroup

from flows.commands import (
    content,
    definitions,
    histories,
    messages,
    outbox,
    people,
    reports,
    store,
    ticks,
    trials,
)
from flows.errors import INTERRUPTED, OnwardError, machine_error
from flows.interrupts import CTRL_C

if TYPE_CHECKING:
    pass


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


app.command("run")(ticks.run_command)
app.command("backtest")(histories.backtest_command)
app.command("prepare")(histories.prepare_command)
app.command("validate")(definitions.validate_command)
app.command("test")(trials.test_command)
app.command("activate")(trials.activate_command)
app.command("report")(reports.report_command)
app.command("migrate")(ticks.migrate_command)
app.command("rebuild")(ticks.rebuild_command)
app.command("compact")(store.compact_command)
app.command("check")(store.check_command)
app.command("preview")(content.preview_command)
app.command("send-test")(content.send_test_command)
app.command("addresses")(people.addresses_command)
app.command("reconcile")(reports.reconcile_command)
app.command("export")(reports.export_command)
app.command("serve")(ticks.serve_command)
app.add_typer(outbox.app, name="outbox")
app.command("message")(messages.message_command)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(code)
