"""What is told of a test that fails: what was expected, what came, the nearest of it, and what may explain it."""

import re
from pathlib import Path

import pytest

from flows.scenarios.compare import pairs, unequal
from flows.scenarios.telling import told, told_json
from tests.scenarios.houses import CART, ONE, expecting, house
from tests.scenarios.test_runs import MAIL, workflow

ROW = "+ customer: ann, workflow: cart, at: 2026-03-01T11:00, branch: default, step: 1, subject: 'Hi Ann'"
ENTERED = "(what was entered: cart (default): completed)"
PASSING = [
    "messages: [{at: 2026-03-01T12:00+01:00}]",
    "messages: [{}]",
    "messages: [{subject_contains: [Hi, Ann]}]",
    "more_messages: true",
    "no_messages: [{subject_contains: Bye}]",
    "messages: [{}], no_executions: [{status: exited}]",
    "messages: [{customer: ann, workflow: cart, step: '1', branch: default}]",
]
FAILING = {
    "messages: []": ["messages: came, and isn't expected", ROW],
    "messages: [{at: 2026-03-01T11:30, subject: Hi Ann}]": [
        "messages: customer: ann, workflow: cart, subject: 'Hi Ann'",
        "- at: 2026-03-01T11:30",
        "+ at: 2026-03-01T11:00",
    ],
    "messages: [{text_contains: [Worth, '90']}]": [
        "messages: customer: ann, workflow: cart, at: 2026-03-01T11:00",
        "- text_contains: [Worth, 90]",
        "+ text_contains: 'Worth 80'",
    ],
    "messages: [{subject: Hi Ann}, {subject: Bye Ann}]": [
        "messages: expected, and nothing like it came",
        "- subject: 'Bye Ann'",
        ENTERED,
    ],
    "messages: [{workflow: cart, template: hello, at: 2026-03-01T11:00}]": [
        "messages: customer: ann, workflow: cart, at: 2026-03-01T11:00",
        "- template: hello",
        "+ template: nothing",
    ],
    "messages: [{customer: ann, template: x, at: 2026-03-01, step: '7', subject: S}]": [
        "messages: expected, and nothing like it came",
        "- customer: ann, template: x, at: 2026-03-01T00:00, step: 7, subject: S",
        ENTERED,
        "messages: came, and isn't expected",
        ROW,
    ],
    "no_messages: [{subject_contains: Ann}]": [
        "no_messages: came, and must not",
        "- subject_contains: [Ann]",
        ROW,
    ],
    "more_messages: true, executions: [{workflow: cart, status: exited}]": [
        "executions: customer: ann, workflow: cart",
        "- status: exited",
        "+ status: completed",
    ],
    "more_messages: true, steps: [{step: '0', outcome: done}, {step: '5', outcome: done}]": [
        "steps: customer: ann, workflow: cart, at: 2026-03-01T11:00, outcome: done",
        "- step: 5",
        "+ step: 1",
    ],
    "more_messages: true, no_executions: [{customer: ann}]": [
        "no_executions: came, and must not",
        "- customer: ann",
        "+ customer: ann, workflow: cart, entered_at: 2026-03-01T10:00, branch: default, status: completed, "
        "ended_at: 2026-03-01T11:00",
    ],
    "more_messages: true, customers: {ann: {tags: [vip], attributes: {first_name: Ben}}}": [
        "customers: customer: ann",
        "- first_name: Ben",
        "+ first_name: Ann",
        "- tags: [vip]",
        "+ tags: []",
    ],
}
OTHERS = """\
  - name: without consent
    customers: {ann: {email_consent: false}}
    events: [{at: 2026-03-01T10:00, action: left, cart_value: 80}]
    expect: {messages: [{workflow: cart}]}
  - name: below 50
    customers: {ann: {}}
    events: [{at: 2026-03-01T10:00, action: left, cart_value: 49}]
    expect: {messages: [{customer: ann, workflow: cart}, {customer: ann}]}
  - name: unwritten
    customers: {ann: {}}
    events: [{at: 2026-03-01T10:00, action: left, cart_value: 49}]
"""


@pytest.fixture(scope="module")
def diffs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What is told of each test, run all together; of those that expect something, by what they expect."""
    names = {f"number {number}": expect for number, expect in enumerate([*PASSING, *FAILING])}
    tests = [
        ONE.partition("\n")[2].replace("name: one", f"name: {name}") + f"    expect: {{{expect}}}\n"
        for name, expect in names.items()
    ]
    found = house(tmp_path_factory.mktemp("diffs"), CART).run("".join(["tests:\n", *tests, OTHERS]))
    return {names.get(one.case.name, one.case.name): [line.strip() for line in told([one])] for one in found}


@pytest.mark.parametrize("expect", PASSING)
def test_what_is_as_expected_is_no_difference(diffs: dict[str, list[str]], expect: str) -> None:
    (line,) = diffs[expect]
    assert line.startswith("ok      number ")


@pytest.mark.parametrize("expect", FAILING)
def test_a_diff_says_what_came_instead(diffs: dict[str, list[str]], expect: str) -> None:
    first, *rest = diffs[expect]
    assert re.fullmatch(r"FAILED  number \d+  \(.*some.yaml:\d+\)", first)
    assert rest == FAILING[expect]


def test_a_diff_says_what_may_have_kept_a_message_from_coming(diffs: dict[str, list[str]]) -> None:
    assert diffs["without consent"][-1] == "(step 1 of cart was suppressed:consent at 2026-03-01T11:00)"
    assert "(ann never entered cart)" in diffs["below 50"]
    assert "(ann never entered any workflow)" in diffs["below 50"]


def test_a_test_that_expects_nothing_fails(diffs: dict[str, list[str]]) -> None:
    _, line = diffs["unwritten"]
    assert line == "expects nothing yet; write `expect`, or let `onward test --record` write what happens"


def test_a_message_is_one_too_many_whoever_expects_a_looser_one(tmp_path: Path) -> None:
    one = "customers: {ann: {}}, events: [{at: 2026-03-01, action: go}]"
    expects = ["[{}, {step: '0'}]", "[{}]", "[{}, {}, {}]"]
    tests = [f"  - {{name: '{n}', {one}, expect: {{messages: {some}}}}}\n" for n, some in enumerate(expects)]
    found = house(tmp_path, workflow(MAIL, MAIL)).run("".join(["tests:\n", *tests]))
    whats = [[difference.what for difference in test.differences] for test in found]
    assert whats == [[], ["unexpected"], ["missing"]]


def test_rows_are_paired_so_that_as_many_as_can_agree() -> None:
    came = [{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 2}]
    assert pairs([{"a": 1}, {"a": 1, "b": 1}], came) == {0: 1, 1: 0}
    assert pairs([{"b": 2}, {"a": 1}, {"b": 1}], came) == {0: 2, 1: 1, 2: 0}
    assert pairs([{"a": 3}], came) == {}
    assert unequal({"a": 1, "text_contains": ("x", "y")}, {"a": 2, "text": "xy"}) == ("a",)


def test_the_answer_for_programs_has_it_all(tmp_path: Path) -> None:
    (one,) = told_json(house(tmp_path, CART).run(expecting("messages: [{subject: Hi}]")))
    assert (one["name"], one["passed"], one["workflows"]) == ("one", False, ["cart"])
    (different,) = one["differences"]
    assert (different["what"], different["keys"]) == ("different", ["subject"])
    assert different["expected"] == {"subject": "Hi", "status": "sent"}
    assert different["came"]["at"] == "2026-03-01T11:00"
