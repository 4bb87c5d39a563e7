"""kill -9 at each point of a run that has a name: run again, and everything is as if nothing had happened."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kills import moved
from tests.runs import House
from tests.tick.test_crash import Stage, assert_undisturbed, stages

__all__ = ["stages"]
POINTS = (
    "flows.inbox.portions:keep_batches",
    "flows.tick.advance:take_in",
    "flows.tick.advance:admit_all",
    "flows.tick.advance:decide_tick",
    "flows.tick.advance:write_manifest",
    "flows.tick.advance:record_tick",
    "flows.store.put_back:write_current",
    "flows.store.put_back:add_pending",
    "flows.store.put_back:name_files",
    "flows.store.store:put_back",
    "flows.store.state_file:StateFile._commit",
    "flows.tick.advance:write_clock",
    "flows.tick.advance:forget_batches",
    "flows.inbox.seen_ids:SeenIds.keep",
    "flows.delivery.send_ledger:SendLedger.claim",
    "flows.delivery.send_ledger:SendLedger.begin",
    "flows.delivery.send_ledger:SendLedger.answer",
    "flows.delivery.send_ledger:SendLedger.finish",
    "flows.delivery.outbox:settle",
    "flows.store.pending:name_files",
    "flows.store.publish:read_shown",
    "flows.store.publish:_write_report",
    "flows.store.publish:put_in_place",
)
"""What a run calls on its way, by module and name."""
KILLED = """
import importlib, os, signal, sys
module, _, name = sys.argv.pop(1).partition(":")
when = sys.argv.pop(1)
owner = importlib.import_module(module)
*inner, name = name.split(".")
for one in inner:
    owner = getattr(owner, one)
called = getattr(owner, name)

def killing(*given, **named):
    if when == "after":
        called(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, killing)
from flows.cli import main
main()
"""


def kill_at(point: str, when: str, home: House, *arguments: str) -> bool:
    """Run a command that is killed before or after the first call of what is named; whether it came so far."""
    command = [sys.executable, "-c", KILLED, point, when, *arguments]
    checkout = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command,
        cwd=home.root.parent,
        env={**home.environment(), **checkout},
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_a_named_point_is_made_good(
    stages: list[Stage],
    tmp_path: Path,
    point: str,
    when: str,
) -> None:
    met = 0
    for number, stage in enumerate(stages[:2]):
        home = moved(stage.before, tmp_path / str(number))
        met += kill_at(point, when, home, "run", "--now", stage.now.isoformat())
        home.tick(stage.now)
        assert_undisturbed(stage, home)
    assert met, f"no run comes to {point}"
