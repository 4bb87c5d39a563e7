"""`onward explain` over a store: stored rows, and the engine run again over the customer's own events."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from flows.backtest.archive import lay_out_archive
from flows.errors import InputError
from flows.reports.explain import explain_customer
from flows.reports.timeline import lines
from tests.house.rooms import ROOT
from tests.runs import House, house, onward, person
from tests.semantics.cases import Row, action, at, changed, condition, event, send, trigger, wait, workflow

CART = workflow(
    action("send_email", subject="You left something", content="Still there."),
    wait("1d"),
    action("send_email", subject="Last call", content="Soon gone."),
    workflow_id="cart",
    on=trigger("cart_abandonment", minimum_cart_value=50, when=[condition("plan", "equals", "pro")]),
    goal=trigger("purchase"),
    workflow_name="Abandoned cart",
)
VIP = workflow(
    action("add_tag", tag="thanked"),
    workflow_id="vip",
    on=trigger("purchase", minimum_value=100, when=[condition("plan", "equals", "pro")]),
    workflow_name="Thanks to VIPs",
)
LAPSED = workflow(wait("1d"), workflow_id="lapsed", on=trigger("lapse"), workflow_name="Lapsed")
EVENTS = (
    changed("plan", "pro", at(10), event_id="e1", old="free"),
    event("cart_abandonment", at(60), event_id="e2", properties={"cart_value": 80}),
    event("purchase", at(200), event_id="e3", value=80),
)
DAY = at(days=1)


def told(
    home: House, customer: str = "ann", workflow_id: str | None = None, until: datetime | None = None
) -> list[str]:
    return list(lines(explain_customer(home.settings, customer, workflow_id, until)))


def filled(root: Path) -> House:
    built = house(root, CART, VIP, LAPSED)
    built.customers("people", person("ann", plan="free"), person("bob"))
    built.events("first", *EVENTS)
    built.tick(DAY)
    return built


@pytest.fixture
def home(tmp_path: Path) -> House:
    return filled(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> House:
    """For tests that change nothing in it."""
    return filled(tmp_path_factory.mktemp("shared"))


def test_the_example_of_the_docs(shared: House) -> None:
    document = (ROOT / "docs/explain.md").read_text(encoding="utf-8")
    example = document.split("```text\n$ onward explain ann\n", 1)[1].split("```", 1)[0]
    assert _steady("\n".join(told(shared))) == _steady(example.rstrip("\n"))


def _steady(text: str) -> str:
    """Without what the wall clock says."""
    return re.sub(r"sent \d{4}-\d\d-\d\d [\d:.]+Z", "sent …", text)


def test_one_workflow_only(shared: House) -> None:
    assert told(shared, workflow_id="lapsed") == [
        "ann, until 2026-03-03 00:00:00Z",
        "",
        "Nothing happened that a workflow looks for.",
        "",
        "Never entered:",
        "",
        "Lapsed (lapsed): nothing of type behavioral named lapse ever happened",
    ]


def test_as_of_an_instant_what_came_later_is_not_told(shared: House) -> None:
    lines_then = told(shared, workflow_id="cart", until=at(90))
    assert not [one for one in lines_then if "goal" in one or "purchase" in one]
    assert any("step 1, wait 1d: waits until 2026-03-03 01:00:00Z" in one for one in lines_then)


def test_later_than_the_last_run_is_said(shared: House) -> None:
    assert told(shared, until=at(days=3))[1].startswith("note: the last run was until 2026-03-03 00:00:00Z")


def test_a_customer_without_events(shared: House) -> None:
    assert told(shared, "bob")[2] == "Nothing happened that a workflow looks for."


def test_who_is_not_known_and_what_is_not(shared: House) -> None:
    with pytest.raises(InputError, match="'zoe': there are no events, no customer files and no executions"):
        told(shared, "zoe")
    with pytest.raises(InputError, match=r"--workflow 'crt': no such workflow; .*did you mean 'cart'"):
        told(shared, workflow_id="crt")


def test_nothing_was_run_yet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing was run yet"):
        told(house(tmp_path, CART))


def test_what_an_older_version_decided_is_told_without_what_it_saw(home: House) -> None:
    home.define({**CART, "description": "another"})
    home.tick(at(days=2))
    assert any(
        "decided by version 1; what conditions saw is told of the present version 2 only" in one
        for one in told(home, workflow_id="cart")
    )


def test_a_workflow_that_came_later_says_so(home: House) -> None:
    late = workflow(workflow_id="late", on="purchase")
    home.define(late)
    home.tick(at(days=2))
    assert "    fails: this version wasn't there before 2026-03-03 00:00:00Z" in told(
        home, workflow_id="late"
    )


def test_a_workflow_whose_file_is_gone(home: House) -> None:
    home.forget("lapsed")
    home.tick(at(days=2))
    assert told(home, workflow_id="lapsed")[-1] == (
        "Lapsed (lapsed): nobody enters it: no file declares it any more, or that has a fault"
    )


def test_a_late_event_acts_when_it_was_loaded(home: House) -> None:
    home.events("late", event("lapse", at(30), event_id="e9"))
    home.tick(at(days=2))
    assert told(home, workflow_id="lapsed")[2:5] == [
        "2026-03-03 00:00:00Z  behavioral lapse, event e9 (late: it happened 2026-03-02 00:30:00Z)",
        "2026-03-03 00:00:00Z  entered Lapsed (lapsed), version 1, by behavioral lapse, event e9",
        "    trigger 1: it has no conditions",
    ]


def test_a_customer_whose_file_came_later_was_not_known(home: House) -> None:
    home.events("zoe", event("purchase", at(30), "zoe", event_id="z1", value=200))
    home.tick(at(days=2))
    home.customers("later", person("zoe", plan="pro"))
    home.tick(at(days=3))
    assert told(home, "zoe", "vip")[2:] == [
        "2026-03-03 00:00:00Z  behavioral purchase, event z1, value 200 "
        "(late: it happened 2026-03-02 00:30:00Z); the customer wasn't known",
        "",
        "Never entered:",
        "",
        "Thanks to VIPs (vip): nearest came behavioral purchase, event z1, 2026-03-03 00:00:00Z, trigger 1; "
        "1 thing stood against it",
        "    fails: the customer wasn't known before 2026-03-04 00:00:00Z",
        "    trigger 1: holds: event.value at least 100 (event.value was 200)",
        '    trigger 1: holds: plan equals "pro" (plan was "pro")',
    ]


def test_a_customer_whom_an_event_made_known_before_the_file_came(home: House) -> None:
    mail = {"email": "zoe@example.com", "plan": "pro"}
    home.events("zoe", event("purchase", at(30), "zoe", event_id="z1", value=200, attributes=mail))
    home.tick(at(days=2))
    home.customers("later", person("zoe"))
    home.tick(at(days=3))
    assert (
        "2026-03-03 00:00:00Z  entered Thanks to VIPs (vip), version 1, by behavioral purchase, event z1"
        in told(home, "zoe", "vip")
    )
    assert not [one for one in told(home, "zoe") if "today's definitions" in one]


def test_an_archive_laid_out_by_key_says_the_same(home: House) -> None:
    home.events("late", event("lapse", at(30), event_id="e9"))
    home.tick(at(days=2))
    before = told(home)
    lay_out_archive(home.settings)
    assert told(home) == before


def test_the_command_prints_text_and_json(shared: House) -> None:
    shown = onward("explain", "ann", cwd=shared.root.parent, **shared.environment())
    assert (shown.returncode, shown.stdout.splitlines()[0]) == (0, "ann, until 2026-03-03 00:00:00Z")
    found = onward(
        "explain", "ann", "--workflow", "vip", "--json", cwd=shared.root.parent, **shared.environment()
    )
    (missed,) = json.loads(found.stdout)["why_not"]
    assert missed["fact"] == {"type": "behavioral", "name": "purchase", "event_id": "e3"}
    saw: Row = {"name": "event.value", "value": "80", "set_at": None}
    assert missed["failed"] == [
        {"place": ["config", "minimum_value"], "said": "event.value at least 100", "saw": [saw]}
    ]
    unknown = onward("explain", "zoe", cwd=shared.root.parent, **shared.environment())
    assert (unknown.returncode, unknown.stderr.count("Traceback")) == (2, 0)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_ids_and_instants_stay_whole_at_any_width(shared: House, width: int) -> None:
    found = explain_customer(shared.settings, "ann")
    narrow = list(lines(found, width))
    assert max(map(len, narrow)) <= max(width, max(len(word) for one in narrow for word in one.split()) + 8)
    spelled = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
    assert len(spelled.findall("\n".join(narrow))) == len(spelled.findall("\n".join(lines(found))))
    assert " ".join(" ".join(narrow).split()) == " ".join(" ".join(lines(found)).split())


def test_many_facts_of_which_nothing_came_are_cut(tmp_path: Path) -> None:
    built = house(tmp_path, workflow(send(), on=trigger("go", when=[condition("plan", "exists")])))
    built.customers("people", person("ann"))
    built.events("first", *(event("go", at(minute)) for minute in range(9)))
    built.tick(DAY)
    assert "    … 7 more facts of which nothing came (--json lists them)" in told(built)
