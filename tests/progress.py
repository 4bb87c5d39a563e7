"""A pytest plugin: a line of progress a minute, and how it ended as the last line of a long run."""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

EVERY = 60.0
"""Seconds between two lines, and the least that a run takes to be called long."""


class Progress:
    """Counts tests as their reports come in, those of other processes too."""

    def __init__(self, reporter: pytest.TerminalReporter, every: float = EVERY) -> None:
        self.reporter, self.every = reporter, every
        self.began = time.monotonic()
        self.total = self.done = self.skipped = 0
        self.failed: set[str] = set()
        self.running: dict[str, None] = {}

    def line(self) -> str:
        """How far the run is: `12 min: 1,034 of 2,022 tests, 0 failed, now tests/tick/test_crash.py`."""
        if not self.total:
            return f"{self.minutes()}: collecting tests"
        files = sorted({name.partition("::")[0] for name in self.running})
        now = f", now {', '.join(files)}" if files else ""
        return f"{self.minutes()}: {self.done:,} of {self.total:,} tests, {len(self.failed):,} failed{now}"

    def ending(self) -> str:
        """How the run ended: `31 min: 2,020 tests passed, 2 skipped`."""
        passed = self.done - self.skipped - len(self.failed)
        others = {"skipped": self.skipped, "FAILED": len(self.failed)}
        told = "".join(f", {count:,} {name}" for name, count in others.items() if count)
        return f"{self.minutes()}: {passed:,} tests passed{told}"

    def minutes(self) -> str:
        """How long it has been running."""
        return f"{(time.monotonic() - self.began) / 60:.0f} min"

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """How many tests there are."""
        self.total = len(session.items) or self.total

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """The same, told by another process."""
        self.total = len(ids)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self.running[nodeid] = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test's set-up, call or tear-down is over."""
        if report.failed:
            self.failed.add(report.nodeid)
        self.skipped += report.skipped
        if report.when == "teardown":
            self.done += 1
            self.running.pop(report.nodeid, None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """All tests."""
        with self.telling():
            return (yield)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """A line in each interval."""
        over = Event()

        def tell() -> None:
            while not over.wait(self.every):
                self.say(self.line())

        teller = Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield
        finally:
            over.set()
            teller.join()

    def pytest_unconfigure(self) -> None:
        """The last line."""
        if time.monotonic() - self.began >= self.every:
            self.say(self.ending())

    def say(self, line: str) -> None:
        """On a line of its own."""
        writer = self.reporter.config.get_terminal_writer()
        if writer.width_of_current_line:  # dots of several processes; `ensure_newline` doesn't know of them
            writer.line()
        self.reporter.write_line(line)
