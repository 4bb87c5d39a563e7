"""A backtest says the same whatever the number of buckets and processes; its processes end with it."""

import multiprocessing
import os
import signal
from pathlib import Path

import polars as pl
import pytest

from flows.backtest.run import Plan, backtest
from flows.buckets.partition import how_many
from flows.buckets.pool import WorkerError, in_processes
from flows.definitions.folder import read_definitions
from flows.errors import InputError
from tests.benchmarks.generate import END, PATTERNS, WORKFLOWS, Load, Size, write_load

TABLES = ("executions", "steps", "messages", "webhooks", "profiles", "quarantine")
COUNTS = (
    "events",
    "history",
    "unknown_customer",
    "quarantined",
    "duplicates",
    "facts",
    "executions",
    "steps",
)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    folder = tmp_path_factory.mktemp("load")
    write_load(Size(20_000, 1_000), folder)
    return Load(folder)


def outcome(
    load: Load, out: Path, buckets: int, processes: int
) -> tuple[dict[str, pl.DataFrame], list[float]]:
    found = read_definitions(WORKFLOWS, PATTERNS)
    told = backtest(
        Plan(
            found.workflows,
            load.customers,
            load.files,
            out,
            END,
            patterns=found.patterns,
            buckets=buckets,
            processes=processes,
        )
    )
    assert (told["buckets"], told["processes"]) == (buckets, min(buckets, processes))
    tables = {name: pl.read_parquet(out / f"{name}.parquet") for name in TABLES}
    return {name: rows.sort(rows.columns) for name, rows in tables.items()}, [told[one] for one in COUNTS]


def test_any_number_of_buckets_and_processes_says_the_same(load: Load, tmp_path: Path) -> None:
    expected, counts = outcome(load, tmp_path / "one", 1, 1)
    assert len(expected["executions"]) > 500
    for buckets, processes in ((3, 1), (16, 1), (3, 2), (16, 2)):
        tables, told = outcome(load, tmp_path / f"{buckets}-{processes}", buckets, processes)
        assert told == counts
        for name in TABLES:
            assert tables[name].equals(expected[name]), name


@pytest.mark.parametrize(
    ("events", "memory", "processes", "expected"),
    [(0, 4e9, 2, 1), (100_000, 4e9, 2, 1), (600_000, 4e9, 2, 2), (10_000_000, 1.5e9, 1, 6)],
)
def test_buckets_fit_into_memory(events: int, memory: float, processes: int, expected: int) -> None:
    assert how_many(events, int(memory), processes) == expected


def double(number: int) -> int:
    if number == 13:
        raise InputError("13 is not allowed")
    return 2 * number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_every_task_is_answered() -> None:
    assert sorted(in_processes(double, range(9), 2, 1)) == [(one, 2 * one) for one in range(9)]
    assert not multiprocessing.active_children()


def test_a_fault_in_a_process_is_the_callers() -> None:
    with pytest.raises(InputError, match="13 is not allowed"):
        list(in_processes(double, [13, 1, 2], 2, 1))
    assert not multiprocessing.active_children()


def test_a_killed_process_is_reported() -> None:
    with pytest.raises(WorkerError, match=r"signal 9.*smaller --memory, or --processes 1"):
        list(in_processes(die, [1, 2, 3], 2, 1))
    assert not multiprocessing.active_children()


def interrupt(number: int) -> int:
    os.kill(os.getppid(), signal.SIGINT)
    signal.pause()
    return number


def test_ctrl_c_leaves_no_process_behind() -> None:
    with pytest.raises(KeyboardInterrupt):
        list(in_processes(interrupt, [1, 2], 2, 1))
    assert not multiprocessing.active_children()
