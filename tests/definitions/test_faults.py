"""What people read when a definition file is wrong: one literal case for each kind of fault."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from transforms.definitions.faults import DefinitionError
from transforms.definitions.reading import read_patterns, read_workflow
from transforms.definitions.workflow import stored_workflow

HEAD = "workflow_id: w\nworkflow_name: W\n"
NO_TRIGGERS = HEAD + "triggers: []\n"
ACTION_TYPES = (
    "send_email, wait, add_tag, remove_tag, update_attribute, trigger_webhook, branch_decision, "
    "random_split, wait_for_event, end_workflow"
)
DURATION = "is not a duration: give seconds (3600) or a number and a unit, like 90s, 30m, 12h, 2d, 1w"


def faults(text: str, read: Callable[[str, str], object] = read_workflow) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        read(text, "cart.yaml")
    return [str(fault) for fault in caught.value.faults]


def trigger(text: str) -> str:
    return f"{HEAD}triggers:\n- {text}\n"


def action(text: str) -> str:
    return f"{NO_TRIGGERS}actions:\n- {text}\n"


def test_the_example_of_an_unknown_key() -> None:
    text = NO_TRIGGERS + (
        "actions:\n- {type: end_workflow}\n- type: wait\n  config:\n    durration_seconds: 3600\n"
    )
    assert faults(text) == [
        "cart.yaml:8:5 actions[1].config.durration_seconds: unknown key 'durration_seconds'; "
        "allowed: duration, duration_seconds; did you mean 'duration_seconds'?"
    ]


DOCUMENTS = {
    "": "1:1 the file is empty; allowed: a mapping",
    "# nothing\n": "1:1 the file is empty; allowed: a mapping",
    "---\n": "2:1 given an empty file; allowed: a mapping",
    "- a\n": "1:1 given a list; allowed: a mapping",
    "just text": "1:1 given 'just text'; allowed: a mapping",
    NO_TRIGGERS + "---\na: 1\n": "4:1 a second document starts here ('---'); allowed: one a file",
    NO_TRIGGERS + "holdout: 0\nholdout: 0\n": "5:1 the key 'holdout' is there twice; allowed: once",
    NO_TRIGGERS + "goal: {<<: 3, type: behavioral}\n": (
        "4:8 goal: '<<' merges mappings; allowed: *name of one that has &name, or a list of them"
    ),
    "a: &a {workflow_id: w}\n<<: *a\nworkflow_name: 3\ntriggers: []\nworkflow_name: W\n": (
        "1:1 a: unknown key 'a'; allowed: actions, branches, description, exit_on, goal, holdout, is_active, "
        "message_class, priority, quiet_hours, reentry, send_window, transactional, triggers, version_note, "
        "workflow_id, workflow_name"
    ),
    NO_TRIGGERS + "goal: &g {type: behavioral, exit: 3}\nexit_on: [{<<: *g}]\n": (
        "4:35 goal.exit: given 3; allowed: true or false"
    ),
    NO_TRIGGERS + "? [a]\n: 1\n": "4:3 a list or mapping stands as a key; allowed: text",
    HEAD + "triggers: *t\n": "3:11 *t refers to no &t above it",
    HEAD + "triggers: &t [*t]\n": "3:15 *t stands inside what it refers to",
    HEAD + "triggers: !!python/object []\n": (
        "3:11 triggers: YAML tags (tag:yaml.org,2002:python/object) are not allowed; write a plain value"
    ),
    HEAD + "triggers:\n\t- a\n": "4:1 not valid YAML: a tab can't indent a line; use spaces",
    NO_TRIGGERS + "holdout: .nan\n": (
        "4:10 holdout: given .nan; allowed: a finite number, or text in quotes"
    ),
    NO_TRIGGERS + "holdout: -.inf\n": (
        "4:10 holdout: given -.inf; allowed: a finite number, or text in quotes"
    ),
    NO_TRIGGERS + "holdout: 1e999\n": (
        "4:10 holdout: given 1e999; allowed: a finite number, or text in quotes"
    ),
    NO_TRIGGERS + 'description: "\\ud83d"\n': (
        "4:14 description: half a character (a lone surrogate escape); write the character itself"
    ),
    NO_TRIGGERS
    + "description: a\x00b\n": "4:15 not valid YAML: the character U+0000 is not allowed; remove it",
}


@pytest.mark.parametrize("text", DOCUMENTS)
def test_text_that_is_no_definition(text: str) -> None:
    assert faults(text)[0] == f"cart.yaml:{DOCUMENTS[text]}"


def test_a_syntax_error_names_line_and_column() -> None:
    assert faults("workflow_id: [a\nworkflow_name: W\n")[0].startswith("cart.yaml:2:14 not valid YAML: ")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_huge_nesting_is_a_fault(opening: str) -> None:
    (only,) = faults(opening * 100_000)
    assert "nested more than 64 levels deep" in only or "not valid YAML" in only


def test_aliases_of_aliases_are_bounded() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "more than 100000 values" in faults("\n".join(lines))[0]
    deep = ["a0: &a0 [[[[1]]]]"] + [f"a{n}: &a{n} [[[[[*a{n - 1}]]]]]" for n in range(1, 40)]
    assert "nested more than 64 levels deep" in faults("\n".join(deep))[0]


WORKFLOWS = {
    "workflow_name: W\ntriggers: []\n": ["1:1 workflow_id: missing key 'workflow_id'"],
    HEAD: ["1:1 triggers: missing key 'triggers'"],
    HEAD + "trigers: []\n": None,
    NO_TRIGGERS + "is_active: on\n": ["4:12 is_active: given 'on'; allowed: true, false, draft"],
    NO_TRIGGERS + "holdout: 2\n": ["4:10 holdout: given 2; allowed: a number of at most 1"],
    NO_TRIGGERS + "holdout: true\n": ["4:10 holdout: given true; allowed: a number"],
    NO_TRIGGERS + "branches:\n": ["4:1 branches: given nothing (null); allowed: a list"],
    NO_TRIGGERS + "description: 3\n": [
        "4:14 description: given 3; allowed: text (a number or true/false needs quotes)"
    ],
    "workflow_id: ''\nworkflow_name: W\ntriggers: []\n": [
        "1:14 workflow_id: given ''; allowed: text that is not empty"
    ],
    "workflow_id: a|b\nworkflow_name: W\ntriggers: []\n": [
        "1:14 workflow_id: given 'a|b'; allowed: text without '|' and without spaces around it"
    ],
    NO_TRIGGERS + "branches:\n- {name: a}\n- {name: a}\n- {name: default}\n": [
        "6:10 branches[1].name: two branches are named 'a'; allowed: a name once",
        "7:10 branches[2].name: a branch can't be named 'default': that is the workflow's own actions",
    ],
    NO_TRIGGERS + "reentry: {policy: after}\n": [
        "4:1 reentry.duration: missing key 'duration' (or 'seconds'): policy after needs it"
    ],
    NO_TRIGGERS + "reentry: {seconds: 5}\n": [
        "4:11 reentry.seconds: policy when_not_running takes no 'seconds'; allowed: policy: after"
    ],
    NO_TRIGGERS + "reentry: {policy: twice}\n": [
        "4:19 reentry.policy: given 'twice'; allowed: when_not_running, once, after"
    ],
    NO_TRIGGERS + "goal: {type: behavioral, exit: 1}\n": ["4:32 goal.exit: given 1; allowed: true or false"],
    NO_TRIGGERS + "exit_on: {type: behavioral}\n": ["4:10 exit_on: given a mapping; allowed: a list"],
}


@pytest.mark.parametrize("text", [text for text, said in WORKFLOWS.items() if said])
def test_workflow_faults(text: str) -> None:
    assert faults(text) == [f"cart.yaml:{said}" for said in WORKFLOWS[text]]


def test_a_misspelt_required_key_is_one_fault() -> None:
    (only,) = faults(HEAD + "trigers: []\n")
    assert only.startswith("cart.yaml:3:1 trigers: unknown key 'trigers'; allowed: actions, ")
    assert only.endswith("; did you mean 'triggers'?")


TRIGGERS = {
    "text": ["4:3 triggers[0]: given 'text'; allowed: a mapping"],
    "{config: {}}": ["4:3 triggers[0].type: missing key 'type'"],
    "{type: behaviourl}": [
        "4:10 triggers[0].type: given 'behaviourl'; allowed: behavioral, time_based, attribute_change, "
        "external_event, workflow_action, pattern; did you mean 'behavioral'?"
    ],
    "{type: behavioral, config: {action: 5}}": [
        "4:39 triggers[0].config.action: given 5; allowed for 'action': text (a number needs quotes)"
    ],
    "{type: behavioral, config: {minimum_x: '5', maximum_: 3, tags: [a]}}": [
        "4:42 triggers[0].config.minimum_x: given '5'; allowed for 'minimum_x': a number",
        "4:57 triggers[0].config.maximum_: 'maximum_' names no property; allowed: maximum_<property>, "
        "such as maximum_cart_value",
        "4:66 triggers[0].config.tags: given a list; allowed for 'tags': text, a number, true, false or null",
    ],
    "{type: workflow_action, config: {action: complete}}": [
        "4:44 triggers[0].config.action: given 'complete'; allowed: started, completed, converted, exited, "
        "failed, send_email, add_tag, remove_tag, trigger_webhook; did you mean 'completed'?"
    ],
}


@pytest.mark.parametrize("text", TRIGGERS)
def test_trigger_faults(text: str) -> None:
    assert faults(trigger(text)) == [f"cart.yaml:{said}" for said in TRIGGERS[text]]


CONDITIONS = {
    "{attribute: a, value: 1}": ["4:42 …operator: missing key 'operator'"],
    "{attribute: a, operator: equals}": [
        "4:42 …value: missing key 'value'; only exists and not_exists need none"
    ],
    "{attribute: a, operator: in_list, value: b}": [
        "4:83 …value: in_list needs a list of values, such as [gold, silver]"
    ],
    "{attribute: a, operator: equal, value: b}": [
        "4:67 …operator: given 'equal'; allowed: equals, not_equals, greater_than, less_than, contains, "
        "in_list, exists, not_in_list, not_exists, starts_with, ends_with, matches, before, after, between, "
        "within_last, at_least, at_most; did you mean 'equals'?"
    ],
    "{attribute: a, operator: exists, value: 'no'}": [
        "4:82 …value: exists needs true or false, or no value; given 'no'"
    ],
    "{attribute: a, operator: not_exists, value: false}": [
        "4:86 …value: not_exists needs no value (for the opposite write exists); given False"
    ],
    "{attribute: a, operator: at_least, value: [1]}": [
        "4:84 …value: at_least needs a number, an instant or text; given [1]"
    ],
    "{attribute: event., operator: exists}": [
        "4:54 …attribute: 'event.' names no property; allowed: event.<property>, such as event.value"
    ],
    "{attribute: execution.id, operator: exists}": [
        "4:54 …attribute: unknown attribute 'execution.id'; allowed: execution.decision"
    ],
}


@pytest.mark.parametrize("text", CONDITIONS)
def test_condition_faults(text: str) -> None:
    found = faults(trigger("{type: behavioral, conditions: [       " + text + "]}"))
    assert [said.replace("triggers[0].conditions[0].", "…") for said in found] == [
        f"cart.yaml:{said}" for said in CONDITIONS[text]
    ]


ACTIONS = {
    "{type: sendemail}": [
        f"5:10 actions[0].type: given 'sendemail'; allowed: {ACTION_TYPES}; did you mean 'send_email'?"
    ],
    "{config: {}}": ["5:3 actions[0].type: missing key 'type'"],
    "{type: wait}": ["5:3 actions[0].config: missing key 'config'"],
    "{type: wait, config: {}}": [
        "5:16 actions[0].config.duration: missing key 'duration' (or 'duration_seconds')"
    ],
    "{type: wait, config: {duration: 2 days}}": [f"5:35 actions[0].config.duration: '2 days' {DURATION}"],
    "{type: end_workflow, delay: -1}": [f"5:31 actions[0].delay: -1 {DURATION}"],
    "{type: end_workflow, delay: 1, delay_seconds: 1}": [
        "5:34 actions[0].delay_seconds: given both 'delay' and 'delay_seconds'; allowed: one of them"
    ],
    "{type: end_workflow, config: {x: 1}}": ["5:33 actions[0].config.x: unknown key 'x'; allowed: none"],
    "{type: send_email, config: {subject: s}}": [
        "5:30 actions[0].config: nothing to send; give template_id, content, or both"
    ],
    "{type: send_email, config: {content: '{% if %}'}}": [
        "5:40 actions[0].config.content: not a valid Jinja2 template: Expected an expression, got 'end of "
        "statement block' (line 1 of it)"
    ],
    "{type: add_tag, config: {tag: ''}}": [
        "5:33 actions[0].config.tag: given ''; allowed: text that is not empty"
    ],
    "{type: update_attribute, config: {attribute: a}}": ["5:28 actions[0].config.value: missing key 'value'"],
    "{type: trigger_webhook, config: {url: 'ftp://x'}}": [
        "5:41 actions[0].config.url: given 'ftp://x'; allowed: an address that starts with https:// or "
        "http:// and names a host"
    ],
    "{type: random_split, config: {weights: {}}}": [
        "5:42 actions[0].config.weights: given no weights; allowed: positive numbers, such as "
        "{left: 50, right: 50}"
    ],
    "{type: random_split, config: {weights: {a: 1.0e+308, b: 1.0e+308}}}": [
        "5:42 actions[0].config.weights: the sum of these weights is beyond every number; give smaller ones, "
        "such as 50 and 50"
    ],
    "{type: random_split, config: {weights: {a: 0, b: 1}}}": [
        "5:46 actions[0].config.weights.a: given 0; allowed: a number greater than 0"
    ],
    "{type: random_split, config: {weights: {a: 1}}, paths: {b: []}}": [
        "5:59 actions[0].paths.b: unknown path 'b'; allowed: a"
    ],
    "{type: branch_decision, config: {criteria: {default: {attribute: a, value: 1}}}}": [
        "5:47 actions[0].config.criteria.default: a criterion can't be named 'default': that is the outcome "
        "when no criterion holds"
    ],
    "{type: branch_decision, config: {criteria: {a.b: []}}, paths: {a.b: []}}": [
        "5:66 actions[0].paths.a.b: path 'a.b' has a '.', which step names use; allowed: a name without"
    ],
    "{type: branch_decision, config: {criteria: {}, paths: {ys: [{type: wait, config: {duration: x}}]}}}": [
        "5:58 actions[0].config.paths.ys: unknown path 'ys'; allowed: default",
        f"5:95 actions[0].config.paths.ys[0].config.duration: 'x' {DURATION}",
    ],
    "{type: branch_decision, config: {criteria: {}, paths: {}}, paths: {}}": [
        "5:50 actions[0].config.paths: unknown key 'paths'; allowed: criteria"
    ],
    "{type: wait_for_event, config: {event: {minimum_x: a}, timeout: 1, timeout_seconds: 1}}": [
        "5:54 actions[0].config.event.minimum_x: given 'a'; allowed for 'minimum_x': a number",
        "5:70 actions[0].config.timeout_seconds: given both 'timeout' and 'timeout_seconds'; "
        "allowed: one of them",
    ],
    "{type: wait_for_event, config: {event: {}}, paths: {timed_out: []}}": [
        "5:55 actions[0].paths.timed_out: unknown path 'timed_out'; allowed: event, timeout; "
        "did you mean 'timeout'?"
    ],
}


@pytest.mark.parametrize("text", [text for text, said in ACTIONS.items() if "…" not in said[0]])
def test_action_faults(text: str) -> None:
    assert faults(action(text)) == [f"cart.yaml:{said}" for said in ACTIONS[text]]


NO_START = "given {from: …}, but no event has started an execution yet; allowed in triggers: a plain value"
REFERS = "; allowed: a property of the event that started the execution, such as event.order_id"
REFERENCES = {
    trigger("{type: behavioral, config: {order_id: {from: event.order_id}}}"): [
        f"4:41 triggers[0].config.order_id: {NO_START}"
    ],
    NO_TRIGGERS + "goal: {type: behavioral, config: {x: {from: plan}, y: {from: event.}}}\n": [
        f"4:38 goal.config.x: given from: 'plan'{REFERS}",
        f"4:55 goal.config.y: given from: 'event.'{REFERS}",
    ],
    NO_TRIGGERS + "goal: {type: behavioral, config: {x: {from: event.a, to: b}}}\n": [
        "4:38 goal.config.x: given a mapping; allowed for 'x': text, a number, true, false or null"
    ],
    NO_TRIGGERS + "exit_on: [{type: pattern, config: {pattern: {from: event.a}}}]\n": [
        "4:45 exit_on[0].config.pattern: given {'from': 'event.a'}; allowed for 'pattern': text (a number needs "
        "quotes)"
    ],
    action("{type: wait_for_event, config: {event: {minimum_x: {from: 3}}}}"): [
        f"5:54 actions[0].config.event.minimum_x: given from: 3{REFERS}"
    ],
    action("{type: update_attribute, config: {attribute: a, value: {from: Bern}}}"): [
        f"5:58 actions[0].config.value: given from: 'Bern'{REFERS}"
    ],
    action("{type: update_attribute, config: {attribute: tags, value: 1}}"): [
        "5:48 actions[0].config.attribute: given 'tags', which no step can set; allowed: another name"
    ],
}


@pytest.mark.parametrize("text", REFERENCES)
def test_faults_of_references(text: str) -> None:
    assert faults(text) == [f"cart.yaml:{said}" for said in REFERENCES[text]]


TEMPLATED = {
    "trigger": trigger("{type: behavioral, config: {action: '{{ x }}'}}"),
    "minimum": trigger("{type: behavioral, config: {minimum_x: '{{ x }}'}}"),
    "cron": trigger("{type: time_based, config: {cron: '{{ x }}'}}"),
    "goal": NO_TRIGGERS + "goal: {type: behavioral, config: {order_id: '{{ x }}'}}\n",
    "exit": NO_TRIGGERS + "exit_on: [{type: behavioral, config: {order_id: 'n {{ x }}'}}]\n",
    "wait": action("{type: wait_for_event, config: {event: {order_id: '{{ x }}'}}}"),
    "time-out": action("{type: wait_for_event, config: {event: {}, timeout: '{{ x }}d'}}"),
    "pause": action("{type: wait, config: {duration: '{{ x }}'}}"),
    "delay": action("{type: end_workflow, delay: '{{ x }}'}"),
    "condition": action(
        "{type: end_workflow, conditions: [{attribute: a, operator: equals, value: '{{ x }}'}]}"
    ),
    "list": action(
        "{type: end_workflow, conditions: [{attribute: a, operator: in_list, value: ['{{ x }}']}]}"
    ),
    "date": action("{type: end_workflow, conditions: [{attribute: a, operator: after, value: '{{ x }}'}]}"),
    "exists": action(
        "{type: end_workflow, conditions: [{attribute: a, operator: exists, value: '{{ x }}'}]}"
    ),
    "attribute": action("{type: end_workflow, conditions: [{attribute: '{{ x }}', operator: exists}]}"),
    "update": action("{type: update_attribute, config: {attribute: a, value: '{{ x }}'}}"),
    "inside": action("{type: update_attribute, config: {attribute: a, value: {b: ['{{\n x }}']}}}"),
    "tag": action("{type: add_tag, config: {tag: '{{ x }}'}}"),
    "weight": action("{type: random_split, config: {weights: {a: '{{ x }}', b: 1}}}"),
}


@pytest.mark.parametrize("text", TEMPLATED.values(), ids=TEMPLATED)
def test_a_template_where_a_value_stands_is_one_fault_that_says_so(text: str) -> None:
    (only,) = faults(text)
    assert re.search(r"a template, which nothing fills in here.*\{from: event\.order_id\}", only)


def test_templates_stay_allowed_in_messages_and_requests() -> None:
    said = "{type: send_email, config: {subject: '{{ x }}', content: '{{ y }}'}}"
    sent = "{type: trigger_webhook, config: {url: 'https://a.b/c', data: {x: '{{ x }}'}}}"
    assert len(read_workflow(action(said) + f"- {sent}\n", "cart.yaml").actions) == 2


def test_a_version_of_the_store_is_read_by_the_rules_of_its_time() -> None:
    given = {**SMALL, "actions": [{"type": "add_tag", "config": {"tag": "{{ x }}"}}]}
    assert len(stored_workflow(json.dumps(given)).actions) == 1


def test_one_condition_and_a_list_of_them_are_located_alike() -> None:
    one = faults(action("{type: branch_decision, config: {criteria: {yes: {attribute: a, value: 1, x: 1}}}}"))
    many = faults(
        action("{type: branch_decision, config: {criteria: {yes: [{attribute: a, value: 1, x: 1}]}}}")
    )
    assert [one[0].split(": ")[0], many[0].split(": ")[0]] == [
        "cart.yaml:5:77 actions[0].config.criteria.yes.x",
        "cart.yaml:5:78 actions[0].config.criteria.yes[0].x",
    ]


PATTERNS = {
    "p: {pattern: sequenze, events: []}": [
        "1:14 p.pattern: given 'sequenze'; allowed: sequence, weighted_score, cumulative, ordered; "
        "did you mean 'sequence'?"
    ],
    "p: {pattern: sequence, events: []}": ["1:32 p.events: given an empty list; allowed: at least one term"],
    "p: {pattern: weighted_score, events: [{type: a, weight: x}]}": [
        "1:1 p.threshold: missing key 'threshold'",
        "1:57 p.events[0].weight: given 'x'; allowed: a number",
    ],
    "p: {pattern: sequence, events: [{type: a, minCount: 3, max_count: 1}]}": [
        "1:33 p.events[0]: min_count 3 is greater than max_count 1: the term can't be true"
    ],
    "p: {pattern: sequence, events: [{type: a, timeWindow: 1d, time_window: 1d}]}": [
        "1:43 p.events[0].timeWindow: given both 'time_window' and 'timeWindow'; allowed: one of them"
    ],
}


@pytest.mark.parametrize("text", PATTERNS)
def test_pattern_faults(text: str) -> None:
    assert faults(text, read_patterns) == [f"cart.yaml:{said}" for said in PATTERNS[text]]


RICH = {
    "workflow_id": "rich",
    "workflow_name": "Rich",
    "description": "everything",
    "is_active": True,
    "triggers": [
        {
            "type": "behavioral",
            "config": {"action": "a", "minimum_x": 1, "colour": "red"},
            "conditions": [{"attribute": "tags", "operator": "contains", "value": "x"}],
        },
        {"type": "workflow_action", "config": {"action": "completed"}},
        {"type": "time_based", "config": {"cron": "0 9 * * 1", "timezone": "customer"}},
        {
            "type": "attribute_change",
            "config": {"attribute": "a", "crosses_above": 1},
            "conditions": {"any": []},
        },
    ],
    "branches": [
        {
            "name": "b",
            "conditions": [{"attribute": "event.x", "operator": "in_list", "value": [1]}],
            "actions": [{"type": "end_workflow", "config": {}}],
        }
    ],
    "actions": [
        {"type": "send_email", "config": {"template_id": "t", "subject": "s", "content": "c"}},
        {"type": "wait", "config": {"duration_seconds": 1}, "delay_seconds": 1},
        {"type": "add_tag", "config": {"tag": "t"}},
        {"type": "remove_tag", "config": {"tag": "t"}, "delay": "1h"},
        {"type": "update_attribute", "config": {"attribute": "a", "value": None}},
        {
            "type": "trigger_webhook",
            "config": {"url": "https://example.com/x", "data": {"a": [1]}, "channel": "sms"},
            "conditions": [
                {"any": [{"attribute": "events.a.count.1d", "operator": "between", "value": [1, 2]}]},
                {"not": {"attribute": "pattern.p.score", "operator": "not_exists"}},
                {"not": [{"all": [{"attribute": "a", "operator": "within_last", "value": "1d"}]}]},
            ],
        },
        {
            "type": "branch_decision",
            "config": {
                "criteria": {
                    "yes": {"attribute": "a", "value": 1},
                    "maybe": {
                        "any": [{"attribute": "a", "value": 2}, {"not": {"attribute": "b", "value": 1}}]
                    },
                    "no": [],
                }
            },
            "paths": {"yes": [{"type": "wait", "config": {"duration": "1d"}}], "default": []},
        },
        {
            "type": "random_split",
            "config": {"weights": {"a": 0.5, "b": 0.5}, "paths": {"a": [{"type": "end_workflow"}]}},
        },
        {
            "type": "wait_for_event",
            "config": {"event": {"action": "x"}, "type": "behavioral", "timeout": "1d"},
            "paths": {"event": [], "timeout": []},
            "conditions": [{"attribute": "a", "operator": "exists"}],
        },
        {
            "type": "wait_for_event",
            "config": {
                "event": {"attribute": "renewal", "offset": "-3d", "at": "09:00"},
                "type": "time_based",
            },
        },
        {"type": "wait_for_event", "config": {"event": {"pattern": "p"}, "type": "pattern"}},
    ],
    "goal": {"type": "external_event", "config": {"source": "s"}, "exit": False},
    "exit_on": [
        {"type": "attribute_change", "config": {"attribute": "a", "new_value": "b"}},
        {"type": "behavioral", "config": {"order_id": {"from": "event.order.id"}}},
    ],
    "reentry": {"policy": "after", "duration": "30d"},
    "holdout": 0.1,
    "transactional": False,
    "version_note": "first",
    "quiet_hours": {"start": "21:00", "end": "08:00:30", "timezone": "customer"},
    "send_window": {"start": "09:00", "end": "17:00", "days": ["mon", "tue"], "timezone": "Europe/Berlin"},
    "priority": 10,
    "message_class": "newsletter",
}
VALUES = [None, True, -1.5, "", [], ["a"], {}, {"a": 1}, [{}], {"type": []}]
NAMES = ["", "default", "type", "wait"]
SMALL = {"workflow_id": "w", "workflow_name": "W", "triggers": []}
Keys = tuple[str | int, ...]
PARTS = [{**RICH, "actions": []}, *({**SMALL, "actions": [each]} for each in RICH["actions"])]


def places(value: Any, path: Keys = ()) -> Iterator[Keys]:
    yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from places(child, (*path, key))


def changed(part: dict[str, Any], path: Keys, change: Callable[[Any, str | int], object]) -> dict[str, Any]:
    copied = copy.deepcopy(part)
    parent: Any = copied
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return copied


def mutations(part: dict[str, Any], path: Keys) -> Iterator[dict[str, Any]]:
    yield changed(part, path, lambda parent, key: parent.pop(key))
    for value in VALUES:
        yield changed(part, path, lambda parent, key, value=value: parent.__setitem__(key, value))
    if isinstance(path[-1], str):
        for name in [*NAMES, path[-1] + "x"]:
            yield changed(part, path, lambda parent, key, name=name: parent.update({name: parent.pop(key)}))


def error_of(text: str) -> DefinitionError | None:
    try:
        read_workflow(text, "rich.json")
    except DefinitionError as error:
        return error
    return None


@pytest.mark.parametrize("part", PARTS, ids=lambda part: str([each["type"] for each in part["actions"]]))
def test_any_change_to_a_valid_workflow_is_valid_or_a_located_fault(part: dict[str, Any]) -> None:
    assert error_of(json.dumps(part)) is None
    for path in places(part):
        for mutated in mutations(part, path) if path else ():
            text = json.dumps(mutated, indent=1)
            error = error_of(text)
            assert error is None or error.faults
            for fault in error.faults if error else ():
                assert fault.line <= text.count("\n") + 1
                assert not re.search("nput should|pydantic|dictionary|tuple|Field", fault.message)
