"""`onward rebuild`: from the archive alone, the same tables, and nothing handed over again."""

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.store.store import STATE_FILE
from flows.tick import replay, stages
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, tag, wait, workflow
from tests.store.agreement import assert_current
from tests.tick.test_command_line import Onward, onward, says  # noqa: F401
from tests.tick.test_crash import NOWS, WORKFLOWS, deliver, tables

JUDGED = ("status", "status_reason")
"""What became of what wasn't sent isn't in the send ledger; the next run judges it again."""


def lose_state(home: House) -> None:
    """All that follows from the archive and the send ledger is gone."""
    for file in home.settings.state.glob("state.sqlite*"):
        file.unlink()
    shutil.rmtree(home.settings.state / "ledger")
    shutil.rmtree(home.settings.published)


def differing(a: dict[str, pl.DataFrame], b: dict[str, pl.DataFrame]) -> list[str]:
    return [
        name
        for name in a
        if not a[name].drop(JUDGED, strict=False).equals(b[name].drop(JUDGED, strict=False))
    ]


@pytest.mark.parametrize("lost", [False, True])
def test_a_rebuilt_state_is_the_same_and_sends_nothing_again(tmp_path: Path, lost: bool) -> None:
    home = house(tmp_path, *WORKFLOWS)
    for number, now in enumerate(NOWS):
        deliver(home, number)
        home.tick(now)
    before, handed, called = tables(home), home.outbox(), home.outbox("webhooks")
    if lost:
        lose_state(home)
    assert "Decided 3 ticks again" in rebuild(home.settings)
    assert differing(before, tables(home)) == []
    home.tick(NOWS[-1])
    assert (home.outbox(), home.outbox("webhooks")) == (handed, called)
    after = tables(home)
    for name in ("messages", "webhooks"):
        assert (
            after[name].select("status").sort("status").equals(before[name].select("status").sort("status"))
        )


def loses(home: House, first: int) -> None:
    """The manifests of ticks from `first` on are gone."""
    for file in (home.settings.state / "archive" / "ticks").glob("*.json"):
        if int(file.stem) >= first:
            file.unlink()


@pytest.mark.parametrize(("first", "lost"), [(1, 3), (2, 2), (3, 1)])
def test_an_archive_that_knows_less_than_the_state_replaces_it_only_by_force(
    tmp_path: Path,
    onward: Onward,  # noqa: F811
    first: int,
    lost: int,
) -> None:
    home = house(tmp_path, *WORKFLOWS)
    for number, now in enumerate(NOWS):
        deliver(home, number)
        home.tick(now)
    before = tables(home)
    loses(home, first)
    ticks = home.settings.state / "archive" / "ticks"
    told = (str(ticks.relative_to(tmp_path)), f"{lost} tick", "until 2026-03-02 03:20:00 UTC", "--force")
    says(onward("rebuild"), 2, *told)
    assert not (home.settings.state / "rebuild").exists()
    home.tick(NOWS[-1])
    after = tables(home)
    del before["ticks"], after["ticks"]
    assert differing(before, after) == []
    says(onward("rebuild", "--force"), 0, f"Decided {first - 1} ticks again")
    assert list(home.settings.state.glob("state.sqlite.replaced-*"))


@pytest.mark.parametrize("changed", ["files", "workflows"])
def test_what_only_loaded_or_only_changed_workflows_is_missed(
    tmp_path: Path,
    onward: Onward,  # noqa: F811
    changed: str,
) -> None:
    home = house(tmp_path, workflow(tag("old")))
    home.customers("people", person("ann"))
    home.tick(at(10))
    home.tick(at(20))
    assert "Decided 1 ticks again" in rebuild(home.settings)
    if changed == "files":
        home.events("1", event("go", at(25)))
    else:
        home.define(workflow(tag("new")))
    home.tick(at(30))
    home.tick(at(30))
    assert "Decided 2 ticks again" in rebuild(home.settings)
    loses(home, 3)
    says(onward("rebuild"), 2, "1 tick that the state knows, until 2026-03-02 00:30:00 UTC")


def test_a_state_that_cannot_be_read_is_rebuilt_from_what_the_archive_has(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("went")))
    home.customers("people", person("ann"))
    home.tick(at(10))
    lose_state(home)
    (home.settings.state / STATE_FILE).write_bytes(b"damaged" * 5000)
    assert "Decided 1 ticks again" in rebuild(home.settings)


def test_idle_ticks_and_edited_workflows_are_decided_as_they_were(tmp_path: Path) -> None:
    """An edit between ticks without new files holds for what came after it, not before."""
    home = house(tmp_path, workflow(wait("1h"), tag("old"), send("hello", content="Hi")))
    home.customers("people", person("ann"), person("bob"))
    home.events("1", event("go", at(5)), event("go", at(70), "bob"))
    home.tick(at(10))
    home.tick(at(40))
    home.define(workflow(tag("new"), send("hello", content="Hello")))
    home.tick(at(100))
    home.tick(at(150))
    before, handed = tables(home), home.outbox()
    assert before["tags"].rows() == [("ann", "old"), ("bob", "new")]
    lose_state(home)
    rebuild(home.settings)
    home.tick(at(150))
    after = tables(home)
    del before["ticks"], after["ticks"]  # idle ticks aren't told again
    assert differing(before, after) == []
    assert home.outbox() == handed


def test_a_lost_state_catches_up_without_being_told(tmp_path: Path) -> None:
    home = house(tmp_path, *WORKFLOWS)
    deliver(home, 0)
    home.tick(NOWS[0])
    before, handed = tables(home), home.outbox()
    lose_state(home)
    home.tick(NOWS[0])
    assert differing(before, tables(home)) == []
    assert home.outbox() == handed


@pytest.mark.parametrize("decided", range(1, 4))
def test_a_catching_up_that_is_killed_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decided: int
) -> None:
    """After so many ticks of three; the inbox was cleared away meanwhile."""
    home = house(tmp_path, *WORKFLOWS)
    for number, now in enumerate(NOWS):
        deliver(home, number)
        home.tick(now)
    before, handed = tables(home), home.outbox()
    lose_state(home)
    for file in home.settings.inbox.rglob("*.gz"):
        file.unlink()
    left, again = decided, replay._decide_again

    def some(*given: Any) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        again(*given)

    with monkeypatch.context() as patch:
        patch.setattr(replay, "_decide_again", some)
        patch.setattr(stages, "advance", some)
        with pytest.raises(KeyboardInterrupt):
            home.tick(NOWS[-1])
    home.tick(NOWS[-1])
    after = tables(home)
    assert differing(before, after) == []
    assert home.outbox() == handed
    assert_current(home)


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param("rebuilt", id="rebuilt"),
        pytest.param("file", id="without its file"),
        pytest.param("state", id="lost"),
    ],
)
def test_a_late_event_acts_where_it_would_have_without_the_loss(tmp_path: Path, loss: str) -> None:
    home = house(tmp_path, workflow(tag("went")))
    home.customers("people", person("ann"))
    home.tick(at(10))
    home.tick(at(100))
    if loss == "rebuilt":
        rebuild(home.settings)
    elif loss == "file":
        (home.settings.state / STATE_FILE).unlink()
    else:
        lose_state(home)
    home.events("late", event("go", at(50)))
    home.tick(at(120))
    assert home.rows("select entered_at from executions") == [(at(100),)]
