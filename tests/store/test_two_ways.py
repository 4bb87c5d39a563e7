"""The store works otherwise where much changes at once, or hashes collide: what comes of it is the same."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings

from flows.settings import Settings
from flows.store.opening import open_store
from flows.store.state_file import StateError, StateFile
from flows.tick.rebuild import rebuild
from tests.engine.strategies import ticked_cases
from tests.runs import TABLES, Format, House, house, person
from tests.semantics.cases import Case, Row, action, at, event, send, tag, trigger, wait, workflow
from tests.store.agreement import assert_current
from tests.store.test_placing import COLLIDING, EDGES, few
from tests.tick.test_equals_oracle import Ticks, run_ticks

Patch = Callable[[pytest.MonkeyPatch], None]
FORMATS: tuple[Format, ...] = ("ndjson", "parquet", "ndjson")


some_and_many = pytest.mark.parametrize("examples", [3, pytest.param(60, marks=pytest.mark.slow)])


def ran(drawn: tuple[Case, Ticks], prepare: Patch) -> dict[str, pl.DataFrame]:
    """Every table after a case's ticks, which were run as `prepare` lets them."""
    case, ticks = drawn
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        prepare(patch)
        run_ticks(Path(folder), case, ticks, FORMATS, rebuilt=False)
        home = House(Settings(data_dir=Path(folder) / "data"))
        assert_current(home)
        found = home.frames()
        return found | {"quarantine": found["quarantine"].drop("file")}


def as_it_is(_patch: pytest.MonkeyPatch) -> None:
    """Nothing is changed."""


def differing(a: dict[str, pl.DataFrame], b: dict[str, pl.DataFrame]) -> list[str]:
    return [name for name in a if not a[name].equals(b[name])]


def copying(seen: Counter[str]) -> Patch:
    """Let every commit over two customers or more be made in a copy of the state file."""

    def prepare(patch: pytest.MonkeyPatch) -> None:
        copy_aside = StateFile.copy_aside

        def counted(state: StateFile) -> None:
            seen["copies"] += 1
            copy_aside(state)

        patch.setattr(StateFile, "copy_aside", counted)
        patch.setattr("flows.store.put_back._AT_ONCE", 1)

    return prepare


@some_and_many
def test_a_state_file_that_is_copied_holds_what_one_that_is_changed_does(examples: int) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=examples)
    @given(ticked_cases())
    def search(drawn: tuple[Case, Ticks]) -> None:
        assert differing(ran(drawn, as_it_is), ran(drawn, copying(seen))) == []

    search()
    assert seen["copies"] >= examples // 2


@some_and_many
def test_whatever_hashes_collide_the_same_is_decided(examples: int) -> None:
    @settings(max_examples=examples)
    @given(ticked_cases())
    def search(drawn: tuple[Case, Ticks]) -> None:
        assert differing(ran(drawn, as_it_is), ran(drawn, lambda patch: few(patch, EDGES[:2]))) == []

    search()


def test_a_transaction_that_fails_after_the_copy_leaves_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = house(tmp_path, workflow(tag("t")))
    home.customers("people", person("ann"), person("bob"))
    home.tick(at(1))
    before = (home.settings.state / "state.sqlite").read_bytes()
    home.events("1", event("go", at(5)), event("go", at(5), "bob"))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        copying(Counter())(patch)
        patch.setattr("flows.store.put_back.add_pending", die)
        with pytest.raises(KeyboardInterrupt):
            home.tick(at(10))
    assert (home.settings.state / "state.sqlite").read_bytes() == before
    with open_store(home.settings) as store:
        assert store.state.query("select count(*) from ticks") == [(1,)]
    home.tick(at(10))
    assert home.rows("select customer_id from tags order by all") == [("ann",), ("bob",)]
    assert_current(home)


@pytest.mark.parametrize("reads", [False, True])
def test_a_file_that_another_program_has_open_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    """That program would bring the log of the new file into the old one, and the next run would miss it."""
    home = house(tmp_path, workflow(tag("t")))
    home.customers("people", person("ann"), person("bob"))
    home.tick(at(1))
    home.events("1", event("go", at(5)), event("go", at(5), "bob"))
    opened = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda *given, **more: opened(*given, **more, timeout=0.1))
    with monkeypatch.context() as patch, closing(opened(home.settings.state / "state.sqlite")) as other:
        copying(Counter())(patch)
        other.execute("begin" if reads else "pragma user_version")
        other.execute("select count(*) from customers").fetchall()
        with pytest.raises(StateError, match="another program has the file open: close it, and run again"):
            home.tick(at(10))
    home.tick(at(10))
    assert home.rows("select customer_id from tags order by all") == [("ann",), ("bob",)]
    assert_current(home)


def test_nobody_but_one_connection_writes_the_state_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that write or take the log in at one moment could damage it (sqlite.org/wal.html#walresetbug)."""
    open_now: Counter[str] = Counter()
    most: Counter[str] = Counter()

    class Connection(sqlite3.Connection):
        def __init__(self, name: str | Path, **given: Any) -> None:
            super().__init__(name, **given)
            self.name = str(name)
            open_now[self.name] += 1
            most[self.name] = max(most[self.name], open_now[self.name])

        def close(self) -> None:
            open_now[self.name] -= 1
            super().close()

    monkeypatch.setattr("flows.store.state_file.sqlite3.connect", Connection)
    copies: Counter[str] = Counter()
    copying(copies)(monkeypatch)
    home = house(tmp_path, workflow(tag("t"), send(subject="Hi", content="x")))
    home.customers("people", person("ann"), person("bob"))
    home.events("1", event("go", at(5)), event("go", at(5), "bob"))
    home.tick(at(10))
    home.tick(at(20))
    rebuild(home.settings)
    assert copies["copies"] > 1
    assert {name.rpartition("/")[2]: n for name, n in most.items() if "state.sqlite" in name} == {
        "state.sqlite?mode=rwc": 1,
        "state.sqlite?mode=ro": 1,
        "state.sqlite.aside?mode=rwc": 1,
    }
    assert set(open_now.values()) == {0}


JOURNEY = workflow(
    send(subject="Hi {{ first_name }}", content="x"),
    wait("1h"),
    action("trigger_webhook", url="https://example.com"),
    tag("late"),
    exit_on=[trigger("bought")],
    reentry={"policy": "after", "duration": "1h"},
)
LOYAL: Row = {
    "loyal": {"pattern": "cumulative", "events": [{"type": "buy", "metric": "total_value", "threshold": 10}]}
}
OTHERS = ("an-id-that-collides-with-nobody's", "another-id-that-collides-with-nobody's")
HASHED = ("execution_id", "message_id", "webhook_id", "content_hash", "version", "basis")


def lived(root: Path, first: str, second: str) -> House:
    """Two customers come by a file and by an event, enter, get a message, ask to get no more, buy and leave."""
    home = house(root, JOURNEY, workflow(tag("loyal"), workflow_id="l", triggers=[
        {"type": "pattern", "config": {"pattern": "loyal"}}
    ]), frequency_caps=[{"messages": 2, "window": 7200}])  # fmt: skip
    home.patterns(LOYAL)
    home.customers("people", person(first, email="one@example.com", first_name="One"))
    home.events("1", event("go", at(5), first, event_id="1"), event("go", at(6), second, event_id="2"))
    home.tick(at(10))
    home.customers("more", person(second, email="two@example.com", first_name="Two"))
    home.events(
        "2", event("buy", at(20), second, event_id="3", value=20), event("go", at(21), second, event_id="4")
    )
    home.tick(at(30))
    home.events(
        "3", event("bought", at(40), first, event_id="5"), event("Unsubscribed", at(41), second, event_id="6")
    )
    home.tick(at(50))
    home.tick(at(90))
    home.events("4", event("go", at(95), first, event_id="7"), event("go", at(95), second, event_id="8"))
    home.tick(at(200))
    return home


def named(home: House, first: str, second: str) -> dict[str, list[tuple[object, ...]]]:
    """Every table without what is hashed of the ids, which are 1 and 2."""
    names = {first: "1", second: "2"}
    found = {}
    for table, frame in home.frames().items():
        kept = frame.drop(HASHED, strict=False)
        if "customer_id" in kept.columns:
            kept = kept.with_columns(pl.col("customer_id").replace(names))
        found[table] = kept.sort(kept.columns).rows()
    return found


@pytest.mark.parametrize("order", [1, -1])
def test_two_ids_with_one_hash_are_two_customers(tmp_path: Path, order: int) -> None:
    first, second = COLLIDING[::order]
    home, apart = lived(tmp_path / "home", first, second), lived(tmp_path / "apart", *OTHERS)
    assert named(home, first, second) == named(apart, *OTHERS)
    assert home.rows(
        "select customer_id, count(*) from messages where status = 'sent' group by all order by 2 desc, 1"
    )
    assert sorted(line["to"] for line in home.outbox()) == sorted(line["to"] for line in apart.outbox())
    assert_current(home)
    with open_store(home.settings) as store:
        keys = store.state.query("select key from customers order by key")
    assert len(keys) == 2
    assert keys[1][0] - keys[0][0] == 1
    before = home.frames()
    rebuild(home.settings)
    home.tick(at(200))
    after = home.frames()
    assert [name for name in TABLES if name != "ticks" and not before[name].equals(after[name])] == []
    assert_current(home)
