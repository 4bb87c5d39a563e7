"""A prepared history lies in key order, and a bucket's rows are read from its own files alone."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.backtest.bucket import BucketPlan, run_bucket
from flows.backtest.feeds import HistoryFeed
from flows.backtest.paths import Paths
from flows.backtest.prepare import Preparation, known_since, prepare
from flows.backtest.ticks import TickEnds
from flows.buckets.partition import KEYS, bucket_of, keys_of, wanted_by
from flows.definitions.folder import read_definitions
from flows.errors import InputError
from flows.history.layout import ORDER
from flows.history.order import in_order
from flows.history.reading import History
from flows.history.writing import PER_FILE, Rows, ranges_for, write_history
from tests.benchmarks.generate import END, PATTERNS, WORKFLOWS, Load, Size, write_load
from transforms.columns.ids import stable_hash
from transforms.program.compile import compile_program


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    folder = tmp_path_factory.mktemp("load")
    write_load(Size(20_000, 1_000), folder)
    prepare(
        Preparation(load_files := Load(folder).files, Load(folder).customers, folder / "history", ranges=8)
    )
    assert load_files
    return Load(folder)


@pytest.fixture
def history(load: Load) -> History:
    return History.open(load.folder / "history")


def test_every_row_lies_once_in_the_file_of_its_key_in_order(load: Load, history: History) -> None:
    events = pl.concat([pl.read_parquet(one) for one in load.files])
    found = [pl.read_parquet(one) for one in history.files("events")]
    assert pl.concat(found).drop("updates", "known").sort("event_id").equals(events.sort("event_id"))
    told = [one for one in history.manifest.files if one.kind == "events"]
    for rows, file in zip(found, told, strict=True):
        keys = rows.select(key=stable_hash("customer_id") // KEYS)["key"]
        assert keys.is_between(file.first_key, file.after_key - 1).all()
        assert rows.equals(rows.sort(*ORDER["events"]))
        assert len(rows) == file.rows
    assert history.manifest.first == events["ts"].min()
    assert history.manifest.last == events["ts"].max()
    assert history.manifest.events == len(events)


def test_names_in_the_manifest_are_relative_so_the_folder_can_move(history: History, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for one in history.folder.iterdir():
        (moved / one.name).write_bytes(one.read_bytes())
    assert "/" not in (moved / "manifest.json").read_text()
    assert [one.parent for one in History.open(moved).files("customers")] == [moved] * 8


@given(buckets=st.integers(1, 64), number=st.integers(0, 63))
def test_a_bucket_of_any_number_reads_only_the_files_that_overlap_it(
    load: Load, buckets: int, number: int
) -> None:
    history, keys = History.open(load.folder / "history"), keys_of(number % buckets, buckets)
    rows = pl.concat([pl.read_parquet(one) for one in history.files("customers")])
    inside = rows.filter(rows.select(bucket_of(buckets)).to_series() == number % buckets)
    files = history.files("customers", keys)
    read = pl.concat([pl.read_parquet(one) for one in files])
    assert set(inside["customer_id"]) <= set(read["customer_id"])
    assert len(files) <= -(-8 // buckets) + (8 % buckets != 0 or buckets > 8)


def test_a_bucket_is_decided_without_any_other_file(load: Load, tmp_path: Path) -> None:
    found = read_definitions(WORKFLOWS, PATTERNS)
    program = compile_program(found.workflows, (), found.patterns)
    history = History.open(load.folder / "history")
    plan = BucketPlan(program, TickEnds(END))
    whole = run_bucket(HistoryFeed(history, 4, wanted_by(program), END), Paths(tmp_path), 2, plan)
    few = tmp_path / "few"
    few.mkdir()
    own = [*history.files("events", keys_of(2, 4)), *history.files("customers", keys_of(2, 4))]
    assert len(own) == 4
    for one in own:
        (few / one.name).write_bytes(one.read_bytes())
    alone = HistoryFeed(History(few, history.manifest), 4, wanted_by(program), END)
    told = run_bucket(alone, Paths(few), 2, plan)
    assert (told.rows, told.counts) == (whole.rows, whole.counts)
    assert told.rows["executions"] > 50


@pytest.mark.parametrize(
    ("events", "ranges"),
    [
        (0, 1),
        (PER_FILE, 1),
        (PER_FILE * 2, 2),
        (PER_FILE * 2 + 1, 4),
        (10**8, 128),
        (10**11, 4096),
    ],
)
def test_ranges_are_powers_of_two_of_at_most_so_many_events(events: int, ranges: int) -> None:
    assert ranges_for(events) == ranges


def test_events_of_one_customer_at_one_instant_lie_by_id() -> None:
    instant = datetime(2026, 3, 1, tzinfo=END.tzinfo)
    given = [
        (who, instant, name, f"e{number % 7}{number}")
        for number in range(60)
        for who in "ab"
        for name in "xy"
    ]
    rows = pl.DataFrame(given, schema=["customer_id", "ts", "name", "event_id"], orient="row")
    rows = rows.with_columns(type=pl.lit("behavioral"), updates=pl.col("event_id").str.ends_with("3"))
    assert in_order(rows.sample(fraction=1, shuffle=True, seed=1)).equals(rows.sort(*ORDER["events"]))
    assert in_order(rows[:0]).equals(rows[:0])


def rows_of(load: Load, events: pl.LazyFrame | None = None) -> Rows:
    bad = pl.LazyFrame(schema={"file": pl.String})
    given = [pl.scan_parquet(one) for one in load.files] if events is None else [events]
    return Rows(given, [pl.scan_parquet(load.customers)], 20_000, known_since, bad)


def test_a_history_takes_the_place_of_one_and_of_nothing_else(load: Load, tmp_path: Path) -> None:
    out = tmp_path / "history"
    write_history(rows_of(load), out, processes=1, ranges=4)
    write_history(rows_of(load), out, processes=1, ranges=2)
    assert len(History.open(out).files("events")) == 2
    assert len(list(out.glob("events-*"))) == 2
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    with pytest.raises(
        InputError, match=r"other: is there, and no prepared history; give a new or an empty folder"
    ):
        write_history(rows_of(load), other, processes=1)
    assert [one.name for one in other.iterdir()] == ["mine.txt"]


def test_what_breaks_off_leaves_the_history_of_before(load: Load, tmp_path: Path) -> None:
    out = tmp_path / "history"
    write_history(rows_of(load), out, processes=1, ranges=2)
    before = {one.name: one.read_bytes() for one in out.iterdir()}
    with pytest.raises(pl.exceptions.PolarsError):
        write_history(rows_of(load, pl.LazyFrame({"customer_id": ["a"]})), out, processes=1)
    assert {one.name: one.read_bytes() for one in out.iterdir()} == before
    assert [one.name for one in tmp_path.iterdir()] == ["history"]


def test_who_is_known_is_noted_at_each_event(history: History) -> None:
    for number in range(8):
        keys = keys_of(number, 8)
        events = pl.read_parquet(history.files("events", keys))
        people = pl.read_parquet(history.files("customers", keys))
        since = {one["customer_id"]: one["created_at"] for one in people.to_dicts()}
        late = datetime(9999, 1, 1, tzinfo=END.tzinfo)
        expected = [ts >= since.get(who, late) for who, ts in events.select("customer_id", "ts").rows()]
        assert events["known"].to_list() == expected
