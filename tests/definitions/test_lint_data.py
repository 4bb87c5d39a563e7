"""`onward validate --data`: likely mistakes that only the data shows."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.definitions.folder import load_definitions
from flows.definitions.lint import lint_data
from tests.runs import House, house, person
from tests.semantics.cases import Row, action, at, event, send, tag, trigger, wait, workflow
from tests.tick.test_command_line import Onward, onward, says  # noqa: F401
from transforms.definitions.workflow import Workflow
from transforms.lint.findings import Evidence, lint


def linted(*workflows: Row, **given: Any) -> list[str]:
    return list(lint([Workflow.model_validate(one) for one in workflows], {}, Evidence(**given)))


def asks(attribute: str, operator: str = "equals", value: Any = 1) -> Row:
    return {"attribute": attribute, "operator": operator, "value": value}


SEEN = {
    "names": {("behavioral", "go"), ("behavioral", "purchase")},
    "properties": {("behavioral", "go"): {"color", "value"}},
}


def test_nothing_is_said_without_evidence() -> None:
    branch = {"name": "b", "conditions": [asks("plan"), asks("event.colour")], "actions": []}
    assert linted(workflow(wait("1d"), tag("a", when=[asks("nope")]), branches=[branch])) == []


def test_attributes_that_nobody_ever_had() -> None:
    set_here = action("update_attribute", attribute="score", value=1)
    found = linted(
        workflow(
            set_here,
            tag("a", when=[asks("score"), asks("pln"), asks("event.x"), asks("tags", "exists", True)]),
            action("branch_decision", criteria={"yes": asks("plam")}, paths={"yes": [tag("b")]}),
        ),
        workflow(tag("a"), workflow_id="x", on=trigger("plann", "attribute_change")),
        attributes=["plan"],
    )
    said = "no customer ever had an attribute"
    assert found == [
        f"w: actions[1].conditions[1]: {said} 'pln', and no step sets it; did you mean 'plan'?",
        f"w: actions[2].config.criteria.yes[0]: {said} 'plam', and no step sets it; did you mean 'plan'?",
        f"x: triggers[0]: {said} 'plann', and no step sets it; did you mean 'plan'?",
    ]


def test_event_names_that_nobody_ever_sent() -> None:
    awaited = action("wait_for_event", event={"action": "purchas"}, timeout="1d")
    found = linted(
        workflow(awaited, on="goo", goal=trigger("purchase"), exit_on=[trigger("crm", "external_event")]),
        **SEEN,
    )
    assert found == [
        "w: triggers[0]: no behavioral event 'goo' was ever loaded; did you mean 'go'?",
        "w: exit_on[0]: no external_event event 'crm' was ever loaded; check its spelling, or load such data",
        "w: actions[0].config.event: no behavioral event 'purchas' was ever loaded; did you mean 'purchase'?",
    ]


def test_properties_that_no_matching_event_had() -> None:
    on = trigger("go", minimum_value=3, colour="red", when=[asks("event.color"), asks("event.size")])
    found = linted(workflow(tag("a", when=[asks("event.colr"), asks("event.value")]), on=on), **SEEN)
    said = "no matching event of the last 90 days had a property"
    assert found == [
        f"w: triggers[0].config.colour: {said} 'colour'; did you mean 'color'?",
        f"w: triggers[0].conditions[1]: {said} 'size'; check its spelling, or load such data",
        f"w: actions[0].conditions[0]: {said} 'colr'; did you mean 'color'?",
    ]


def test_what_is_inside_and_what_is_referred_to() -> None:
    steps = [
        action("wait_for_event", event={"action": "purchase", "id": {"from": "event.colour"}}),
        action("update_attribute", attribute="last", value={"from": "event.color.name"}),
        action("update_attribute", attribute="last", value={"from": "event.size.name"}),
    ]
    when = [asks("last.name"), asks("lost.name"), asks("created_at"), asks("customer_id")]
    found = linted(workflow(*steps, tag("a", when=when)), **SEEN, attributes=["plan"])
    said = "no matching event of the last 90 days had a property"
    assert found == [
        "w: actions[3].conditions[1]: no customer ever had an attribute 'lost.name', and no step sets it; "
        "check its spelling, or load such data",
        f"w: actions[0].config.event.id: {said} 'colour'; did you mean 'color'?",
        f"w: actions[2].config.value: {said} 'size.name'; check its spelling, or load such data",
    ]


def test_properties_aren_t_judged_where_follow_up_facts_may_start_it() -> None:
    two = [
        trigger("go"),
        trigger("completed", "workflow_action", when=[asks("event.workflow_id", value="v")]),
    ]
    assert linted(workflow(tag("a", when=[asks("event.tag")]), on=two), **SEEN) == []


@pytest.mark.parametrize(
    ("conditions", "taken"),
    [
        pytest.param([asks("plan", value="gold")], False, id="nobody"),
        pytest.param([asks("plan", value="pro")], True, id="somebody"),
        pytest.param([asks("plan", value="pro"), asks("age", "greater_than", 50)], False, id="not both"),
        pytest.param([asks("plan", "not_equals", "free"), asks("age", "less_than", 50)], True, id="null"),
        pytest.param([asks("plan", value=None)], False, id="constant"),
        pytest.param([asks("event.color")], True, id="not of the profile"),
    ],
)
def test_branches_that_nobody_could_take(conditions: list[Row], taken: bool) -> None:
    profiles = pl.DataFrame(
        {"customer_id": ["a", "b", "c"], "plan": ['"free"', '"pro"', None], "age": ["70", "20", None]}
    )
    journey = workflow(tag("a"), branches=[{"name": "b", "conditions": conditions, "actions": []}])
    found = linted(journey, entries={("w", "default"): 1200}, profiles=profiles)
    said = [
        "w: branches[0].conditions: none of 1,200 entries of the last 90 days took branch 'b', and no customer of "
        "today meets its conditions; check their values, or remove the branch"
    ]
    assert found == ([] if taken else said)
    assert linted(journey, entries={("w", "default"): 1200, ("w", "b"): 1}, profiles=profiles) == []


def test_waits_longer_than_conversions_take() -> None:
    journey = workflow(wait("1d"), tag("a"), wait("5d"), goal=trigger("purchase"))
    within = timedelta(days=4, hours=2)
    (found,) = linted(journey, conversions={"w": (20, within)})
    assert found.startswith(
        "w: actions[2].config.duration: waits 5d, but 95 % of 20 conversions happened within 4d 2h"
    )
    assert linted(journey, conversions={"w": (19, within)}) == []


def follows(name: str, **given: Any) -> Row:
    return trigger(name, "workflow_action", **given)


def test_workflows_that_start_each_other() -> None:
    first = workflow(tag("vip"), workflow_id="a", on=[trigger("go"), trigger("plan", "attribute_change")])
    second = workflow(
        action("update_attribute", attribute="plan", value="pro"),
        workflow_id="b",
        on=follows("add_tag", tag="vip"),
    )
    assert linted(first, second) == [
        "a: triggers: a and b start each other again and again: a (add_tag vip) → b (update_attribute plan) → a; "
        "narrow a trigger (workflow_id, tag), or give one of them reentry: {policy: once}"
    ]
    assert linted(first, {**second, "reentry": {"policy": "once"}}) == []
    assert linted(first, {**second, "is_active": False}) == []
    assert linted(first, {**second, "triggers": [follows("add_tag", tag="other")]}) == []


def test_a_workflow_that_starts_itself() -> None:
    (found,) = linted(workflow(send("hello"), on=follows("completed")))
    assert "w starts itself again and again: w (completed) → w" in found
    other = follows("completed", when=[asks("event.workflow_id", value="v")])
    assert linted(workflow(send("hello"), on=other)) == []
    assert linted(workflow(send("hello"), on=follows("exited"))) == []


@pytest.fixture
def home(tmp_path: Path) -> House:
    """Thirty customers of plan `free`; all went, twenty-five bought ten minutes later."""
    branch = {"name": "gold", "conditions": [asks("plan", value="gold")], "actions": []}
    journey = workflow(
        wait("1h"), tag("a", when=[asks("event.size")]), goal=trigger("bought"), branches=[branch]
    )
    built = house(tmp_path, journey)
    crowd = [f"c{number}" for number in range(30)]
    built.customers("people", *(person(who, plan="free") for who in crowd))
    built.events("go", *(event("go", at(5), who, properties={"color": "red"}) for who in crowd))
    built.events("buy", *(event("bought", at(15), who, value=3) for who in crowd[:25]))
    return built


def test_the_store_s_data_is_looked_at(home: House) -> None:
    (home.settings.patterns).write_text(
        "loyal: {pattern: sequence, events: [{type: boughtt, min_count: 3}]}\n"
    )
    definitions = load_definitions(home.settings.workflows, home.settings.patterns)
    assert lint_data(home.settings, definitions) is None
    home.tick(at(20))
    found = lint_data(home.settings, definitions)
    assert found is not None
    assert [one.partition(": ")[0] + ": " + one.split(": ")[1] for one in found] == [
        "w: actions[1].conditions[0]",
        "w: branches[0].conditions",
        "w: actions[0].config.duration",
        "pattern loyal: events[0].type",
    ]


def test_the_command_warns_and_is_strict_on_demand(home: House, onward: Onward) -> None:  # noqa: F811
    says(onward("validate", "--data"), 0, "valid: 1 workflow", "data: none yet")
    home.tick(at(20))
    says(
        onward("validate", "--data"),
        0,
        "warning: w: branches[0].conditions: none of 30 entries",
        "data: 3 warnings",
    )
    says(onward("validate", "--data", "--strict"), 2, "--strict: warnings are failures")


def test_an_empty_store_says_nothing(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(tag("a")))
    home.tick(at(1))
    home.customers("people", person("ann"))
    home.tick(at(2))
    definitions = load_definitions(home.settings.workflows)
    assert lint_data(home.settings, definitions) == []
