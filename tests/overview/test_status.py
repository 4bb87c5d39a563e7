"""`onward --version` and `onward status`: what they say of a store as it comes to be."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.cli import app
from flows.overview.columns import named, table
from flows.overview.status import Status, read_status
from flows.overview.status_told import next_steps, status_words
from flows.store.lock import holder_of, run_lock
from flows.store.opening import LOCK_FILE
from flows.store.state_file import StateFile
from flows.store.store import STATE_FILE
from tests.runs import House, house, person
from tests.semantics.cases import Row, at, event, tag, trigger, wait, workflow
from tests.tick.test_command_line import Onward, home, onward, says

__all__ = ["home", "onward"]

LONG = workflow(wait("2d"), tag("late"), workflow_id="long", on="go")
WEEKLY = workflow(tag("t"), workflow_id="weekly", on={"type": "time_based", "config": {"cron": "0 9 * * 1"}})


@pytest.fixture
def busy(tmp_path: Path) -> House:
    """Two workflows, one customer in flight, a bad row."""
    built = house(tmp_path, LONG, WEEKLY)
    built.customers("people", person("ann"))
    built.events("go", event("go", at(5)), {**event("go", at(6)), "ts": "yesterday"})
    built.tick(at(10))
    return built


def status(home: House, now: datetime | None = None) -> Status:
    return read_status(home.settings, lambda: now or at(70))


def words(home: House) -> dict[str, Any]:
    return dict(status_words(status(home)))


def test_the_version(onward: Onward) -> None:
    says(onward("--version"), 0, "onward ", "DuckDB 2.")


def test_an_empty_folder_isnt_touched(onward: Onward, tmp_path: Path) -> None:
    says(onward("status"), 0, "none yet", "`onward init`")
    assert list(tmp_path.iterdir()) == []


def test_before_the_first_run(onward: Onward, home: House) -> None:
    says(onward("status"), 0, "none yet", "2 files to load: customers/people.ndjson", "`onward validate`")
    assert list(next_steps(status(home)))[-1].startswith("`onward run`")
    for file in (home.root / "inbox").rglob("*.ndjson"):
        file.unlink()
    assert "inbox/customers" in list(next_steps(status(home)))[-1]


def test_after_a_run(busy: House) -> None:
    found = status(busy)
    assert found.tick is not None
    assert (found.tick.tick_id, found.tick.now) == (1, at(10))
    assert [(one.workflow_id, one.state, one.version, one.running) for one in found.workflows] == [
        ("long", "active", 1, {1: 1}),
        ("weekly", "active", 1, {}),
    ]
    assert [(one.at, one.what, one.workflow_id) for one in found.due] == [
        (at(9 * 60), "cron", "weekly"),
        (at(5, days=2), "step", "long"),
    ]
    assert (found.in_flight, found.quarantined, found.arrivals.waiting) == (1, (1, 1), [])
    told = words(busy)
    assert told["Last tick"].startswith("number 1, until 2026-03-02 00:10:00 UTC, 1h ago")
    assert told["Next due"] == "2026-03-02 09:00:00 UTC, a schedule of weekly"
    assert told["Quarantine"] == "1 row, 1 of them by the last tick"
    assert told["Next"] == ["`onward quarantine` says why rows of the last tick were refused"]


def test_an_overdue_step_is_a_reason_to_run(busy: House) -> None:
    assert list(next_steps(status(busy, at(days=3))))[-1].startswith("`onward run`")


def test_what_became_of_workflows(busy: House) -> None:
    busy.define({**LONG, "is_active": False}, {**WEEKLY, "is_active": "draft"})
    assert "2 workflow files changed" in words(busy)["Next"][0]
    busy.tick(at(20))
    assert words(busy)["Workflows"] == [
        "long: inactive, version 2, 1 in flight on version 1",
        "weekly: draft, version 2",
    ]
    assert status(busy).due == []  # what is paused goes on by itself no more
    busy.forget("long")
    (busy.settings.workflows / "weekly.json").write_text('{"workflow_id": "weekly",')
    busy.tick(at(30))
    assert words(busy)["Workflows"] == ["long: no file, 1 in flight on version 1", "weekly: unreadable"]


def test_many_workflows_are_counted(tmp_path: Path) -> None:
    many: list[Row] = [workflow(tag("t"), workflow_id=f"w{number:02}") for number in range(14)]
    built = house(tmp_path, *many, {**WEEKLY, "is_active": False})
    built.tick(at(10))
    assert words(built)["Workflows"] == ["14 active, 1 inactive: `onward list`"]


def test_a_run_at_work_is_told_and_not_disturbed(onward: Onward, home: House) -> None:
    home.tick(at(10))
    with run_lock(home.settings.state / LOCK_FILE):
        found = onward("status", "--json")
        says(onward("status"), 0, "under way, pid", "ask again when it has ended")
    assert json.loads(found.stdout)["run"]["pid"]
    assert json.loads(onward("status", "--json").stdout)["run"] is None
    assert holder_of(home.settings.state / "no.lock") is None


def test_it_is_read_within_a_transaction_and_writes_nothing(busy: House) -> None:
    before = {path: path.stat().st_mtime_ns for path in (busy.root / "state").rglob("*.sqlite")}
    status(busy)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_damaged_store_is_told(onward: Onward, home: House) -> None:
    home.tick(at(10))
    for file in home.settings.state.glob("state.sqlite*"):
        file.unlink()
    (home.settings.state / "state.sqlite").write_bytes(b"no database" * 1000)
    says(onward("status"), 1, "onward rebuild")


def test_json_has_everything(onward: Onward, busy: House) -> None:
    found = json.loads(onward("status", "--json").stdout)
    assert found["workflows"][0]["running"] == [{"version": 1, "in_flight": 1}]
    assert found["last_tick"]["now"] == "2026-03-02T00:10:00+00:00"
    assert found["quarantined"] == {"rows": 1, "by_last_tick": 1}
    assert datetime.fromisoformat(found["asked_at"]).tzinfo == UTC
    shutil.rmtree(busy.settings.state)
    assert json.loads(onward("status", "--json").stdout)["last_tick"] is None


def test_nothing_is_cut_on_a_narrow_terminal() -> None:
    rows = [{"workflow": "a_workflow_of_a_long_name", "entries": "1,234,567"}]
    assert list(table(rows, 80, ["entries"])) == [
        "workflow                     entries",
        "────────────────────────────────────",
        "a_workflow_of_a_long_name  1,234,567",
    ]
    assert list(table(rows, 30)) == ["workflow:", "a_workflow_of_a_long_name", "entries:  1,234,567"]
    assert list(named({"In": ["one two three four five six", "x"]}, 24)) == [
        "In  one two three four",
        "    five six",
        "    x",
    ]


def test_a_date_schedule_is_due(tmp_path: Path) -> None:
    dated = workflow(tag("t"), on=trigger(type="time_based", attribute="ends_at", offset="-1d"))
    built = house(tmp_path, dated)
    built.customers("people", person("ann", ends_at="2026-03-10"))
    built.tick(at(10))
    assert words(built)["Next due"] == "2026-03-09 00:00:00 UTC, a date of a customer's"


@pytest.mark.parametrize("basis", [None, '[[], [], "7 days"]'])
def test_a_tick_that_noted_less(busy: House, basis: str | None) -> None:
    with StateFile(busy.settings.state / STATE_FILE) as state:
        state.query("update ticks set basis = $basis, started_at = null", basis=basis)
    found = status(busy)
    assert found.tick is not None
    assert (found.tick.unreadable, found.tick.seconds) == ([], None)
    assert words(busy)["Workflows"] == ["long: no file, 1 in flight on version 1"]


def test_a_store_without_a_tick(onward: Onward, home: House) -> None:
    says(onward("report"), 0, "No executions yet")
    says(onward("status"), 0, "none yet", "2 files to load")
    says(onward("list"), 0, "w         active      new")
    says(onward("quarantine"), 0, "no row was ever refused")
    says(onward("customers"), 0, "0 customers")
    assert home.settings.state.is_dir()


def test_the_commands_have_help() -> None:
    assert all(one.callback is not None and one.callback.__doc__ for one in app.registered_commands)


def test_shells_complete_commands_and_options(onward: Onward) -> None:
    asked = {"_ONWARD_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    assert onward(COMP_WORDS="onward sta", **asked).stdout.split() == ["status"]
    deeper = onward(COMP_WORDS="onward quarantine --", **{**asked, "COMP_CWORD": "2"})
    assert {"--csv", "--reason", "--json"} <= set(deeper.stdout.split())
