"""Files of personalization rules, and variants in workflows: what is valid, and what people read of the rest."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from flows.definitions.folder import write_schemas
from flows.delivery.rules import known_names, load_rules
from tests.definitions.test_faults import HEAD, faults
from transforms.definitions.actions import SendEmail
from transforms.definitions.content_rules import Rule
from transforms.definitions.reading import content_schema, read_content_rules, read_workflow
from transforms.definitions.variants import Variant, Winner
from transforms.definitions.workflow import Workflow, definition_json, stored_workflow, version_of
from transforms.definitions.yaml_text import read_yaml

DATA = Path(__file__).parents[2] / "data"
KNOWN = {"workflows": ["cart"], "message_classes": ["news"], "templates": ["hello"]}


def rule_faults(text: str) -> list[str]:
    return faults(text, lambda text, file: read_content_rules(text, file, KNOWN))


RULE_FAULTS = {
    "rulez: []": [
        "1:1 rulez: unknown key 'rulez'; allowed: rules; did you mean 'rules'?",
    ],
    "rules:\n- {text: Hi}": ["2:3 rules[0].name: missing key 'name'"],
    "rules:\n- {name: a, text: Hi}\n- {name: a, text: Ho}": [
        "3:10 rules[1].name: two rules are named 'a'; allowed: a name once"
    ],
    "rules:\n- {name: a, txt: Hi}": [
        "2:3 rules[0]: given neither 'text' nor 'sentences'; allowed: one of them, which is what the rule does",
        "2:13 rules[0].txt: unknown key 'txt'; allowed: block, conditions, message_classes, name, place, sentences, "
        "templates, text, workflows; did you mean 'text'?",
    ],
    "rules:\n- {name: a, text: Hi, sentences: 2}": [
        "2:3 rules[0]: given both 'text' and 'sentences'; allowed: one of them, which is what the rule does"
    ],
    "rules:\n- {name: a, sentences: 2, place: after, block: b}": [
        "2:27 rules[0].place: given 'place' with 'sentences'; allowed: with 'text'",
        "2:41 rules[0].block: given 'block' with 'sentences'; allowed: with 'text'",
    ],
    "rules:\n- {name: a, sentences: 0}": [
        "2:24 rules[0].sentences: given 0; allowed: a number of at least 1"
    ],
    "rules:\n- {name: a, text: Hi, place: top}": [
        "2:30 rules[0].place: given 'top'; allowed: before, after, block"
    ],
    "rules:\n- {name: a, text: '{{ x'}": [
        "2:19 rules[0].text: not a valid Jinja2 template: unexpected end of template, expected 'end of print "
        "statement'. (line 1 of it)"
    ],
    "rules:\n- name: a\n  text: Hi\n  conditions:\n  - not: {attribute: events.order.count.30d, operator: exists}": [
        "5:22 rules[0].conditions[0].not.attribute: 'events.order.count.30d' isn't known any more when a message is "
        "rendered; allowed: attributes, tags and event.X. Let the workflow decide by it, or keep it in an attribute "
        "with update_attribute"
    ],
    "rules:\n- name: a\n  text: Hi\n  conditions: [{attribute: x, operater: exists}]": [
        "4:16 rules[0].conditions[0].value: missing key 'value'; only exists and not_exists need none",
        "4:31 rules[0].conditions[0].operater: unknown key 'operater'; allowed: attribute, operator, value; did you "
        "mean 'operator'?",
    ],
    "rules:\n- {name: a, text: Hi, templates: [helo], workflows: [cart], message_classes: [nwes]}": [
        "2:35 rules[0].templates[0]: no 'helo' there; allowed: hello; did you mean 'hello'?",
        "2:79 rules[0].message_classes[0]: no 'nwes' there; allowed: news; did you mean 'news'?",
    ],
}


@pytest.mark.parametrize("text", RULE_FAULTS)
def test_faults_of_rules_have_a_place(text: str) -> None:
    assert rule_faults(text) == [f"cart.yaml:{one}" for one in RULE_FAULTS[text]]


def test_what_is_not_known_is_not_checked() -> None:
    (rule,) = read_content_rules("rules: [{name: a, text: Hi, templates: [any]}]", "r.yaml")
    assert rule == Rule(name="a", text="Hi", templates=("any",))
    assert rule.block_name == "a"


def test_files_of_a_folder_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, text in (
        ("b.yaml", "rules: [{name: b, text: B}, {name: a, text: again}]"),
        ("a.yml", "rules: [{name: a, text: A}]"),
        ("c.json", '{"rules": [{"name": "c"}]}'),
        ("recommendations.csv", "customer_id,items"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = load_rules(tmp_path)
    assert [(one.name, one.text) for one in found.rules] == [("a", "A"), ("b", "B")]
    assert [one.removeprefix(str(tmp_path)) for one in found.faults] == [
        "/b.yaml:1:1 rules: an earlier file has 'a' too; allowed: a name once",
        "/c.json:1:12 rules[0]: given neither 'text' nor 'sentences'; allowed: one of them, "
        "which is what the rule does",
    ]
    assert load_rules(tmp_path / "nowhere").rules == ()


def test_the_shipped_rules_fit_the_shipped_workflows_and_the_schema(tmp_path: Path) -> None:
    workflows = [read_workflow(one.read_text(), str(one)) for one in sorted(DATA.glob("workflows/*.yaml"))]
    assert load_rules(DATA / "content", known_names(workflows, ())).faults == ()
    files = sorted((DATA / "content").glob("*.yaml"))
    assert files
    for file in files:
        jsonschema.validate(read_yaml(file.read_text()).value, content_schema())
    written = next(one for one in write_schemas(tmp_path) if one.name == "content.schema.json")
    assert json.loads(written.read_text()) == json.loads((DATA / "content.schema.json").read_text())


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    for wrong in ({}, {"rules": [{"text": "Hi"}]}, {"rules": [{"name": "a", "text": "Hi", "place": "top"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, content_schema())


def sending(config: str, read: Callable[[str, str], Workflow] = read_workflow) -> SendEmail:
    """The only step of a workflow."""
    (step,) = read(step_of(config), "cart.yaml").actions
    assert isinstance(step, SendEmail)
    return step


def step_of(config: str) -> str:
    return f"{HEAD}triggers: []\nactions:\n- type: send_email\n  config: {config}\n"


def test_a_step_has_variants_and_a_winner() -> None:
    message = sending(
        "{subject: S, content: C, variants: [{name: a}, {name: b, weight: 3, subject: T}], "
        "winner: {metric: clicked, settle: 3d, minimum: 50, keep: 0}}"
    ).config
    assert message.variants == (Variant(name="a"), Variant(name="b", weight=3.0, subject="T"))
    assert message.winner == Winner(metric="clicked", settle=timedelta(days=3), minimum=50, keep=0.0)
    assert sending(
        "{content: C, variants: [{name: a}, {name: b}], winner: {metric: opened}}"
    ).config.winner == Winner(metric="opened", settle=timedelta(days=2), minimum=100, keep=0.1)


def test_a_variant_has_the_steps_subject_and_body_unless_its_own() -> None:
    message = sending(
        "{subject: S, content: C, template_id: t, variants: [{name: a, subject: A}, {name: b, content: B}, "
        "{name: c, template_id: u}, {name: d}]}"
    ).config
    said = [message.as_variant(name) for name in ("a", "b", "c", "d", None, "gone")]
    assert [(one.subject, one.content, one.template_id) for one in said] == [
        ("A", "C", "t"),
        ("S", "B", None),
        ("S", None, "u"),
        ("S", "C", "t"),
        ("S", "C", "t"),
        ("S", "C", "t"),
    ]
    assert not any(one.variants or one.winner for one in said)


VARIANT_FAULTS = {
    "{content: C, variants: [{name: a}, {name: a}]}": [
        "6:53 actions[0].config.variants[1].name: two variants are named 'a'; allowed: a name once"
    ],
    "{content: C, variants: [{name: a, weight: 0}, {nam: b}]}": [
        "6:53 actions[0].config.variants[0].weight: given 0; allowed: a number greater than 0",
        "6:58 actions[0].config.variants[1].nam: unknown key 'nam'; allowed: content, name, subject, template_id, "
        "weight; did you mean 'name'?",
    ],
    "{content: C, variants: [{name: a, subject: '{{ x'}]}": [
        "6:54 actions[0].config.variants[0].subject: not a valid Jinja2 template: unexpected end of template, "
        "expected 'end of print statement'. (line 1 of it)"
    ],
    "{content: C, variants: [{name: a, template_id: helo}]}": [
        "6:58 actions[0].config.variants[0].template_id: no valid template 'helo', and no content; allowed: hello; "
        "did you mean 'hello'?"
    ],
    "{subject: S, variants: [{name: a, content: A}, {name: b}]}": [
        "6:11 actions[0].config: nothing to send; give template_id, content, or both, for the step or for every variant"
    ],
    "{content: C, variants: [{name: a}], winner: {metric: opend}}": [
        "6:47 actions[0].config.winner: a winner needs at least two variants; add some, or leave it out",
        "6:64 actions[0].config.winner.metric: given 'opend'; allowed: opened, clicked, converted; did you mean "
        "'opened'?",
    ],
    "{content: C, variants: [{name: a, weight: 1e308}, {name: b, weight: 1e308}]}": [
        "6:34 actions[0].config.variants: the sum of these weights is beyond every number; give smaller ones"
    ],
}


@pytest.mark.parametrize("config", VARIANT_FAULTS)
def test_faults_of_variants_have_a_place(config: str) -> None:
    found = faults(step_of(config), lambda text, file: read_workflow(text, file, templates=["hello"]))
    assert found == [f"cart.yaml:{one}" for one in VARIANT_FAULTS[config]]


def test_variants_are_part_of_a_version_and_their_absence_is_not() -> None:
    """The versions of workflows without variants, as the release before wrote them."""
    plain = read_workflow(step_of("{subject: S, content: C}"), "w.yaml")
    assert definition_json(plain) == (
        '{"workflow_id":"w","workflow_name":"W","triggers":[],'
        '"actions":[{"type":"send_email","config":{"subject":"S","content":"C"}}]}'
    )
    assert version_of(plain) == "01e3ae42db7f8759"
    varied = read_workflow(step_of("{content: C, variants: [{name: a}, {name: b, weight: 2}]}"), "w.yaml")
    assert stored_workflow(definition_json(varied)) == varied
    assert len({version_of(one) for one in (plain, varied)}) == 2
