"""kill -9 at random moments of `onward run`: run again, and everything is as if nothing had happened."""

import random
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from tests.kills import at_random_moments, duration, killed, moved
from tests.runs import TABLES, House, house, person
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
    seconds = duration(moved(found[1][0], root / "measured"), *run_at(found[1][1]))
    return [Stage(*one, seconds) for one in found]


def run_at(now: datetime) -> tuple[str, ...]:
    """The arguments of a run."""
    return "run", "--now", now.isoformat()


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
    """Kill so many working runs, each of some stage; run each again and compare."""

    def strike(number: int, moment: float) -> float | None:
        stage = stages[number % len(stages)]
        home = moved(stage.before, root / "disturbed")
        ended = killed(home, moment, *run_at(stage.now))
        home.tick(stage.now)
        assert_undisturbed(stage, home)
        shutil.rmtree(root / "disturbed")
        return ended

    at_random_moments(strike, seed=seed, kills=kills, seconds=stages[0].seconds)


def disturb_all(stages: list[Stage], root: Path, seed: int, most: int) -> None:
    """All ticks in a row, each killed up to so many times on its way."""
    chance = random.Random(seed)
    home = house(root, *WORKFLOWS)
    for number, stage in enumerate(stages):
        deliver(home, number)
        for moment in [chance.uniform(0, stage.seconds) for _ in range(chance.randint(1, most))]:
            killed(home, moment, *run_at(stage.now))
        home.tick(stage.now)
        assert_undisturbed(stage, home)


def test_a_killed_run_is_made_good_by_the_next(stages: list[Stage], tmp_path: Path) -> None:
    disturb(stages, tmp_path, seed=0, kills=5)


def test_ticks_in_a_row_with_kills_between(stages: list[Stage], tmp_path: Path) -> None:
    disturb_all(stages, tmp_path, seed=0, most=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 7))
def test_many_killed_runs_are_made_good(stages: list[Stage], tmp_path: Path, seed: int) -> None:
    disturb(stages, tmp_path, seed, kills=50)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_ticks_in_a_row_with_kills_between(stages: list[Stage], tmp_path: Path, seed: int) -> None:
    disturb_all(stages, tmp_path, seed, most=3)
