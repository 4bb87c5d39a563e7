"""`onward rebuild`: from the archive alone, the same tables, and nothing handed over again."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import at, event, send, tag, wait, workflow
from tests.tick.test_crash import NOWS, WORKFLOWS, deliver, tables

JUDGED = ("status", "status_reason")
"""What became of what wasn't sent isn't in the send ledger; the next run judges it again."""


def lose_state(home: House) -> None:
    for file in home.settings.state.glob("onward.duckdb*"):
        file.unlink()
    shutil.rmtree(home.settings.state / "backup")


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


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param("rebuilt", id="rebuilt"),
        pytest.param("file", id="restored"),
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
        home.state_file.unlink()
    else:
        lose_state(home)
    home.events("late", event("go", at(50)))
    home.tick(at(120))
    assert home.rows("select entered_at from executions") == [(at(100),)]
