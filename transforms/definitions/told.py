"""What workflow files declare, as short sentences for people: conditions, triggers, schedules.

The one place where these are worded; actions are in `told_actions.py`, which builds on it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from transforms.definitions.conditions import Condition, Group
from transforms.definitions.references import referred_property
from transforms.definitions.schedules import Schedule, schedule_of
from transforms.definitions.signals import Amount, LastEvent, PatternScore, PatternTruth, signal_of
from transforms.definitions.triggers import CROSSINGS, OWN_KEYS, Trigger
from transforms.timing.durations import parse_duration, spoken
from transforms.timing.zones import CUSTOMER

_EVENT = "event."
_FOLLOW_UPS: Mapping[str, str] = {
    "started": "starts",
    "completed": "completes",
    "converted": "reaches its goal",
    "exited": "is exited",
    "failed": "fails",
    "send_email": "sends an e-mail",
    "add_tag": "adds a tag",
    "remove_tag": "removes a tag",
    "trigger_webhook": "calls a webhook",
}
"""The name of a follow-up fact → what another workflow does there."""


def conditions_told(conditions: Iterable[Condition | Group]) -> str:
    """Conditions that must all hold: `plan is "pro" and has the tag "vip"`; empty of none."""
    return " and ".join(map(condition_told, conditions))


def condition_told(condition: Condition | Group) -> str:
    """One condition, or a group in brackets: `(plan is "pro" or not (email is set))`."""
    if isinstance(condition, Condition):
        return _single(condition)
    if condition.negated is not None:
        return f"not ({conditions_told(condition.negated)})"
    if condition.any is not None:
        return f"({' or '.join(map(condition_told, condition.any))})" if condition.any else "never"
    return f"({conditions_told(condition.all or ())})" if condition.all else "always"


def value_told(value: Any) -> str:
    """A value: texts in quotes, `{from: event.x}` as `the starting event's x`."""
    name = referred_property(value)
    return json.dumps(value, ensure_ascii=False) if name is None else f"the starting event's {name}"


def attribute_told(attribute: str) -> str:
    """What a condition looks at: `plan`, `the event's source`, `the number of "login" events in 30d`."""
    if attribute.startswith(_EVENT):
        return f"the event's {attribute.removeprefix(_EVENT)}"
    if attribute == "execution.decision":
        return "the last decision"
    match signal_of(attribute):
        case Amount(name=name, metric=metric, window=window):
            what = "the number of" if metric == "count" else "the sum of the values of"
            return f"{what} {value_told(name)} events" + (f" in {spoken(window)}" if window else "")
        case LastEvent(name=name):
            return f"the days since the last {value_told(name)}"
        case PatternTruth(name=name):
            return f"the pattern {name}"
        case PatternScore(name=name):
            return f"the score of the pattern {name}"
    return attribute


def trigger_told(trigger: Trigger) -> str:
    """Which facts a trigger takes: `the event "order" with value at least 10, if plan is "free"`."""
    schedule = schedule_of(trigger.type, trigger.config)
    what = schedule_told(schedule) if schedule else fact_told(trigger.type, trigger.config)
    return f"{what}, if {conditions_told(trigger.conditions)}" if trigger.conditions else what


def fact_told(kind: str, config: Mapping[str, Any]) -> str:
    """A fact by the type and config of a trigger that is no schedule."""
    own = OWN_KEYS[kind]
    rest = {key: value for key, value in config.items() if key != own}
    name = None if own not in config else value_told(config[own])
    if kind == "attribute_change":
        return _change(config.get(own), rest)
    if kind == "workflow_action":
        return _follow_up(config.get(own), rest)
    if kind == "pattern":
        return f"the pattern {config.get(own)} turning true"
    noun = {"external_event": "event from outside", "time_based": "event of the clock"}.get(kind, "event")
    return _with(f"any {noun}" if name is None else f"the {noun} {name}", rest)


def schedule_told(schedule: Schedule) -> str:
    """When a schedule fires: `3d before renewal_date, at 09:00 in the customer's time zone`."""
    zone = {CUSTOMER: " in the customer's time zone", None: ""}.get(
        schedule.timezone, f" in {schedule.timezone}"
    )
    if schedule.cron:
        return f"the times of cron {schedule.cron}{zone}"
    before = schedule.offset < timedelta(0)
    away = (
        f"{spoken(abs(schedule.offset))} {'before' if before else 'after'} "
        if schedule.offset
        else "the time of "
    )
    at = f", at {schedule.at:%H:%M}" if schedule.at else ""
    return f"{away}{schedule.attribute}{at}{zone}"


def _change(attribute: str | None, rest: Mapping[str, Any]) -> str:
    what = f"{attribute or 'any attribute'} changing"
    turns = {"new_value": "to", "old_value": "from"}
    for key in ("old_value", "new_value"):
        if key in rest:
            what += f" {turns[key]} {value_told(rest[key])}"
    for key in CROSSINGS:
        if key in rest:
            side = key.removeprefix("crosses_")
            what += f" from not {side} to {side} {value_told(rest[key])}"
    return _with(what, {key: one for key, one in rest.items() if key not in (*turns, *CROSSINGS)})


def _follow_up(name: str | None, rest: Mapping[str, Any]) -> str:
    whose = (
        f"workflow {rest['workflow_id']}" if isinstance(rest.get("workflow_id"), str) else "another workflow"
    )
    does = _FOLLOW_UPS.get(name or "", "does anything")
    if "tag" in rest and name in ("add_tag", "remove_tag"):
        does = does.replace("a tag", f"the tag {value_told(rest['tag'])}")
    return _with(
        f"the moment when {whose} {does}", {key: rest[key] for key in rest if key not in _SAID_OF_FOLLOW_UPS}
    )


_SAID_OF_FOLLOW_UPS = ("workflow_id", "tag")


def _with(what: str, rest: Mapping[str, Any]) -> str:
    """A fact and what its properties must be."""
    told = " and ".join(_property(key, value) for key, value in rest.items())
    return f"{what} with {told}" if told else what


def _property(key: str, value: Any) -> str:
    for prefix, words in (("minimum_", "at least"), ("maximum_", "at most")):
        if key.startswith(prefix):
            return f"{key.removeprefix(prefix)} {words} {value_told(value)}"
    return f"{key} {value_told(value)}"


def _single(condition: Condition) -> str:
    attribute, operator, value = condition.attribute, condition.operator, condition.value
    if attribute == "tags" and operator == "contains":
        return f"has the tag {value_told(value)}"
    if operator == "exists" and value is False:
        operator = "not_exists"
    return f"{attribute_told(attribute)} {_OPERATORS[operator](value)}"


def _listed(values: Iterable[Any], word: str) -> str:
    *others, last = map(value_told, values)
    return f"{', '.join(others)} {word} {last}" if others else last


def _words(words: str) -> Callable[[Any], str]:
    return lambda value: f"{words} {value_told(value)}"


_OPERATORS: Mapping[str, Callable[[Any], str]] = {
    "equals": _words("is"),
    "not_equals": _words("isn't"),
    "greater_than": _words("is greater than"),
    "less_than": _words("is less than"),
    "contains": _words("contains"),
    "in_list": lambda value: f"is one of {_listed(value, 'or')}" if value else "is one of none",
    "not_in_list": lambda value: f"is none of {_listed(value, 'or')}" if value else "is anything",
    "exists": lambda _: "is set",
    "not_exists": lambda _: "isn't set",
    "starts_with": _words("starts with"),
    "ends_with": _words("ends with"),
    "matches": _words("matches"),
    "before": _words("is before"),
    "after": _words("is after"),
    "between": lambda value: f"is between {_listed(value, 'and')}",
    "within_last": lambda value: f"is within the last {spoken(parse_duration(value))}",
    "at_least": _words("is at least"),
    "at_most": _words("is at most"),
}
"""Operator → the words for it and its value; every operator there is has some."""
