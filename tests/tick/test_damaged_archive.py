"""A file of the archive that is emptied, garbled or gone is made again or named; nothing is lost."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.errors import OnwardError
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import at, event, tag, wait, workflow

DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "garbled": lambda file: file.write_bytes(bytes(byte ^ 0x5A for byte in file.read_bytes())),
    "gone": Path.unlink,
}
MADE_AGAIN = ("clock.json", "event_ids/*.npy", "events/_columns.parquet")
NEEDED_BY_REBUILD = ("ticks/00000001.json", "workflows/*.json", "customers/*.parquet")


def started(folder: Path) -> House:
    home = house(folder, workflow(wait("1h"), tag("done")))
    home.customers("people", person("ann"), person("bob"))
    for number, minute in enumerate((5, 70), 1):
        home.events(str(number), event("go", at(minute)))
        home.tick(at(minute + 5))
    return home


def done(home: House) -> list[tuple[str, ...]]:
    return home.rows("select customer_id, tag from tags order by all")


def damaged(home: House, pattern: str, damage: str) -> Path:
    (file, *_) = sorted((home.settings.state / "archive").glob(pattern))
    DAMAGES[damage](file)
    return file


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("pattern", [*MADE_AGAIN, *NEEDED_BY_REBUILD])
def test_ticks_go_on(tmp_path: Path, pattern: str, damage: str) -> None:
    home = started(tmp_path)
    damaged(home, pattern, damage)
    home.events("3", event("go", at(80), "bob"), event("go", at(70)))
    told = home.tick(at(200))
    assert (told.duplicates, done(home)) == (1, [("ann", "done"), ("bob", "done")])
    is_said = any("clock.json: is damaged" in one for one in told.warnings)
    assert is_said is (pattern == "clock.json" and damage != "gone")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("pattern", MADE_AGAIN)
def test_what_follows_from_the_rest_is_made_again(tmp_path: Path, pattern: str, damage: str) -> None:
    home = started(tmp_path)
    before = home.rows("select * from executions order by all")
    damaged(home, pattern, damage)
    rebuild(home.settings)
    assert home.rows("select * from executions order by all") == before


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("pattern", NEEDED_BY_REBUILD)
def test_what_a_rebuild_needs_is_named_and_the_state_stays(tmp_path: Path, pattern: str, damage: str) -> None:
    home = started(tmp_path)
    before = home.rows("select * from executions order by all")
    file = damaged(home, pattern, damage)
    if pattern.startswith("ticks") and damage == "gone":
        pytest.skip("said by the count of manifests")
    with pytest.raises(OnwardError, match=f"{file.name}: is {'gone' if damage == 'gone' else 'damaged'}"):
        rebuild(home.settings)
    assert home.rows("select * from executions order by all") == before


def test_a_store_without_its_hashes_knows_every_id(tmp_path: Path) -> None:
    home = started(tmp_path)
    shutil.rmtree(home.settings.state / "archive" / "event_ids")
    home.events("3", event("go", at(5)), event("go", at(80), "bob"))
    assert home.tick(at(90)).duplicates == 1
