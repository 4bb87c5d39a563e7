"""Files of tests: what they may say, and what is said of one with faults."""

import json
from pathlib import Path

import jsonschema
import pytest

from flows.errors import InputError
from flows.scenarios.cases import cases_of, customer_row
from flows.scenarios.run import places_of_tests, run_tests
from tests.scenarios.houses import CART, ONE, House, expecting, house
from transforms.definitions.faults import DefinitionError
from transforms.definitions.reading import read_scenarios, scenarios_schema
from transforms.definitions.yaml_text import read_yaml

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted([*ROOT.glob("data/tests/*.yaml"), *ROOT.glob("demo/tests/*.yaml")])
EVENTS = "    events:\n      - {at: 2026-03-01, customer: ann, action: left}\n"
HEAD = "tests:\n  - name: one\n    customers: {ann: {}, ben: {}}\n"
FAULTS = {
    "tests: []\nworkflows: [carts]\n": [
        "2:13 workflows[0]: no workflow 'carts'; allowed: cart; did you mean 'cart'?"
    ],
    "test: []\n": [
        "1:1 test: unknown key 'test'; allowed: customers, tests, workflows; did you mean 'tests'?",
    ],
    HEAD: ["2:5 tests[0]: nothing happens; give 'events', or 'from' (when the test begins)"],
    HEAD + "    events: [{customer: ann, action: left, after: 1h}]\n": [
        "4:14 tests[0].events[0]: missing key 'at': the first event, or 'from' of the test, says when"
    ],
    HEAD + EVENTS + "      - {after: 1h, customer: an, acton: left}\n": [
        "6:9 tests[0].events[1]: missing key 'action' (or 'attribute', 'source', 'trigger_time'); given 'acton', did "
        "you mean 'action'?",
        "6:31 tests[0].events[1].customer: no customer 'an'; allowed: ann, ben; did you mean 'ann'?",
    ],
    HEAD + EVENTS + "      - {after: 1h, action: left}\n": [
        "6:9 tests[0].events[1]: missing key 'customer'; allowed: ann, ben"
    ],
    HEAD + EVENTS + "      - {after: 1h, at: 2026-03-02, customer: ann, action: left}\n": [
        "6:10 tests[0].events[1].after: given both 'at' and 'after'; allowed: one of them"
    ],
    HEAD + EVENTS + "    until: tomorrow\n": [
        "6:12 tests[0].until: given 'tomorrow'; allowed: an instant like 2026-03-01 or 2026-03-01T09:00 (UTC unless "
        "it says a zone)"
    ],
    HEAD + EVENTS + "    expect:\n      messages: [{customer: bob, workflow: card, tempalte: x}]\n": [
        "7:29 tests[0].expect.messages[0].customer: no customer 'bob'; allowed: ann, ben",
        "7:44 tests[0].expect.messages[0].workflow: no workflow 'card'; allowed: cart; did you mean 'cart'?",
        "7:50 tests[0].expect.messages[0].tempalte: unknown key 'tempalte'; allowed: at, branch, customer, "
        "html_contains, reason_contains, rules, status, step, subject, subject_contains, template, text_contains, to, "
        "variant, workflow; did you mean 'template'?",
    ],
    HEAD + EVENTS + "    expect: {executions: [{status: convertd}], customers: {bob: {}}}\n": [
        "6:36 tests[0].expect.executions[0].status: given 'convertd'; allowed: running, completed, converted, exited, "
        "failed, held_out; did you mean 'converted'?",
        "6:65 tests[0].expect.customers.bob: no customer 'bob'; allowed: ann, ben",
    ],
    HEAD + EVENTS + HEAD.partition("\n")[2] + EVENTS: [
        "6:11 tests[1].name: two tests are named 'one'; allowed: a name once a file"
    ],
}


@pytest.mark.parametrize("text", FAULTS)
def test_every_fault_of_a_file_is_told_with_its_place(text: str) -> None:
    with pytest.raises(DefinitionError) as error:
        read_scenarios(text, "t.yaml", ["cart"])
    assert [str(one).removeprefix("t.yaml:") for one in error.value.faults] == FAULTS[text]


def test_an_event_that_cant_be_read_is_a_fault_at_its_place(tmp_path: Path) -> None:
    home = house(tmp_path, CART)
    two = "{name: two, customers: {ann: {created_at: soon}}, events: [{at: 2026-03-01, action: go}]}"
    with pytest.raises(InputError) as error:
        home.run(f"{ONE}  - {two}\n")
    fault, last = str(error.value).splitlines()
    assert fault.startswith(f"{home.settings.tests}/some.yaml:6:")
    assert "tests[1].customers.ann: " in fault
    assert "created_at" in fault
    assert last == "faults: 1; no test was run"


def test_faults_of_workflows_and_of_several_files_are_told_together(tmp_path: Path) -> None:
    home = house(tmp_path, CART)
    home.write("tests: [{}]", "a.yaml")
    home.write("tests: 3", "b.yaml")
    home.write(expecting("messages: []"))
    with pytest.raises(InputError) as error:
        run_tests(None, home.settings)
    lines = str(error.value).splitlines()
    assert [line.partition("/tests/")[2][:6] for line in lines[:-1]] == ["a.yaml"] * 2 + ["b.yaml"]
    assert lines[-1] == "faults: 3; no test was run"


def test_no_tests_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"nowhere: no such folder or file of tests; docs/testing-workflows.md shows"
    ):
        places_of_tests(tmp_path / "nowhere", house(tmp_path, CART).settings)


def test_workflows_beside_the_tests_are_tested(tmp_path: Path) -> None:
    other, home = house(tmp_path / "a", CART), house(tmp_path / "b", CART)
    assert places_of_tests(None, home.settings)[1].workflows == home.settings.workflows
    for given in (other.settings.tests, other.write(ONE)):
        tests, places = places_of_tests(given, home.settings)
        assert tests == given
        assert places.templates == other.settings.templates
    alone = tmp_path / "alone.yaml"
    alone.write_text(ONE)
    assert places_of_tests(alone, home.settings)[1].workflows == home.settings.workflows


def cases(home: House, text: str) -> list[tuple[list[str], dict[str, object]]]:
    from flows.definitions.scenarios import load_scenarios

    (source,), faults = load_scenarios(home.write(text), ["cart"])
    assert not faults
    return [([f"{time:%dT%H:%M}" for time in one.times], dict(one.customers)) for one in cases_of(source)]


def test_times_count_from_the_event_before_and_customers_are_shared(tmp_path: Path) -> None:
    text = """\
customers: {ann: {a: 1}, ben: }
tests:
  - name: one
    customers: {ann: {b: 2}}
    from: 2026-03-01
    events:
      - {after: 1h, customer: ann, action: x}
      - {after: 30m, customer: ben, action: x}
      - {at: 2026-03-04T12:00+02:00, customer: ann, action: x}
      - {after: 1d, customer: ann, action: x}
"""
    assert cases(house(tmp_path), text) == [
        (["01T01:00", "01T01:30", "04T10:00", "05T10:00"], {"ann": {"b": 2}, "ben": None})
    ]


def test_a_customer_has_an_address_unless_it_says_otherwise() -> None:
    assert customer_row("ann", None) == {"customer_id": "ann", "email": "ann@example.com", "attributes": {}}
    given = customer_row("ann", {"email": None, "tags": ["a"], "x": 1, "attributes": {"tags": 2}})
    assert given["email"] is None
    assert (given["tags"], given["attributes"]) == (["a"], {"x": 1, "tags": 2})


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: f"{file.parts[-3]}-{file.stem}")
def test_editors_know_the_format(file: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(scenarios_schema())
    text = file.read_text(encoding="utf-8")
    jsonschema.validate(read_yaml(text).value, scenarios_schema())
    named = text.partition("\n")[0].removeprefix("# yaml-language-server: $schema=")
    assert json.loads((file.parent / named).read_text()) == scenarios_schema()
