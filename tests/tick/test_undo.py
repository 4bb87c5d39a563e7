"""`onward rebuild --until T`: what was decided later is undone, and nothing that was loaded or sent is lost."""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flows.errors import InputError
from flows.store.store import STATE_FILE
from flows.tick import undo
from flows.tick.migrate import Request as Move
from flows.tick.migrate import migrate
from flows.tick.rebuild import Request, rebuild
from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, tag, wait, workflow
from tests.store.agreement import assert_current
from tests.tick.test_command_line import Onward, onward, says  # noqa: F401
from tests.tick.test_crash import NOWS, WORKFLOWS, deliver, tables
from tests.tick.test_rebuild import differing, lose_state

VERSIONS = "select number from executions join workflow_versions using (workflow_id, version)"
FAR = datetime.fromisoformat("2099-01-01T00:00:00Z")


def back_to(home: House, until: datetime, **given: Any) -> str:
    return rebuild(home.settings, request=Request(until, **given))


def aside(home: House) -> list[str]:
    """What was undone, as it is kept."""
    root = home.settings.state / "archive" / "ticks"
    return sorted(str(one.relative_to(root)) for one in root.glob("undone-*/*"))


def ended(home: House) -> datetime:
    ((now,),) = home.rows("select max(now) from ticks")
    assert isinstance(now, datetime)
    return now


def test_after_a_forced_tick_far_ahead_everything_is_as_if_it_had_not_been(
    tmp_path: Path,
    onward: Onward,  # noqa: F811
) -> None:
    home, never = house(tmp_path, *WORKFLOWS), house(tmp_path / "never", *WORKFLOWS)
    for number, now in enumerate(NOWS):
        for one in (home, never):
            deliver(one, number)
        if number == 1:
            home.tick(FAR)
            says(onward("run"), 2, "until 2099-01-01", "`onward rebuild --until T` goes back to T")
            undid = (
                "1 ticks that",
                "until 2099-01-01 00:00:00 UTC",
                "2 loaded files come in again",
                "undone-1",
            )
            says(onward("rebuild", "--until", NOWS[1].isoformat()), 0, *undid)
            assert ended(home) == NOWS[0]
            assert not any("2099" in str(row) for row in home.rows("select now from ticks"))
        for one in (home, never):
            one.tick(now)
    assert differing(tables(never), tables(home)) == []
    assert aside(home) == ["undone-1/00000002.json"]
    before = tables(home)
    assert "Decided 3 ticks again" in rebuild(home.settings)
    assert differing(before, tables(home)) == []


def test_what_was_undone_is_not_published(tmp_path: Path) -> None:
    home = house(tmp_path, *WORKFLOWS)
    for number, now in enumerate((NOWS[0], FAR)):
        deliver(home, number)
        home.tick(now)
    back_to(home, NOWS[0])
    assert_current(home)
    assert ended(home) == NOWS[0]
    (home.settings.state / STATE_FILE).unlink()
    home.tick(NOWS[2])
    assert ended(home) == NOWS[2]
    assert_current(home)


def test_what_was_sent_stays_sent(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(send("a", content="A"), wait("1h"), send("b", content="B")))
    home.customers("people", person("ann"))
    home.tick(at(1))
    home.events("1", event("go", at(5)))
    home.tick(at(100))
    before, handed = home.rows("select message_id, status, sent_at from messages order by all"), home.outbox()
    assert len(handed) == 2
    assert "what was sent stays sent" in back_to(home, at(50))
    assert home.rows("select count(*) from messages") == [(0,)]
    home.tick(at(100))
    assert home.rows("select message_id, status, sent_at from messages order by all") == before
    assert home.outbox() == handed


@pytest.mark.parametrize("lost", [False, True])
def test_where_only_idle_ticks_came_after_it_is_as_of_the_last_before(tmp_path: Path, lost: bool) -> None:
    """Without a state that tells of that tick, time has passed until the instant itself."""
    home = house(tmp_path, workflow(tag("went")))
    home.customers("people", person("ann"))
    for minute in (10, 40, 100):
        home.tick(at(minute))
    if lost:
        lose_state(home)
    assert "0 ticks that loaded or changed something" in back_to(home, at(50))
    home.events("late", event("go", at(45)))
    home.tick(at(120))
    assert home.rows("select entered_at from executions") == [(at(50 if lost else 45),)]


def test_idle_ticks_before_what_is_undone_still_count(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("went")))
    home.customers("people", person("ann"))
    home.tick(at(10))
    home.tick(at(40))
    home.events("late", event("go", at(30)))
    home.tick(at(100))
    back_to(home, at(50))
    assert ended(home) == at(40)
    home.tick(at(120))
    assert home.rows("select entered_at from executions") == [(at(40),)]


def test_migrations_after_it_are_undone(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(wait("1d"), tag("old")))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    for minute, name in ((40, "new"), (100, "newer")):
        home.tick(at(minute))
        home.define(workflow(wait("1d"), tag(name)))
        assert migrate(home.settings, Move("w")).moved == 1
    assert "1 ticks that loaded or changed something, 1 migrations" in back_to(home, at(50))
    assert aside(home) == ["undone-1/00000003-0001.json", "undone-1/00000003.json"]
    assert home.rows(VERSIONS) == [(2,)]
    assert "0 ticks that loaded or changed something, 1 migrations" in back_to(home, at(20))
    assert aside(home)[2:] == ["undone-2/00000002-0001.json"]
    home.tick(at(120))
    assert home.rows(VERSIONS) == [(1,)]
    before = tables(home)
    rebuild(home.settings)
    assert differing(before, tables(home)) == []


def test_a_migration_before_it_counts_also_where_a_restored_state_does_not_know_it(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(wait("1d"), tag("old")))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    older = shutil.copy(home.settings.state / STATE_FILE, tmp_path)
    home.tick(at(40))
    home.define(workflow(wait("1d"), tag("new")))
    assert migrate(home.settings, Move("w")).moved == 1
    home.define(workflow(wait("1d"), tag("old")))
    home.tick(at(60))
    shutil.copy(older, home.settings.state / STATE_FILE)
    back_to(home, at(50))
    assert home.rows(VERSIONS) == [(2,)]
    assert aside(home) == []


@pytest.mark.parametrize("broken_off", range(4))
def test_an_undoing_that_is_broken_off_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken_off: int
) -> None:
    home = house(tmp_path, *WORKFLOWS)
    for number, now in enumerate(NOWS):
        deliver(home, number)
        home.tick(now)
    before = tables(home)
    left = broken_off

    def broken(done: Any) -> Any:
        def work(*given: Any) -> Any:
            nonlocal left
            if not left:
                raise KeyboardInterrupt
            left -= 1
            return done(*given)

        return work

    with monkeypatch.context() as patch:
        for name in ("write_clock", "keep_batches", "put_in_place"):
            patch.setattr(undo, name, broken(getattr(undo, name)))
        with pytest.raises(KeyboardInterrupt):
            back_to(home, NOWS[0])
    home.tick(NOWS[-1])
    after = tables(home)
    same = ("executions", "steps", "messages", "webhooks", "attributes", "tags", "profiles")
    kept = {name: before[name].drop("tick_id", strict=False) for name in same}
    found = {name: after[name].drop("tick_id", strict=False) for name in same}
    assert differing(kept, found) == []
    assert home.rows("select count(*) from batches") == [(len(before["batches"]),)]


def test_nothing_later_is_nothing_to_undo(tmp_path: Path) -> None:
    home = house(tmp_path, *WORKFLOWS)
    deliver(home, 0)
    home.tick(NOWS[0])
    before = tables(home)
    assert "nothing was undone" in back_to(home, NOWS[0])
    assert aside(home) == []
    assert differing(before, tables(home)) == []


def test_an_instant_before_the_first_tick_is_refused(tmp_path: Path, onward: Onward) -> None:  # noqa: F811
    home = house(tmp_path, workflow(tag("went")))
    says(
        onward("rebuild", "--until", "2026-03-02"),
        2,
        "--until 2026-03-02T00:00:00+00:00: there was no tick yet",
    )
    home.tick(at(10))
    told = ("the first tick ended at 2026-03-02T00:10:00+00:00", "give an instant from then on")
    says(onward("rebuild", "--until", "2026-03-02"), 2, *told)
    says(onward("rebuild", "--until", "then"), 2, "--until 'then' is not an instant")
    assert home.rows("select count(*) from ticks") == [(1,)]


def test_an_archive_that_lacks_ticks_before_it_is_refused(tmp_path: Path) -> None:
    home = house(tmp_path, *WORKFLOWS)
    for number, now in enumerate(NOWS):
        deliver(home, number)
        home.tick(now)
    (home.settings.state / "archive" / "ticks" / "00000003.json").unlink()
    assert "Decided 2 ticks again" in back_to(home, NOWS[1])
    shutil.move(home.settings.state / "archive" / "ticks" / "00000002.json", tmp_path)
    with pytest.raises(InputError, match="the manifests of 1 tick"):
        back_to(home, NOWS[1])
