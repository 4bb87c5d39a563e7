"""semantics.md §6: whether a fact is what a trigger waits for."""

from collections.abc import Mapping
from typing import Any

from tests.oracle.schedules import schedule_of
from tests.oracle.values import equals, greater, is_number, look_up

OWN_KEY = {
    "behavioral": "action",
    "attribute_change": "attribute",
    "external_event": "source",
    "time_based": "trigger_time",
    "workflow_action": "action",
    "pattern": "pattern",
}


def property_of(fact: Mapping[str, Any], name: str) -> Any:
    """§5: property `name` of a fact, or what stands inside one; `value` falls back to the event's own number."""

    def whole(one: str) -> Any:
        found = fact["properties"].get(one)
        return fact["value"] if found is None and one == "value" else found

    return look_up(name, whole)


def matches(trigger: Mapping[str, Any], fact: Mapping[str, Any], start: Mapping[str, Any]) -> bool:
    """§6: whether a fact is of the trigger's type and fits all keys of its config; `start` began the execution."""
    if trigger["type"] != fact["type"]:
        return False
    schedule = schedule_of(trigger)
    if schedule or "schedule" in fact:
        return schedule == fact.get("schedule")
    own = OWN_KEY[trigger["type"]]
    for key, given in trigger.get("config", {}).items():
        wanted = property_of(start, given["from"].removeprefix("event.")) if refers(given) else given
        if refers(given) and wanted is None:
            fits = False
        elif key == own:
            fits = fact["name"] == wanted
        elif key in ("crosses_above", "crosses_below") and trigger["type"] == "attribute_change":
            fits = crosses(property_of(fact, "old_value"), property_of(fact, "new_value"), key, wanted)
        elif key.startswith(("minimum_", "maximum_")):
            fits = _within(property_of(fact, key[len("minimum_") :]), key, wanted)
        else:
            fits = equals(property_of(fact, key), wanted)
        if not fits:
            return False
    return True


def crosses(old: Any, new: Any, key: str, bound: float) -> bool:
    """Whether the new value is a number beyond the bound and the old one isn't; null was 0."""

    def beyond(value: Any) -> bool:
        if not is_number(value):
            return False
        return greater(value, bound) if key == "crosses_above" else greater(bound, value)

    return is_number(bound) and beyond(new) and not beyond(0 if old is None else old)


def _within(amount: Any, key: str, bound: float) -> bool:
    if not is_number(amount) or not is_number(bound):
        return False
    return bool(amount >= bound if key.startswith("minimum_") else amount <= bound)


def listens(trigger: Mapping[str, Any], type_: str, name: str) -> bool:
    """Whether a trigger could match some fact of this type and name; schedules have facts of their own."""
    if schedule_of(trigger):
        return False
    wanted = trigger.get("config", {}).get(OWN_KEY[trigger["type"]], name)
    return bool(trigger["type"] == type_ and (refers(wanted) or wanted == name))


def refers(value: Any) -> bool:
    """§6: whether a value is `{from: event.x}`."""
    return isinstance(value, dict) and [*value] == ["from"]
