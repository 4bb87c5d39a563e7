"""Event ids that came before: found again whatever became of the files that tell of them, and whatever hashes meet."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows.inbox import admission, seen_ids
from flows.inbox.intake import take_in
from flows.inbox.seen_ids import read_seen_ids
from flows.store.opening import open_store
from flows.warehouse import WarehouseError
from tests.runs import House, house, person
from tests.semantics.cases import at, event, tag, workflow


@pytest.fixture
def home(tmp_path: Path) -> House:
    built = house(tmp_path, workflow(tag("went")))
    built.customers("people", person("ann"))
    return built


def deliver(home: House, number: int, *ids: str) -> int:
    """A file of events with these ids, and a tick; how many of them were known."""
    home.events(str(number), *(event("go", at(number), event_id=one) for one in ids))
    return home.tick(at(number)).duplicates


def files(home: House) -> list[Path]:
    return sorted((home.settings.state / "archive" / "event_ids").glob("*"))


def test_an_id_is_known_however_long_ago_it_came(home: House) -> None:
    assert [deliver(home, n, f"e{n}", f"f{n}") for n in range(1, 9)] == [0] * 8
    assert deliver(home, 9, "e1", "e5", "f8", "new") == 3
    assert deliver(home, 10, "new", "e9") == 1
    assert home.rows("select count(*), count(distinct event_id) from events") == [(18, 18)]


def test_the_ids_are_one_object(home: House) -> None:
    deliver(home, 1, "a", "b")
    with open_store(home.settings) as store:
        seen = read_seen_ids(store)
        assert seen.among(pl.Series(["b", "c", "a"])).sort().to_list() == ["a", "b"]
        home.events("2", event("go", at(2), event_id="c"))
        take_in(store, at(2))
        assert seen.among(pl.Series(["c"])).is_empty()
        seen.catch_up()
        assert seen.among(pl.Series(["c"])).to_list() == ["c"]
        assert seen.among(pl.Series([], dtype=pl.String)).is_empty()


def test_few_files_hold_the_ids_of_many_batches(home: House) -> None:
    for number in range(1, 20):
        deliver(home, number, *(f"{number}-{n}" for n in range(10)))
        sizes = [np.load(file).size for file in files(home)]
        assert sum(sizes) == 10 * number
        assert all(longer > 2 * shorter for longer, shorter in pairwise(sizes))
    assert len(files(home)) <= 5


@pytest.mark.parametrize("lost", ["all", "one", "the folder"])
def test_lost_files_are_made_again_from_the_archive(home: House, lost: str) -> None:
    deliver(home, 1, "a", "b", "c", "d", "e", "f")
    deliver(home, 2, "g", "h")
    before = [(file.name, file.read_bytes()) for file in files(home)]
    assert len(before) == 2
    for file in files(home)[: 1 if lost == "one" else 2]:
        file.unlink()
    if lost == "the folder":
        (home.settings.state / "archive" / "event_ids").rmdir()
    with open_store(home.settings) as store:
        read_seen_ids(store)
    assert sum(np.load(file).size for file in files(home)) == 8
    assert deliver(home, 3, "b", "h", "i") == 2


def test_what_a_killed_run_archived_hides_its_ids_because_it_is_loaded(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    home.events("1", event("go", at(1), event_id="lost"))
    with monkeypatch.context() as patch:
        patch.setattr(admission, "_admit", die)
        with pytest.raises(KeyboardInterrupt):
            home.tick(at(1))
    for file in (home.settings.inbox / "events").iterdir():
        file.unlink()
    assert deliver(home, 2, "a") == 0
    assert deliver(home, 3, "lost", "a") == 2
    assert home.rows("select event_id from events order by 1") == [("a",), ("lost",)]


def test_what_another_store_left_is_not_believed(home: House) -> None:
    deliver(home, 1, "a", "b")
    (mine,) = files(home)
    first, last, content = mine.stem.split("-")
    other = mine.with_name(f"{first}-{int(last):08d}-{content[::-1]}.npy")
    mine.rename(other)
    np.save(other, np.zeros(2, np.uint64))
    assert deliver(home, 2, "b", "c") == 1
    assert not other.exists()


def test_hashes_that_meet_do_not_make_ids_equal(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = seen_ids._hashed

    def coarse(ids: pl.Series) -> seen_ids.Hashes:
        return hashed(ids) % np.uint64(2)

    monkeypatch.setattr(seen_ids, "_hashed", coarse)
    assert deliver(home, 1, "a", "b", "c") == 0
    assert deliver(home, 2, "d", "e", "b", "f") == 1
    assert deliver(home, 3, "a", "f", "g") == 2
    assert home.rows("select count(*), count(distinct event_id) from events") == [(7, 7)]


def test_a_damaged_archive_is_named(home: House) -> None:
    deliver(home, 1, "a")
    for file in files(home):
        file.unlink()
    (archived,) = (
        one for one in (home.settings.state / "archive" / "events").iterdir() if one.stem.isdigit()
    )
    archived.write_bytes(b"garbage")
    with pytest.raises(WarehouseError, match=archived.name):
        deliver(home, 2, "b")
