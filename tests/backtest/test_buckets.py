"""A backtest says the same whatever the number of buckets and processes; its processes end with it."""

import multiprocessing
import os
import signal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.backtest.plan import Plan
from flows.backtest.run import backtest
from flows.buckets.partition import Bucket, Wanted, bucket_of, how_many
from flows.buckets.tick import by_bucket
from flows.definitions.folder import read_definitions
from flows.errors import InputError
from flows.processes import WorkerError, in_processes
from flows.settings import Settings
from flows.store.opening import open_store
from flows.warehouse import shown
from tests.benchmarks.generate import END, PATTERNS, WORKFLOWS, Load, Size, write_load
from transforms.columns.ids import stable_hash

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
    [(0, 4e9, 2, 1), (100_000, 4e9, 2, 1), (3_000_000, 4e9, 2, 2), (10_000_000, 1.5e9, 1, 6)],
)
def test_buckets_fit_into_memory(events: int, memory: float, processes: int, expected: int) -> None:
    assert how_many(events, int(memory), processes) == expected


FIXED = {
    1: [0, 0, 0, 0, 0, 0],
    2: [1, 0, 0, 0, 1, 0],
    3: [2, 0, 0, 0, 1, 0],
    16: [14, 4, 0, 3, 8, 2],
    1000: [934, 268, 43, 216, 544, 148],
    65536: [0xEF46, 0x44BC, 0x0B41, 0x374D, 0x8B67, 0x2606],
}
IDS = ["", "abc", "ann", "12346", "müller", "客户", *(f"customer-{number}" for number in range(500))]


def test_a_customers_bucket_is_the_same_forever() -> None:
    ids = pl.DataFrame({"customer_id": IDS[:6]})
    hashes = ids.select(stable_hash("customer_id")).to_series()
    assert [f"{one:016x}" for one in hashes[:2]] == ["ef46db3751d8e999", "44bc2cf5ad770999"]
    for buckets, expected in FIXED.items():
        assert ids.select(bucket_of(buckets)).to_series().to_list() == expected


@given(st.lists(st.text()), st.integers(1, 2**16))
def test_a_bucket_is_a_range_of_the_hashes_first_bits(texts: list[str], buckets: int) -> None:
    found = pl.DataFrame({"customer_id": texts}, schema={"customer_id": pl.String}).select(
        hashed=stable_hash("customer_id"), bucket=bucket_of(buckets)
    )
    assert found["bucket"].to_list() == [(one >> 32) * buckets >> 32 for one in found["hashed"]]
    assert found.sort("hashed")["bucket"].is_sorted()


@pytest.mark.parametrize("owners", [IDS[1:], IDS[1:3], []], ids=len)
def test_a_tick_is_cut_as_a_backtest_is(tmp_path: Path, owners: list[str]) -> None:
    cut = pl.DataFrame({"customer_id": owners}, schema={"customer_id": pl.String}).with_columns(bucket_of(3))
    settings = Settings(data_dir=tmp_path)
    with open_store(settings) as store, shown(store.con, owners=cut.select("customer_id")):
        store.con.execute("insert into profiles (customer_id, known) select customer_id, false from owners")
        rows = "select customer_id, unnest([1, 2]) as n, timestamptz '2026-03-01' as ts from owners"
        store.con.execute(f"create temp view tick_events as {rows}")
        with by_bucket(store, 3) as lay_out:
            for number in range(3):
                bucket = Bucket(number, 3)
                lay_out(bucket)
                expected = sorted(cut.filter(pl.col("bucket") == number)["customer_id"])
                people = store.con.sql(f"select customer_id from profiles where {bucket.within} order by 1")
                events = store.con.sql("select * from bucket_events order by all").pl()
                assert people.pl()["customer_id"].to_list() == expected
                assert events.select("customer_id", "n").rows() == [
                    (one, n) for one in expected for n in (1, 2)
                ]
                assert events.schema["ts"] == pl.Datetime("us", "UTC")
    assert not (settings.state / "buckets").exists()


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


def test_an_event_with_an_empty_object_updates_nothing() -> None:
    kinds = ["behavioral", "behavioral", "behavioral", "attribute_change"]
    given = {"name": ["go", "go", "buy", "plan"], "type": kinds, "attributes": [None, "{}", '{"a": 1}', "{}"]}
    assert pl.DataFrame(given).select(Wanted((), ()).whole).to_series().to_list() == [
        False,
        False,
        True,
        True,
    ]
