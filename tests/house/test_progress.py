"""Progress of long runs: a line now and then, the last line how it ended; with several processes too."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.rooms import ROOT

CONFTEST = """
import pytest
from tests.progress import Progress

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config.pluginmanager.get_plugin("terminalreporter"), every=0.2))
"""
TESTS = """
import time
import pytest

@pytest.mark.parametrize("number", range(3))
def test_slow(number):
    time.sleep(0.5)
    assert number < 2

@pytest.mark.skip
def test_skipped(): ...
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_progress_is_told(tmp_path: Path, processes: str) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        processes,
        "-p",
        "no:cacheprovider",
        "--rootdir",
        ".",
    ]
    found = subprocess.run(
        [*command, "-c", "/dev/null", "test_some.py"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = found.stdout.splitlines()
    assert [one for one in lines if re.fullmatch(r"0 min: \d of 4 tests, \d failed, now test_some\.py", one)]
    assert lines[-1] == "0 min: 2 tests passed, 1 skipped, 1 FAILED"
