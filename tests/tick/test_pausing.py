"""Workflows that are removed or set inactive: paused executions, what still counts for them, and resuming."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.tick.rebuild import rebuild
from tests.runs import House, house, person
from tests.semantics.cases import Row, action, at, event, send, tag, trigger, wait, workflow
from tests.tick.test_crash import tables
from tests.tick.test_rebuild import lose_state

ACTIONS = (wait("1h"), tag("first"), wait("1h"), tag("second"))
STANDS = "select customer_id, status, step, phase, due_at, ended_at from executions order by all"
TAGS = "select steps.customer_id, step, steps.at from steps where action_type = 'add_tag' order by all"


def remove(home: House) -> None:
    home.forget("w")


def set_inactive(home: House) -> None:
    home.define(workflow(*ACTIONS, is_active=False))


def set_inactive_and_edit(home: House) -> None:
    home.define(workflow(tag("edited"), is_active=False))


ways = pytest.mark.parametrize("pause", [remove, set_inactive, set_inactive_and_edit])


def entered(root: Path, *workflows: Row) -> House:
    """Ann has waited since minute 5."""
    home = house(root, *workflows)
    home.customers("people", person("ann"), person("bob"))
    home.events("1", event("go", at(5)))
    home.tick(at(10))
    return home


@ways
def test_a_paused_workflow_takes_no_entries_and_no_steps(
    tmp_path: Path, pause: Callable[[House], None]
) -> None:
    home = entered(tmp_path, workflow(*ACTIONS))
    pause(home)
    home.events("2", event("go", at(15), "bob"))
    told = home.tick(at(100))
    assert (told.executions, told.steps, told.paused, told.resumed, told.warnings) == (0, 0, 1, 0, [])
    assert "Executions: 1 paused" in told.sentence
    assert home.rows(STANDS) == [("ann", "paused", "1", "due", at(65), None)]
    assert home.rows("select total_executions, active from report_workflow_summary") == [(1, 1)]
    assert home.tick(at(200)).paused == 0
    assert home.rows(STANDS) == [("ann", "paused", "1", "due", at(65), None)]


@ways
def test_what_fell_due_meanwhile_acts_where_the_resuming_tick_starts(
    tmp_path: Path, pause: Callable[[House], None]
) -> None:
    home = entered(tmp_path, workflow(*ACTIONS))
    pause(home)
    home.tick(at(100))
    home.define(workflow(*ACTIONS))
    told = home.tick(at(300))
    assert (told.paused, told.resumed) == (0, 1)
    assert home.rows(TAGS) == [("ann", "1", at(100)), ("ann", "3", at(160))]
    assert home.rows("select status, ended_at from executions") == [("completed", at(160))]


def test_clocks_run_on_while_paused(tmp_path: Path) -> None:
    home = entered(tmp_path, workflow(*ACTIONS))
    remove(home)
    home.tick(at(40))
    home.define(workflow(*ACTIONS))
    home.tick(at(300))
    assert home.rows(TAGS) == [("ann", "1", at(65)), ("ann", "3", at(125))]


def test_a_delay_runs_on_while_paused(tmp_path: Path) -> None:
    home = entered(tmp_path, workflow(tag("late", delay="1h")))
    remove(home)
    home.tick(at(40))
    home.define(workflow(tag("late", delay="1h")))
    home.tick(at(300))
    assert home.rows(TAGS) == [("ann", "0", at(65))]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param({"goal": trigger("bought")}, "converted", id="goal"),
        pytest.param({"exit_on": [trigger("bought")]}, "exited", id="exit"),
    ],
)
def test_goals_and_exits_count_while_paused(tmp_path: Path, given: Row, status: str) -> None:
    home = entered(tmp_path, workflow(*ACTIONS, **given))
    remove(home)
    home.tick(at(80))
    home.events("2", event("bought", at(90)))
    home.tick(at(100))
    assert home.rows("select status, ended_at from executions") == [(status, at(90))]
    home.define(workflow(*ACTIONS, **given))
    home.tick(at(200))
    assert home.rows("select count(*) from steps where action_type = 'add_tag'") == [(0,)]


def test_an_awaited_event_counts_while_paused(tmp_path: Path) -> None:
    awaited = action("wait_for_event", event={"action": "bought"}, timeout="10h")
    journey = workflow({**awaited, "paths": {"event": [tag("bought")], "timeout": [tag("gone")]}})
    home = entered(tmp_path, journey)
    remove(home)
    home.events("2", event("bought", at(50)))
    home.tick(at(60))
    assert home.rows(STANDS) == [("ann", "paused", "0.event.0", "due", at(50), None)]
    home.define(journey)
    home.tick(at(100))
    assert home.rows(TAGS) == [("ann", "0.event.0", at(60))]


def test_a_timeout_passed_while_paused_is_the_decision_on_resuming(tmp_path: Path) -> None:
    awaited = action("wait_for_event", event={"action": "bought"}, timeout="30m")
    home = entered(tmp_path, workflow(awaited, tag("after")))
    remove(home)
    home.tick(at(60))
    home.define(workflow(awaited, tag("after")))
    home.events("2", event("bought", at(70)))
    home.tick(at(100))
    assert home.rows("select outcome, steps.at from steps order by steps.at, outcome") == [
        ("waiting", at(5)),
        ("done", at(60)),
        ("timeout", at(60)),
    ]


def test_a_paused_execution_still_refuses_a_second_entry_on_resuming(tmp_path: Path) -> None:
    home = entered(tmp_path, workflow(*ACTIONS))
    remove(home)
    home.tick(at(20))
    home.define(workflow(*ACTIONS))
    home.events("2", event("go", at(30)))
    home.tick(at(40))
    assert home.rows("select customer_id, reason from entry_refusals") == [("ann", "running")]


def test_other_workflows_go_on(tmp_path: Path) -> None:
    home = entered(tmp_path, workflow(*ACTIONS), workflow(*ACTIONS, workflow_id="x"))
    remove(home)
    home.tick(at(70))
    assert home.rows("select workflow_id, status, step from executions order by all") == [
        ("w", "paused", "1"),
        ("x", "running", "3"),
    ]


@pytest.mark.parametrize("was_active", [True, False])
def test_a_file_with_faults_leaves_executions_as_they_are(tmp_path: Path, was_active: bool) -> None:
    home = entered(tmp_path, workflow(*ACTIONS))
    home.define(workflow(*ACTIONS, is_active=was_active))
    home.tick(at(20))
    file = home.settings.workflows / "w.json"
    file.write_text(file.read_text().replace("add_tag", "add_tagg"))
    home.tick(at(70))
    status = "running" if was_active else "paused"
    assert home.rows("select status, step from executions") == [(status, "3" if was_active else "1")]
    before = tables(home)
    rebuild(home.settings)
    assert all(before[name].equals(frame) for name, frame in tables(home).items())


@ways
@pytest.mark.parametrize("way", ["rebuilt", "caught up"])
def test_a_rebuilt_store_paused_and_resumed_where_the_lost_one_did(
    tmp_path: Path, pause: Callable[[House], None], way: str
) -> None:
    home = entered(tmp_path, workflow(*ACTIONS, send("hello", content="Hi"), exit_on=[trigger("bought")]))
    pause(home)
    home.events("2", event("go", at(15), "bob"))
    home.tick(at(50))
    home.tick(at(80))
    home.define(workflow(*ACTIONS, tag("third"), exit_on=[trigger("bought")]))
    home.tick(at(100))
    home.events("3", event("go", at(105), "bob"))
    home.tick(at(300))
    before = tables(home)
    lose_state(home)
    if way == "rebuilt":
        rebuild(home.settings)
    else:
        home.tick(at(300))
    after = tables(home)
    del before["ticks"], after["ticks"]  # idle ticks aren't told again
    differing = [name for name in before if not before[name].equals(after[name])]
    assert differing == []
