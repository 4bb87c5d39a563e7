"""Closed streams, files in place of folders, values beyond bounds: a sentence and an exit code, no traceback."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from flows.errors import machine_error
from tests.cases.runs import Case, case

ROOT = Path(__file__).resolve().parents[2]
NOTHING_LOST = "and run again; nothing is lost"
FOLDER_NEEDED = "a file lies where a folder should be: move it away"
DATA = "--workflows data/workflows --events data/inbox/events/day.ndjson --end 2026-02-01"

STRIKE = """
import os, signal
from flows import __main__, cli

def strike():
    os.open("precious", os.O_RDWR | os.O_CREAT)
    signal.raise_signal(signal.SIGINT)

cli.main = strike
__main__.main()
"""
"""Opens a file, which gets the lowest number that is free, and presses Ctrl-C."""


@pytest.fixture
def ticked(tmp_path: Path) -> Case:
    """A data folder after its first tick."""
    found = case("27-disk-full-message", tmp_path)
    found.deliver(1)
    assert found.onward("run", "--now", found.nows[0]).code == 0
    return found


def in_a_shell(found: Case, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in the case's folder, in which `onward` is the command."""
    path = os.pathsep.join([str(ROOT), *sys.path])
    return subprocess.run(
        ["bash", "-c", f'onward() {{ "{sys.executable}" -m flows "$@"; }}; {line}'],
        cwd=found.root,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


ENDS = """
import atexit, sys, weakref
from flows import __main__, cli

class Kept: ...
kept = Kept()

def work():
    atexit.register(print, "told at the end")
    weakref.finalize(kept, print, "tidied")
    print("said without a line's end", end="")
    sys.exit({status})

cli.main = work
__main__.main()
"""


@pytest.mark.parametrize(("status", "code"), [("0", 0), ("2", 2), ("None", 0), ("'why'", 1)])
def test_a_command_ends_after_all_it_had_to_say_and_to_tidy(status: str, code: int) -> None:
    source = ENDS.format(status=status)
    ended = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == code
    assert sorted(ended.stdout.split("\n", 1)) == ["said without a line's endtidied", "told at the end\n"]
    assert ended.stderr == ("why\n" if status == "'why'" else "")


@pytest.mark.parametrize(
    ("line", "code", "texts"),
    [
        ("onward run --now {now} >&-", 0, []),
        ("onward run --now {now} 2>&-", 0, ["Tick 2"]),
        ("onward run --now {now} <&- >&- 2>&-", 0, []),
        ("onward run --now tomorrow 2>&-", 2, []),
        ("onward validate - <&-", 2, ["the file is empty"]),
        ("onward report >/dev/full", 1, ["No space left on device", NOTHING_LOST]),
        ("onward --help >/dev/full", 1, ["No space left on device", NOTHING_LOST]),
        ("onward report | true", 0, []),
        ("unset HOME; onward run --now {now}", 0, ["Tick 2"]),
        ("export HOME=/nonexistent TMPDIR=/nonexistent; onward run --now {now}", 0, ["Tick 2"]),
        ("export COLUMNS=1 TERM=nonsense; onward report", 0, ["hello"]),
    ],
)
def test_streams_and_environments(ticked: Case, line: str, code: int, texts: Sequence[str]) -> None:
    ended = in_a_shell(ticked, line.format(now="2026-01-05T11:00:00Z"))
    said = ended.stdout + ended.stderr
    assert ended.returncode == code, said
    assert [text for text in texts if text not in said] == [], said
    assert not any(sign in said for sign in ("Traceback", "Exception ignored", "fault of Onward", "Aborted"))
    assert ticked.onward("run", "--now", "2026-01-05T12:00:00Z").code == 0
    assert len(ticked.subjects()) == 300


def test_what_is_said_with_errors_closed_goes_into_no_file(ticked: Case) -> None:
    """With 2 free, the state file would be opened as the place where Ctrl-C has its sentence."""
    (ticked.root / "strike.py").write_text(STRIKE)
    ended = in_a_shell(ticked, f'"{sys.executable}" strike.py 2>&-')
    assert ended.returncode == 130
    assert (ticked.root / "precious").read_text() == ""


def test_names_that_a_terminal_can_not_show_are_escaped(tmp_path: Path) -> None:
    found = case("27-disk-full-message", tmp_path)
    file = found.root / "data/workflows/hello.yaml"
    file.write_text(file.read_text().replace("workflow_id: hello", "workflow_id: grüße"))
    found.deliver(1)
    assert found.onward("run", "--now", found.nows[0]).code == 0
    ended = in_a_shell(found, "onward report", PYTHONIOENCODING="ascii", COLUMNS="200")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "gr\\xfc\\xdfe" in ended.stdout


@pytest.mark.parametrize(
    ("place", "command"),
    [
        ("data/state", "report"),
        ("data/published", "report"),
        ("data/state", "rebuild"),
        ("o", f"backtest {DATA} --out o/p"),
    ],
)
def test_a_file_where_a_folder_should_be(tmp_path: Path, place: str, command: str) -> None:
    found = case("27-disk-full-message", tmp_path)
    found.deliver(1)
    (found.root / place).touch()
    ended = found.onward(*command.split())
    assert ended.code == 1, ended.err
    assert f"{FOLDER_NEEDED}, {NOTHING_LOST}" in ended.err
    (found.root / place).unlink()
    assert found.onward("run", "--now", found.nows[0]).code == 0
    assert len(found.subjects()) == 300


@pytest.mark.parametrize(
    ("command", "texts"),
    [
        (
            f"backtest {DATA} --out onward.toml",
            ["--out onward.toml: a file, where the results need a folder"],
        ),
        (f"backtest {DATA} --out o --cap 99999999999999999999/7d", ["--cap", "allowed: up to 10,000"]),
        (f"backtest {DATA} --out o --memory {'9' * 400}TB", ["--memory", "no amount of memory"]),
        ("report --html data", ["--html data: names a file in a folder that is there"]),
        ("report --html no/where.html", ["--html no/where.html: names a file"]),
        ("run --settings data", ["data: no file of settings, but a folder"]),
        ("run --settings link.toml", ["link.toml: no file of settings, but a link that leads nowhere"]),
    ],
)
def test_arguments_that_can_not_be_meant(tmp_path: Path, command: str, texts: Sequence[str]) -> None:
    found = case("27-disk-full-message", tmp_path)
    found.deliver(1)
    (found.root / "link.toml").symlink_to("nowhere")
    ended = found.onward(*command.split())
    assert ended.code == 2, ended.err
    assert [text for text in texts if text not in ended.err] == [], ended.err


def test_variables_that_are_no_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONWARD_SHAPES", "{")
    ended = case("27-disk-full-message", tmp_path).onward("run")
    assert ended.code == 2
    assert 'field "shapes"' in ended.err
    assert "given as JSON" in ended.err


def test_a_file_that_ends_too_early_is_no_abort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(*_given: object) -> None:
        raise EOFError("Ran out of input")

    monkeypatch.setattr("flows.commands.ticks.settings_of", ends)
    ended = case("27-disk-full-message", tmp_path).onward("run")
    assert ended.code == 1
    assert "Ran out of input" in ended.err
    assert "Aborted" not in ended.err


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ImportError("libarrow.so.2600: failed to map segment from shared object"), "memory is short"),
        (RuntimeError("can't start new thread"), "raise the limit (`ulimit -u`)"),
        (NotADirectoryError(20, "Not a directory", "x/y"), FOLDER_NEEDED),
        (FileExistsError(17, "File exists", "x"), FOLDER_NEEDED),
        (IsADirectoryError(21, "Is a directory", "x"), "a folder lies where a file should be: move it away"),
    ],
)
def test_further_sentences(error: Exception, sentence: str) -> None:
    assert sentence in str(machine_error(error))
