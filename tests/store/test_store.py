"""The store: one run at a time, every damage of the state file that we know of, the file of views."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Never

import duckdb
import polars as pl
import pytest

from flows.settings import Settings
from flows.store.ledger import ledger_folder, named_files
from flows.store.lock import RunInProgressError
from flows.store.opening import open_store, rebuild_store
from flows.store.publish import publish
from flows.store.state_file import APPLICATION, VERSION, DamagedStateError, StateError
from flows.store.store import Store
from flows.warehouse import WarehouseError, connect, run, run_sql, sql_names, sql_text
from tests.store.agreement import assert_whole


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "it's data")


@pytest.fixture
def file(settings: Settings) -> Path:
    return settings.state / "state.sqlite"


def tick(store: Store, number: int, customer: str | None = None) -> None:
    """A tick of which people see something; a customer comes in it if one is named."""
    with store.transaction() as commit:
        store.state.write("insert into ticks (tick_id, now) values (?, 0)", [(number,)])
        if customer:
            store.bring_in(pl.Series([customer]))
            store.con.execute("insert into profiles values ($1, null, true, true)", [customer])
        commit.shows = True


def ticks(store: Store) -> list[int]:
    return [number for (number,) in store.state.query("select tick_id from ticks order by tick_id")]


def stored_ticks(settings: Settings) -> list[int]:
    with open_store(settings) as store:
        return ticks(store)


def run_elsewhere(code: str, *args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
    )


CRASH = """
    import os, sys
    from pathlib import Path
    from flows.settings import Settings
    from flows.store.opening import open_store
    from tests.store.test_store import tick

    with open_store(Settings(data_dir=Path(sys.argv[1]))) as store:
        tick(store, int(sys.argv[2]), f"c{sys.argv[2]}")
        os._exit(9)
"""


def crash_after_commit(settings: Settings, number: int) -> None:
    died = run_elsewhere(CRASH, settings.data_dir, number)
    assert died.returncode == 9, died.stderr


# Opening


def test_a_new_store_publishes_every_table_and_view(settings: Settings) -> None:
    with open_store(settings) as store:
        assert store.warnings == []
        publish(store)
        zone = store.con.execute("select current_setting('TimeZone')").fetchall()
    with connect(settings.published / "onward.duckdb", read_only=True) as con:
        names = "select table_name from information_schema.tables where table_schema = 'main'"
        found = {name for (name,) in con.execute(names).fetchall()}
        for name in found:
            con.execute(f"from {name}").fetchall()
    folders = ("store/schema", "store/views", "reports/base", "reports", "reports/asked")
    files = {Path(name).stem for folder in folders for name in sql_names(folder)}
    small = "send_ledger sums inbox_files watched_keys workflow_versions program_steps migrations goal_reconsiderations"
    assert found == files | set(small.split())
    contract = "customers events executions steps messages webhooks suppressions quarantine ticks"
    assert found >= set(contract.split())
    assert zone == [("UTC",)]


def test_opening_again_changes_nothing(settings: Settings, file: Path) -> None:
    with open_store(settings) as store:
        tick(store, 1, "ann")
    before = file.read_bytes()
    assert stored_ticks(settings) == [1]
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.glob("state.sqlite*")] == [file.name]


def test_a_failing_sql_says_which_and_why() -> None:
    with (
        connect() as con,
        pytest.raises(WarehouseError, match=r"report_drop_off\.sql: could not run it") as caught,
    ):
        run_sql(con, "reports/report_drop_off.sql")
    assert caught.value.file == "sql/reports/report_drop_off.sql"
    assert "does not exist" in caught.value.cause


def test_a_failing_statement_on_the_state_says_where_and_why(settings: Settings, file: Path) -> None:
    with open_store(settings) as store, pytest.raises(StateError, match="no such table: nowhere") as caught:
        store.state.query("select * from nowhere")
    assert str(file) in str(caught.value)


def test_run_fills_placeholders() -> None:
    with connect(threads=1, memory_limit="100MB") as con:
        assert run(con, "select $a + 1", file="inline", step="add", params={"a": 1}).fetchall() == [(2,)]
        assert con.execute("select current_setting('threads')").fetchall() == [(1,)]


def test_nothing_is_downloaded() -> None:
    with connect() as con:
        for name in ("autoinstall_known_extensions", "autoload_known_extensions"):
            assert con.execute("select current_setting($1)", [name]).fetchall() == [(False,)]


# One run at a time


def test_a_second_run_is_told_who_holds_the_store(settings: Settings) -> None:
    code = CRASH.replace("os._exit(9)", "")
    with open_store(settings):
        other = run_elsewhere(code, settings.data_dir, 1)
        with pytest.raises(RunInProgressError) as caught, open_store(settings):
            pass
    assert f"another run is in progress (pid {os.getpid()}, since 2" in other.stderr
    assert caught.value.pid == os.getpid()
    assert run_elsewhere(code, settings.data_dir, 1).returncode == 0


def test_a_run_waits_for_whoever_holds_the_store_in_passing(settings: Settings) -> None:
    passing = "import sys, time; from pathlib import Path; from flows.store.lock import run_lock\n"
    passing += "with run_lock(Path(sys.argv[1]), passing=True): print('held', flush=True); time.sleep(0.5)"
    file = settings.state / "onward.lock"
    with subprocess.Popen([sys.executable, "-c", passing, file], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with open_store(settings):
            assert holder.wait(1) == 0


@pytest.mark.parametrize(
    "left", [json.dumps({"pid": 999_999_999, "started_at": "2020-01-01"}), "", "half a js"]
)
def test_the_lock_file_of_a_dead_process_does_not_matter(settings: Settings, left: str) -> None:
    settings.state.mkdir(parents=True)
    (settings.state / "onward.lock").write_text(left)
    assert stored_ticks(settings) == []


# Killed


def test_a_killed_run_leaves_its_commits_and_no_lock(settings: Settings, file: Path) -> None:
    """Commits that only the log has are found by whoever opens the file next."""
    crash_after_commit(settings, 1)
    assert file.with_name("state.sqlite-wal").stat().st_size > 0
    crash_after_commit(settings, 2)
    with open_store(settings) as store:
        assert ticks(store) == [1, 2]
        assert store.state.query("select customer_id from customers order by 1") == [("c1",), ("c2",)]
        assert_whole(store)


def test_a_log_that_lost_its_end_leaves_the_commits_before(settings: Settings, file: Path) -> None:
    """As after a power cut, of a disk that lied about what it had written."""
    with open_store(settings) as store:
        tick(store, 1, "ann")
    crash_after_commit(settings, 2)
    log = file.with_name("state.sqlite-wal")
    os.truncate(log, log.stat().st_size - 100)
    with open_store(settings) as store:
        assert ticks(store) == [1]
        assert_whole(store)
        tick(store, 2, "bob")
        assert_whole(store)


def test_a_file_of_the_ledger_that_no_commit_names_counts_for_nothing(settings: Settings) -> None:
    """Written by a run that was killed before its commit, the next one writes another of that name."""
    with open_store(settings) as store:
        tick(store, 1, "ann")
        (last,) = [one for one in named_files(store.state) if one.relation == "profiles"]
    folder = ledger_folder(settings) / "0001"
    for number in range(1, 9):
        shutil.copy(
            ledger_folder(settings) / last.name, folder / f"profiles-0-{number:08d}-{number:08d}.parquet"
        )
    with open_store(settings) as store:
        publish(store)
        assert profiles(settings) == ["ann"]
        tick(store, 2, "bob")
        publish(store)
        assert profiles(settings) == ["ann", "bob"]
        assert_whole(store)


def profiles(settings: Settings) -> list[str]:
    with connect(settings.published / "onward.duckdb", read_only=True) as con:
        return [name for (name,) in con.execute("select customer_id from profiles order by all").fetchall()]


def test_what_a_broken_off_copy_left_is_in_nobodys_way(
    settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(settings) as store:
        tick(store, 1, "ann")
    file.with_name("state.sqlite.aside").write_bytes(b"half of a copy")
    assert stored_ticks(settings) == [1]
    monkeypatch.setattr("flows.store.put_back._AT_ONCE", 1)
    with open_store(settings) as store:
        with store.transaction() as commit:
            store.bring_in(pl.Series(["bob", "cy"]))
            commit.shows = True
        assert_whole(store)
    assert stored_ticks(settings) == [1]
    assert [one.name for one in file.parent.glob("state.sqlite*")] == [file.name]


# Damage


def garbage(file: Path) -> None:
    file.write_bytes(b"garbage" * 10_000)


def truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def short(file: Path) -> None:
    os.truncate(file, 50)


def without_a_head(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[:200] = bytes(200)
    file.write_bytes(content)


def flipped(file: Path) -> None:
    """The root of the table of tables is no page of a table any more."""
    content = bytearray(file.read_bytes())
    content[100] ^= 0xFF
    file.write_bytes(content)


def turned_into_duckdb(file: Path) -> None:
    file.unlink()
    with duckdb.connect(str(file)) as con:
        con.execute("create table theirs as select 42 as answer")


DAMAGES = [garbage, truncated, short, without_a_head, flipped, turned_into_duckdb]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_stops_the_run_names_the_way_out_and_is_not_touched(
    settings: Settings, file: Path, damage: Callable[[Path], None]
) -> None:
    with open_store(settings) as store:
        tick(store, 1, "ann")
    damage(file)
    before = file.read_bytes()
    with pytest.raises(DamagedStateError, match="onward rebuild") as caught, open_store(settings):
        pass
    assert str(caught.value).startswith(f"{file}: damaged (")
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.glob("state.sqlite*")] == [file.name]
    with rebuild_store(settings) as store:
        tick(store, 2)
    assert stored_ticks(settings) == [2]
    assert file.with_name("state.sqlite.replaced-1").read_bytes() == before


def test_pages_that_are_damaged_are_found_where_they_are_needed(settings: Settings, file: Path) -> None:
    with open_store(settings) as store:
        tick(store, 1, "ann")
        ((page,),) = store.state.query("select rootpage from sqlite_master where name = 'customers'")
    content = bytearray(file.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\x77" * 4096
    file.write_bytes(content)
    with (
        open_store(settings) as store,
        pytest.raises(DamagedStateError, match="onward rebuild"),
    ):
        tick(store, 2, "ann")
    assert stored_ticks(settings) == [1]
    with open_store(settings) as store, pytest.raises(DamagedStateError, match="onward rebuild"):
        store.state.check()


def test_another_programs_database_is_refused_and_left_alone(settings: Settings, file: Path) -> None:
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as db:
        db.executescript("create table theirs as select 42 as answer")
    before = file.read_bytes()
    with pytest.raises(StateError, match=r"not Onward's; move it elsewhere"), open_store(settings):
        pass
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("select name from sqlite_master").fetchall() == [("theirs",)]
    assert file.read_bytes() == before


def test_a_newer_file_is_refused_and_left_alone(settings: Settings, file: Path) -> None:
    assert stored_ticks(settings) == []
    with closing(sqlite3.connect(file)) as db:
        db.executescript(f"pragma user_version = {VERSION + 1}")
    before = file.read_bytes()
    with pytest.raises(StateError, match=r"newer Onward.*update Onward"), open_store(settings):
        pass
    assert file.read_bytes() == before


def test_a_file_says_whose_and_which_it_is(settings: Settings, file: Path) -> None:
    assert stored_ticks(settings) == []
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("pragma application_id").fetchone() == (APPLICATION,)
        assert db.execute("pragma user_version").fetchone() == (VERSION,)
        assert db.execute("pragma journal_mode").fetchone() == ("wal",)


def test_a_file_that_was_only_begun_is_begun_again(settings: Settings, file: Path) -> None:
    """Killed while the first run makes the file: it is empty, or has a head and no tables."""
    file.parent.mkdir(parents=True)
    file.touch()
    assert stored_ticks(settings) == []
    file.unlink()
    with closing(sqlite3.connect(file)) as db:
        db.execute("pragma journal_mode = wal")
    assert stored_ticks(settings) == []


def test_a_file_that_another_program_writes_to_is_not_damage(
    settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stored_ticks(settings) == []
    opened = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda *given, **named: opened(*given, **named, timeout=0.1))
    with closing(opened(file, isolation_level=None)) as other:
        other.execute("begin immediate")
        with (
            open_store(settings) as store,
            pytest.raises(
                StateError, match="database is locked: another program has the file open: close it"
            ) as caught,
        ):
            tick(store, 1)
        assert not isinstance(caught.value, DamagedStateError)
    assert stored_ticks(settings) == []


def stop(store: Store) -> Never:
    tick(store, 1)
    raise RuntimeError("stopped")


def test_a_rebuild_replaces_the_file_only_when_it_is_complete(settings: Settings, file: Path) -> None:
    assert stored_ticks(settings) == []
    garbage(file)
    with pytest.raises(RuntimeError, match="stopped"), rebuild_store(settings) as store:
        stop(store)
    assert file.read_bytes().startswith(b"garbage")
    with rebuild_store(settings) as store:
        tick(store, 2)
    assert stored_ticks(settings) == [2]
    assert file.with_name("state.sqlite.replaced-1").read_bytes().startswith(b"garbage")


def test_a_rebuilt_file_is_not_given_the_log_of_the_one_it_replaces(settings: Settings, file: Path) -> None:
    crash_after_commit(settings, 1)
    assert file.with_name("state.sqlite-wal").exists()
    with rebuild_store(settings) as store:
        tick(store, 2)
    assert stored_ticks(settings) == [2]
    assert file.with_name("state.sqlite-wal.replaced-1").exists()


def test_each_state_file_has_its_own_folder_of_the_ledger(settings: Settings) -> None:
    with open_store(settings) as store:
        tick(store, 1, "ann")
        before = {
            one.name: (ledger_folder(settings) / one.name).read_bytes() for one in named_files(store.state)
        }
    with rebuild_store(settings) as store:
        tick(store, 1, "bob")
        assert {one.name[:4] for one in named_files(store.state)} == {"0002"}
    assert before == {name: (ledger_folder(settings) / name).read_bytes() for name in before}


# Transactions


def test_what_fails_in_a_transaction_leaves_nothing(settings: Settings) -> None:
    with open_store(settings) as store:
        tick(store, 1, "ann")
        commit, files = store.state.commit, named_files(store.state)
        with pytest.raises(RuntimeError):
            begin_and_stop(store)
        assert (store.state.commit, named_files(store.state)) == (commit, files)
        with store.transaction():
            store.bring_in(pl.Series(["ann", "bob"]))
            assert store.con.execute("select customer_id from profiles").fetchall() == [("ann",)]
        assert store.state.query("select customer_id from customers") == [("ann",)]


def begin_and_stop(store: Store) -> Never:
    with store.transaction() as under_way:
        under_way.shows = True
        store.bring_in(pl.Series(["ann", "bob"]))
        store.con.execute("insert into profiles values ('bob', null, true, true)")
        raise RuntimeError


def test_what_nobody_sees_is_no_commit(settings: Settings) -> None:
    with open_store(settings) as store:
        tick(store, 1, "ann")
        before = store.state.commit
        with store.transaction():
            store.bring_in(pl.Series(["ann"]))
        assert store.state.commit == before


# What is published


def test_an_open_reader_keeps_its_tick_and_the_next_sees_the_new_one(settings: Settings) -> None:
    published = settings.published / "onward.duckdb"
    read = """
        import duckdb, sys
        con = duckdb.connect(sys.argv[1], read_only=True)
        for line in sys.stdin:
            print(con.execute("select count(*) from ticks").fetchone()[0], flush=True)
    """
    with open_store(settings) as store:
        tick(store, 1)
        publish(store)
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(read), str(published)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as reader:
            answers = [ask(reader)]
            tick(store, 2)
            assert publish(store)
            answers.append(ask(reader))
            reader.communicate()
    assert answers == ["1\n", "1\n"]
    with connect(published, read_only=True) as con:
        assert con.execute("select tick_id from ticks order by all").fetchall() == [(1,), (2,)]


def ask(reader: subprocess.Popen[str]) -> str:
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdin.write("\n")
    reader.stdin.flush()
    return reader.stdout.readline()


def test_what_is_published_works_from_anywhere_and_attached(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = Settings(data_dir=settings.data_dir.relative_to(tmp_path))
    with open_store(here) as store:
        tick(store, 1, "ann")
        publish(store)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with connect(settings.published / "onward.duckdb", read_only=True) as con:
        assert con.sql("select * from events").pl().is_empty()
        assert con.sql("select customer_id from customers").pl().rows() == [("ann",)]


@pytest.mark.parametrize("name", ["report_drop_off", "customers", "executions", "events", "steps", "ticks"])
def test_what_is_published_can_be_attached_to_another_database(settings: Settings, name: str) -> None:
    with open_store(settings) as store:
        tick(store, 1, "ann")
        publish(store)
    with connect() as con:
        place = str(settings.published / "onward.duckdb").replace("'", "''")
        con.execute(f"attach '{place}' as journeys (read_only)")
        con.sql(f"select * from journeys.{name}").pl()


def test_nothing_is_published_twice(settings: Settings) -> None:
    with open_store(settings) as store:
        assert (publish(store), publish(store)) == (True, False)


def test_a_visitors_log_does_not_spoil_what_comes_next(settings: Settings) -> None:
    published = settings.published / "onward.duckdb"
    with open_store(settings) as store:
        publish(store)
        published.with_name("onward.duckdb.wal").write_bytes(b"their log")
        tick(store, 1)
        publish(store)
    assert not published.with_name("onward.duckdb.wal").exists()
    assert published.stat().st_mode & 0o777 == 0o444


def test_reports_are_published_as_parquet_too(settings: Settings) -> None:
    with open_store(settings) as store:
        publish(store)
    files = sorted((settings.published / "reports").iterdir())
    assert [file.stem for file in files] == [Path(name).stem for name in sql_names("reports")]
    assert pl.read_parquet(files[0]).is_empty()
    assert sql_text("reports/report_drop_off.sql").startswith("-- One row per")
