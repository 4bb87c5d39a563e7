"""Tests of workflows run the engine, its gates and the renderer: what comes of them is what a run would do."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.errors import InputError
from flows.scenarios.play import Outcome
from flows.settings import FrequencyCap
from tests.scenarios.houses import CART, House, expecting, house, sent
from transforms.definitions.send_times import QuietHours

MAIL = {"type": "send_email", "config": {"subject": "S", "content": "C"}}


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def workflow(*actions: Any, action: str = "go", **given: Any) -> dict[str, Any]:
    return {
        "workflow_id": "w",
        "workflow_name": "W",
        "triggers": [{"type": "behavioral", "config": {"action": action}}],
        "actions": list(actions),
        **given,
    }


def test_a_message_is_rendered_from_the_profile_of_its_instant(tmp_path: Path) -> None:
    test = """\
tests:
  - name: one
    customers: {ann: {first_name: Ann}}
    events:
      - {at: 2026-03-01T10:00, action: left, cart_value: 80}
      - {after: 59m, attribute: first_name, new_value: Anna}
      - {after: 2m, attribute: first_name, new_value: Annabel}
    expect:
      messages: [{at: 2026-03-01T11:00, subject: Hi Anna, text_contains: Worth 80, to: ann@example.com}]
      customers: {ann: {attributes: {first_name: Annabel, gone: null}, tags: []}}
"""
    assert house(tmp_path, CART).one(test).differences == []


def test_template_files_are_read(tmp_path: Path) -> None:
    mail = {"type": "send_email", "config": {"template_id": "hello", "subject": "S"}}
    home = house(tmp_path, workflow(mail))
    (home.settings.templates / "hello.txt.j2").write_text("Hello {{ customer_id }}")
    (home.settings.templates / "hello.html.j2").write_text("<p>Hello</p>")
    test = "tests: [{name: one, customers: {ann: {}}, events: [{at: 2026-03-01, action: go}]}]"
    assert sent(home.one(test), "template", "text", "html") == [("hello", "Hello ann", "<p>Hello</p>")]


GATES = """\
tests:
  - name: one
    customers: {ann: {email_consent: CONSENT}}
    events:
      - {at: 2026-03-01T22:30, action: go}
      - {after: 2d, action: go}
"""


def outcomes(home: House, consent: str = "true") -> list[tuple[datetime, str]]:
    tested = home.one(GATES.replace("CONSENT", consent))
    return [(row["at"], row["outcome"]) for row in tested.outcome.steps]


def test_consent_is_asked(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL))
    assert outcomes(home) == [(at(1, 22, 30), "done"), (at(3, 22, 30), "done")]
    assert {outcome for _, outcome in outcomes(home, "opted_out")} == {"suppressed:consent"}


def test_caps_of_the_settings_hold(tmp_path: Path) -> None:
    caps = [FrequencyCap(messages=1, window=timedelta(days=7))]
    home = house(tmp_path / "a", workflow(MAIL), frequency_caps=caps)
    assert [outcome for _, outcome in outcomes(home)] == ["done", "suppressed:frequency_cap"]
    home = house(tmp_path / "b", workflow(MAIL, transactional=True), frequency_caps=caps)
    assert [outcome for _, outcome in outcomes(home)] == ["done", "done"]


def test_quiet_hours_of_the_settings_hold(tmp_path: Path) -> None:
    quiet = QuietHours.model_validate({"start": "22:00", "end": "08:00"})
    home = house(tmp_path, workflow(MAIL), quiet_hours=quiet)
    assert [instant for instant, outcome in outcomes(home) if outcome == "done"] == [at(2, 8), at(4, 8)]


def test_dispatch_holds_back_who_must_not_be_written_to(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL, {"type": "wait", "config": {"duration": "1d"}}, MAIL))
    test = """\
tests:
  - name: one
    customers: {ann: {}, ben: {email: Ann <ANN@example.com>}, cleo: {}}
    events:
      - {at: 2026-03-01, customer: ann, action: go}
      - {after: 0s, customer: ben, action: go}
      - {after: 0s, customer: cleo, action: go}
      - {after: 1h, customer: ann, action: Email Marked as Spam}
  # Customers of other tests are others, whatever their address.
  - name: two
    customers: {ann: {}}
    events:
      - {at: 2026-03-01, action: go}
"""
    first, second = home.run(test)
    stopped = ("suppressed", "complaint")
    assert {row["customer"]: (row["status"], row["reason"]) for row in first.outcome.messages[3:]} == {
        "ann": stopped,
        "ben": stopped,
        "cleo": ("sent", None),
    }
    assert sent(first, "status")[:3] == [("sent",)] * 3
    assert sent(second, "status") == [("sent",)] * 2


def test_a_step_that_withdraws_consent_holds_back_what_isnt_sent_yet(tmp_path: Path) -> None:
    withdraw = {"type": "update_attribute", "config": {"attribute": "email_consent", "value": False}}
    home = house(tmp_path, workflow(MAIL, withdraw))
    test = "tests: [{name: one, customers: {ann: {}}, events: [{at: 2026-03-01, action: go}]}]"
    assert sent(home.one(test), "status", "reason") == [("suppressed", "unsubscribe")]


def test_what_cant_be_written_fails_the_test_with_the_reason(tmp_path: Path) -> None:
    home = house(
        tmp_path, workflow({"type": "send_email", "config": {"subject": "S", "content": "{{ 1 + event.n }}"}})
    )
    test = """\
tests:
  - name: one
    customers: {ann: {email: null}, ben: {}}
    events:
      - {at: 2026-03-01, customer: ann, action: go, n: 1}
      - {after: 1s, customer: ben, action: go, n: one}
    expect:
      messages: []
"""
    tested = home.one(test)
    assert [one.what for one in tested.differences] == ["unexpected"]
    nowhere, (status, why) = sent(tested, "status", "reason")
    assert nowhere == ("suppressed", "no e-mail address")
    assert status == "failed"
    assert why.startswith("text")


def test_events_of_one_instant_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    home = house(tmp_path, workflow(MAIL, exit_on=[{"type": "behavioral", "config": {"action": "stop"}}]))
    test = """\
tests:
  - name: one
    customers: {ann: {}}
    events: [{at: 2026-03-01, action: stop}, {after: 0s, action: go}]
  - name: other
    customers: {ann: {}}
    events: [{at: 2026-03-01, action: go}, {after: 0s, action: stop}]
"""
    first, second = home.run(test)
    assert [row["status"] for row in first.outcome.executions] == ["completed"]
    assert [row["status"] for row in second.outcome.executions] == ["exited"]


def test_whoever_an_event_makes_known_needs_no_line_of_their_own(tmp_path: Path) -> None:
    test = """\
tests:
  - name: one
    events:
      - {at: 2026-03-01, customer: new, action: identify, attributes: {email: new@example.com, first_name: Nel}}
      - {after: 1h, customer: new, action: left, cart_value: 80}
    expect:
      messages: [{customer: new, to: new@example.com, subject: Hi Nel}]
"""
    assert house(tmp_path, CART).one(test).differences == []


WEEKLY = workflow(MAIL)
WEEKLY["triggers"] = [{"type": "time_based", "config": {"cron": "0 9 * * 1"}}]


def test_a_cron_fires_from_the_beginning_to_the_end_of_the_test(tmp_path: Path) -> None:
    test = "tests: [{name: one, customers: {ann: {timezone: Europe/Berlin}}, from: 2026-03-02, until: 2026-03-10}]"
    found = house(tmp_path, WEEKLY).one(test)
    assert sent(found, "at") == [(at(2, 9),), (at(9, 9),)]


def test_a_cron_without_an_end_is_a_fault(tmp_path: Path) -> None:
    home = house(tmp_path, WEEKLY)
    with pytest.raises(InputError, match=r"some.yaml:1:9 tests\[0\]: w fires again and again; give 'until'"):
        home.run("tests: [{name: one, customers: {ann: {}}, from: 2026-03-02}]")


def test_patterns_turn_true_long_after_the_last_event(tmp_path: Path) -> None:
    declined = workflow(MAIL)
    declined["triggers"] = [{"type": "pattern", "config": {"pattern": "declined"}}]
    home = house(tmp_path, declined)
    terms = [{"type": "open", "maxCount": 0, "timeWindow": "14d"}, {"type": "open", "minCount": 1}]
    home.settings.patterns.write_text(f"declined: {{pattern: sequence, events: {terms}}}")
    test = "tests: [{name: one, customers: {ann: {}}, events: [{at: 2026-03-01T10:00, action: open}]}]"
    assert sent(home.one(test), "at") == [(at(15, 10),)]


def test_a_date_far_ahead_is_waited_for(tmp_path: Path) -> None:
    ending = workflow(MAIL)
    ending["triggers"] = [{"type": "time_based", "config": {"attribute": "trial_ends_at", "offset": "-3d"}}]
    test = """\
tests:
  - name: one
    customers: {ann: {}}
    events: [{at: 2026-03-01, attribute: trial_ends_at, new_value: 2026-12-24}]
"""
    assert sent(house(tmp_path, ending).one(test), "at") == [(datetime(2026, 12, 21, tzinfo=UTC),)]


def test_inactive_workflows_take_part_where_they_are_named(tmp_path: Path) -> None:
    inactive = {**workflow(MAIL), "is_active": False}
    draft = {**workflow(MAIL), "workflow_id": "d", "is_active": "draft"}
    test = """\
tests:
  - {name: one, customers: {ann: {}}, events: [{at: 2026-03-01, action: go}]}
  - {name: two, workflows: [w], customers: {ann: {}}, events: [{at: 2026-03-01, action: go}]}
"""
    found = house(tmp_path, inactive, draft).run(test)
    assert [sent(one, "workflow") for one in found] == [[("d",)], [("w",)]]


def test_tests_with_other_workflows_go_side_by_side(tmp_path: Path) -> None:
    second = {**workflow(MAIL), "workflow_id": "v"}
    test = """\
tests:
  - {name: a, workflows: [v], customers: {ann: {}}, events: [{at: 2026-03-01, action: go}]}
  - {name: b, customers: {ann: {}}, events: [{at: 2026-03-02, action: go}]}
  - {name: c, workflows: [w], customers: {ann: {}}, events: [{at: 2026-03-03, action: go}]}
"""
    found = house(tmp_path, workflow(MAIL), second).run(test)
    assert [sorted(sent(one, "workflow", "at")) for one in found] == [
        [("v", at(1))],
        [("v", at(2)), ("w", at(2))],
        [("w", at(3))],
    ]


def test_webhooks_and_steps_are_expected_too(tmp_path: Path) -> None:
    hook = {"type": "trigger_webhook", "config": {"url": "https://shop.example/hook"}}
    home = house(tmp_path, workflow(hook))
    test = "tests:\n  - {name: one, customers: {ann: {}}, events: [{at: 2026-03-01, action: go}], expect: {EXPECT}}"
    right = (
        "webhooks: [{at: 2026-03-01, url: 'https://shop.example/hook'}], steps: [{action: trigger_webhook}]"
    )
    assert home.one(test.replace("EXPECT", right)).differences == []
    (one,) = home.one(test.replace("EXPECT", "webhooks: []")).differences
    assert (one.kind, one.what) == ("webhooks", "unexpected")


def test_nothing_comes_of_a_test_in_which_nothing_happens(tmp_path: Path) -> None:
    found = house(tmp_path, CART).one("tests: [{name: one, from: 2026-03-01}]")
    assert found.outcome == Outcome([], [], [], [], {})


def test_only_named_tests_are_run(tmp_path: Path) -> None:
    test = expecting("messages: []").replace("name: one", "name: A cart of 80")
    assert [one.case.name for one in house(tmp_path, CART).run(test, "CART of")] == ["A cart of 80"]
    assert house(tmp_path / "b", CART).run(test, "basket") == []


def test_variants_and_rules_can_be_expected(tmp_path: Path) -> None:
    only = [{"name": "question", "weight": 1, "subject": "Well?"}, {"name": "plain", "weight": 1e-9}]
    home = house(
        tmp_path,
        workflow({"type": "send_email", "config": {**MAIL["config"], "variants": only}}),  # type: ignore[dict-item]
    )
    home.settings.content.mkdir(exist_ok=True)
    rule = "  - {name: NAME, conditions: [{attribute: plan, operator: equals, value: pro}], text: NAME}\n"
    rules = "".join(rule.replace("NAME", one) for one in ("first", "second"))
    (home.settings.content / "rules.yaml").write_text(f"rules:\n{rules}")
    test = (
        "tests: [{name: one, customers: {ann: {plan: pro}}, events: [{at: 2026-03-01, action: go}], expect: "
        "{messages: [{variant: question, rules: [RULES]}]}}]"
    )
    assert home.one(test.replace("RULES", "first, second")).differences == []
    (found,) = home.one(test.replace("RULES", "second")).differences
    assert (found.what, found.keys) == ("different", ("rules",))
    (found,) = home.one(test.replace("RULES", "first, second").replace("question", "plain")).differences
    assert found.keys == ("variant",)
