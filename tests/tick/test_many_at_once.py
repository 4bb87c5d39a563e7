"""Many `onward run` at once on one house: one runs, the others are told so, and nothing is done twice."""

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.runs import TABLES, House, house, person
from tests.semantics.cases import at, event, send, tag, wait, workflow
from tests.store.agreement import assert_current
from tests.tick.test_crash import tables

MAIL = send("hello", subject="Hi {{ first_name }}", content="{{ event.color }}")
WAITING = """
import flows.store.publish, flows.tick.run
from flows.cli import main
print("ready", flush=True)
input()
main()
"""
"""`onward`, which has imported what takes longest, and begins when it is told to."""
TOLD = r"another run is in progress \((just started|pid \d+)(, since 20\S+)?\); wait for it to finish, or stop it\n"


def delivered(root: Path, people: int) -> House:
    """A house with so many new customers that whoever runs is at it when the last of the others looks at the lock."""
    crowd = [f"c{number}" for number in range(people)]
    home = house(root, workflow(MAIL, tag("greeted"), wait("1h"), MAIL))
    home.customers("people", *(person(who, first_name=who) for who in crowd))
    told = (event("go", at(n % 50), who, properties={"color": "red"}) for n, who in enumerate(crowd))
    home.events("events", *told)
    return home


def at_once(home: House, runs: int) -> list[tuple[int, int, str]]:
    """So many runs that begin at one moment: of each its pid, exit code, and what it says is wrong."""
    with ExitStack() as stack:
        each = [stack.enter_context(waiting(home)) for _ in range(runs)]
        for one in each:
            assert one.stdout
            assert one.stdout.readline() == "ready\n"
        for one in each:
            assert one.stdin
            one.stdin.write("\n")
            one.stdin.flush()
        said = [one.communicate(timeout=120)[1] for one in each]
    return [(one.pid, one.returncode, text) for one, text in zip(each, said, strict=True)]


def waiting(home: House) -> subprocess.Popen[str]:
    checkout = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", WAITING, "run", "--now", at(60).isoformat()],
        cwd=home.root.parent,
        env={**os.environ, "PYTHONPATH": checkout, **home.environment()},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize(("runs", "people"), [(3, 500), pytest.param(20, 20_000, marks=pytest.mark.slow)])
def test_of_many_runs_at_once_one_runs(tmp_path: Path, runs: int, people: int) -> None:
    home, twin = delivered(tmp_path / "home", people), delivered(tmp_path / "twin", people)
    ended = at_once(home, runs)
    ((winner, _, said),) = [one for one in ended if one[1] == 0]
    others = [text for _, code, text in ended if code == 1]
    assert len(others) == runs - 1
    assert said == ""
    named = [re.fullmatch(TOLD, text) for text in others]
    assert {one and one[1] for one in named} <= {"just started", f"pid {winner}"}, others
    twin.tick(at(60))
    expected, found = tables(twin), tables(home)
    assert [name for name in TABLES if not expected[name].equals(found[name])] == []
    assert home.rows("select count(*) from ticks") == [(1,)]
    sent = [sorted(line["message_id"] for line in one.outbox()) for one in (home, twin)]
    assert sent[0] == sent[1]
    assert len(sent[0]) >= people
    assert_current(home)
