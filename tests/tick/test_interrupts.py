"""Ctrl-C at random moments of every command, imports and workers included: 130, one sentence, and nothing broken."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.errors import INTERRUPTED
from tests.kills import MARGIN, moved
from tests.runs import House
from tests.tick.test_crash import Stage, assert_undisturbed, stages

__all__ = ["stages"]

LAUNCHED = "import os; from flows.__main__ import main; os.close({sign}); main()"
"""`onward`, which closes a pipe as its first line: what Python does before is nobody's to answer for."""
EVENTS = 120_000
END = datetime(2026, 3, 3, tzinfo=UTC)
COMMANDS = {
    "run": ["run", "--now", "{now}"],
    "validate": ["validate", "--data"],
    "report": ["report"],
    "rebuild": ["rebuild"],
    "migrate": ["migrate", "plans"],
    "backtest": [
        *("backtest", "--workflows", "data/workflows", "--events", "{history}", "--end", END.isoformat()),
        *("--out", "out", "--processes", "2", "--memory", "1GB"),
    ],
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events enough for two buckets of a backtest, so that worker processes decide."""
    number = pl.int_range(EVENTS)
    moment = pl.lit(END - timedelta(days=1)) + pl.duration(milliseconds=number * 700)
    columns = {
        "event_id": pl.format("e{}", number),
        "customer_id": pl.format("c{}", number % 5000),
        "ts": moment,
    }
    file = tmp_path_factory.mktemp("history") / "history.parquet"
    events = pl.select(**columns, type=pl.lit("behavioral"), name=pl.lit("go"))
    events.write_parquet(file)
    return file


@contextmanager
def launched(home: House, arguments: list[str], temporary: Path) -> Generator[subprocess.Popen[str]]:
    """The command in a group of its own, as in a terminal, from its first line on."""
    sign, theirs = os.pipe()
    checkout = str(Path(__file__).resolve().parents[2])
    given = {"PYTHONPATH": checkout, "TMPDIR": str(temporary), **home.environment()}
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHED.format(sign=theirs), *arguments],
        cwd=home.root.parent,
        env={**os.environ, **given},
        pass_fds=[theirs],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        os.read(sign, 1)
        os.close(sign)
        try:
            yield process
        finally:
            process.kill()


def interrupted(home: House, arguments: list[str], seconds: float, root: Path) -> float | None:
    """Press Ctrl-C so long after the command began; if it had ended by then, after how long."""
    temporary = root / "temporary"
    temporary.mkdir(parents=True)
    with launched(home, arguments, temporary) as process:
        began = time.monotonic()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
        took = time.monotonic() - began
    assert list(temporary.iterdir()) == []
    said = [line for line in err.splitlines() if not line.startswith(("note: ", "warning: "))]
    if process.returncode == 0 and not said:
        return took
    assert (process.returncode, said) == (130, [INTERRUPTED]), out
    return None


def press(stages: list[Stage], history: Path, root: Path, command: str, seed: int, times: int) -> None:
    """Interrupt so many working commands, each in a house at some tick; then run and compare."""
    chance, met, reach = random.Random(seed), 0, 2.0
    while met < times:
        # Only where ticks have been is there something to report on, and to rebuild.
        stage = stages[met % len(stages)] if command == "run" else stages[-1]
        home, moment = moved(stage.before, root / "disturbed"), chance.uniform(0.001, reach)
        arguments = [part.format(now=stage.now.isoformat(), history=history) for part in COMMANDS[command]]
        try:
            ended = interrupted(home, arguments, moment, root / "disturbed")
            home.tick(stage.now)
            assert_undisturbed(stage, home)
        except BaseException as error:
            error.add_note(f"{command}, seed {seed}, number {met}, after {moment:.3f} of about {reach:.3f} s")
            raise
        shutil.rmtree(root / "disturbed")
        met += ended is None
        reach = (reach + MARGIN * ended) / 2 if ended else reach * MARGIN


@pytest.mark.parametrize(
    ("command", "times"),
    [("run", 4), ("backtest", 2), ("rebuild", 1), ("migrate", 1), ("report", 1), ("validate", 1)],
)
def test_an_interrupted_command_says_so_and_the_next_run_goes_on(
    stages: list[Stage], history: Path, tmp_path: Path, command: str, times: int
) -> None:
    press(stages, history, tmp_path, command, seed=0, times=times)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "times"), [(one, 150 if one == "run" else 30) for one in COMMANDS])
def test_many_interrupted_commands(
    stages: list[Stage], history: Path, tmp_path: Path, command: str, times: int
) -> None:
    press(stages, history, tmp_path, command, seed=1, times=times)


def test_an_interrupt_that_something_swallows_ends_in_130_all_the_same() -> None:
    swallowing = (
        "import signal, sys\nfrom flows import __main__, cli\n"
        "def strike():\n    try:\n        signal.raise_signal(signal.SIGINT)\n    except BaseException:\n        "
        "print('went on', file=sys.stderr)\n"
        "cli.main = strike\n__main__.main()"
    )
    ended = subprocess.run([sys.executable, "-c", swallowing], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, f"{INTERRUPTED}\n")


def test_a_second_interrupt_waits_for_nobody() -> None:
    stubborn = (
        "import signal, time\nfrom flows import __main__, cli\n"
        "def strike():\n    try:\n        signal.raise_signal(signal.SIGINT)\n    finally:\n        "
        "signal.raise_signal(signal.SIGINT)\n        print('went on')\n"
        "cli.main = strike\n__main__.main()"
    )
    ended = subprocess.run([sys.executable, "-c", stubborn], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", f"{INTERRUPTED}\n")


def test_where_interrupts_are_ignored_they_stay_so() -> None:
    """As in a script's `onward run &`, or under `nohup`."""
    deaf = (
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nfrom flows import __main__, cli\n"
        "cli.main = lambda: signal.raise_signal(signal.SIGINT)\n__main__.main()"
    )
    ended = subprocess.run([sys.executable, "-c", deaf], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
