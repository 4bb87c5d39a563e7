"""Definition files that are valid: spellings, order, versions, the seed's configuration, folders, schemas."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.definitions.folder import load_definitions, read_definitions, write_schemas
from flows.errors import InputError
from tests.definitions.test_faults import RICH
from transforms.definitions.patterns import OrderedPattern, SequencePattern
from transforms.definitions.reading import patterns_schema, read_patterns, read_workflow, workflow_schema
from transforms.definitions.workflow import (
    BranchDecision,
    Condition,
    Goal,
    RandomSplit,
    Reentry,
    Wait,
    WaitForEvent,
    Workflow,
    definition_json,
    version_of,
)

DATA = Path(__file__).parents[2] / "data"
SHIPPED = [*sorted(DATA.glob("workflows/*.yaml")), DATA / "patterns.yaml"]
HEAD = "workflow_id: w\nworkflow_name: W\ntriggers: []\n"


def read(text: str) -> Workflow:
    return read_workflow(HEAD + text, "w.yaml")


def test_spellings_of_durations_are_one_workflow() -> None:
    spelled = [
        "actions: [{type: wait, config: {duration_seconds: 3600}, delay_seconds: 120}]",
        "actions: [{type: wait, config: {duration: 1h}, delay: 2m}]",
        'actions: [{"type": "wait", "config": {"duration": "60m"}, "delay": 120.0}]',
    ]
    found = [read(text) for text in spelled]
    assert found[0] == found[1] == found[2]
    assert len({version_of(workflow) for workflow in found}) == 1
    (wait,) = found[0].actions
    assert isinstance(wait, Wait)
    assert (wait.config.duration, wait.delay) == (timedelta(hours=1), timedelta(minutes=2))


def test_paths_stand_beside_config_or_inside_it() -> None:
    inside = read(
        "actions: [{type: random_split, config: {weights: {a: 1}, paths: {a: [{type: end_workflow}]}}}]"
    )
    beside = read(
        "actions: [{type: random_split, config: {weights: {a: 1}}, paths: {a: [{type: end_workflow}]}}]"
    )
    assert inside == beside
    assert version_of(inside) == version_of(beside)


def test_criteria_keep_file_order_and_default_to_equals() -> None:
    workflow = read(
        "actions:\n- type: branch_decision\n  config:\n    criteria:\n"
        "      z: {attribute: a, value: 1}\n"
        "      a: [{attribute: b, operator: exists}, {attribute: c, value: NO}]\n"
    )
    (decision,) = workflow.actions
    assert isinstance(decision, BranchDecision)
    assert list(decision.config.criteria) == ["z", "a"]
    assert [
        (condition.attribute, condition.operator, condition.value)
        for conditions in decision.config.criteria.values()
        for condition in conditions
    ] == [("a", "equals", 1), ("b", "exists", None), ("c", "equals", "NO")]
    assert all(isinstance(condition, Condition) for condition in decision.config.criteria["a"])


def test_the_order_of_criteria_and_weights_is_part_of_the_version() -> None:
    def split(weights: str) -> str:
        return version_of(read(f"actions: [{{type: random_split, config: {{weights: {weights}}}}}]"))

    assert split("{a: 0.5, b: 0.5}") != split("{b: 0.5, a: 0.5}")


def test_the_order_of_a_triggers_keys_is_not_part_of_the_version() -> None:
    def version(config: str) -> str:
        text = f"workflow_id: w\nworkflow_name: W\ntriggers: [{{type: behavioral, config: {config}}}]"
        return version_of(read_workflow(text, "w.yaml"))

    assert version("{action: a, x: 1}") == version("{x: 1, action: a}")


def test_defaults() -> None:
    workflow = read("")
    assert workflow == Workflow(workflow_id="w", workflow_name="W", triggers=())
    assert (workflow.is_active, workflow.holdout, workflow.transactional) == (True, 0.0, False)
    assert workflow.reentry == Reentry(policy="when_not_running")
    assert workflow.reentry.after is None


def test_goal_exits_reentry_and_waits() -> None:
    workflow = read(
        "goal: {type: behavioral, config: {action: purchase}, exit: false}\n"
        "exit_on: [{type: external_event}]\nreentry: {policy: after, seconds: 90}\n"
        "actions:\n- type: wait_for_event\n"
        "  config: {event: {tag: x}, type: workflow_action, timeout_seconds: 60}\n"
    )
    assert isinstance(workflow.goal, Goal)
    assert workflow.goal.exit is False
    assert workflow.reentry.after == timedelta(seconds=90)
    (waiting,) = workflow.actions
    assert isinstance(waiting, WaitForEvent)
    assert (waiting.config.type, waiting.config.timeout) == ("workflow_action", timedelta(minutes=1))


def test_yaml_scalars_are_those_of_yaml_1_2() -> None:
    text = "[on, NO, 2020-01-01, 09:00, 1_000, 012, 0x1F, 1e3, .5, ~, true, '3', \"\\ud83d\\ude00\"]"
    workflow = read(
        f"actions: [{{type: trigger_webhook, config: {{url: 'https://example.com', data: {{a: {text}}}}}}}]"
    )
    assert workflow.actions[0].config.data["a"] == [
        *("on", "NO", "2020-01-01", "09:00", "1_000", 12, 31, 1000.0, 0.5, None, True, "3", "😀")
    ]


def test_keys_are_text_whatever_they_look_like() -> None:
    workflow = read("actions: [{type: random_split, config: {weights: {50: 0.5, true: 0.5}}}]")
    (split,) = workflow.actions
    assert isinstance(split, RandomSplit)
    assert list(split.config.weights) == ["50", "true"]


def test_anchors_and_aliases() -> None:
    workflow = read("branches: [{name: a, actions: &same [{type: end_workflow}]}]\nactions: *same\n")
    assert workflow.actions == workflow.branches[0].actions


def test_json_reads_as_yaml_does_tabs_and_escapes_included() -> None:
    text = json.dumps(RICH | {"description": "café 😀 a/b"}, indent="\t").replace("a/b", "a\\/b")
    found = read_workflow(text, "rich.json")
    assert found.description == "café 😀 a/b"


def test_deep_paths_are_read_and_kept() -> None:
    action: dict = {"type": "end_workflow"}
    for _ in range(14):
        action = {"type": "random_split", "config": {"weights": {"a": 1}}, "paths": {"a": [action]}}
    text = json.dumps({"workflow_id": "w", "workflow_name": "W", "triggers": [], "actions": [action]})
    found = read_workflow(text, "w.json")
    assert read_workflow(definition_json(found), "w.json") == found


# The seed's configuration, as its Python code has it ------------------------------------------------------

WELCOME = {
    "workflow_id": "welcome_series",
    "workflow_name": "New Customer Welcome Series",
    "description": "Automated welcome series for new customers",
    "triggers": [
        {
            "type": "attribute_change",
            "config": {"attribute": "subscription_status", "new_value": "subscribed"},
            "conditions": [],
        }
    ],
    "actions": [
        ("send_email", "welcome_email_1", 0),
        {"type": "wait", "config": {"duration_seconds": 172800}, "delay_seconds": 0},
        ("send_email", "welcome_email_2", 0),
        {"type": "add_tag", "config": {"tag": "welcome_series_completed"}, "delay_seconds": 0},
    ],
    "branches": [
        {
            "name": "high_engagement_branch",
            "conditions": [{"attribute": "engagement_score", "operator": "greater_than", "value": 70}],
            "actions": [
                ("send_email", "vip_welcome", 259200),
                {"type": "add_tag", "config": {"tag": "vip_track"}, "delay_seconds": 0},
            ],
        }
    ],
}
CART = {
    "workflow_id": "cart_abandonment",
    "workflow_name": "Abandoned Cart Recovery",
    "description": "Recover abandoned shopping carts",
    "triggers": [
        {
            "type": "behavioral",
            "config": {"action": "cart_abandonment", "minimum_cart_value": 50},
            "conditions": [{"attribute": "total_purchases", "operator": "greater_than", "value": 0}],
        }
    ],
    "actions": [
        {"type": "wait", "config": {"duration_seconds": 3600}, "delay_seconds": 0},
        ("send_email", "cart_reminder_1", 0),
        {"type": "wait", "config": {"duration_seconds": 86400}, "delay_seconds": 0},
        ("send_email", "cart_reminder_2", 0),
    ],
}


def with_copy(config: Any, copy: dict[str, dict[str, str | None]]) -> Any:
    """The configuration with its `(send_email, template, delay)` written out."""
    if isinstance(config, tuple):
        kind, template, delay = config
        return {"type": kind, "config": {"template_id": template, **copy[template]}, "delay_seconds": delay}
    if isinstance(config, list):
        return [with_copy(part, copy) for part in config]
    return (
        {key: with_copy(part, copy) for key, part in config.items()} if isinstance(config, dict) else config
    )


@pytest.mark.parametrize("seed", [WELCOME, CART], ids=lambda seed: seed["workflow_id"])
def test_the_seeds_configuration_loads_and_stands_in_data_key_for_key(seed: dict[str, Any]) -> None:
    shipped = read_workflow((DATA / "workflows" / f"{seed['workflow_id']}.yaml").read_text(), "shipped.yaml")
    actions = [*shipped.actions, *(action for branch in shipped.branches for action in branch.actions)]
    copy = {
        action.config.template_id: {"subject": action.config.subject, "content": action.config.content}
        for action in actions
        if action.type == "send_email"
    }
    assert all("{{first_name}}" in text["subject"] for text in copy.values())
    assert read_workflow(json.dumps(with_copy(seed, copy)), "seed.json") == shipped


def test_other_shapes_of_the_seed_load() -> None:
    seed = {
        **CART,
        "triggers": [{"type": "time_based", "config": {"trigger_time": "daily_9am"}}],
        "actions": [
            {
                "type": "branch_decision",
                "config": {
                    "criteria": {
                        "vip": {"attribute": "engagement_score", "operator": "greater_than", "value": 80},
                        "local": {"attribute": "location", "value": "New York"},
                    }
                },
            },
            {"type": "update_attribute", "config": {"attribute": "stage", "value": "won"}},
            {"type": "trigger_webhook", "config": {"url": "https://example.com/hook", "data": {"a": 1}}},
            {"type": "end_workflow", "config": {}},
        ],
        "branches": [],
    }
    workflow = read_workflow(json.dumps(seed), "seed.json")
    assert workflow.triggers[0].config == {"trigger_time": "daily_9am"}
    assert [action.type for action in workflow.actions] == [
        *("branch_decision", "update_attribute", "trigger_webhook", "end_workflow")
    ]


def test_the_seeds_patterns() -> None:
    patterns = read_patterns((DATA / "patterns.yaml").read_text(), "patterns.yaml")
    assert list(patterns) == ["engagement_decline", "purchase_intent", "loyalty_milestone"]
    decline = patterns["engagement_decline"]
    assert isinstance(decline, SequencePattern)
    assert [(term.min_count, term.max_count, term.time_window.days) for term in decline.events] == [
        *((3, None, 7), (None, 1, 14), (None, 0, 14))
    ]
    assert [term.weight for term in patterns["purchase_intent"].events] == [10, 25, 15, 8]
    assert patterns["purchase_intent"].threshold == 40
    assert patterns["loyalty_milestone"].match == "all"
    assert patterns["loyalty_milestone"].events[0].metric == "total_value"


def test_ordered_patterns_and_snake_case() -> None:
    text = "p: {pattern: ordered, events: [{type: a}, {type: b, within: 1h}], trigger_action: x}"
    pattern = read_patterns(text, "p.yaml")["p"]
    assert isinstance(pattern, OrderedPattern)
    assert pattern.events[1].within == timedelta(hours=1)
    snake = "p: {pattern: sequence, events: [{type: a, time_window: 1d, min_count: 2, offset: 1d}]}"
    camel = "p: {pattern: sequence, events: [{type: a, timeWindow: 1d, minCount: 2, offset: 86400}]}"
    assert read_patterns(snake, "p.yaml") == read_patterns(camel, "p.yaml")


# Round trip -----------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
DURATIONS = st.integers(0, 10**9) | st.floats(0, 10**9) | st.sampled_from(["90s", "1.5h", "2d", "0.1w"])
NAMES = TEXT.filter(lambda name: "." not in name and name != "default")
PLAIN = st.lists(
    st.fixed_dictionaries(
        {"attribute": NAMES, "operator": st.sampled_from(["equals", "contains"]), "value": JSON}
    )
    | st.fixed_dictionaries({"attribute": NAMES, "operator": st.just("exists")})
    | st.fixed_dictionaries({"attribute": NAMES, "operator": st.just("in_list"), "value": st.lists(JSON)}),
    max_size=2,
)
CONDITIONS = PLAIN | st.sampled_from(["any", "all", "not"]).flatmap(
    lambda key: st.fixed_dictionaries({key: PLAIN}).flatmap(lambda one: st.sampled_from([one, [one, one]]))
)
CONFIG = st.dictionaries(NAMES.map(lambda name: f"x_{name}"), SCALARS, max_size=2)
TRIGGERS = st.fixed_dictionaries(
    {"type": st.sampled_from(["behavioral", "external_event"]), "config": CONFIG, "conditions": CONDITIONS}
)


def action(
    config: dict[str, st.SearchStrategy[Any]], kind: str, **more: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    fixed = {"type": st.just(kind), "config": st.fixed_dictionaries(config), **more}
    return st.fixed_dictionaries(fixed, optional={"delay": DURATIONS, "conditions": CONDITIONS})


LEAVES = (
    action({"content": st.just("Hi {{ name }}"), "subject": st.none() | st.just("s")}, "send_email")
    | action({"duration": DURATIONS}, "wait")
    | action({"attribute": NAMES, "value": JSON}, "update_attribute")
    | action(
        {"url": st.just("https://example.com"), "data": st.dictionaries(TEXT, JSON, max_size=2)},
        "trigger_webhook",
    )
)


def branching(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    paths = st.lists(inner, max_size=2)
    return (
        action(
            {"criteria": st.dictionaries(NAMES, CONDITIONS, max_size=2)},
            "branch_decision",
            paths=st.fixed_dictionaries({}, optional={"default": paths}),
        )
        | action(
            {"weights": st.just({"b": 0.25, "a": 0.75})},
            "random_split",
            paths=st.fixed_dictionaries({"a": paths}),
        )
        | action({"event": CONFIG, "timeout": st.none() | DURATIONS}, "wait_for_event", paths=st.just({}))
    )


WORKFLOWS = st.fixed_dictionaries(
    {
        "workflow_id": NAMES.map(lambda name: "w" + name.replace("|", "") + "w"),
        "workflow_name": TEXT,
        "triggers": st.lists(TRIGGERS, max_size=2),
        "actions": st.lists(st.recursive(LEAVES, branching, max_leaves=4), max_size=3),
    },
    optional={
        "goal": TRIGGERS,
        "exit_on": st.lists(TRIGGERS, max_size=1),
        "reentry": st.fixed_dictionaries({"policy": st.just("after"), "seconds": DURATIONS}),
        "holdout": st.floats(0, 1),
        "is_active": st.booleans(),
        "version_note": st.none() | TEXT,
    },
)


SCHEMA = jsonschema.Draft202012Validator(workflow_schema())


@settings(max_examples=40, deadline=None)
@given(WORKFLOWS)
def test_a_definition_reads_back_from_its_canonical_json(config: dict[str, Any]) -> None:
    workflow = read_workflow(json.dumps(config), "w.json")
    again = read_workflow(definition_json(workflow), "w.json")
    assert again == workflow
    assert version_of(again) == version_of(workflow)
    assert re.fullmatch("[0-9a-f]{16}", version_of(workflow))
    SCHEMA.validate(config)


# Schemas --------------------------------------------------------------------------------------------------


def test_the_committed_schemas_are_current(tmp_path: Path) -> None:
    for path in write_schemas(tmp_path):
        committed = (DATA / path.name).read_text(encoding="utf-8")
        assert committed == path.read_text(encoding="utf-8"), "run: python -m flows.definitions.folder"


def test_the_schema_accepts_every_accepted_spelling_and_refuses_others() -> None:
    schema = workflow_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(RICH, schema)
    wait = {"type": "wait", "config": {"duration": "1h"}, "delay": 1, "delay_seconds": 1}
    for wrong in (wait, {"type": "wait", "config": {}}, {"type": "wait", "config": {"duration": 1, "x": 1}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(RICH | {"actions": [wrong]}, schema)


def test_the_schema_of_patterns_accepts_both_spellings() -> None:
    schema = patterns_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    term = {"type": "a", "timeWindow": "1d", "minCount": 1}
    jsonschema.validate({"p": {"pattern": "sequence", "events": [term], "triggerAction": "x"}}, schema)


@pytest.mark.parametrize(
    "path", [*DATA.glob("workflows/*.yaml"), DATA / "patterns.yaml"], ids=lambda path: path.name
)
def test_shipped_files_name_their_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    name = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / name).is_file()


# Folders --------------------------------------------------------------------------------------------------


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def test_the_shipped_definitions_are_valid() -> None:
    found = read_definitions(DATA / "workflows", DATA / "patterns.yaml", DATA / "templates")
    assert [workflow.workflow_id for workflow in found.workflows] == ["cart_abandonment", "welcome_series"]
    assert len(found.patterns) == 3


def test_an_invalid_file_touches_no_other(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "w",
        good__yaml=HEAD,
        bad__yml="workflow_id: x\n",
        notes__md="not a workflow",
        __hidden__yaml="[",
    )
    found = load_definitions(folder, tmp_path / "no-patterns.yaml", tmp_path / "no-templates")
    assert [workflow.workflow_id for workflow in found.workflows] == ["w"]
    assert list(found.faults) == [
        f"{folder}/bad.yml:1:1 triggers: missing key 'triggers'",
        f"{folder}/bad.yml:1:1 workflow_name: missing key 'workflow_name'",
    ]
    with pytest.raises(InputError) as caught:
        read_definitions(folder)
    assert str(caught.value).splitlines()[:2] == list(found.faults)
    assert str(caught.value).endswith("faults: 2; valid workflows beside them: 1; nothing was loaded")


def test_two_files_with_one_id_are_both_left_out(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "w", a__yaml=HEAD, b__json='{"workflow_id": "w", "workflow_name": "W", "triggers": []}'
    )
    found = load_definitions(folder)
    assert not found.workflows
    assert list(found.faults) == [
        f"{folder}/a.yaml:1:1 workflow_id: 'w' is also in {folder}/b.json; allowed: one file for an id"
    ]


def test_text_that_is_not_utf_8_and_files_too_big(tmp_path: Path) -> None:
    folder = write(tmp_path / "w")
    (folder / "a.yaml").write_bytes(b"workflow_id: w\nworkflow_name: \xff\n")
    (folder / "b.yaml").write_bytes(b"#" * (4 * 1024**2 + 1))
    (folder / "c.yaml").write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert list(load_definitions(folder).faults) == [
        f"{folder}/a.yaml:2:16 not UTF-8 text; save the file as UTF-8",
        f"{folder}/b.yaml:1:1 given 4,194,305 bytes; allowed: at most 4,194,304",
    ]


def test_templates_exist_and_are_valid_jinja(tmp_path: Path) -> None:
    def send(template: str) -> str:
        return f"{HEAD}actions:\n- {{type: send_email, config: {{template_id: {template}}}}}\n".replace(
            "workflow_id: w", f"workflow_id: {template}"
        )

    folder = write(tmp_path / "w", a__yaml=send("hello"), b__yaml=send("helo"), c__yaml=send("broken"))
    assert not load_definitions(folder, None, tmp_path / "nowhere").faults
    templates = write(
        tmp_path / "t",
        hello__txt__j2="Hi {{ name }}",
        hello__html__j2="<p>Hi {{ name }}</p>",
        broken__txt__j2="fine",
        broken__html__j2="one\n{% endif %}",
    )
    assert list(load_definitions(folder, None, templates).faults) == [
        f"{templates}/broken.html.j2:2:1 not a valid Jinja2 template: Encountered unknown tag 'endif'.",
        f"{folder}/b.yaml:5:44 actions[0].config.template_id: no valid template 'helo', and no content; "
        "allowed: hello; did you mean 'hello'?",
        f"{folder}/c.yaml:5:44 actions[0].config.template_id: no valid template 'broken', and no content; "
        "allowed: hello",
    ]


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder of workflows; create it, or name another"):
        load_definitions(tmp_path / "none")


def test_a_merge_key_brings_in_what_is_not_there() -> None:
    found = read_workflow(
        "workflow_id: w\nworkflow_name: W\ntriggers:\n"
        "- &go {type: behavioral, config: {action: go}}\n"
        "- {<<: *go, config: {action: stop}}\n"
        "- {conditions: [], <<: [*go, {type: pattern}]}\n",
        "w.yaml",
    )
    assert [(one.type, one.config) for one in found.triggers] == [
        ("behavioral", {"action": "go"}),
        ("behavioral", {"action": "stop"}),
        ("behavioral", {"action": "go"}),
    ]
