"""What commands share: settings, and what is shown while work goes on."""

import os
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.errors import InputError

if TYPE_CHECKING:
    from flows.settings import Settings

A_MINUTE = 60
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", help="Settings file. [default: onward.toml, if there]", show_default=False),
]


def settings_of(file: Path | None, *, warn: bool = True) -> "Settings":
    """The settings of a file, or of `onward.toml` here; if `warn`, of variables that are likely meant as one, too."""
    from flows.setting_faults import unknown_variables, variable_told
    from flows.settings import read_settings

    settings = read_settings(file)
    for name, meant in unknown_variables(settings, os.environ):
        if warn and meant:
            typer.echo(f"warning: {variable_told(name, meant)}", err=True)
    return settings


@contextmanager
def status() -> Generator[Callable[[str], object]]:
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
def bar() -> Generator[Callable[[str, float], object]]:
    """A bar of what is being done and how far that is, where somebody looks."""
    if not sys.stderr.isatty():
        yield lambda _step, _share: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=1.0)
        yield lambda step, share: bar.update(task, description=step, completed=share)


def check_names_file(option: str, file: Path) -> None:
    """Look whether a file can be written where an option says.

    Raises:
        InputError: it is a folder, or in none.
    """
    if file.is_dir() or not file.parent.is_dir():
        raise InputError(
            f"{option} {file}: names a file in a folder that is there; this is a folder, or in none"
        )


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the singular for one."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
