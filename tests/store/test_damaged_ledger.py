"""A file of the ledger that is gone, cut or garbled is named where it is needed; what can be made again is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.store.check import check
from flows.store.ledger import BASE, CURRENT, LASTING, LedgerError, LedgerFile, ledger_folder, named_files
from flows.store.opening import open_store
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, tag, wait, workflow
from tests.store.agreement import assert_current

JOURNEY = workflow(tag("came"), send(subject="Hi", content="x"), wait("1h"), tag("stayed"))
SEEN = "select customer_id, tag from tags order by all"


@pytest.fixture
def home(tmp_path: Path) -> House:
    built = house(tmp_path, JOURNEY)
    built.customers("people", person("ann"), person("bob"))
    built.events("1", event("go", at(5)))
    built.tick(at(10))
    built.events("2", event("go", at(15), "bob"))
    built.tick(at(20))
    return built


def of_ledger(home: House, *relations: str) -> list[tuple[LedgerFile, Path]]:
    with open_store(home.settings) as store:
        files = [one for one in named_files(store.state) if one.relation in relations]
    return [(one, ledger_folder(home.settings) / one.name) for one in files]


def garbled(file: Path) -> None:
    file.write_bytes(bytes(byte ^ 0x5A for byte in file.read_bytes()))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])


FAULTS: dict[Callable[[Path], None], str] = {
    Path.unlink: "is gone",
    cut: "bytes instead of",
    garbled: "holds other bytes than were written",
}


@pytest.mark.parametrize("damage", FAULTS)
@pytest.mark.parametrize("relation", ["steps", "attributes"])
def test_each_damage_is_found_and_said_with_what_to_do(
    home: House, damage: Callable[[Path], None], relation: str
) -> None:
    (_, file), *_ = of_ledger(home, relation)
    damage(file)
    ((name, fault, advice),) = check(home.settings).rows()
    assert name == str(file)
    assert FAULTS[damage] in fault
    assert ("onward check --repair" if relation in CURRENT else "onward rebuild") in advice


@pytest.mark.parametrize("damage", [Path.unlink, cut])
def test_a_tick_that_changed_something_names_it_and_its_decisions_stay(
    home: House, damage: Callable[[Path], None]
) -> None:
    (_, file), *_ = of_ledger(home, "steps")
    kept = file.read_bytes()
    damage(file)
    home.events("3", event("go", at(90)))
    with pytest.raises(LedgerError, match=f"{file.name}: .*`onward rebuild`"):
        home.tick(at(100))
    assert home.rows("select count(*) from ticks") == [(2,)], "what was published last stays"
    file.write_bytes(kept)
    home.tick(at(100))
    assert home.rows("select count(*) from executions") == [(3,)]
    assert len(home.outbox()) == 3
    assert_current(home)


def test_a_tick_in_which_nothing_happens_reads_no_ledger(home: House) -> None:
    for _, file in of_ledger(home, *LASTING, *CURRENT):
        file.unlink()
    assert home.tick(at(21)).warnings == []


@pytest.mark.parametrize("damage", FAULTS)
def test_rows_of_now_are_written_again_from_the_documents(
    home: House, damage: Callable[[Path], None]
) -> None:
    before = home.frames()
    for _, file in of_ledger(home, *CURRENT):
        damage(file)
    assert check(home.settings, repair=True).is_empty()
    assert {one.level for one, _ in of_ledger(home, *CURRENT)} == {BASE}
    after = home.frames()
    assert [name for name in before if not before[name].equals(after[name])] == []
    assert_current(home)
    home.tick(at(100))
    assert home.rows(SEEN) == [("ann", "came"), ("ann", "stayed"), ("bob", "came"), ("bob", "stayed")]
    assert_current(home)


def test_what_cannot_be_written_again_is_still_said_after_a_repair(home: House) -> None:
    (_, steps), *_ = of_ledger(home, "steps")
    for _, file in of_ledger(home, "tags"):
        garbled(file)
    garbled(steps)
    ((name, *_),) = check(home.settings, repair=True).rows()
    assert name == str(steps)


def test_a_rebuild_makes_all_of_it_again(home: House) -> None:
    before = home.frames()
    for _, file in of_ledger(home, *LASTING, *CURRENT):
        file.unlink()
    rebuild(home.settings)
    after = home.frames()
    assert [name for name in before if name != "messages" and not before[name].equals(after[name])] == []
    home.tick(at(20))
    assert len(home.outbox()) == 2
    assert_current(home)
