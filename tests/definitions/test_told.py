"""Conditions, triggers and actions as sentences: each kind there is, and no operator without words."""

from typing import Any, get_args

import pytest

from tests.semantics.cases import Row, action, condition, send, tag, trigger, wait
from transforms.definitions.conditions import Condition, Group, Operator
from transforms.definitions.told import _OPERATORS, condition_told, conditions_told, trigger_told
from transforms.definitions.told_actions import send_times_told, steps_told
from transforms.definitions.workflow import QuietHours, SendWindow, Trigger, Workflow

CONDITIONS: dict[str, Row] = {
    'plan is "pro"': condition("plan", "equals", "pro"),
    "plan isn't null": condition("plan", "not_equals"),
    "age is greater than 3": condition("age", "greater_than", 3),
    "age is less than 3.5": condition("age", "less_than", 3.5),
    'name contains "an"': condition("name", "contains", "an"),
    'has the tag "vip"': condition("tags", "contains", "vip"),
    'plan is one of "a", "b" or "c"': condition("plan", "in_list", ["a", "b", "c"]),
    "plan is one of 1": condition("plan", "in_list", [1]),
    "plan is one of none": condition("plan", "in_list", []),
    'plan is none of "a" or true': condition("plan", "not_in_list", ["a", True]),
    "email is set": condition("email", "exists", True),
    "email isn't set": condition("email", "exists", False),
    "plan isn't set": condition("plan", "not_exists"),
    'name starts with "A"': condition("name", "starts_with", "A"),
    'name ends with "a"': condition("name", "ends_with", "a"),
    'name matches "^a"': condition("name", "matches", "^a"),
    'since is before "2026-01-01"': condition("since", "before", "2026-01-01"),
    'since is after "2026-01-01"': condition("since", "after", "2026-01-01"),
    "age is between 1 and 9": condition("age", "between", [1, 9]),
    "seen_at is within the last 2d": condition("seen_at", "within_last", "48h"),
    "age is at least 1": condition("age", "at_least", 1),
    "age is at most 1": condition("age", "at_most", 1),
    "the event's value is 3": condition("event.value", "equals", 3),
    'the last decision is "yes"': condition("execution.decision", "equals", "yes"),
    'the number of "login" events in 30d is less than 3': condition("events.login.count.30d", "less_than", 3),
    'the sum of the values of "order" events is at least 9': condition("events.order.sum", "at_least", 9),
    'the days since the last "a.b" is at least 9': condition("events.a.b.days_since", "at_least", 9),
    "the pattern p is true": condition("pattern.p", "equals", True),
    "the score of the pattern p is at least 2": condition("pattern.p.score", "at_least", 2),
}
PLAN = condition("plan", "equals", "pro")
EMAIL = condition("email", "exists")
GROUPS: dict[str, Row] = {
    '(plan is "pro" or email is set)': {"any": [PLAN, EMAIL]},
    '(plan is "pro" and not (email is set))': {"all": [PLAN, {"not": EMAIL}]},
    "never": {"any": []},
    "always": {"all": []},
}
TRIGGERS: dict[str, Row] = {
    'the event "order"': trigger("order"),
    "any event": trigger(),
    'the event "order" with kind "a" and value at least 3': trigger("order", minimum_value=3, kind="a"),
    'the event "order" with value at most 3, if plan is "pro"': trigger(
        "order", maximum_value=3, when=[PLAN]
    ),
    "plan changing": trigger("plan", "attribute_change"),
    'plan changing from "a" to "b"': trigger("plan", "attribute_change", new_value="b", old_value="a"),
    "balance changing from not above to above 0": trigger("balance", "attribute_change", crosses_above=0),
    "any attribute changing": trigger(type="attribute_change"),
    'the event from outside "shop"': trigger("shop", "external_event"),
    'the event of the clock "noon"': trigger("noon", "time_based"),
    "the times of cron 0 9 * * 1 in the customer's time zone": trigger(
        type="time_based", cron="0 9 * * 1", timezone="customer"
    ),
    "3d before ends_at, at 09:00 in Europe/Berlin": trigger(
        type="time_based", attribute="ends_at", offset="-3d", at="09:00", timezone="Europe/Berlin"
    ),
    "1h after ends_at": trigger(type="time_based", attribute="ends_at", offset="1h"),
    "the time of ends_at": trigger(type="time_based", attribute="ends_at"),
    "the moment when workflow w completes": trigger("completed", "workflow_action", workflow_id="w"),
    'the moment when another workflow adds the tag "vip"': trigger("add_tag", "workflow_action", tag="vip"),
    "the moment when another workflow does anything": trigger(type="workflow_action"),
    'the moment when another workflow sends an e-mail with template_id "t"': trigger(
        "send_email", "workflow_action", template_id="t"
    ),
    "the pattern keen turning true": {"type": "pattern", "config": {"pattern": "keen"}},
}
VARIANTS: list[Row] = [{"name": "a"}, {"name": "b", "weight": 3}]
STEPS: list[tuple[Row, list[tuple[str, int, str]]]] = [
    (send("hello"), [("0", 0, "send the e-mail by template hello")]),
    (
        {"type": "send_email", "config": {"subject": "Hi", "content": "x"}, "conditions": [PLAN], "delay": "1h"},
        [("0", 0, 'if plan is "pro": after 1h, send the e-mail "Hi"')],
    ),
    (
        action("send_email", content="x", variants=VARIANTS, winner={"metric": "opened"}),
        [("0", 0, "send the e-mail, in variants a 25%, b 75%; the most opened wins")],
    ),
    (wait("36h"), [("0", 0, "wait 1d 12h")]),
    (tag("t"), [("0", 0, 'add the tag "t"')]),
    (action("remove_tag", tag="t"), [("0", 0, 'remove the tag "t"')]),
    (action("update_attribute", attribute="plan", value=None), [("0", 0, "remove plan")]),
    (
        action("update_attribute", attribute="plan", value={"from": "event.plan"}),
        [("0", 0, "set plan to the starting event's plan")],
    ),
    (
        action("trigger_webhook", url="https://sms.example/send", channel="sms"),
        [("0", 0, "call https://sms.example/send, a message by sms")],
    ),
    (action("end_workflow"), [("0", 0, "end")]),
    (
        action("branch_decision", criteria={"yes": PLAN}, paths={"yes": [wait("1d")], "default": []}),
        [
            ("0", 0, 'decide: yes if plan is "pro"; else default'),
            ("", 1, "yes:"),
            ("0.yes.0", 1, "wait 1d"),
            ("", 1, "default: nothing"),
        ],
    ),
    (action("random_split", weights={"a": 1, "b": 2}), [("0", 0, "split at random: a 33.3%, b 66.7%")]),
    (
        action("wait_for_event", event={"action": "order", "order_id": {"from": "event.order_id"}}),
        [("0", 0, "wait for the event \"order\" with order_id the starting event's order_id, without end")],
    ),
    (
        action("wait_for_event", type="time_based", event={"attribute": "ends_at"}, timeout="2d"),
        [("0", 0, "wait for the time of ends_at, at most 2d")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("told", "given"), CONDITIONS.items())
def test_conditions(told: str, given: Row) -> None:
    assert condition_told(Condition(**given)) == told


@pytest.mark.parametrize(("told", "given"), GROUPS.items())
def test_groups(told: str, given: Row) -> None:
    assert condition_told(Group.model_validate(given)) == told


@pytest.mark.parametrize(("told", "given"), TRIGGERS.items())
def test_triggers(told: str, given: Row) -> None:
    assert trigger_told(Trigger.model_validate(given)) == told


@pytest.mark.parametrize(("given", "told"), STEPS)
def test_steps(given: Row, told: list[Any]) -> None:
    made = Workflow(workflow_id="w", workflow_name="W", triggers=(), actions=[given])  # ty: ignore
    assert list(steps_told(made.actions)) == told


def test_every_operator_has_words() -> None:
    assert set(_OPERATORS) == set(get_args(Operator))


def test_conditions_that_all_hold() -> None:
    assert conditions_told([Condition(**PLAN), Condition(**EMAIL)]) == 'plan is "pro" and email is set'


def test_send_times() -> None:
    quiet = QuietHours.model_validate({"start": "21:00", "end": "08:00"})
    assert send_times_told(quiet) == "not from 21:00 to 08:00 in the customer's time zone"
    window = SendWindow.model_validate(
        {"start": "09:00", "end": "17:00", "days": ["tue", "mon"], "timezone": "UTC"}
    )
    assert send_times_told(window) == "only from 09:00 to 17:00 in UTC on mon, tue"
