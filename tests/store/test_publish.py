"""What analysts open after a run, also after one that died between its commit and the publication."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from flows.store.recovery import backup_files

from flows.delivery import outbox
from flows.store.state_file import STATE_FILE
from flows.tick import advance, stages
from flows.warehouse import connect
from tests.runs import TABLES, House, house, person
from tests.semantics.cases import at, event, send, workflow

MAIL = send("hello", content="Hi")


def read(file: Path) -> dict[str, pl.DataFrame]:
    """Every table but the ticks: a tick that found nothing isn't worth a publication."""
    with connect(file, read_only=True) as con:
        frames = {name: con.sql(f"select * from {name}").pl() for name in TABLES if name != "ticks"}
    return {name: frame.sort(frame.columns) for name, frame in frames.items()}


def assert_current(home: House) -> None:
    """The published copy and the backup say what the state says."""
    state = read(home.state_file)
    for copy in (home.settings.published / STATE_FILE, backup_files(home.state_file)[0]):
        found = read(copy)
        assert [name for name in state if not state[name].equals(found[name])] == [], copy


@pytest.fixture
def home(tmp_path: Path) -> House:
    built = house(tmp_path, workflow(MAIL), backup_every=0)
    built.customers("people", person("ann"))
    built.events("1", event("go", at(5)))
    built.tick(at(10))
    built.events("2", event("go", at(15)))
    return built


def test_a_run_publishes_and_backs_up(home: House) -> None:
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
        (outbox, "send_messages"),
        (stages, "backup"),
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
    with connect(home.settings.published / STATE_FILE, read_only=True) as reader:
        assert home.tick(at(20)).executions == 1
        assert count(reader) == [(1,)]
    with connect(home.settings.published / STATE_FILE, read_only=True) as reader:
        assert count(reader) == [(2,)]


def test_between_backups_ticks_only_publish_and_a_restored_one_catches_up(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL), backup_every="1h")
    home.customers("people", person("ann"))
    backup, _ = backup_files(home.state_file)
    for number in (1, 2):
        home.events(str(number), event("go", at(10 * number)))
        home.tick(at(10 * number))
    state = read(home.state_file)
    assert read(home.settings.published / STATE_FILE)["executions"].equals(state["executions"])
    assert [len(one["executions"]) for one in (read(backup), state)] == [1, 2]
    home.state_file.write_bytes(b"garbage")
    home.tick(at(30))
    again = read(home.state_file)
    assert [name for name in state if not state[name].equals(again[name])] == []
    assert len(home.outbox()) == 2


def test_copies_wait_until_the_state_has_moved_on_for_long_enough(home: House) -> None:
    hourly = House(home.settings.model_copy(update={"publish_every": timedelta(hours=1)}))
    hourly.tick(at(20))
    published = home.settings.published / STATE_FILE
    assert len(read(published)["executions"]) == 1
    earlier = home.state_file.stat().st_mtime - 3600
    os.utime(published, (earlier, earlier))
    hourly.tick(at(20))
    assert_current(home)
