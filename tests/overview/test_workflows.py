"""`onward list` and `onward show`: of files and store together, with faults, versions, and what isn't there."""

import json
from pathlib import Path

import pytest

from flows.overview.listing import Listing, list_workflows
from flows.overview.show import find_workflow, shown_json, shown_words
from tests.runs import House, house, person
from tests.semantics.cases import action, at, condition, event, send, tag, trigger, wait, workflow
from tests.tick.test_command_line import Onward, home, onward, says

__all__ = ["home", "onward"]

FIRST = workflow(wait("2d"), tag("late"), workflow_id="first", on="go")
SECOND = workflow(
    action(
        "branch_decision",
        criteria={"rich": condition("event.value", "at_least", 100)},
        paths={"rich": [send("gold", subject="Hello")]},
    ),
    workflow_id="second",
    on=trigger("add_tag", "workflow_action", tag="late"),
    goal={"type": "behavioral", "config": {"action": "order"}, "window": "7d", "exit": False},
    exit_on=[trigger("left")],
    reentry={"policy": "after", "duration": "30d"},
    holdout=0.1,
    priority=3,
    branches=[{"name": "pro", "conditions": [condition("plan", "equals", "pro")], "actions": []}],
)


@pytest.fixture
def built(tmp_path: Path) -> House:
    made = house(tmp_path, FIRST, {**SECOND, "is_active": "draft"})
    made.customers("people", person("ann"))
    made.events("go", event("go", at(5)))
    return made


def listed(home: House) -> list[tuple[object, ...]]:
    return [
        (one["workflow_id"], one["state"], one["version"], one["in_flight"], one["entries"], one["paused"])
        for one in (found.as_json() for found in list_workflows(home.settings).workflows)
    ]


def told(home: House, workflow_id: str, width: int | None = None) -> str:
    found: Listing = list_workflows(home.settings)
    return "\n".join(shown_words(find_workflow(found, workflow_id), width))


def test_before_and_after_a_run(built: House) -> None:
    assert listed(built) == [("first", "active", None, 0, 0, False), ("second", "draft", None, 0, 0, False)]
    built.tick(at(10))
    assert listed(built) == [("first", "active", 1, 1, 1, False), ("second", "draft", 1, 0, 0, False)]


def test_changed_paused_gone_and_unreadable(built: House) -> None:
    built.tick(at(10))
    built.define({**FIRST, "priority": 1})
    assert listed(built)[0] == ("first", "active", None, 1, 1, False)
    built.define({**FIRST, "is_active": False})
    built.tick(at(20))
    assert listed(built)[0] == ("first", "inactive", 2, 1, 1, True)
    built.forget("first")
    assert listed(built)[0] == ("first", "no file", 2, 1, 1, True)
    (built.settings.workflows / "first.json").write_text('{"workflow_id": "first",')
    assert listed(built)[0][1] == "unreadable"
    assert "its file has faults" in told(built, "first")


def test_the_list_names_faults_with_their_file(onward: Onward, built: House) -> None:
    (built.settings.workflows / "bad.json").write_text('{"workflow_id": "bad", "trigers": []}')
    found = onward("list")
    says(
        found,
        0,
        "workflow  state   version",
        "second    draft       new",
        "left out: data/workflows/bad.json:1",
    )
    assert "did you mean 'triggers'?" in found.stderr
    as_json = json.loads(onward("list", "--json").stdout)
    assert [one["workflow_id"] for one in as_json["workflows"]] == ["first", "second"]
    assert len(as_json["faults"]) >= 1
    says(onward("show", "bad"), 2, "allowed: first, second", "bad.json:1")


def test_an_empty_folder(onward: Onward, tmp_path: Path) -> None:
    says(onward("list"), 0, "no workflows yet: `onward init`")
    says(onward("show", "x"), 2, "there is no workflow 'x'; allowed: none")
    assert list(tmp_path.iterdir()) == []


def test_a_workflow_in_sentences(built: House) -> None:
    assert told(built, "second").splitlines() == [
        "second: Workflow second",
        "",
        "State       draft, a version that no run has seen yet",
        "Enters by   the moment when another workflow adds the tag \"late\"",
        "Again       30d after the last entry, if it doesn't run any more",
        "Held out    10% of the customers, to compare with",
        'Goal        the event "order"; the run goes on, and it counts within 7d after the entry',
        'Exits by    the event "left"',
        "Sends       with priority 3",
        "Started by  first, by add_tag late",
        "",
        'Branch pro, if plan is "pro"',
        "  nothing happens",
        "",
        "Branch default, for everybody else",
        "  0  decide: rich if the event's value is at least 100; else default",
        "    rich:",
        '    0.rich.0  send the e-mail "Hello" by template gold',
    ]  # fmt: skip


def test_versions_and_whom_it_starts(built: House) -> None:
    built.tick(at(10))
    built.define({**FIRST, "priority": 1})
    built.tick(at(20))
    text = told(built, "first")
    assert "Starts     second, by add_tag late" in text
    assert text.splitlines()[-4:] == [
        "version  first run         in flight  entries",
        "──────────────────────────────────────────────────────",
        "      1  2026-03-02 00:10          1        1",
        "      2  2026-03-02 00:20          0        0  current",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, None])
def test_no_word_is_lost_at_any_width(built: House, width: int | None) -> None:
    built.tick(at(10))
    lines = told(built, "second", width).splitlines()
    whole = told(built, "second")
    plain = [sorted(one.replace(":", " ").replace("─", "").split()) for one in (" ".join(lines), whole)]
    assert plain[0] == plain[1]
    assert width is None or max(map(len, lines)) <= width


def test_an_unknown_one(onward: Onward, built: House) -> None:
    says(onward("show", "secnd"), 2, "there is no workflow 'secnd'", "did you mean 'second'?")
    assert built.root.is_dir()


def test_json(onward: Onward, built: House) -> None:
    built.tick(at(10))
    found = json.loads(onward("show", "second", "--json").stdout)
    assert found == shown_json(find_workflow(list_workflows(built.settings), "second"))
    assert found["branches"][1]["steps"][1] == {
        "step": "0.rich.0",
        "told": 'send the e-mail "Hello" by template gold',
    }
    assert (found["goal"]["window_seconds"], found["holdout"]) == (7 * 86400, 0.1)
    assert found["versions"][0]["number"] == 1
