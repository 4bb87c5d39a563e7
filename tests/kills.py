"""kill -9 at random moments of a command: all over the time that it works, and so many that really landed."""

import random
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen, TimeoutExpired

from flows.store.opening import LOCK_FILE
from tests.runs import House, started

MARGIN = 1.05
"""How much longer than a command the moments reach, because runs differ."""
Strike = Callable[[int, float], float | None]
"""Strikes the command of a number at a moment, and looks at what is left; how long it took if it had ended by then."""


def at_random_moments(strike: Strike, *, seed: int, kills: int, seconds: float) -> None:
    """Strike until so many commands were killed at work, which takes about so many seconds undisturbed.

    How long it takes is learnt on the way, so that the moments lie all over it and few come too late.
    """
    chance, tried, met, reach = random.Random(seed), 0, 0, MARGIN * seconds
    while met < kills:
        moment = chance.uniform(0, reach)
        try:
            ended = strike(met, moment)
        except BaseException as error:
            error.add_note(f"seed {seed}, kill {met}, after {moment:.3f} of about {reach:.3f} s")
            raise
        tried, met = tried + 1, met + (ended is None)
        reach = (reach + MARGIN * ended) / 2 if ended else reach * MARGIN
    assert tried <= 2 * kills + 2, f"{tried - kills} of {tried} commands had ended before they were killed"


def moved(home: House, root: Path) -> House:
    """A copy of the house elsewhere."""
    shutil.copytree(home.root, root / "data")
    return House(home.settings.model_copy(update={"data_dir": root / "data"}))


def duration(home: House, *arguments: str, lock: str = LOCK_FILE) -> float:
    """Seconds from when a command holds a lock to its end."""
    with working(home, *arguments, lock=lock) as process:
        began = time.monotonic()
        assert process.wait(60) == 0
    return time.monotonic() - began


@contextmanager
def working(home: House, *arguments: str, lock: str = LOCK_FILE) -> Generator[Popen[str]]:
    """A command in its own process, from the moment it holds a lock."""
    file = home.settings.state / lock
    with started(*arguments, cwd=home.root.parent, **home.environment()) as process:
        while process.poll() is None and f'"pid": {process.pid}' not in _text(file):
            time.sleep(0.002)
        yield process


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def killed(home: House, seconds: float, *arguments: str, lock: str = LOCK_FILE) -> float | None:
    """Start a command and kill -9 it so long after it began to work; if it had ended by then, after how long."""
    with working(home, *arguments, lock=lock) as process:
        began = time.monotonic()
        try:
            code = process.wait(seconds)
        except TimeoutExpired:
            process.kill()
            return None if process.wait(60) == -9 else seconds
        assert code == 0, process.communicate()[1]
        return time.monotonic() - began
