"""What the disk or the memory can't do: one sentence and exit 1, nothing lost, and the next run goes on."""

import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Never

import duckdb
import polars as pl
import pytest

from flows.commands import ticks
from flows.errors import INTERRUPTED, MachineError, machine_error, machine_errors
from flows.warehouse import connect, shown
from tests.cases.runs import Case, case
from tests.runs import ONWARD

FAULTS = [
    (OSError(28, "No space left on device", "x/y"), "'x/y': the disk is full"),
    (OSError(27, "File too large", "x/y"), "the disk is full, or a file may not grow any more"),
    (OSError(30, "Read-only file system", "x/y"), "'x/y': it can't be written to: make it writable"),
    (PermissionError(13, "Permission denied", "x/y"), "'x/y': there is no right to do that"),
    (OSError(24, "Too many open files", "x/y"), "raise the limit (`ulimit -n`)"),
    (OSError(5, "Input/output error", "x/y"), "the disk doesn't work as it should"),
    (duckdb.IOException('Could not write file "x.wal": No space left on device'), "the disk is full"),
    (
        duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"),
        "lower `memory` in the settings",
    ),
    (sqlite3.OperationalError("database or disk is full"), "the disk is full"),
    (sqlite3.OperationalError("disk I/O error while writing"), "a file may not grow any more"),
    (sqlite3.OperationalError("disk I/O error"), "the disk doesn't work as it should"),
    (sqlite3.OperationalError("attempt to write a readonly database"), "it can't be written to"),
    (sqlite3.OperationalError("disk I/O error"), "the disk doesn't work as it should"),
    (sqlite3.OperationalError("unable to open database file"), "it can't be written to"),
    (sqlite3.OperationalError("database is locked"), "another program has the file open: close it"),
    (MemoryError(), "MemoryError: memory is short"),
]


@pytest.mark.parametrize(("error", "sentence"), FAULTS)
def test_each_has_a_sentence_that_says_what_to_do(error: Exception, sentence: str) -> None:
    with pytest.raises(MachineError) as caught, machine_errors():
        raise error
    said = str(caught.value)
    assert sentence in said
    assert said.endswith("and run again; nothing is lost")
    assert "\n" not in said


class TerminationSignal(BaseException):
    pass


class Struck:
    """Rows that a signal reaches while DuckDB asks for them."""

    def __init__(self, raised: type[BaseException]) -> None:
        self.raised = raised

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        raise self.raised


def test_a_query_that_a_signal_broke_off_is_told_as_an_interrupt() -> None:
    """Also within a task of Prefect, where SIGTERM raises something else than Ctrl-C."""
    with pytest.raises(MachineError, match=f"^{INTERRUPTED}$"), machine_errors():
        raise RuntimeError("Query interrupted")


@pytest.mark.parametrize("raised", [KeyboardInterrupt, TerminationSignal])
def test_a_signal_within_a_callback_is_told_as_one_too(raised: type[BaseException]) -> None:
    rows = {"one": pl.DataFrame({"a": [1]}), "two": Struck(raised)}
    with pytest.raises(MachineError, match=f"^{INTERRUPTED}$"), connect() as con, machine_errors():
        in_a_transaction(con, rows)


def in_a_transaction(con: duckdb.DuckDBPyConnection, rows: dict[str, Any]) -> None:
    con.execute("begin")
    with shown(con, **rows):
        con.execute("from two")


def test_a_signal_between_two_statements_stays_what_it_is() -> None:
    """Though the transaction that it left answers nothing any more, not even that a name be forgotten."""
    with pytest.raises(KeyboardInterrupt), connect() as con, shown(con, one=pl.DataFrame({"a": [1]})):
        struck(con)


def struck(con: duckdb.DuckDBPyConnection) -> Never:
    con.execute("begin")
    with suppress(duckdb.Error):
        con.execute("select nothing")
    raise KeyboardInterrupt


def test_what_the_machine_is_not_to_blame_for_stays_what_it_is() -> None:
    assert machine_error(ValueError("no such column")) is None
    with pytest.raises(ValueError, match="no such column"), machine_errors():
        raise ValueError("no such column")


@pytest.mark.parametrize(("error", "sentence"), FAULTS[:5])
def test_a_run_that_meets_it_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    found = case("27-disk-full-message", tmp_path)

    def fails(*_given: object) -> None:
        raise error

    monkeypatch.setattr(ticks, "settings_of", fails)
    ended = found.onward("run")
    assert (ended.code, ended.out) == (1, "")
    assert sentence in ended.err
    assert "fault of Onward" not in ended.err


def limited(found: Case, kind: int, most: int) -> subprocess.CompletedProcess[str]:
    """`onward run` as a process that may not go beyond a limit of the operating system."""
    return subprocess.run(
        [*ONWARD, "run", "--now", found.nows[0]],
        cwd=found.root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(kind, (most, most)),
    )


def test_case_27_a_full_disk_is_said_and_afterwards_each_letter_goes_out_once(tmp_path: Path) -> None:
    found = case("27-disk-full-message", tmp_path)
    found.deliver(1)
    ended = limited(found, resource.RLIMIT_FSIZE, 200 * 1024)
    assert ended.returncode == 1, ended.stderr
    (sentence,) = ended.stderr.splitlines()
    assert "the disk is full, or a file may not grow any more: free space" in sentence
    assert not found.subjects()
    again = found.onward("run", "--now", found.nows[0])
    assert (again.code, again.err, len(found.subjects())) == (0, "", 300)
    keys = [line["customer_id"] for line in found.house.outbox()]
    assert len(set(keys)) == 300
    assert not (found.root / "data/inbox/refused").exists()


@pytest.mark.parametrize("most", [9, 13])
def test_too_few_open_files_are_said_and_nothing_is_set_aside(tmp_path: Path, most: int) -> None:
    found = case("27-disk-full-message", tmp_path)
    found.deliver(1)
    ended = limited(found, resource.RLIMIT_NOFILE, most)
    assert ended.returncode == 1, ended.stdout
    assert "Too many open files" in ended.stderr.splitlines()[-1]
    assert "nothing is lost" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
    again = found.onward("run", "--now", found.nows[0])
    assert (again.code, again.err, len(found.subjects())) == (0, "", 300)
