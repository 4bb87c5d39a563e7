"""A dispatch broken off anywhere, then repeated: each message and request is handed over exactly once.

Run as a program (`python -m tests.delivery.test_dispatch_crash DIR`), it is the victim of the kills.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.delivery.dispatch import Policy, deliver, finish_unanswered
from flows.delivery.kinds import MESSAGES
from flows.delivery.messages import message_channel
from flows.delivery.send_ledger import SendLedger
from flows.delivery.senders import eml
from flows.delivery.senders.choose import open_sender
from flows.delivery.senders.journal import Journal
from flows.delivery.webhooks import webhook_channel
from flows.settings import Settings
from tests.delivery.test_dispatch import NOW, WALL, due, message, writer
from tests.delivery.test_webhooks import due as due_webhooks

KILLS = 20


def work(folder: Path, count: int, batch_size: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    settings = Settings(data_dir=folder)
    frame = due(*(message(number, at=NOW - timedelta(seconds=number)) for number in range(count)))
    with SendLedger(settings.state / "sends.sqlite", lambda: WALL) as ledger:
        requests = webhook_channel(settings.outbox)
        finish_unanswered(requests.kind, {requests.carrier.name: requests.carrier}, ledger)
        hooks = deliver(requests, due_webhooks(count), ledger, Policy(batch_size))
        sender = open_sender(settings, "eml")
        finish_unanswered(MESSAGES, {sender.name: sender}, ledger)
        policy = Policy(batch_size, oldest=NOW - timedelta(days=1))
        mails = deliver(message_channel(writer(), sender), frame, ledger, policy)
    return mails, hooks


def names(path: Path, key: str) -> list[str]:
    return [json.loads(line)[key] for line in path.read_text("utf-8").splitlines()]


def assert_each_once(folder: Path, count: int, batch_size: int) -> None:
    mails, hooks = work(folder, count, batch_size)
    outbox = folder / "outbox"
    for frame, file, key in (
        (mails, "messages.ndjson", "message_id"),
        (hooks, "webhooks.ndjson", "webhook_id"),
    ):
        assert frame["status"].to_list() == ["sent"] * count
        found = names(outbox / file, key)
        assert sorted(found) == sorted(frame[key])
        assert len(set(found)) == count
    files = [file.name for file in (outbox / "messages").rglob("*") if file.is_file()]
    assert sorted(files) == sorted(f"{one}.eml" for one in mails["message_id"])


class Crash(BaseException):
    """Stands for the end of the process."""


class Fuse:
    """Breaks the n-th call of what it is put into, before or after it is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
        self.left = number
        for owner, name in (
            (SendLedger, "claim"), (SendLedger, "begin"), (SendLedger, "answer"), (SendLedger, "finish"),
            (eml, "_write_aside"), (Path, "rename"), (Journal, "append_once"),
        ):  # fmt: skip
            monkeypatch.setattr(owner, name, self.around(getattr(owner, name)))

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            self.burn()
            result = call(*args, **kwargs)
            self.burn()
            return result

        return guarded

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash


def test_broken_off_at_every_step_and_once_more_while_recovering(tmp_path: Path) -> None:
    number, crashed = 0, True
    while crashed:
        number, crashed = number + 1, False
        folder = tmp_path / str(number)
        for again in (number, 1 + number % 7):
            with pytest.MonkeyPatch.context() as patch:
                Fuse(patch, again)
                try:
                    work(folder, 4, 2)
                except Crash:
                    crashed = True
        assert_each_once(folder, 4, 2)
    assert number > 40


def test_killed_at_random_moments(tmp_path: Path) -> None:
    count, batch_size = 120, 10
    span = run_victim(tmp_path / "undisturbed", None)
    chance = random.Random(7)
    interrupted = 0
    for number in range(KILLS):
        folder = tmp_path / str(number)
        run_victim(folder, chance.uniform(0, span))
        index = folder / "outbox" / "messages.ndjson"
        interrupted += not index.exists() or len(index.read_text("utf-8").splitlines()) < count
        assert_each_once(folder, count, batch_size)
    assert interrupted >= KILLS // 4  # on a busy machine some moments come too late


def run_victim(folder: Path, kill_after: float | None) -> float:
    """Start a dispatch; kill it that long after it began. How long it ran."""
    command = [sys.executable, "-m", "tests.delivery.test_dispatch_crash", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"ready\n"
        began = time.perf_counter()
        if kill_after is None:
            assert victim.wait() == 0
        else:
            time.sleep(kill_after)
            victim.kill()
            victim.wait()
        return time.perf_counter() - began


if __name__ == "__main__":
    print("ready", flush=True)
    work(Path(sys.argv[1]), 120, 10)
