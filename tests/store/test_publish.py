"""What analysts open after a run, also after one that died between its commit and the publication."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from flows.delivery import outbox
from flows.settings import Settings
from flows.tick import advance, stages
from flows.warehouse import connect
from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, workflow
from tests.store.agreement import assert_current

MAIL = send("hello", content="Hi")


@pytest.fixture
def home(tmp_path: Path) -> House:
    built = house(tmp_path, workflow(MAIL))
    built.customers("people", person("ann"))
    built.events("1", event("go", at(5)))
    built.tick(at(10))
    built.events("2", event("go", at(15)))
    return built


def test_a_run_publishes(home: House) -> None:
    assert_current(home)
    home.tick(at(20))
    assert_current(home)
    reports = {file.stem for file in (home.settings.published / "reports").glob("*.parquet")}
    assert reports == {"report_workflow_summary", "report_drop_off", "report_messages_daily"}


def die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (advance, "record_tick"),
        (advance, "write_clock"),
        (outbox, "send_messages"),
        (outbox, "settle"),
        (stages, "publish"),
    ],
)
def test_what_a_killed_run_left_out_the_next_one_publishes(
    home: House, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, name, die)
        with pytest.raises(KeyboardInterrupt):
            home.tick(at(20))
    home.tick(at(20))
    assert home.rows("select count(*) from executions") == [(2,)]
    assert len(home.outbox()) == 2
    assert_current(home)


def test_an_open_reader_blocks_nobody_and_keeps_what_it_opened(home: House) -> None:
    count: Callable[..., list[tuple[int]]] = lambda con: con.execute(  # noqa: E731
        "select count(*) from executions"
    ).fetchall()
    with connect(home.published, read_only=True) as reader:
        assert home.tick(at(20)).executions == 1
        assert count(reader) == [(1,)]
    with connect(home.published, read_only=True) as reader:
        assert count(reader) == [(2,)]


def test_a_tick_that_found_nothing_is_no_new_publication(home: House) -> None:
    home.tick(at(20))
    before = home.published.stat()
    home.tick(at(30))
    assert home.published.stat() == before


def test_a_tick_that_only_refused_a_file_or_saw_other_rules_is_published(home: House) -> None:
    home.tick(at(20))
    (home.settings.inbox / "events" / "half.parquet").write_bytes(b"PAR1 and no more")
    home.tick(at(30))
    assert home.rows("select reason, n from tick_counts") == [("refused_files", 1)]
    home.define(workflow(MAIL, workflow_id="another"))
    home.tick(at(40))
    assert home.rows("select workflow_id from workflow_versions order by all") == [("another",), ("w",)]
    assert_current(home)


def test_a_lost_publication_is_made_again_by_a_tick_that_finds_nothing(home: House) -> None:
    home.tick(at(20))
    before = home.frames()
    home.published.unlink()
    home.tick(at(20))
    after = home.frames()
    assert [name for name in before if name != "ticks" and not before[name].equals(after[name])] == []
    assert_current(home)


def test_after_the_folder_has_moved_the_next_run_names_the_files_where_they_are(
    home: House, tmp_path: Path
) -> None:
    home.tick(at(20))
    moved = House(Settings(data_dir=tmp_path / "elsewhere" / "data"))
    moved.root.parent.mkdir()
    shutil.move(home.root, moved.root)
    moved.tick(at(20))
    assert moved.rows("select count(*) from executions") == [(2,)]
    assert moved.rows("select count(*) from events") == [(2,)]
    assert_current(moved)


def test_what_is_pending_is_shown_as_such_and_once(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    home.events("3", event("go", at(16)))
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "send_messages", lambda *_, **__: outbox.Dispatched())
        home.tick(at(20))
    query = "select customer_id, status, count(*) from messages group by all order by all"
    assert home.rows(query) == [("ann", "pending", 2), ("ann", "sent", 1)]
    home.tick(at(30))
    assert home.rows(query) == [("ann", "sent", 3)]
    assert_current(home)


def test_the_tables_are_as_before_where_the_ledger_has_no_file_of_theirs_yet(tmp_path: Path) -> None:
    """Columns and their types are the same with and without rows."""
    home = house(tmp_path, workflow(MAIL))
    home.tick(at(0))
    empty = home.frames()
    home.customers("people", {**person("ann"), "tags": ["t"]})
    home.events("1", event("go", at(5)), {**event("go", at(6)), "type": "none"})
    home.tick(at(10))
    full = home.frames()
    assert {name: frame.schema for name, frame in empty.items()} == {
        name: frame.schema for name, frame in full.items()
    }
    assert {name for name, frame in full.items() if len(frame)} >= {
        "tags",
        "messages",
        "quarantine",
        "executions",
    }


def test_reports_lie_beside_as_parquet(home: House) -> None:
    home.tick(at(20))
    for file in (home.settings.published / "reports").glob("*.parquet"):
        with connect(home.published, read_only=True) as con:
            assert pl.read_parquet(file).equals(con.sql(f"from {file.stem}").pl())
