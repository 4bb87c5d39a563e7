"""The `onward` command as people use it: exit codes and messages, never a traceback."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import polars as pl
import pytest

from flows.cli import app, main
from flows.commands import shared
from flows.store.lock import run_lock
from flows.store.opening import LOCK_FILE, open_store
from flows.tick.run import run_tick
from tests.runs import House, house, person, started
from tests.runs import onward as in_a_process
from tests.semantics.cases import at, event, send, tag, wait, workflow

Onward = Callable[..., CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> House:
    built = house(tmp_path, workflow(tag("went"), send("hello", content="Hi {{ first_name }}")))
    built.customers("people", person("ann", first_name="Ann"))
    built.events("go", event("go", at(5)))
    return built


@pytest.fixture
def onward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Onward:
    """The command line as `home`'s owner uses it, without the cost of a process; keywords are its environment."""

    def call(*arguments: str, **environment: str) -> CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        for name, value in {"ONWARD_DATA_DIR": "data", "COLUMNS": "200", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["onward", *arguments])
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        return CompletedProcess(arguments, code, *capsys.readouterr())

    return call


def says(found: CompletedProcess[str], code: int, *texts: str) -> None:
    """It ended with `code`, every text is in what it said, and no traceback is."""
    said = found.stdout + found.stderr
    assert found.returncode == code, said
    assert [text for text in texts if text not in said] == [], said
    assert "Traceback" not in said
    assert "Warning" not in said


def test_run_says_what_it_did_and_a_second_one_that_there_was_nothing(onward: Onward, home: House) -> None:
    says(onward("run", "--now", "2026-03-02T00:10"), 0, "Tick 1", "1 events", "1 executions", "1 sent")
    says(onward("run", "--now", "2026-03-02T00:10"), 0, "Tick 2", "0 events")
    assert home.rows("select count(*) from executions") == [(1,)]


def test_run_as_a_process(home: House) -> None:
    found = in_a_process("run", "--now", "2026-03-02T00:10", cwd=home.root, **home.environment())
    says(found, 0, "Tick 1", "1 sent")


def test_run_without_now_takes_the_present(onward: Onward, home: House) -> None:
    before = datetime.now(UTC)
    says(onward("run"), 0)
    ((now,),) = home.rows("select now from ticks")
    assert before <= now <= datetime.now(UTC)


AHEAD = "2026-03-04T00:00:01"


def test_a_now_far_ahead_is_refused_and_changes_nothing(
    onward: Onward, home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.tick.run.run_tick", partial(run_tick, clock=lambda: at(24 * 60)))
    (home.settings.inbox / "events" / "half.parquet").write_bytes(b"PAR1 and no more")
    home.define(workflow(tag("changed")))
    before = sorted(home.settings.inbox.rglob("*"))
    told = (
        f"--now {AHEAD}+00:00 is 1d 1s ahead",
        "2026-03-03T00:00:00+00:00",
        "allowed: 1d (max_future)",
        "--force",
    )
    says(onward("run", "--now", AHEAD), 2, *told)
    with open_store(home.settings) as store:
        assert [store.state.query(f"select * from {name}") for name in ("ticks", "batches", "files")] == [
            [],
            [],
            [],
        ]
    assert sorted(home.settings.inbox.rglob("*")) == before
    assert not (home.settings.state / "archive" / "clock.json").exists()
    says(onward("run", "--now", AHEAD, ONWARD_MAX_FUTURE="2d"), 2, "refused: ", "Tick 1", "1 executions")


def test_a_now_far_ahead_can_be_forced_and_as_far_as_max_future_needs_no_force(
    onward: Onward, home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.tick.run.run_tick", partial(run_tick, clock=lambda: at(0)))
    says(onward("run", "--now", "2026-03-03T00:00"), 0, "Tick 1")
    says(onward("run", "--now", "9999-12-31T23:59:59", "--force"), 0, "Tick 2 until 9999")
    assert home.rows("select count(*) from executions") == [(1,)]


@pytest.mark.usefixtures("home")
def test_settings_without_effect_are_accepted_and_said_once(onward: Onward) -> None:
    given = {"ONWARD_BACKUP_EVERY": "1h", "ONWARD_PUBLISH_EVERY": "5m"}
    told = ("settings: backup_every has no effect any more", "settings: publish_every has no effect any more")
    says(onward("run", "--now", "2026-03-02T00:10", **given), 0, *told, "1 sent")
    again = onward("run", "--now", "2026-03-02T00:20", **given)
    says(again, 0, "Tick 2")
    assert "no effect" not in again.stdout + again.stderr


def test_help_of_every_command(onward: Onward) -> None:
    for command in ("run", "backtest", "validate", "report", "rebuild", "serve"):
        says(onward(command, "--help"), 0, "Usage: ", f"onward {command}")


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["run", "--no"], ["--no"]),
        (["ran"], ["ran"]),
        (["run", "--now", "tomorrow"], ["--now 'tomorrow'", "2026-01-31"]),
        (["run", "--now", "2026-03-01"], ["until 2026-03-02", "later instant"]),
        (["run", "--settings", "none.toml"], ["none.toml"]),
        (["validate", "nowhere"], ["nowhere", "no such folder"]),
        (["backtest"], ["--workflows"]),
        (["report", "--pdf"], ["--pdf"]),
    ],
)
def test_bad_usage_is_two_and_a_message(
    onward: Onward, home: House, arguments: list[str], texts: list[str]
) -> None:
    home.tick(at(10))
    says(onward(*arguments), 2, *texts)


def test_missing_folders(onward: Onward, tmp_path: Path) -> None:
    says(onward("run"), 2, "workflows", "no such folder")
    (tmp_path / "data" / "workflows").mkdir(parents=True)
    says(onward("run"), 0, "0 events")
    says(onward("report"), 0)


def test_a_broken_workflow(onward: Onward, home: House) -> None:
    (home.settings.workflows / "bad.yaml").write_text("workflow_id: bad\nworkflow_name: [\n")
    says(onward("validate"), 2, "bad.yaml:")
    says(onward("run", "--now", "2026-03-02T00:10"), 0, "warning:", "bad.yaml:", "1 executions")


def test_validate_says_all_faults_and_what_is_valid(onward: Onward, home: House) -> None:
    says(onward("validate"), 0, "1 workflow,")
    home.define(
        workflow(tag("x"), workflow_id="b", holdout="many"),
        {**workflow(), "actoins": []} | {"workflow_id": "c"},
    )
    says(onward("validate"), 2, "b.json:", "holdout", "c.json:", "actoins", "valid: 1")
    file = home.root.parent / "onward.toml"
    file.write_text('sender = "smpt"\n[senders.smtp]\nhost = "mail.shop.example"\n')
    says(
        onward("validate"),
        2,
        "b.json:",
        "'smpt' isn't the name of a sender",
        "did you mean 'smtp'?",
        "valid: 1",
    )
    file.unlink()
    says(onward("validate", str(home.settings.workflows)), 2, "b.json:", "c.json:")


def test_a_broken_file(onward: Onward, home: House) -> None:
    (home.settings.inbox / "events" / "half.parquet").write_bytes(b"PAR1 and no more")
    said = ("refused: ", "half.parquet", "damaged or incomplete", "1 sent", "1 refused_files")
    says(onward("run", "--now", "2026-03-02T00:10"), 2, *said)
    says(onward("run", "--now", "2026-03-02T00:20"), 0, "0 events")
    assert len(home.outbox()) == 1


def test_without_a_terminal_a_long_run_says_a_line_a_minute(
    onward: Onward, home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(onward("run", "--now", "2026-03-02T00:10"), 0)
    monkeypatch.setattr(shared, "A_MINUTE", 0)
    home.events("more", event("go", at(15)))
    said = onward("run", "--now", "2026-03-02T00:20").stderr.splitlines()
    assert said[:3] == ["Reading workflows", "Loading new files", "Deciding"]


def test_what_is_no_delivery_is_named_and_no_failure(onward: Onward, home: House) -> None:
    (home.settings.inbox / "events" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    says(onward("run", "--now", "2026-03-02T00:10"), 0, "passed over events/Thumbs.db", "1 sent")


def test_settings_that_are_not_valid(onward: Onward) -> None:
    says(onward("run", ONWARD_MAX_LATENESS="soon"), 2, "max_lateness", "soon")


def backtested(onward: Onward, home: House, out: Path, **given: str) -> CompletedProcess[str]:
    files = {
        "workflows": home.settings.workflows,
        "customers": home.settings.inbox / "customers" / "people.ndjson",
        "events": home.settings.inbox / "events" / "go.ndjson",
        "end": "2026-03-03",
        "out": out,
        **given,
    }
    return onward("backtest", *(part for name, one in files.items() for part in (f"--{name}", str(one))))


def test_backtest(onward: Onward, home: House, tmp_path: Path) -> None:
    says(
        backtested(onward, home, tmp_path / "out", tick="1h", cap="3/7d"),
        0,
        "1 events",
        "1 executions",
        "24 ticks",
    )
    assert not home.settings.state.exists()
    assert not home.outbox()


def test_backtest_reads_files_as_the_settings_say(onward: Onward, home: House, tmp_path: Path) -> None:
    settings, people = tmp_path / "files.toml", tmp_path / "old.csv"
    settings.write_text(
        'encodings = {"old*" = "latin-1"}\ntypes = {zip = "text"}\nshapes = {"go*" = "seed"}\n'
    )
    people.write_bytes("customer_id,zip,city\nann,1234,Köln\n".encode("latin-1"))
    given = {"customers": str(people), "settings": str(settings)}
    says(backtested(onward, home, tmp_path / "out", **given), 0, "0 events", "1 quarantined")
    (known,) = pl.read_parquet(tmp_path / "out" / "profiles.parquet")["attributes"]
    assert json.loads(known) == {"zip": "1234", "city": "Köln"}
    settings.write_text('encodings = {"old*" = "latin-1"}\nlimits = {columns = 2}\n')
    says(backtested(onward, home, tmp_path / "out2", **given), 2, "old.csv", "has 3 columns; allowed: 2")


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({"cap": "three"}, ["--cap 'three'", "3/7d"]),
        ({"tick": "often"}, ["--tick", "often"]),
        ({"tick": "0"}, ["--tick '0'"]),
        ({"end": "then"}, ["--end 'then'"]),
        ({"start": "2027-01-01"}, ["--start", "after --end"]),
        ({"events": "nowhere.parquet"}, ["nowhere.parquet", "no such file"]),
        ({"customers": "nowhere.csv"}, ["nowhere.csv", "no such file"]),
        ({"workflows": "nowhere"}, ["nowhere", "no such folder"]),
        ({"patterns": "nowhere.yaml"}, ["nowhere.yaml"]),
    ],
)
def test_backtest_of_what_is_not_there(
    onward: Onward, home: House, tmp_path: Path, given: dict[str, str], texts: list[str]
) -> None:
    says(backtested(onward, home, tmp_path / "out", **given), 2, *texts)
    assert not (tmp_path / "out" / "summary.json").exists()


def test_report_prints_tables_and_writes_a_page(onward: Onward, home: House, tmp_path: Path) -> None:
    home.tick(at(10))
    page = tmp_path / "report.html"
    says(onward("report", "--html", str(page)), 0, "w")
    assert "<html" in page.read_text().lower()


def test_two_runs_at_once(onward: Onward, home: House) -> None:
    with run_lock(home.settings.state / LOCK_FILE):
        says(
            onward("run", "--now", "2026-03-02T00:10"),
            1,
            f"another run is in progress (pid {os.getpid()}",
            ", since 20",
        )
    says(onward("run", "--now", "2026-03-02T00:10"), 0, "1 executions")


def test_reports_can_be_read_while_a_run_holds_the_store(onward: Onward, home: House) -> None:
    home.tick(at(10))
    with run_lock(home.settings.state / LOCK_FILE):
        says(onward("report"), 0)


def waited(until: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def test_interrupted(onward: Onward, home: House) -> None:
    """Ctrl-C while it works: a message, exit 130, and the next run does everything, once."""
    people = [f"c{number}" for number in range(20_000)]
    home.customers("many", *map(person, people))
    home.events("many", *(event("go", at(6), one, event_id=f"go-{one}") for one in people), format="parquet")
    home.define(workflow(wait("1h"), tag("went")))
    with started("run", "--now", "2026-03-02T03:00", cwd=home.root, **home.environment()) as process:
        waited((home.settings.state / "archive" / "customers").is_dir)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    says(CompletedProcess([], process.returncode, out, err), 130, "interrupted")
    says(onward("run", "--now", "2026-03-02T03:00"), 0, "20,001 executions")
    assert home.rows("select count(*), count(distinct customer_id) from tags") == [(20_001, 20_001)]


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_an_interrupt_is_told_wherever_it_strikes(
    onward: Onward, home: House, monkeypatch: pytest.MonkeyPatch, raised: BaseException
) -> None:
    def strike(*_: object) -> None:
        raise raised

    with monkeypatch.context() as patch:
        patch.setattr("flows.tick.stages.advance", strike)
        says(onward("run", "--now", "2026-03-02T00:10"), 130, "interrupted", "run again")
    says(onward("run", "--now", "2026-03-02T00:10"), 0, "1 sent")
    assert len(home.outbox()) == 1


def test_an_unexpected_fault_is_one_and_a_message(onward: Onward, home: House) -> None:
    home.settings.outbox.write_text("a file where the outbox should be")
    says(onward("run", "--now", "2026-03-02T00:10"), 1, "outbox")
    home.settings.outbox.unlink()
    says(onward("run", "--now", "2026-03-02T00:10"), 0, "1 sent")


def of_commands(found: Any) -> list[str]:
    return [one.name or one.callback.__name__ for one in found.registered_commands]


def test_the_commands_are_those_of_the_contract() -> None:
    assert {"run", "backtest", "validate", "report", "serve", "rebuild"} <= set(of_commands(app))
