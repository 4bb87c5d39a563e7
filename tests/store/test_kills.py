"""kill -9 at random moments of `onward compact`, `onward export` and the first run over an older store."""

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from flows.backtest.archive import lay_out_archive
from flows.files import aside_name
from flows.reports.export import export
from flows.store.compact import COMPACT_LOCK, compact
from flows.store.ledger import ledger_folder, named_files
from flows.store.opening import open_store
from flows.warehouse import connect, spill_folder
from tests.kills import at_random_moments, duration, killed, moved
from tests.runs import TABLES, House
from tests.semantics.cases import at
from tests.store.agreement import assert_current
from tests.store.old_store import age
from tests.store.test_carry_over import lived as lived_of_old
from tests.store.test_compact import goes_on, lived

Disturb = Callable[[Path, int, int], None]
REPEATED = ("ticks", "tick_counts", "quarantine")
"""Tables that tell of the folder, or of a tick that was run again."""


def disturb_compactions(root: Path, seed: int, kills: int) -> None:
    """Kill compactions; after each, a tick goes on as if none had been, and the next one clears up."""
    before = lived(root / "before")
    twin = moved(before, root / "twin")
    goes_on(twin, 6)
    expected = tables(twin)

    def strike(_number: int, moment: float) -> float | None:
        home = moved(before, root / "disturbed")
        ended = killed(home, moment, "compact", lock=COMPACT_LOCK)
        goes_on(home, 6)
        assert_same(expected, tables(home))
        assert_current(home)
        compact(home.settings)
        lay_out_archive(home.settings)
        assert_same(expected, tables(home))
        assert_current(home)
        assert_nothing_left_behind(home)
        shutil.rmtree(root / "disturbed")
        return ended

    seconds = duration(moved(before, root / "measured"), "compact", lock=COMPACT_LOCK)
    at_random_moments(strike, seed=seed, kills=kills, seconds=seconds)


def assert_nothing_left_behind(home: House) -> None:
    """Of the ledger and the layouts there is what counts, and what was replaced a while ago."""
    with open_store(home.settings) as store:
        counting = {one.name for one in named_files(store.state)}
        replaced = {name for (name,) in store.state.query("select name from replaced_files")}
        covered = store.state.value("history")
    folder = ledger_folder(home.settings)
    lying = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
    assert lying - counting - replaced == set()
    layouts = {one.name for one in (home.settings.state / "archive" / "history").iterdir()}
    assert {name for name in layouts if not name.isdigit()} == set()
    assert f"{int(covered or 0):08d}" in layouts


def disturb_exports(root: Path, seed: int, kills: int) -> None:
    """Kill exports, every second one over an older file: that stays, or the new one is whole; the next clears up."""
    home = lived(root)
    expected, folder = tables(home), root / "exported"
    file = folder / "all.duckdb"

    def strike(number: int, moment: float) -> float | None:
        folder.mkdir()
        old = b"of last week" if number % 2 else None
        if old:
            file.write_bytes(old)
        ended = killed(home, moment, "export", str(file), "--force")
        assert file.exists() or not old
        if file.exists() and file.read_bytes() != old:
            assert_same(expected, exported(file))
        assert_current(home)
        assert export(home.settings, file, force=True) > 0
        assert_same(expected, exported(file))
        assert list(folder.iterdir()) == [file]
        shutil.rmtree(folder)
        return ended

    seconds = duration(home, "export", str(root / "measured.duckdb"))
    at_random_moments(strike, seed=seed, kills=kills, seconds=seconds)


def disturb_upgrades(root: Path, seed: int, kills: int) -> None:
    """Kill first runs over the store of an earlier version; the next run carries it over as if none had been."""
    before = lived_of_old(root / "before")
    age(before)
    run = ("run", "--now", at(90).isoformat())
    twin = moved(before, root / "twin")
    seconds = duration(twin, *run)
    expected = tables(twin)

    def strike(_number: int, moment: float) -> float | None:
        home = moved(before, root / "disturbed")
        ended = killed(home, moment, *run)
        home.tick(at(90))
        assert_same(expected, tables(home))
        assert_current(home)
        assert not (home.settings.state / "rebuild").exists()
        assert len(list(ledger_folder(home.settings).iterdir())) == 1
        shutil.rmtree(root / "disturbed")
        return ended

    at_random_moments(strike, seed=seed, kills=kills, seconds=seconds)


def tables(home: House) -> dict[str, pl.DataFrame]:
    """The tables without what a tick that is run again may change."""
    return {name: _settled(frame) for name, frame in home.frames().items() if name not in REPEATED}


def exported(file: Path) -> dict[str, pl.DataFrame]:
    """The same of an exported file."""
    with connect(file, read_only=True) as con:
        return {name: _settled(con.sql(f"from {name}").pl()) for name in TABLES if name not in REPEATED}


def _settled(frame: pl.DataFrame) -> pl.DataFrame:
    kept = frame.drop("tick_id", "started_at", "finished_at", "sent_at", strict=False)
    return kept.sort(kept.columns)


def assert_same(expected: dict[str, pl.DataFrame], found: dict[str, pl.DataFrame]) -> None:
    assert [name for name in expected if not expected[name].equals(found[name])] == []


DISTURBED = {
    "compact": disturb_compactions,
    "export": disturb_exports,
    "upgrade": disturb_upgrades,
}


@pytest.mark.parametrize("command", DISTURBED)
def test_what_was_killed_is_made_good(tmp_path: Path, command: str) -> None:
    DISTURBED[command](tmp_path, 0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("command", DISTURBED)
def test_forty_killed_commands_are_made_good(tmp_path: Path, command: str) -> None:
    DISTURBED[command](tmp_path, 1, 40)


def test_what_a_killed_export_had_spilled_goes_with_the_next(tmp_path: Path) -> None:
    home, file = lived(tmp_path, ticks=1), tmp_path / "exported" / "all.duckdb"
    spilled = spill_folder(aside_name(file))
    spilled.mkdir()
    (spilled / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"rows")
    export(home.settings, file)
    assert list(file.parent.iterdir()) == [file]
