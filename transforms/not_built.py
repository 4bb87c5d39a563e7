"""What definition files will be able to say, but can't yet: refused by name, never ignored.

Building a feature deletes its lines here and adds it to the models.
"""

from collections.abc import Mapping

TRIGGER_TYPES: Mapping[str, str] = {
    "pattern": "pattern triggers are not built yet; use a behavioral trigger on one of the pattern's events",
}

_SCHEDULE = "use config {trigger_time: <label>} with time_based events in the log"

TRIGGER_KEYS: Mapping[str, Mapping[str, str]] = {
    "time_based": dict.fromkeys(("cron", "offset", "at", "timezone", "attribute"), _SCHEDULE),
    "attribute_change": dict.fromkeys(
        ("crosses_above", "crosses_below"), "use minimum_new_value and maximum_old_value"
    ),
}

OPERATORS: Mapping[str, str] = {
    "not_in_list": "use not_equals conditions, one for each element",
    "not_exists": "use branches: put an exists condition on the first and the rest in actions",
    "starts_with": "use contains",
    "ends_with": "use contains",
    "matches": "use contains or in_list",
    "before": "use less_than on ISO 8601 text",
    "after": "use greater_than on ISO 8601 text",
    "between": "use greater_than and less_than",
    "within_last": "use a wait, or an attribute your loader keeps up to date",
}

CONDITION_GROUPS: Mapping[str, str] = {
    "any": "use in_list, several triggers, or several branches",
    "all": "a list of conditions already means all of them",
    "not": "use not_equals, or put the rest in the default actions",
}

ATTRIBUTE_PREFIXES: Mapping[str, str] = {
    "events.": "use a profile attribute that your loader keeps up to date",
    "pattern.": "use a profile attribute that your loader keeps up to date",
}

WORKFLOW_KEYS: Mapping[str, str] = {
    "quiet_hours": "leave it out; use waits and the consent and frequency gates",
    "send_window": "leave it out; use waits and the consent and frequency gates",
    "priority": "leave it out; workflows are processed in workflow_id order",
    "channel": "leave it out; messages are e-mail, other channels are reached with trigger_webhook",
    "message_class": "leave it out; use transactional: true or false",
}
