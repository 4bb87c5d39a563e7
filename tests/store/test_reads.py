"""Which files of a compacted store a tick, amounts of new windows and a backtest of one bucket read.

The rows of all others are made unreadable, so that whoever reads one fails.
"""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from flows.backtest.archive import history_of_store, lay_out_archive
from flows.backtest.bucket import BucketPlan, run_bucket
from flows.backtest.feeds import HistoryFeed
from flows.backtest.paths import Paths
from flows.backtest.ticks import TickEnds
from flows.buckets.partition import bucket_of, keys_of, wanted_by
from flows.definitions.folder import read_definitions
from flows.errors import OnwardError
from flows.history import writing
from flows.store import compact as compacting
from flows.store.archive import archive_folder
from flows.store.compact import compact
from flows.store.ledger import ledger_folder, named_files
from flows.store.opening import open_store
from tests.kills import moved
from tests.runs import House, house, person
from tests.semantics.cases import Row, at, condition, event, send, tag, wait, workflow
from transforms.program.compile import compile_program

CROWD = pl.Series("customer_id", [f"c{number:02d}" for number in range(64)])
BUCKET, BUCKETS = 2, 4
OWN = CROWD.filter(CROWD.to_frame().select(bucket_of(BUCKETS)).to_series() == BUCKET).to_list()
"""The customers of one bucket."""
ALONE = 3
"""The number of the tick in which only they have events."""
NOW, SOON = at(90), timedelta(seconds=30)
PATTERNS: Row = {
    "steps": {"pattern": "ordered", "events": [{"type": "view"}, {"type": "buy", "within": "1h"}]},
    "keen": {"pattern": "sequence", "events": [{"type": "view", "timeWindow": "1h", "minCount": 2}]},
}
WORKFLOWS = [
    workflow(send("hello", subject="Hi", content="x"), wait("85m"), tag("t"), wait("2h")),
    workflow(tag("keen"), workflow_id="keen", triggers=[{"type": "pattern", "config": {"pattern": "keen"}}]),
]
LATER = [
    workflow(
        tag("steps"), workflow_id="steps", triggers=[{"type": "pattern", "config": {"pattern": "steps"}}]
    ),
    workflow(
        *(tag(name, when=[condition(f"events.{name}", "exists")]) for name in ("buy.sum", "buy.count.2h")),
        workflow_id="sums",
    ),
]


@pytest.fixture(scope="module")
def compacted(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house after some ticks, its ledger and its archive in files of few customers each, by key."""
    home = house(tmp_path_factory.mktemp("compacted"), *WORKFLOWS)
    home.patterns(PATTERNS)
    home.customers("people", *map(person, CROWD))
    for number in range(6):
        deliver(home, 10 * number + 1, OWN if number == ALONE else CROWD)
        home.tick(at(10 * number + 10))
    home.tick(NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compacting, "LARGE", 8)
        patch.setattr(writing, "PER_FILE", 40)
        compact(home.settings)
        assert "Laid" in lay_out_archive(home.settings)
    return home


@pytest.fixture
def home(compacted: House, tmp_path: Path) -> House:
    """A copy of it, to be damaged."""
    return moved(compacted, tmp_path / "home")


def deliver(home: House, minute: float, who: Iterable[str]) -> None:
    """Some customers' events of three minutes."""
    rows = [
        event(name, at(minute + n), one, value=1.5)
        for one in who
        for n, name in enumerate(("go", "view", "buy"))
    ]
    home.events(f"events-{minute}", *rows)


def make_unreadable(files: Iterable[Path]) -> None:
    """Let no row of these Parquet files be readable; what they say of their columns stays, and so do their sizes."""
    for file in files:
        data = bytearray(file.read_bytes())
        told = 8 + int.from_bytes(data[-8:-4], "little")
        data[4:-told] = bytes(len(data) - 4 - told)
        file.write_bytes(data)


def batches(home: House) -> list[Path]:
    """The archived files of events, in the order of ticks."""
    names = home.rows("select archive from batches where kind = 'events' order by batch_id")
    return [archive_folder(home.settings) / "events" / name for (name,) in names]


def ledger(home: House) -> list[Path]:
    """The files of the ledger that count."""
    with open_store(home.settings) as store:
        return [ledger_folder(home.settings) / one.name for one in named_files(store.state)]


def state(home: House) -> dict[str, Any]:
    """What ticks came to, as far as it doesn't lie in the ledger."""
    names = ("customers", "due", "sums", "history_amounts")
    with open_store(home.settings) as store:
        found = {name: sorted(map(repr, store.state.query(f"select * from {name}"))) for name in names}
    return {**found, "outbox": sorted(line["message_id"] for line in home.outbox())}


def test_a_tick_reads_the_batch_whose_events_leave_a_window_and_no_other_file(
    home: House, tmp_path: Path
) -> None:
    twin, told = moved(home, tmp_path / "twin"), batches(home)
    others = [
        *ledger(home),
        *history_of_store(home.settings).files("events"),
        *told[:ALONE],
        *told[ALONE + 1 :],
    ]
    assert len(others) > 50
    make_unreadable(others)
    for one in (home, twin):
        deliver(one, 91, OWN)
        one.tick(at(100))
    assert state(home) == state(twin)
    with pytest.raises(duckdb.Error):
        home.rows("from attributes")
    make_unreadable([told[ALONE]])
    deliver(home, 100, OWN)
    with pytest.raises(OnwardError):
        home.tick(at(101))


def test_amounts_of_new_windows_are_made_of_what_was_laid_out_and_of_no_batch_in_it(
    home: House, tmp_path: Path
) -> None:
    twin = moved(home, tmp_path / "twin")
    make_unreadable([*ledger(home), *batches(home)])
    for one in (home, twin):
        one.define(*LATER)
        one.events("other", *(event("other", NOW + SOON, who) for who in OWN))
        # Before any event leaves a window.
        one.tick(NOW + SOON)
    assert state(home) == state(twin)
    assert len(state(home)["history_amounts"]) == 2 * len(CROWD)


def test_a_backtest_of_a_bucket_reads_the_files_of_its_keys(home: House, tmp_path: Path) -> None:
    history, keys = history_of_store(home.settings), keys_of(BUCKET, BUCKETS)
    found = read_definitions(home.settings.workflows, home.settings.patterns)
    program = compile_program(found.workflows, (), found.patterns)
    feed, plan = HistoryFeed(history, BUCKETS, wanted_by(program), NOW), BucketPlan(program, TickEnds(NOW))
    whole = run_bucket(feed, Paths(tmp_path), BUCKET, plan)
    own = {*history.files("events", keys), *history.files("customers", keys)}
    others = {*history.files("events"), *history.files("customers")} - own
    assert len(own) == len(others) / 3
    make_unreadable([*others, *ledger(home), *batches(home)])
    alone = run_bucket(feed, Paths(tmp_path), BUCKET, plan)
    assert (alone.rows, alone.counts) == (whole.rows, whole.counts)
    assert alone.rows["executions"] > len(OWN)
    make_unreadable(own)
    with pytest.raises((OnwardError, pl.exceptions.PolarsError)):
        run_bucket(feed, Paths(tmp_path), BUCKET, plan)
