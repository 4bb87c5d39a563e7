"""Readers while ticks and compactions go on: whoever looks sees one whole tick, never an earlier one than before."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.runs import House, house, onward, person
from tests.semantics.cases import at, event, send, tag, wait, workflow
from tests.store.agreement import assert_current
from tests.store.reader import COUNTS, KINDS, OVER

PEOPLE = 10
"""How many customers enter in each tick, each sent one message."""
WORKFLOW = workflow(send("hello", subject="Hi", content="x"), tag("t"), wait("15m"), tag("u"))
Looks = dict[str, list[dict[str, Any]]]
Tick = Callable[[House, int], object]


def deliver(home: House, number: int) -> None:
    """New customers, each with an event."""
    crowd = [f"c{number}-{n}" for n in range(PEOPLE)]
    home.customers(f"people-{number}", *map(person, crowd))
    home.events(f"events-{number}", *(event("go", at(10 * number), who) for who in crowd))


def run(home: House, number: int) -> None:
    """`onward run`, again if a notebook was about to publish; after every third one a compaction."""
    while True:
        done = onward("run", "--now", at(10 * number).isoformat(), cwd=home.root.parent, **home.environment())
        if done.returncode == 0:
            break
        assert "another run is in progress" in done.stderr
    if number % 3 == 2:
        done = onward("compact", cwd=home.root.parent, **home.environment())
        assert done.returncode == 0, done.stderr


def watched(home: House, notes: Path, kinds: tuple[str, ...], looks: int, tick: Tick) -> tuple[int, Looks]:
    """Ticks until readers have looked so often together: how many, and what was seen."""
    notes.mkdir()
    ticks, found = 1, seen(notes, kinds)
    with ExitStack() as stack:
        readers = [stack.enter_context(reading(home, notes / kind)) for kind in kinds]
        while not all(found.values()) or sum(map(len, found.values())) < looks:
            assert [one.poll() for one in readers] == [None] * len(readers)
            deliver(home, ticks)
            tick(home, ticks)
            ticks, found = ticks + 1, seen(notes, kinds)
        (notes / OVER).touch()
        assert [one.wait(60) for one in readers] == [0] * len(readers)
    return ticks, seen(notes, kinds)


def reading(home: House, notes: Path) -> subprocess.Popen[bytes]:
    """A reader of the kind that its notes are named by."""
    command = [sys.executable, "-m", "tests.store.reader", notes.name, str(home.root), str(notes)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2])


def seen(notes: Path, kinds: tuple[str, ...]) -> Looks:
    """What each reader has noted so far."""
    texts = {kind: (notes / kind).read_text() if (notes / kind).exists() else "" for kind in kinds}
    return {kind: [json.loads(line) for line in text.split("\n")[:-1]] for kind, text in texts.items()}


def assert_whole(look: dict[str, Any]) -> None:
    """All that was seen is of the same tick."""
    ticks = look["ticks"]
    assert look["last_tick"] == ticks
    assert look["events"] == look["executions"] == look["messages"] == PEOPLE * ticks
    assert look["executions_summed"] == look["executions_reported"] == look["executions"]
    assert look["messages_reported"] == look["messages"]
    assert look["steps_summed"] == look["steps"]


def assert_each_whole(home: House, notes: Path, kinds: tuple[str, ...], looks: int, tick: Tick) -> None:
    """Whatever readers see while ticks go on is one whole tick, and never an earlier one than before."""
    deliver(home, 0)
    home.tick(at(0))
    ticks, found = watched(home, notes, kinds, looks, tick)
    for kind, noted in found.items():
        for one in noted:
            assert_whole(one)
        assert all(one[name] <= other[name] for one, other in pairwise(noted) for name in COUNTS), kind
        met = {one["ticks"] for one in noted}
        assert met == {1} if kind == "stays" else len(met) > ticks / 2, kind
    assert_current(home)


def test_who_connects_again_sees_one_whole_tick(tmp_path: Path) -> None:
    home = house(tmp_path, WORKFLOW)
    assert_each_whole(
        home, tmp_path / "notes", ("connects again",), 60, lambda home, number: home.tick(at(10 * number))
    )


@pytest.mark.slow
def test_each_of_a_thousand_looks_sees_one_whole_tick(tmp_path: Path) -> None:
    assert_each_whole(house(tmp_path, WORKFLOW), tmp_path / "notes", KINDS, 1000, run)
