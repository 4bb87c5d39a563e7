"""Hand-overs that end early: by Ctrl-C, by a full disk. Run as a program, it is what Ctrl-C is pressed in."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from flows.delivery.crew import Crew
from flows.delivery.dispatch import Policy, deliver, finish_unanswered
from flows.delivery.messages import MESSAGES, message_channel
from flows.delivery.send_ledger import Part, SendLedger
from flows.delivery.senders.base import Answer, Recorder
from flows.interrupts import CTRL_C
from tests.delivery.test_dispatch import WALL, Keeper, due, message, outcome, writer


class Slow(Keeper):
    """Hands over one message after another, and does something between."""

    def __init__(self, between: Callable[[], Any]) -> None:
        super().__init__()
        self.between = between
        self.begun: list[str] = []

    def hand_over(self, key: str, payload: bytes, recorder: Recorder) -> None:  # noqa: ARG002
        for one in payload.decode().split():
            recorder.begin([one])
            self.begun.append(one)
            self.between()
            recorder.answer([Answer(one, "sent")])


def part(*ids: str) -> Part:
    return Part(" ".join(ids).encode(), dict.fromkeys(ids))


def test_what_was_begun_is_answered_and_nothing_more_is_begun(tmp_path: Path) -> None:
    begun, go_on = Event(), Event()

    def between() -> None:
        begun.set()
        go_on.wait(10)

    sender = Slow(between)

    def interrupted(ledger: SendLedger) -> None:
        with Crew(sender, ledger) as crew:
            crew.send(ledger.claim(MESSAGES, "keeper", [part("a", "b"), part("c")]))
            assert begun.wait(10)
            crew._ended.set()
            go_on.set()
            raise KeyboardInterrupt

    with SendLedger(tmp_path / "sends.sqlite") as ledger:
        with pytest.raises(KeyboardInterrupt):
            interrupted(ledger)
        assert sender.begun == ["a"]
        assert ledger.query("select id, status from sends where state = 'answered'") == [("a", "sent")]
        finish_unanswered(MESSAGES, {sender.name: sender}, ledger)
        assert ledger.query("select id from sends") == [("a",)]


@pytest.mark.parametrize("repeatable", [True, False])
def test_an_answer_that_could_not_be_noted_is_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repeatable: bool
) -> None:
    sender, frame, answer = Keeper(repeatable=repeatable), due(message()), SendLedger.answer

    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with SendLedger(tmp_path / "sends.sqlite", lambda: WALL) as ledger:
        monkeypatch.setattr(SendLedger, "answer", full)
        with pytest.raises(sqlite3.OperationalError, match="disk is full"):
            deliver(message_channel(writer(), sender), frame, ledger, Policy(9))
        monkeypatch.setattr(SendLedger, "answer", answer)
        sender.knows = [Answer(message()["message_id"], "sent")]
        finish_unanswered(MESSAGES, {sender.name: sender}, ledger)
        result = deliver(message_channel(writer(), sender), frame, ledger, Policy(9))
    assert outcome(result) == [("sent", None, WALL)]
    assert len(set(sender.calls)) == 1


def test_a_disk_that_is_full_at_the_commit_leaves_no_transaction_open(tmp_path: Path) -> None:
    def change(ledger: SendLedger) -> None:
        ledger.change("insert into holds values (?, 0)", [("x" * 10_000_000,)])

    with SendLedger(tmp_path / "sends.sqlite") as ledger:
        ledger.query("pragma cache_size = 100000")
        (pages,) = ledger.query("pragma page_count")[0]
        ledger.query(f"pragma max_page_count = {pages + 10}")
        with pytest.raises(sqlite3.OperationalError, match="database or disk is full"):
            change(ledger)
        ledger.query("pragma max_page_count = 1000000")
        change(ledger)
        with SendLedger(tmp_path / "sends.sqlite") as other:
            assert len(other.held()) == 1


def test_ctrl_c_ends_it_within_seconds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.delivery.test_crew", str(tmp_path / "sends.sqlite")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=30)  # undisturbed it takes 50 s
    assert (process.returncode, said) == (CTRL_C, b"interrupted\n"), errors
    with SendLedger(tmp_path / "sends.sqlite") as ledger:
        assert ledger.query("select count(*) from sends where state = 'handed_over'") == [(0,)]


def _pressed(file: Path) -> None:
    def between() -> None:
        print("begun", flush=True) if len(sender.begun) == 1 else None
        time.sleep(0.5)

    sender = Slow(between)
    with SendLedger(file) as ledger:
        try:
            with Crew(sender, ledger) as crew:
                crew.send(ledger.claim(MESSAGES, "keeper", [part(*(str(n) for n in range(100)))]))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            sys.exit(CTRL_C)


if __name__ == "__main__":
    _pressed(Path(sys.argv[1]))
