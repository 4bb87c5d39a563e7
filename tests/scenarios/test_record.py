"""`--record` writes what happens into the file, touches nothing else, and the test passes then."""

from pathlib import Path

import pytest

from flows.errors import InputError
from flows.scenarios.record import record
from tests.scenarios.houses import CART, ONE, House, house

TAG = {"type": "add_tag", "config": {"tag": "reminded"}}
TAGGING = {**CART, "actions": [*CART["actions"], TAG]}
MESSAGE = "{customer: ann, workflow: cart, at: 2026-03-01T11:00, subject: Hi Ann}"


def recorded(home: House, text: str) -> str:
    """The file after recording; a second time changes nothing, and all its tests pass."""
    record(home.run(text))
    written = (home.settings.tests / "some.yaml").read_text(encoding="utf-8")
    tested = home.run(written)
    assert [one.differences for one in tested] == [[]] * len(tested)
    assert record(tested) == []
    return written


def test_what_happens_becomes_the_expectation(tmp_path: Path) -> None:
    assert (
        recorded(house(tmp_path, TAGGING), ONE)
        == ONE
        + f"""\
    expect:
      messages:
        - {MESSAGE}
      executions:
        - {{customer: ann, workflow: cart, branch: default, status: completed, entered_at: 2026-03-01T10:00, \
ended_at: 2026-03-01T11:00}}
      customers:
        ann: {{tags: [reminded]}}
"""
    )


COMMENTED = """\
# Of carts.
tests:
- name: one   # the first
  customers: { ann: {first_name: Ann} }

  events:
  - { at: 2026-03-01T10:00, action: left, cart_value: 80 }
  # What must come:
  expect:  # of it
    messages:
    # a reminder
    - {subject_contains: Hi}  # it greets
    # and more
    - {subject: Bye Ann}  # and says goodbye
    customers: {ann: {tags: [remindid], attributes: {first_name: Anna, gone: 1}}}

# Another one.
- name: two
  customers: {ann: }
  events: [{at: 2026-03-01T10:00, action: left, cart_value: 50.0}]
  # The end.
"""


def test_comments_and_what_is_right_already_stay(tmp_path: Path) -> None:
    written = recorded(house(tmp_path, TAGGING), COMMENTED).splitlines()
    before = COMMENTED.splitlines()
    added = [line for line in written if line not in before]
    assert [line for line in before if line not in written] == [
        "    - {subject: Bye Ann}  # and says goodbye",
        before[14],
    ]
    assert added[0] == "    customers:"
    assert added[1] == "      ann: {tags: [reminded], attributes: {first_name: Ann, gone: null}}"
    assert added[2] == "  expect:"
    assert written[-1] == "  # The end."
    assert written[written.index("# Another one.") - 1] == ""


def test_a_list_that_is_empty_now_and_one_that_was(tmp_path: Path) -> None:
    text = ONE + "    expect: {messages: []}\n"
    assert recorded(house(tmp_path / "a", CART), text) == ONE + f"    expect: {{messages: [{MESSAGE}]}}\n"
    text = ONE.replace("80", "8") + f"    expect:\n      messages:\n        - {MESSAGE}\n"
    assert (
        recorded(house(tmp_path / "b", CART), text)
        == ONE.replace("80", "8") + "    expect:\n      messages: []\n"
    )


def test_what_must_not_come_but_does_is_crossed_out(tmp_path: Path) -> None:
    text = (
        ONE
        + "    expect:\n      no_messages: [{subject: Hi Ann}]\n      steps: [{step: '1', outcome: bounced}]\n"
    )
    assert (
        recorded(house(tmp_path, CART), text)
        == ONE
        + f"""\
    expect:
      steps: [{{customer: ann, workflow: cart, branch: default, step: '0', action: wait, at: 2026-03-01T10:00, \
outcome: done}}, {{customer: ann, workflow: cart, branch: default, step: '1', action: send_email, \
at: 2026-03-01T11:00, outcome: done}}]
      messages:
        - {MESSAGE}
"""
    )


def test_a_file_that_cant_be_written_so_is_left_alone(tmp_path: Path) -> None:
    home = house(tmp_path, CART)
    text = "tests: [{name: one, customers: {ann: {}}, events: [{at: 2026-03-01, action: left, cart_value: 80}]}]\n"
    with pytest.raises(
        InputError, match="can't be written so that it reads the same; write `expect` there yourself"
    ):
        record(home.run(text))
    assert (home.settings.tests / "some.yaml").read_text() == text
