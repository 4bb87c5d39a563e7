"""Full disks, files that may not grow, places that can't be written: said, and nothing lost once they are gone.

What a run writes to is found by looking at what is there, so that the store may lie in whatever files it likes.
"""

import ctypes
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.kills import moved
from tests.runs import ONWARD, House
from tests.tick.test_crash import Stage, assert_undisturbed, stages

__all__ = ["stages"]

CHECKOUT = Path(__file__).resolve().parents[2]
PR_CAPBSET_DROP, DAC_OVERRIDE, DAC_READ_SEARCH = 24, 1, 2
"""By these two capabilities root writes where modes forbid it."""
SIZES = [1, 4, 16, 48, 100, 250, 600, 1200]
"""KiB that a file may grow to."""
FILLED = [0.02, 0.2, 0.4, 0.6, 0.9]
"""How much of what a run writes has room."""
GIVEN = ("workflows", "inbox")
FULL = r"""
set -e
mount -t tmpfs -o size=64m tmpfs "$DISK"
cp -a "$FROM"/. "$DISK"/
mount -o remount,size=$(( $(du -s --block-size=1 "$DISK" | cut -f1) + EXTRA )) "$DISK"
set +e
"$@"
echo "ended $?" >&2
set -e
mount -o remount,size=64m "$DISK"
cp -a "$DISK"/. "$INTO"/
"""


def slow(*values: int) -> ParameterSet:
    return pytest.param(*values, marks=pytest.mark.slow)


def environment(home: House) -> dict[str, str]:
    path = os.pathsep.join([str(CHECKOUT), *sys.path])
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **home.environment()}


def run(
    home: House, stage: Stage, before: Callable[[], object] | None = None
) -> subprocess.CompletedProcess[str]:
    """`onward run` as a process, which does something of its own before it begins."""
    return subprocess.run(
        [*ONWARD, "run", "--now", stage.now.isoformat()],
        cwd=home.root.parent,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=before,
    )


def obey_modes() -> None:
    """Make root, as which tests may run, a user like others."""
    libc = ctypes.CDLL(None, use_errno=True)
    for one in (DAC_OVERRIDE, DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, one, 0, 0, 0)


def assert_said(code: int, err: str) -> None:
    """One sentence that says what to do and exit 1; or nothing was in the way."""
    assert "Traceback" not in err, err
    assert "fault of Onward" not in err, err
    if code == 0:
        return
    assert code == 1, err
    told = err.splitlines()[-1]
    assert "run again" in told, err
    assert "nothing is lost" in told, err


@pytest.mark.parametrize(
    ("most", "number"),
    [*((most, 0) for most in SIZES[::3]), *(slow(most, number) for most in SIZES for number in (0, 1, 2))],
)
def test_files_that_may_not_grow(stages: list[Stage], tmp_path: Path, most: int, number: int) -> None:
    stage = stages[number]
    home = moved(stage.before, tmp_path)
    ended = run(home, stage, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most * 1024, most * 1024)))
    assert_said(ended.returncode, ended.stderr)
    home.tick(stage.now)
    assert_undisturbed(stage, home)


def may_mount() -> bool:
    tried = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return (
        bool(shutil.which("unshare"))
        and subprocess.run(tried, capture_output=True, check=False).returncode == 0
    )


def written(stage: Stage, root: Path) -> int:
    """How many bytes more there are on the disk after an undisturbed run."""
    home = moved(stage.before, root)
    before = occupied(home.root)
    assert run(home, stage).returncode == 0
    return occupied(home.root) - before


def occupied(folder: Path) -> int:
    return sum(4096 * -(-one.stat().st_size // 4096) for one in folder.rglob("*") if one.is_file())


@pytest.mark.skipif(not may_mount(), reason="no file system may be mounted here")
@pytest.mark.parametrize("number", [0, slow(2)])
def test_full_disks(stages: list[Stage], tmp_path: Path, number: int) -> None:
    stage = stages[number]
    grown, codes = written(stage, tmp_path / "measured"), []
    for share in FILLED:
        home = moved(stage.before, tmp_path / f"{share}")
        room, after = tmp_path / f"{share}" / "kept", tmp_path / f"{share}" / "after"
        home.root.rename(room)
        for folder in (home.root, after):
            folder.mkdir()
        given = {"DISK": home.root, "FROM": room, "INTO": after, "EXTRA": int(share * grown) // 4096 * 4096}
        ended = subprocess.run(
            ["unshare", "-rm", "bash", "-c", FULL, "bash", *ONWARD, "run", "--now", stage.now.isoformat()],
            cwd=home.root.parent,
            env=environment(home) | {name: str(one) for name, one in given.items()},
            capture_output=True,
            text=True,
            check=True,
        )
        err, _, code = ended.stderr.rpartition("ended ")
        assert_said(int(code), err)
        codes.append(int(code))
        home.root.rmdir()
        after.rename(home.root)
        home.tick(stage.now)
        assert_undisturbed(stage, home)
    assert 1 in codes


def places(stage: Stage) -> list[Path]:
    """What lies there before a run and isn't people's own: every folder, and of its files one of each kind."""
    root = stage.before.root
    found = {Path(): Path()}
    for one in sorted(one.relative_to(root) for one in root.rglob("*")):
        if one.parts[0] not in GIVEN:
            found[one if (root / one).is_dir() else one.parent / f"*{one.suffix}"] = one
    return list(found.values())


@pytest.mark.parametrize("number", [0, slow(1), slow(2)])
def test_places_that_may_not_be_written(stages: list[Stage], tmp_path: Path, number: int) -> None:
    stage, refused = stages[number], []
    for place in places(stage):
        home = moved(stage.before, tmp_path / "locked")
        locked = home.root / place
        mode = locked.stat().st_mode
        locked.chmod(mode & 0o555)
        ended = run(home, stage, obey_modes)
        try:
            assert_said(ended.returncode, ended.stderr)
        except AssertionError as error:
            error.add_note(f"locked: {place}")
            raise
        refused += [place] * ended.returncode
        if locked.exists():  # a file that isn't needed any more may go from a folder that may be written
            locked.chmod(mode)
        home.tick(stage.now)
        assert_undisturbed(stage, home)
        shutil.rmtree(tmp_path / "locked")
    assert Path() in refused or Path("state") in refused
