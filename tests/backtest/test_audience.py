"""`onward audience`: who would have entered a draft is who enters it where it was active."""

import json
from pathlib import Path

import pytest

from flows.backtest.archive import lay_out_archive
from tests.runs import House, house, person
from tests.semantics.cases import Row, action, at, condition, event, send, tag, trigger, wait, workflow
from tests.tick.test_command_line import Onward, onward, says

__all__ = ["onward"]

PEOPLE = ("ann", "bob", "cid")
OTHER = workflow(tag("warm"), workflow_id="other", on="go")
DRAFT: Row = workflow(
    send("hello", content="Hi"),
    wait("1h"),
    action("send_email", content="Again"),
    workflow_id="plan",
    on=[trigger("add_tag", "workflow_action", tag="warm"), trigger("order", minimum_value=10)],
    branches=[{"name": "pro", "conditions": [condition("plan", "equals", "pro")], "actions": [wait("1d")]}],
)


def built(root: Path, is_active: bool | str) -> House:
    made = house(root, OTHER, {**DRAFT, "is_active": is_active})
    made.customers("people", person("ann", plan="pro"), person("bob"), person("cid"))
    made.events("before", *(event("go", at(days=1), name) for name in PEOPLE))
    made.events(
        "after",
        event("go", at(days=8), "ann"),
        event("order", at(60, days=8), "bob", properties={"value": 12}),
        event("order", at(90, days=8), "cid", properties={"value": 3}),
    )
    made.tick(at(0, days=10))
    return made


@pytest.fixture
def draft(tmp_path: Path) -> House:
    return built(tmp_path, "draft")


def asked(onward: Onward, *more: str) -> Row:
    found = onward("audience", "plan", "--json", *more)
    assert found.returncode == 0, found.stderr
    return dict(json.loads(found.stdout))


def test_who_enters_is_who_would_have(onward: Onward, draft: House, tmp_path: Path) -> None:
    told = asked(onward, "--last", "5d")
    live = built(tmp_path / "live", is_active=True)
    entered = live.rows(
        "select customer_id, entered_at, branch from executions "
        "where workflow_id = 'plan' and entered_at >= '2026-03-07' order by entered_at desc"
    )
    assert [(one["customer_id"], one["branch"]) for one in told["sample"]] == [
        (name, branch) for name, _, branch in entered
    ]
    assert told["sample"][0]["entered_at"] == "2026-03-10T01:00:00+00:00"
    assert (told["entries"], told["customers"], told["messages"]) == (2, 2, 2)
    assert told["branches"] == {"default": 1, "pro": 1}
    assert told["days"] == [{"day": "2026-03-10", "entries": 2}]
    assert draft.rows("select count(*) from executions where workflow_id = 'plan'") == [(0,)]


def test_a_longer_time_and_a_layout(onward: Onward, draft: House) -> None:
    before = asked(onward, "--last", "10d")
    assert before["entries"] == 5
    lay_out_archive(draft.settings)
    assert asked(onward, "--last", "10d") == before
    draft.events("later", event("order", at(days=10.5), "cid", properties={"value": 99}))
    draft.tick(at(days=11))
    assert asked(onward, "--last", "1d")["entries"] == 1


def test_what_is_said(onward: Onward, draft: House) -> None:
    says(
        onward("audience", "plan", "--last", "5d"),
        0,
        "2026-03-07 00:00 until 2026-03-12 00:00 UTC, had it been active",
        "2, of 2 customers; 0.4 a day",
        "default 1, pro 1",
        "2026-03-10  2",
        "bob, 2026-03-10 01:00:00",
    )
    says(onward("audience", "other"), 0, "note: it has run before")
    says(onward("audience", "plna"), 2, "did you mean 'plan'?")
    says(onward("audience", "plan", "--last", "soon"), 2, "--last: 'soon' is not a duration")
    assert draft.settings.state.is_dir()


def test_before_anything_was_loaded(onward: Onward, tmp_path: Path) -> None:
    home = house(tmp_path, DRAFT)
    says(onward("audience", "plan"), 0, "nothing was loaded yet")
    home.tick(at(10))
    says(onward("audience", "plan"), 0, "nothing was loaded yet")
    assert onward("audience", "plan", "--json").stdout.strip() == "null"
