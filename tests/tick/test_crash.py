"""kill -9 at random moments of `onward run`: run again, and everything is as if nothing had happened."""

import random
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from subprocess import Popen, TimeoutExpired

import polars as pl
import pytest

from flows.settings import Settings
from flows.store.opening import LOCK_FILE
from tests.runs import TABLES, House, house, person, started
from tests.semantics.cases import Row, action, at, event, send, tag, trigger, wait, workflow
from tests.store.agreement import assert_current

CROWD = [f"c{number:03d}" for number in range(150)]
MAIL = send("hello", subject="Hi {{ first_name }}", content="Dear {{ first_name }}, {{ event.color }}!")
HOOK = action("trigger_webhook", url="https://example.com/hook")
WORKFLOWS = [
    workflow(MAIL, wait("1h"), HOOK, tag("reminded"), MAIL, exit_on=[trigger("bought")]),
    workflow(tag("pro"), MAIL, workflow_id="plans", on=trigger("plan", "attribute_change")),
]
NOWS = [at(60), at(120), at(200)]
MARGIN = 1.05
"""How much longer than a run the moments reach, because runs differ."""


@dataclass(frozen=True)
class Stage:
    """A tick: the house before it with its files delivered, what the tables are after it, and how long a run works."""

    before: House
    now: datetime
    expected: dict[str, pl.DataFrame]
    seconds: float


def deliver(home: House, number: int) -> None:
    """The files of a tick: good rows and bad, duplicates, late, future and unsubscribing ones, changed customers."""
    rows: list[Row]
    if number == 0:
        home.customers("people", *(person(who, first_name=who.upper(), plan="free") for who in CROWD))
        rows = [event("go", at(n % 50), who, properties={"color": "red"}) for n, who in enumerate(CROWD)]
        rows += [event("go", at(150), CROWD[0], event_id="ahead"), rows[0], {**rows[0], "type": "none"}]
    elif number == 1:
        home.customers("changed", *(person(who, plan="pro") for who in CROWD[::5]), person("new"))
        rows = [event("bought", at(70), who) for who in CROWD[::7]]
        rows += [event("go", at(30), "new"), event("Unsubscribed", at(90), CROWD[3])]
    else:
        rows = [event("go", at(190), who, event_id=f"again-{who}") for who in CROWD[::2]]
    home.events(f"events-{number}", *rows, format="ndjson.gz")


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> list[Stage]:
    """The ticks undisturbed."""
    root = tmp_path_factory.mktemp("undisturbed")
    home = house(root / "home", *WORKFLOWS)
    found = []
    for number, now in enumerate(NOWS):
        deliver(home, number)
        before = moved(home, root / f"before-{number}")
        home.tick(now)
        found.append((before, now, tables(home)))
    seconds = duration(moved(found[1][0], root / "measured"), found[1][1])
    return [Stage(*one, seconds) for one in found]


def moved(home: House, root: Path) -> House:
    """A copy of the house elsewhere."""
    shutil.copytree(home.root, root / "data")
    return House(Settings(data_dir=root / "data"))


def duration(home: House, now: datetime) -> float:
    """Seconds from when a run holds the lock to its end."""
    with working(home, now) as process:
        began = time.monotonic()
        assert process.wait(60) == 0
    return time.monotonic() - began


@contextmanager
def working(home: House, now: datetime) -> Generator[Popen[str]]:
    """A run in its own process, from the moment it holds the lock."""
    lock = home.settings.state / LOCK_FILE
    arguments = ("run", "--now", now.isoformat())
    with started(*arguments, cwd=home.root.parent, **home.environment()) as process:
        while process.poll() is None and f'"pid": {process.pid}' not in _text(lock):
            time.sleep(0.002)
        yield process


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def killed(home: House, now: datetime, seconds: float) -> float | None:
    """Start a run and kill -9 it so long after it began to work; if it had ended by then, after how long."""
    with working(home, now) as process:
        began = time.monotonic()
        try:
            process.wait(seconds)
        except TimeoutExpired:
            process.kill()
            return None if process.wait(60) == -9 else seconds
        return time.monotonic() - began


def tables(home: House) -> dict[str, pl.DataFrame]:
    """The tables without what a crash may change: numbers of ticks, repeated ones, and where the house stands."""
    found = {name: frame.drop("tick_id", strict=False) for name, frame in home.frames().items()}
    found["ticks"] = found["ticks"].filter(
        pl.col("previous").is_null() | (pl.col("previous") < pl.col("now"))
    )
    found["quarantine"] = found["quarantine"].with_columns(pl.col("file").str.split("/").list.last())
    return {name: frame.sort(frame.columns) for name, frame in found.items()}


def assert_undisturbed(stage: Stage, home: House) -> None:
    """Tables as expected, and all that says the same agrees; each message and webhook handed over exactly once."""
    after = tables(home)
    assert [name for name in TABLES if not after[name].equals(stage.expected[name])] == []
    sent = after["messages"].filter(pl.col("status") == "sent")["message_id"].to_list()
    assert sorted(line["message_id"] for line in home.outbox()) == sorted(sent)
    assert sorted(file.stem for file in home.settings.outbox.rglob("*.eml")) == sorted(sent)
    called = after["webhooks"]["webhook_id"].to_list()
    assert sorted(line["webhook_id"] for line in home.outbox("webhooks")) == sorted(called)
    assert set(after["messages"]["status"]) <= {"sent", "suppressed"}
    assert_current(home)


def disturb(stages: list[Stage], root: Path, seed: int, kills: int) -> None:
    """Kill so many working runs, each of some stage; run each again and compare.

    How long a run takes is learnt on the way, so that the moments lie all over it and few come too late.
    """
    chance, met, reach = random.Random(seed), 0, MARGIN * stages[0].seconds
    while met < kills:
        stage, moment = stages[met % len(stages)], chance.uniform(0, reach)
        home = moved(stage.before, root / "disturbed")
        try:
            ended = killed(home, stage.now, moment)
            home.tick(stage.now)
            assert_undisturbed(stage, home)
        except BaseException as error:
            error.add_note(f"seed {seed}, kill {met}, {stage.now}, after {moment:.3f} of about {reach:.3f} s")
            raise
        shutil.rmtree(root / "disturbed")
        met += ended is None
        reach = (reach + MARGIN * ended) / 2 if ended else reach * MARGIN


def disturb_all(stages: list[Stage], root: Path, seed: int, most: int) -> None:
    """All ticks in a row, each killed up to so many times on its way."""
    chance = random.Random(seed)
    home = house(root, *WORKFLOWS)
    for number, stage in enumerate(stages):
        deliver(home, number)
        for moment in [chance.uniform(0, stage.seconds) for _ in range(chance.randint(1, most))]:
            killed(home, stage.now, moment)
        home.tick(stage.now)
        assert_undisturbed(stage, home)


def test_a_killed_run_is_made_good_by_the_next(stages: list[Stage], tmp_path: Path) -> None:
    disturb(stages, tmp_path, seed=0, kills=5)


def test_ticks_in_a_row_with_kills_between(stages: list[Stage], tmp_path: Path) -> None:
    disturb_all(stages, tmp_path, seed=0, most=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_killed_runs_are_made_good(stages: list[Stage], tmp_path: Path, seed: int) -> None:
    disturb(stages, tmp_path, seed, kills=50)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_ticks_in_a_row_with_kills_between(stages: list[Stage], tmp_path: Path, seed: int) -> None:
    disturb_all(stages, tmp_path, seed, most=3)
