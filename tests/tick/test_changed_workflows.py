"""Workflow files that change between runs: versions, removals, faults."""

from pathlib import Path

import pytest

from tests.runs import House, house, person
from tests.semantics.cases import Row, at, event, tag, wait, workflow


@pytest.fixture
def home(tmp_path: Path) -> House:
    """Ann has waited since minute 5 in a workflow that tags her `old` an hour later."""
    built = house(tmp_path, workflow(wait("1h"), tag("old")))
    built.customers("people", person("ann"), person("bob"))
    built.events("1", event("go", at(5)))
    built.tick(at(10))
    return built


def test_running_executions_finish_on_their_version(home: House) -> None:
    home.define(workflow(wait("30m"), tag("new"), tag("newer")))
    home.events("2", event("go", at(15), "bob"))
    home.tick(at(100))
    assert home.rows("select customer_id, tag from tags order by all") == [
        ("ann", "old"),
        ("bob", "new"),
        ("bob", "newer"),
    ]
    assert home.rows("select number, first_seen_at from workflow_versions order by 1") == [
        (1, at(10)),
        (2, at(100)),
    ]
    assert home.rows(
        "select customer_id, number from executions join workflow_versions using (version) order by all"
    ) == [("ann", 1), ("bob", 2)]
    assert home.rows(
        "select number, count(*) from program_steps join workflow_versions using (version) group by 1 order by 1"
    ) == [
        (1, 2),
        (2, 3),
    ]


def test_one_execution_per_customer_whatever_the_version(home: House) -> None:
    home.define(workflow(tag("new")))
    home.events("2", event("go", at(15)))
    home.tick(at(20))
    assert home.rows("select customer_id, reason from entry_refusals") == [("ann", "running")]


def test_a_version_taken_back_is_the_first_one_again(home: House) -> None:
    home.define(workflow(tag("new")))
    home.tick(at(20))
    home.define(workflow(wait("1h"), tag("old")))
    home.events("2", event("go", at(25), "bob"))
    home.tick(at(200))
    assert home.rows("select count(*), count(distinct version) from workflow_versions") == [(2, 2)]
    assert home.rows("select count(distinct version) from executions") == [(1,)]
    assert home.rows("select distinct tag from tags") == [("old",)]


def test_an_execution_that_ran_on_a_removed_workflow_keeps_its_goal(tmp_path: Path) -> None:
    goal: Row = {"type": "behavioral", "config": {"action": "bought"}}
    home = house(tmp_path, workflow(wait("1h"), tag("late"), goal=goal))
    home.customers("people", person("ann"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    home.forget("w")
    home.events("2", event("bought", at(15)))
    home.tick(at(100))
    assert home.rows("select status, converted_at from executions") == [("converted", at(15))]
    assert home.rows("select count(*) from tags") == [(0,)]


def test_an_invalid_file_warns_and_the_others_run(home: House) -> None:
    (home.settings.workflows / "broken.yaml").write_text("workflow_id: broken\nworkflow_nam: x\n")
    home.define(workflow(tag("second"), workflow_id="x"))
    home.events("2", event("go", at(15), "bob"))
    told = home.tick(at(20))
    assert told.executions == 2
    assert any("broken.yaml:2:1" in one and "workflow_name" in one for one in told.warnings)


def test_a_file_that_turns_invalid_takes_no_entries_until_it_is_mended(home: House) -> None:
    good = (home.settings.workflows / "w.json").read_text()
    (home.settings.workflows / "w.json").write_text(good.replace("wait", "weight"))
    home.events("2", event("go", at(15), "bob"))
    assert home.tick(at(20)).executions == 0
    (home.settings.workflows / "w.json").write_text(good)
    home.events("3", event("go", at(25), "bob"))
    assert home.tick(at(100)).executions == 1
    assert home.rows("select customer_id, status, ended_at from executions order by all") == [
        ("ann", "completed", at(65)),
        ("bob", "completed", at(85)),
    ]


def test_edits_of_name_or_description_are_versions_that_disturb_nobody(home: House) -> None:
    home.define(workflow(wait("1h"), tag("old"), description="Says more"))
    home.tick(at(100))
    assert home.rows("select status, ended_at from executions") == [("completed", at(65))]
