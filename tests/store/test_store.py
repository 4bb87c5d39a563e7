"""The store: one run at a time, recovery from every damage we know of, backups, the published copy."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Never

import duckdb
import polars as pl
import pytest
from duckdb import DuckDBPyConnection
from flows.store.backup import backup
from flows.store.recovery import UnrepairableError, backup_files

from flows.errors import OnwardError
from flows.settings import Settings
from flows.store.lock import RunInProgressError
from flows.store.opening import open_store, rebuild_store
from flows.store.publish import publish
from flows.store.store import SCHEMA_VERSION, Store
from flows.warehouse import WarehouseError, connect, read_everything, run, run_sql, sql_names, sql_text


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "it's data")


@pytest.fixture
def file(settings: Settings) -> Path:
    return settings.state / "onward.duckdb"


def tick(store: Store, number: int) -> None:
    store.con.execute("insert into ticks (tick_id, now) values ($1, '2026-03-01 09:00+00')", [number])


def ticks(con: DuckDBPyConnection) -> list[int]:
    return [number for (number,) in con.execute("select tick_id from ticks order by tick_id").fetchall()]


def stored_ticks(settings: Settings) -> list[int]:
    with open_store(settings) as store:
        return ticks(store.con)


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

    with open_store(Settings(data_dir=Path(sys.argv[1]))) as store:
        store.con.execute("insert into ticks (tick_id, now) values ($1, '2026-03-01')", [int(sys.argv[2])])
        os._exit(9)
"""


def crash_after_commit(settings: Settings, number: int) -> None:
    assert run_elsewhere(CRASH, settings.data_dir, number).returncode == 9


# Opening


def test_a_new_store_has_every_table_and_view(settings: Settings) -> None:
    with open_store(settings) as store:
        found = {
            name
            for (name,) in store.con.execute("select table_name from information_schema.tables").fetchall()
        }
        zone = store.con.execute("select current_setting('TimeZone')").fetchall()
        assert store.warnings == []
    folders = ("store/schema", "store/views", "reports/base", "reports")
    files = [name for folder in folders for name in sql_names(folder)]
    assert found == {Path(name).stem for name in files}
    contract = "customers events executions steps messages webhooks suppressions quarantine ticks"
    assert found >= set(contract.split())
    assert zone == [("UTC",)]


def test_opening_again_changes_nothing(settings: Settings, file: Path) -> None:
    with open_store(settings) as store:
        tick(store, 1)
    before = file.stat().st_mtime_ns
    assert stored_ticks(settings) == [1]
    assert file.stat().st_mtime_ns == before


def test_changed_views_are_made_again(settings: Settings) -> None:
    with open_store(settings) as store:
        store.con.execute("create or replace view report_drop_off as select 1 as old")
        store.con.execute("update schema_version set fingerprint = 'of older files'")
    with open_store(settings) as store:
        assert "old" not in store.con.sql("select * from report_drop_off").columns


def test_a_newer_schema_is_refused(settings: Settings) -> None:
    with open_store(settings) as store:
        store.con.execute("update schema_version set version = $1", [SCHEMA_VERSION + 1])
    with pytest.raises(OnwardError, match=r"newer Onward.*update Onward"), open_store(settings):
        pass


def test_a_foreign_database_is_refused_and_left_alone(settings: Settings, file: Path) -> None:
    file.parent.mkdir(parents=True)
    with duckdb.connect(str(file)) as con:
        con.execute("create table theirs as select 42 as answer")
    with pytest.raises(OnwardError, match=r"not Onward's.*theirs"), open_store(settings):
        pass
    with duckdb.connect(str(file)) as con:
        assert con.sql("show tables").fetchall() == [("theirs",)]


def test_a_failing_sql_says_which_and_why() -> None:
    with (
        connect() as con,
        pytest.raises(WarehouseError, match=r"report_drop_off\.sql: could not run it") as caught,
    ):
        run_sql(con, "reports/report_drop_off.sql")
    assert caught.value.file == "sql/reports/report_drop_off.sql"
    assert "program_steps" in caught.value.cause


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


@pytest.mark.parametrize(
    "left", [json.dumps({"pid": 999_999_999, "started_at": "2020-01-01"}), "", "half a js"]
)
def test_the_lock_file_of_a_dead_process_does_not_matter(settings: Settings, left: str) -> None:
    settings.state.mkdir(parents=True)
    (settings.state / "onward.lock").write_text(left)
    assert stored_ticks(settings) == []


def test_a_killed_run_leaves_its_commits_and_no_lock(settings: Settings) -> None:
    crash_after_commit(settings, 1)
    crash_after_commit(settings, 2)
    assert stored_ticks(settings) == [1, 2]


def test_a_file_open_in_another_program_is_not_damage(settings: Settings, file: Path) -> None:
    assert stored_ticks(settings) == []
    hold = (
        "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(WarehouseError, match="Close the program"), open_store(settings):
            pass
        other.communicate("")
    assert stored_ticks(settings) == []
    assert list(file.parent.glob("*.damaged-*")) == []


# Damage


def damage_with_stale_log(settings: Settings, file: Path) -> None:
    crash_after_commit(settings, 1)
    log = file.with_name("onward.duckdb.wal")
    shutil.copy(log, log.with_suffix(".kept"))
    for number in (2, 3):
        with open_store(settings) as store:
            tick(store, number)
    log.with_suffix(".kept").rename(log)


def test_a_stale_log_is_set_aside(settings: Settings, file: Path) -> None:
    damage_with_stale_log(settings, file)
    with open_store(settings) as store:
        assert ticks(store.con) == [1, 2, 3]
        assert "set aside as onward.duckdb.wal.stale-1" in store.warnings[0]
    damaged_again = file.with_name("onward.duckdb.wal")
    shutil.copy(file.with_name("onward.duckdb.wal.stale-1"), damaged_again)
    with open_store(settings) as store:
        assert "onward.duckdb.wal.stale-2" in store.warnings[0]


def garbage(file: Path) -> None:
    file.write_bytes(b"garbage" * 10_000)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def flipped_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096 + 5] ^= 1
    content[8192 + 5] ^= 1
    file.write_bytes(content)


def deleted(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("damage", [garbage, emptied, truncated, flipped_bit, deleted])
def test_a_damaged_file_is_restored_from_the_backup(
    settings: Settings, file: Path, damage: Callable[[Path], None]
) -> None:
    with open_store(settings) as store:
        tick(store, 1)
        backup(store)
    damage(file)
    with open_store(settings) as store:
        assert ticks(store.con) == [1]
        assert "restored from" in store.warnings[0]
        assert "as of tick 1" in store.warnings[0]
        tick(store, 2)
    assert stored_ticks(settings) == [1, 2]
    assert damage is deleted or file.with_name("onward.duckdb.damaged-1").exists()


@pytest.mark.parametrize("damage", [garbage, truncated, deleted])
def test_a_log_written_since_the_backup_is_replayed_over_it(
    settings: Settings, file: Path, damage: Callable[[Path], None]
) -> None:
    with open_store(settings) as store:
        tick(store, 1)
        backup(store)
    crash_after_commit(settings, 2)
    damage(file)
    with open_store(settings) as store:
        assert ticks(store.con) == [1, 2]
        assert "as of tick 2" in store.warnings[0]


def test_a_log_that_does_not_fit_the_backup_is_set_aside(settings: Settings, file: Path) -> None:
    with open_store(settings) as store:
        tick(store, 1)
        backup(store)
        tick(store, 2)
    crash_after_commit(settings, 3)
    garbage(file)
    with open_store(settings) as store:
        assert ticks(store.con) == [1]
        assert "doesn't fit the backup" in store.warnings[1]


def test_a_damaged_newest_backup_leaves_the_previous_one(settings: Settings, file: Path) -> None:
    with open_store(settings) as store:
        for number in (1, 2):
            tick(store, number)
            backup(store)
    newest, previous = backup_files(file)
    assert previous.exists()
    truncated(newest)
    garbage(file)
    assert stored_ticks(settings) == [1]


@pytest.mark.parametrize("damage", [garbage, emptied, truncated, flipped_bit])
def test_without_a_backup_the_way_out_is_named_and_nothing_is_touched(
    settings: Settings, file: Path, damage: Callable[[Path], None]
) -> None:
    assert stored_ticks(settings) == []
    damage(file)
    before = file.read_bytes()
    with pytest.raises(UnrepairableError, match="onward rebuild"), open_store(settings):
        pass
    assert file.read_bytes() == before


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
    assert file.with_name("onward.duckdb.replaced-1").read_bytes().startswith(b"garbage")


# Backup


def test_a_backup_is_made_once_per_change(settings: Settings, file: Path) -> None:
    with open_store(settings) as store:
        tick(store, 1)
        assert (backup(store), backup(store)) == (True, False)
    with open_store(settings) as store:
        assert not backup(store)
        tick(store, 2)
        assert backup(store)
        everything = read_everything(store.con)
    with connect(backup_files(file)[0], read_only=True) as copy:
        assert read_everything(copy) == everything
    with connect(backup_files(file)[1], read_only=True) as copy:
        assert ticks(copy) == [1]


def test_a_backup_that_reads_differently_does_not_count(
    settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(settings) as store:
        tick(store, 1)
        backup(store)
        tick(store, 2)
        monkeypatch.setattr("flows.store.backup.read_everything", lambda con: {"ticks": (id(con), 0)})
        with pytest.raises(WarehouseError, match="verify the backup"):
            backup(store)
    with connect(backup_files(file)[0], read_only=True) as copy:
        assert ticks(copy) == [1]


def test_a_backup_does_not_unlock_the_open_file(settings: Settings, file: Path) -> None:
    with open_store(settings) as store:
        tick(store, 1)
        backup(store)
        publish(store)
        other = run_elsewhere("import duckdb, sys; con = duckdb.connect(sys.argv[1], read_only=True)", file)
    assert "Could not set lock" in other.stderr


def test_a_backup_inside_a_transaction_fails_clearly(settings: Settings) -> None:
    with open_store(settings) as store:
        store.con.begin()
        tick(store, 1)
        with pytest.raises(WarehouseError, match="could not checkpoint it"):
            backup(store)


# The published copy


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
        assert ticks(con) == [1, 2]


def ask(reader: subprocess.Popen[str]) -> str:
    reader.stdin.write("\n")
    reader.stdin.flush()
    return reader.stdout.readline()


def test_the_published_copy_works_from_anywhere_and_attached(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    here = Settings(data_dir=settings.data_dir.relative_to(tmp_path))
    with open_store(here) as store:
        tick(store, 1)
        publish(store)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with connect(settings.published / "onward.duckdb", read_only=True) as con:
        assert con.sql("select * from events").pl().is_empty()
    with connect() as con:
        place = str(settings.published / "onward.duckdb").replace("'", "''")
        con.execute(f"attach '{place}' as journeys (read_only)")
        assert con.sql("select * from journeys.report_drop_off").pl().is_empty()
        assert con.sql("select * from journeys.customers").pl().is_empty()


def test_nothing_is_published_twice(settings: Settings) -> None:
    with open_store(settings) as store:
        assert (publish(store), publish(store)) == (True, False)
        (settings.published / "reports" / "report_drop_off.parquet").unlink()
        assert publish(store)


def test_a_visitors_log_does_not_spoil_the_next_copy(settings: Settings) -> None:
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


def test_a_copy_that_cannot_be_made_is_explained(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "cp").write_text("#!/bin/sh\necho 'No space left on device' >&2\nexit 1\n")
    (fake / "cp").chmod(0o755)
    with open_store(settings) as store:
        tick(store, 1)
        monkeypatch.setenv("PATH", str(fake), prepend=os.pathsep)
        with pytest.raises(OnwardError, match="No space left"):
            backup(store)
