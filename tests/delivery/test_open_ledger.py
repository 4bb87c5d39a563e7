"""A state and its send ledger go together: one that is missing, or another's, stops a run before anything goes out."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flows.delivery.open_ledger import LEDGER, SEND_LEDGER
from flows.store.carry_over import HANDED_OVER
from flows.store.opening import open_store
from flows.store.store import STATE_FILE
from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import action, at, event, send, wait, workflow
from tests.store.agreement import assert_current
from tests.tick.test_command_line import Onward, onward, says  # noqa: F401
from tests.tick.test_rebuild import lose_state

JOURNEY = workflow(
    send(subject="Hi", content="x"),
    action("trigger_webhook", url="https://example.com"),
    wait("1h"),
    send(subject="Still there?", content="x"),
)
SENT = "select message_id, status, sent_at from messages order by all"


def ran(root: Path) -> House:
    """Ann got a message and a request; another message is due at minute 65."""
    home = house(root, JOURNEY)
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    return home


def ledger_of(home: House) -> Path:
    return home.settings.state / SEND_LEDGER


def identities(home: House) -> tuple[list[tuple[str]], list[tuple[str]]]:
    """What the state calls its ledger, and what the ledger calls itself."""
    with closing(sqlite3.connect(ledger_of(home))) as db:
        return home.rows("select id from send_ledger"), db.execute("SELECT id FROM identity").fetchall()


def forget_identities(home: House) -> None:
    """As carried over from before there were any."""
    with open_store(home.settings) as store:
        store.state.query("delete from meta where name = $name", name=LEDGER)
        store.state.note(HANDED_OVER, 1)
    with closing(sqlite3.connect(ledger_of(home))) as db:
        db.executescript("DROP TABLE identity; PRAGMA user_version = 1")


def test_state_and_ledger_name_each_other_from_the_first_hand_over(tmp_path: Path) -> None:
    home = ran(tmp_path)
    of_state, of_ledger = identities(home)
    assert of_state == of_ledger
    assert len(of_state[0][0]) == 32
    home.tick(at(80))
    assert identities(home) == (of_state, of_ledger)
    rebuild(home.settings)
    assert identities(home) == (of_state, of_ledger)


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize(
    "command", [["run", "--now", "2026-03-02T01:20"], ["rebuild"], ["rebuild", "--force"]]
)
def test_a_missing_ledger_stops_before_anything(
    tmp_path: Path,
    onward: Onward,  # noqa: F811
    older: bool,
    command: list[str],
) -> None:
    home = ran(tmp_path)
    if older:
        forget_identities(home)
    kept = ledger_of(home).rename(tmp_path / "kept.sqlite")
    handed = home.outbox()
    home.events("2", event("other", at(60)))
    told = (f"data/state/{SEND_LEDGER}: missing", "Put it back from your copy", "onward rebuild --ledger")
    says(onward(*command), 2, *told)
    assert not ledger_of(home).exists()
    assert home.rows("select count(*) from ticks") == [(1,)]
    assert home.outbox() == handed
    kept.rename(ledger_of(home))
    says(onward("run", "--now", "2026-03-02T01:20"), 0, "1 sent")


@pytest.mark.parametrize("command", [["run", "--now", "2026-03-02T01:20"], ["rebuild"]])
def test_another_ledger_stops_before_anything(
    tmp_path: Path,
    onward: Onward,  # noqa: F811
    command: list[str],
) -> None:
    home, other = ran(tmp_path), ran(tmp_path / "other")
    shutil.copy(ledger_of(other), ledger_of(home))
    says(
        onward(*command),
        2,
        f"{SEND_LEDGER}: another state's send ledger",
        "Move it away, put the right one back",
    )
    assert len(home.outbox()) == 1
    assert home.rows("select count(*) from ticks") == [(1,)]


def test_a_store_that_handed_nothing_over_makes_its_ledger(tmp_path: Path) -> None:
    home = house(tmp_path, JOURNEY)
    home.tick(at(0))
    assert not ledger_of(home).exists()
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    assert home.tick(at(10)).dispatched == {"sent": 1, "webhooks sent": 1}


def test_a_store_of_before_gets_an_identity_without_fuss(tmp_path: Path) -> None:
    home = ran(tmp_path)
    forget_identities(home)
    assert home.tick(at(20)).warnings == []
    assert home.tick(at(80)).dispatched == {"sent": 1}
    of_state, of_ledger = identities(home)
    assert of_state == of_ledger != []


@pytest.mark.parametrize("brought_up", [False, True])
def test_a_store_of_before_is_rebuilt_without_fuss(tmp_path: Path, brought_up: bool) -> None:
    home = ran(tmp_path)
    forget_identities(home)
    if brought_up:
        home.tick(at(20))
    assert "2 messages and requests were sent before" in rebuild(home.settings)
    of_state, of_ledger = identities(home)
    assert of_state == of_ledger != []


def test_a_lost_state_takes_the_ledger_that_is_there(tmp_path: Path) -> None:
    home = ran(tmp_path)
    before, handed = identities(home), home.outbox()
    lose_state(home)
    home.tick(at(20))
    assert (identities(home), home.outbox()) == (before, handed)


@pytest.mark.parametrize("older", [False, True])
def test_a_lost_ledger_is_made_again_of_what_the_state_shows(
    tmp_path: Path,
    onward: Onward,  # noqa: F811
    older: bool,
) -> None:
    home = ran(tmp_path)
    if older:
        forget_identities(home)
    before, handed = home.rows(SENT), [home.outbox(name) for name in ("messages", "webhooks")]
    ledger_of(home).unlink()
    Path(f"{ledger_of(home)}-wal").write_bytes(b"left behind")
    says(
        onward("rebuild", "--ledger"), 0, "it knows the 2 messages and requests that the state shows as sent"
    )
    assert [one.name for one in home.settings.state.glob("*stale*")] == [f"{SEND_LEDGER}-wal.stale-1"]
    says(onward("rebuild"), 0, "2 messages and requests were sent before")
    assert home.rows(SENT) == before
    home.tick(at(20))
    assert [home.outbox(name) for name in ("messages", "webhooks")] == handed
    says(onward("run", "--now", "2026-03-02T01:20"), 0, "1 sent")


def test_a_ledger_that_is_there_is_not_made_again(tmp_path: Path, onward: Onward) -> None:  # noqa: F811
    home = ran(tmp_path)
    before = identities(home)
    says(onward("rebuild", "--ledger"), 2, f"data/state/{SEND_LEDGER}: is there", "move it away")
    says(onward("rebuild", "--ledger", "--force"), 2, "without --force")
    says(onward("rebuild", "--ledger", "--until", "2026-03-02"), 2, "without --force and --until")
    assert identities(home) == before


def test_a_state_of_which_the_file_was_lost_goes_with_a_ledger_that_was_made_again(
    tmp_path: Path,
    onward: Onward,  # noqa: F811
) -> None:
    home = ran(tmp_path)
    handed = home.outbox()
    ledger_of(home).unlink()
    says(onward("rebuild", "--ledger"), 0)
    (home.settings.state / STATE_FILE).unlink()
    assert home.tick(at(20)).warnings == []
    assert home.outbox() == handed
    assert_current(home)
