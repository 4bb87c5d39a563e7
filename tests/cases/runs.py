"""A case run as a user would: its files into the inbox of a folder of its own, `onward run` after each delivery."""

import contextlib
import io
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from flows.cli import main
from flows.settings import Settings
from tests.runs import House

CASES = Path(__file__).parent


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Case:
    """A case in a folder of its own: `onward.toml` there, `data/` as in every project."""

    name: str
    root: Path

    @property
    def house(self) -> House:
        """Its tables and its outbox."""
        return House(Settings(data_dir=self.root / "data"))

    def deliver(self, tick: int) -> None:
        """Copy the files of a tick over the inbox."""
        shutil.copytree(CASES / self.name / f"tick-{tick}", self.root / "data/inbox", dirs_exist_ok=True)

    def onward(self, *arguments: str) -> Ended:
        """The command line in the case's folder, within this process."""
        out, err, code = io.StringIO(), io.StringIO(), 0
        with (
            contextlib.chdir(self.root),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            patch.object(sys, "argv", ["onward", *arguments]),
        ):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1 if end.code else 0
        return Ended(code, out.getvalue(), err.getvalue())

    def run(self) -> list[Ended]:
        """Deliver and run each tick at its instant."""
        return [self._tick(number, now) for number, now in enumerate(self.nows, start=1)]

    @property
    def nows(self) -> Sequence[str]:
        """The instant of each run."""
        return (CASES / self.name / "nows.txt").read_text().split()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query over the state file."""
        return self.house.rows(query)

    def subjects(self) -> list[str]:
        """The subjects of the letters that went out, in order of the outbox."""
        return [line["subject"] for line in self.house.outbox()]

    def _tick(self, number: int, now: str) -> Ended:
        self.deliver(number)
        return self.onward("run", "--now", now)


def case(name: str, tmp_path: Path) -> Case:
    """A case laid out under `tmp_path`, nothing delivered and nothing run yet."""
    root = tmp_path / name
    shutil.copytree(CASES / name / "workflows", root / "data/workflows")
    shutil.copy(CASES / name / "onward.toml", root)
    (root / "data/inbox").mkdir()
    return Case(name, root)


def ran(name: str, tmp_path: Path) -> tuple[Case, list[Ended]]:
    """A case after its runs, and how each ended."""
    one = case(name, tmp_path)
    return one, one.run()
