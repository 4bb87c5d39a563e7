"""kill -9 while messages are claimed, handed over to a real provider on this machine and recorded; then go on.

By a provider that knows keys nothing is lost and nothing arrives twice. By one that knows none, nothing is lost and
nothing arrives twice in silence: what may have arrived is `unknown`, until somebody says what became of it.

`ONWARD_KILLS=1000` kills as often; by default it is `SLOW` times in all slow tests together.
"""

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.delivery.dispatch import Policy, deliver, finish_unanswered
from flows.delivery.kinds import MESSAGES
from flows.delivery.messages import message_channel
from flows.delivery.send_ledger import SendLedger
from tests.delivery.providers.server import Provider
from tests.delivery.providers.setting import CASES, Clock
from tests.delivery.test_dispatch import NOW, WALL, due, message, writer

SLOW = 300
COUNT = 60
BATCH = 5
KEYED, KEYLESS = ("resend", "keyed http"), ("postmark", "sendgrid", "mailgun", "http")
POINTS = ("claim", "begin", "answer", "finish")
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])


def work(kind: str, url: str, folder: Path) -> pl.DataFrame:
    """Dispatch all messages by a provider's sender; what became of them."""
    frame = due(*(message(number, at=NOW - timedelta(seconds=number)) for number in range(COUNT)))
    sender = CASES[kind].sender(url, Clock())
    with SendLedger(folder / "sends.sqlite", lambda: WALL) as ledger:
        ledger.take()
        finish_unanswered(MESSAGES, {sender.name: sender}, ledger)
        return deliver(message_channel(writer(), sender), frame, ledger, Policy(BATCH))


def victim(kind: str, url: str, folder: Path, point: str | None, call: int, when: str) -> None:
    """`work`, which kills itself before or after a call of a method of the ledger, if one is named."""
    if point:
        _rig(point, call, when)
    work(kind, url, folder)


def _rig(point: str, call: int, when: str) -> None:
    left, called = [call], getattr(SendLedger, point)

    def killing(*given: Any, **named: Any) -> Any:
        left[0] -= 1
        if when == "before" and left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = called(*given, **named)
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(SendLedger, point, killing)


@contextmanager
def started(*given: Any) -> Iterator[BaseProcess]:
    process = _PROCESSES.Process(target=victim, args=given)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def killed_at(point: str, call: int, when: str, kind: str, url: str, folder: Path) -> bool:
    """Whether it came so far that it was killed."""
    with started(kind, url, folder, point, call, when) as process:
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode != 0


def killed_after(seconds: float, kind: str, url: str, folder: Path) -> bool:
    """Whether it was killed, so long after its ledger was there, before it ended."""
    with started(kind, url, folder, None, 0, "") as process:
        while process.is_alive() and not (folder / "sends.sqlite").exists():
            time.sleep(0.001)
        process.join(seconds)
        return process.exitcode is None


def assert_made_good(kind: str, provider: Provider, folder: Path) -> Counter[str]:
    """Go on after the kill, and once more: every message arrived once, or is known to be unknown."""
    found = work(kind, provider.url, folder)
    assert work(kind, provider.url, folder).sort("message_id").equals(found.sort("message_id"))
    assert provider.faults == []
    arrived = Counter(provider.taken)
    assert len(found) == COUNT, "some are lost"
    assert max(arrived.values()) == 1, "some arrived twice"
    by_status = {
        name: set(rows["message_id"]) for (name,), rows in found.partition_by("status", as_dict=True).items()
    }
    sent, unknown = by_status.pop("sent", set()), by_status.pop("unknown", set())
    assert not by_status
    assert sent <= set(arrived)
    assert set(arrived) <= sent | unknown
    if kind in KEYED:
        assert not unknown
    return Counter({"sent": len(sent), "unknown": len(unknown)})


@contextmanager
def provider_of(kind: str) -> Iterator[Provider]:
    with Provider(CASES[kind].description()) as provider:
        yield provider


def strike(kind: str, kill: Callable[[str, str, Path], bool], folder: Path) -> tuple[bool, Counter[str]]:
    """Kill a dispatch to a new provider and make it good; whether it was at work."""
    folder.mkdir(parents=True)
    with provider_of(kind) as provider:
        struck = kill(kind, provider.url, folder)
        return struck, assert_made_good(kind, provider, folder)


def at_points(kind: str, folder: Path, calls: range) -> Counter[str]:
    """Kill before and after some calls of each method that notes something."""
    all_found = Counter[str]()
    for point in POINTS:
        for when in ("before", "after"):
            for call in calls:
                place = folder / f"{point} {when} {call}"
                struck, found = strike(kind, lambda *to: killed_at(point, call, when, *to), place)  # noqa: B023
                assert struck, place.name
                all_found += found
    return all_found


def at_random(kind: str, folder: Path, kills: int) -> Counter[str]:
    """Kill so often at random moments of a dispatch that is at work."""
    chance, number, met, all_found, reach = random.Random(kind), 0, 0, Counter[str](), 0.3
    while met < kills:
        number += 1
        moment = chance.uniform(0, reach)
        struck, found = strike(kind, lambda *to: killed_after(moment, *to), folder / str(number))  # noqa: B023
        met, all_found = met + struck, all_found + found
        reach = reach * 1.05 if struck else max(0.05, reach * 0.8)
        assert number <= 5 * kills + 10, f"only {met} of {number} were at work"
    return all_found


@pytest.mark.parametrize("kind", ["keyed http", "postmark"])
def test_a_few_kills(kind: str, tmp_path: Path) -> None:
    assert at_points(kind, tmp_path, range(1, 2))["sent"]
    assert at_random(kind, tmp_path, 2)["sent"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KEYED, *KEYLESS])
def test_kills_at_every_point_and_at_random(kind: str, tmp_path: Path) -> None:
    kills = int(os.environ.get("ONWARD_KILLS", SLOW)) // len(CASES)
    named = at_points(kind, tmp_path, range(1, 4))
    found = named + at_random(kind, tmp_path, kills - 24)
    print(f"{kind}: {kills} kills, {found['sent']} sent, {found['unknown']} unknown")
