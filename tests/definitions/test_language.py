"""The decision language in workflow files: groups, operators, signals, schedules, send times, names across files."""

import json
from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path

import jsonschema
import pytest

from flows.definitions.folder import load_definitions
from tests.definitions.test_faults import NO_TRIGGERS, action, faults, trigger
from transforms.definitions.patterns import Pattern
from transforms.definitions.reading import read_patterns, read_workflow, workflow_schema
from transforms.definitions.schedules import Schedule, schedule_of
from transforms.definitions.signals import Amount, LastEvent, PatternScore, PatternTruth, signal_of
from transforms.definitions.workflow import (
    Condition,
    Criterion,
    Group,
    QuietHours,
    SendWindow,
    Workflow,
    definition_json,
    version_of,
)
from transforms.definitions.yaml_text import read_yaml
from transforms.timing.zones import zone_name

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(workflow_schema())
OPERATORS = (
    "equals, not_equals, greater_than, less_than, contains, in_list, exists, not_in_list, not_exists, "
    "starts_with, ends_with, matches, before, after, between, within_last, at_least, at_most"
)
DATE = "a date or a date and time, such as 2026-03-01 or 2026-03-01T09:30:00Z"


def read(text: str, patterns: Mapping[str, Pattern] | None = None) -> Workflow:
    """The workflow, which its schema accepts too and which reads back from its canonical JSON."""
    workflow = read_workflow(text, "w.yaml", None, patterns)
    SCHEMA.validate(read_yaml(text).value)
    assert read_workflow(definition_json(workflow), "w.json") == workflow
    return workflow


def conditions(text: str) -> tuple[Condition | Group, ...]:
    return read(trigger(f"{{type: behavioral, conditions: {text}}}")).triggers[0].conditions


def condition_faults(text: str) -> list[str]:
    found = faults(trigger(f"{{type: behavioral, conditions: {text}}}"))
    return [said.replace("cart.yaml:4:", "").replace("triggers[0].conditions", "…") for said in found]


VERSIONS = {
    "data/workflows/cart_abandonment.yaml": "552c044002245ff4",
    "data/workflows/welcome_series.yaml": "8aafa687720025fd",
}


@pytest.mark.parametrize("file", VERSIONS)
def test_definitions_without_the_new_features_keep_their_versions(file: str) -> None:
    assert version_of(read_workflow((ROOT / file).read_text(encoding="utf-8"), file)) == VERSIONS[file]


# Groups ---------------------------------------------------------------------------------------------------


def test_groups_stand_where_conditions_stand() -> None:
    a, b = ("{attribute: " + name + ", operator: exists}" for name in "ab")
    one, two = (Condition(attribute=name, operator="exists") for name in "ab")
    group = Group(any=(one, Group.model_validate({"not": [two]})))
    assert conditions(f"[{{any: [{a}, {{not: {b}}}]}}, {{all: []}}]") == (group, Group(all=()))
    assert conditions(f"{{any: [{a}, {{not: [{b}]}}]}}") == (group,)
    assert group.any[1].negated == (two,)


def test_criteria_in_groups_default_to_equals() -> None:
    text = "{criteria: {y: {any: [{attribute: a, value: 1}, {not: {attribute: b, value: 2}}]}}}"
    (found,) = read(action(f"{{type: branch_decision, config: {text}}}")).actions[0].config.criteria["y"]
    assert isinstance(found, Group)
    assert found.any[0] == Criterion(attribute="a", value=1)
    assert found.any[1].negated[0].operator == "equals"


GROUPS = {
    "{any: [{attribute: a, operator: exist, value: 1}, foo]}": [
        f"66 ….any[0].operator: given 'exist'; allowed: {OPERATORS}; did you mean 'exists'?",
        "84 ….any[1]: given 'foo'; allowed: a mapping",
    ],
    "{not: {attribute: a, operator: equals}}": [
        "35 ….not.value: missing key 'value'; only exists and not_exists need none"
    ],
    "[{any: [], all: []}]": ["45 …[0].all: given both 'any' and 'all'; allowed: one of any, all, not"],
    "[{any: [], attribute: a}]": ["45 …[0].attribute: unknown key 'attribute'; allowed: all, any, not"],
    "{all: {attribute: a, operator: exists}}": ["40 ….all: given a mapping; allowed: a list"],
    "{any: null}": ["40 ….any: given nothing (null); allowed: a list of conditions"],
    "{attribute: a, operator: exists}": ["34 …: given a mapping; allowed: a list"],
}


@pytest.mark.parametrize("text", GROUPS)
def test_group_faults(text: str) -> None:
    assert condition_faults(text) == GROUPS[text]


# Operators ------------------------------------------------------------------------------------------------

VALUES = {
    "not_in_list": ["[]", "[a, 1, null]"],
    "starts_with": ["''", "a"],
    "ends_with": ["z"],
    "matches": ["'^a+$'", "'(?i)x|y'"],
    "before": ["2026-03-01", "2026-03-01T09:30", "2026-03-01 09:30:00.5", "'2026-03-01T09:30:00+02:00'"],
    "after": ["'2026-03-01T09:30:00Z'"],
    "between": ["[1, 1]", "[-1.5, 2]", "[a, b]", "['2026-03-01T00:00:00+02:00', '2026-02-28T23:00:00Z']"],
    "within_last": ["7d", "3600", "0"],
}


@pytest.mark.parametrize("operator", VALUES)
def test_values_of_operators(operator: str) -> None:
    for value in VALUES[operator]:
        (found,) = conditions(f"[{{attribute: a, operator: {operator}, value: {value}}}]")
        assert found.operator == operator


def test_not_exists_needs_no_value() -> None:
    assert conditions("[{attribute: a, operator: not_exists}]")[0].value is None


def test_spellings_of_within_last_are_one_workflow() -> None:
    spelled = [conditions(f"[{{attribute: a, operator: within_last, value: {v}}}]") for v in ("1d", "86400")]
    assert spelled[0] == spelled[1]
    assert spelled[0][0].value == 86400


WRONG = {
    ("not_in_list", "a"): "not_in_list needs a list of values, such as [gold, silver]",
    ("starts_with", "1"): "starts_with needs text (a number needs quotes)",
    ("ends_with", "null"): "ends_with needs text (a number needs quotes)",
    ("matches", "'a('"): "matches needs a regular expression of linear time: unclosed group",
    ("matches", "'(?=a)'"): (
        "matches needs a regular expression of linear time: look-around, including look-ahead and look-behind, "
        "is not supported"
    ),
    ("matches", "'a{9999}{9999}'"): (
        "matches needs a regular expression of linear time: Compiled regex exceeds size limit of 10485760 bytes."
    ),
    ("before", "yesterday"): f"before needs {DATE}",
    ("after", "2026-02-30"): f"after needs {DATE}",
    ("between", "5"): "between needs a list of two, [low, high], such as [10, 20]",
    ("between", "[1, 2, 3]"): "between needs a list of two, [low, high], such as [10, 20]",
    ("between", "[1, a]"): "between needs two numbers, two instants or two texts; given 1 and 'a'",
    ("between", "[2, 1]"): "between needs [low, high]; 2 is greater than 1",
    ("between", "['2026-03-01T01:00:00Z', '2026-03-01T01:30:00+02:00']"): (
        "between needs [low, high]; '2026-03-01T01:00:00Z' is greater than '2026-03-01T01:30:00+02:00'"
    ),
    ("within_last", "soon"): (
        "within_last needs a duration: 'soon' is not a duration: give seconds (3600) or a number and a unit, "
        "like 90s, 30m, 12h, 2d, 1w"
    ),
}


@pytest.mark.parametrize(("operator", "value"), WRONG)
def test_wrong_values_of_operators(operator: str, value: str) -> None:
    (only,) = condition_faults(f"[{{attribute: a, operator: {operator}, value: {value}}}]")
    assert only.split(": ", 1)[1] == WRONG[operator, value]


# Signals --------------------------------------------------------------------------------------------------


def test_signals_are_read_from_their_end() -> None:
    assert signal_of("events.purchase.count.30d") == Amount("purchase", "count", timedelta(days=30))
    assert signal_of("events.Order Completed.sum") == Amount("Order Completed", "total_value", None)
    assert signal_of("events.a.b.count.1.5h") == Amount("a.b", "count", timedelta(minutes=90))
    assert signal_of("events.count.count") == Amount("count", "count", None)
    assert signal_of("events.a.b.days_since") == LastEvent("a.b")
    assert signal_of("pattern.a.b") == PatternTruth("a.b")
    assert signal_of("pattern.a.score") == PatternScore("a")
    assert signal_of("pattern.score") == PatternTruth("score")
    assert [signal_of(name) for name in ("plan", "event.count", "tags", "eventscount", "patterns")] == [
        None
    ] * 5


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        (
            "events.count",
            "'events.count' says nothing of events; allowed: events.<name>.count, events.<name>.sum,",
        ),
        ("events.a.average.3d", "'events.a.average.3d' says nothing of events; allowed: "),
        (
            "events.a.sum.3 days",
            "'events.a.sum.3 days': '3 days' is not a window; allowed: a number and a unit",
        ),
        ("pattern.", "'pattern.' names no pattern; allowed: pattern.<name>, and pattern.<name>.score of a "),
    ],
)
def test_signal_faults(attribute: str, said: str) -> None:
    (only,) = condition_faults(f"[{{attribute: '{attribute}', operator: exists}}]")
    assert only.startswith(f"47 …[0].attribute: {said}")


# Triggers -------------------------------------------------------------------------------------------------


def test_schedules() -> None:
    def schedule(config: str) -> Schedule | None:
        found = read(trigger(f"{{type: time_based, config: {config}}}")).triggers[0]
        return schedule_of(found.type, found.config)

    none = timedelta(0)
    assert schedule("{cron: 0 9 * * 1}") == Schedule("0 9 * * 1", None, none, None, None)
    assert schedule("{cron: 0 9 L * MON, timezone: customer}") == Schedule(
        "0 9 L * MON", None, none, None, "customer"
    )
    assert schedule("{attribute: renewal}") == Schedule(None, "renewal", none, None, None)
    assert schedule("{attribute: r, offset: -3d, at: '09:00', timezone: Europe/Berlin}") == Schedule(
        None, "r", timedelta(days=-3), time(9), "Europe/Berlin"
    )
    assert schedule("{attribute: r, offset: -60}").offset == timedelta(minutes=-1)
    assert schedule("{attribute: r, offset: 2h}").offset == timedelta(hours=2)
    assert schedule("{trigger_time: daily_9am, colour: red}") is None
    assert schedule_of("behavioral", {"attribute": "x"}) is None


CRON = 'five fields (minute, hour, day of the month, month, day of the week), such as "0 9 * * 1"'
ZONE = "customer, or the name of a time zone, like Europe/Berlin or UTC"
SCHEDULES = {
    "{cron: 0 9 * *}": [f"37 ….cron: given '0 9 * *'; allowed: {CRON}"],
    "{cron: '@daily'}": [f"37 ….cron: given '@daily'; allowed: {CRON}"],
    "{cron: 0 99 * * *}": [
        "37 ….cron: given '0 99 * * *', whose hour no cron has; allowed: like \"0 9 * * 1\""
    ],
    "{cron: 0 9 30 2 *}": [
        "37 ….cron: given '0 9 30 2 *', which never fires: no such month has such a day; allowed: a day that comes, "
        'such as L for the last one: "0 9 L * *"'
    ],
    "{cron: 0 9 * * 1, timezone: Berlin}": [
        f"58 ….timezone: given 'Berlin'; allowed: {ZONE}; did you mean 'Europe/Berlin'?"
    ],
    "{cron: 0 9 * * 1, at: '09:00', trigger_time: x}": [
        "48 ….at: 'at' can't stand in a schedule with 'cron'; allowed: cron, timezone",
        "61 ….trigger_time: 'trigger_time' can't stand in a schedule with 'cron'; allowed: cron, timezone",
    ],
    "{cron: 0 9 * * 1, attribute: a}": [
        "48 ….attribute: given both 'cron' and 'attribute'; allowed: one of them"
    ],
    "{attribute: event.x}": [
        "42 ….attribute: given 'event.x'; allowed: created_at, or the name of a profile attribute that holds a date"
    ],
    "{attribute: a, offset: soon, at: '9:00'}": [
        "53 ….offset: given 'soon'; allowed: -3d, 2h, 0, or another number of seconds",
        '63 ….at: given \'9:00\'; allowed: a time of day like "09:00" or "21:30:00"',
    ],
    "{trigger_time: x, offset: 1h}": [
        "48 ….offset: 'offset' needs a schedule; give 'cron' or 'attribute' beside it"
    ],
}


@pytest.mark.parametrize("text", SCHEDULES)
def test_schedule_faults(text: str) -> None:
    found = faults(trigger(f"{{type: time_based, config: {text}}}"))
    assert [
        said.replace("cart.yaml:4:", "").replace("triggers[0].config", "…") for said in found
    ] == SCHEDULES[text]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("UTC", "UTC"),
        ("utc", "UTC"),
        ("Europe/Berlin", "Europe/Berlin"),
        (" europe/BERLIN\t", "Europe/Berlin"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("pacific standard time", "America/Los_Angeles"),
        ("US/Pacific-New", "America/Los_Angeles"),
        *(
            (text, None)
            for text in ("", " ", "customer", "+01:00", "GMT+2", "Mars/Base", "localtime", "Factory")
        ),
    ],
)
def test_zones(text: str, name: str | None) -> None:
    assert zone_name(text) == name


def test_a_zone_of_a_file_is_read_likewise() -> None:
    cron = "{type: time_based, config: {cron: '0 9 * * *', timezone: ' europe/berlin '}}"
    (found,) = read(trigger(cron)).triggers
    schedule = schedule_of(found.type, found.config)
    assert schedule is not None
    assert schedule.timezone == "Europe/Berlin"
    quiet = {"start": "21:00", "end": "08:00", "timezone": "Tokyo Standard Time"}
    assert QuietHours.model_validate(quiet).timezone == "Asia/Tokyo"


def test_pattern_triggers_and_crossings() -> None:
    workflow = read(
        trigger("{type: pattern, config: {pattern: p}}")
        + "goal: {type: attribute_change, config: {attribute: a, crosses_above: 5, crosses_below: 1.5}}\n"
        "exit_on: [{type: pattern, config: {pattern: q}}]\n"
        "actions: [{type: wait_for_event, config: {type: pattern, event: {pattern: r}}},"
        " {type: wait_for_event, config: {type: time_based, event: {cron: 0 9 * * 1}}}]\n"
    )
    assert workflow.triggers[0].config == {"pattern": "p"}
    assert workflow.actions[1].config.event == {"cron": "0 9 * * 1"}


TRIGGERS = {
    "{type: pattern}": "3 triggers[0].config.pattern: missing key 'pattern': the name of a "
    "pattern of the patterns file",
    "{type: pattern, config: {patern: x}}": "28 triggers[0].config.patern: unknown key 'patern'; allowed: pattern; "
    "did you mean 'pattern'?",
    "{type: pattern, config: {pattern: 3}}": "37 triggers[0].config.pattern: given 3; allowed for 'pattern': text "
    "(a number needs quotes)",
    "{type: attribute_change, config: {crosses_above: x}}": "52 triggers[0].config.crosses_above: given 'x'; "
    "allowed for 'crosses_above': a number",
}


@pytest.mark.parametrize("text", TRIGGERS)
def test_trigger_faults(text: str) -> None:
    assert faults(trigger(text)) == [f"cart.yaml:4:{TRIGGERS[text]}"]


# Sends ----------------------------------------------------------------------------------------------------


def test_send_times_priority_class_and_channel() -> None:
    workflow = read(
        NO_TRIGGERS + "quiet_hours: {start: 21:00, end: '08:00'}\n"
        "send_window: {start: 09:00, end: 17:00:30, days: [fri, mon], timezone: Europe/Berlin}\n"
        "priority: -10\nmessage_class: newsletter\n"
        "actions: [{type: trigger_webhook, config: {url: 'https://example.com', channel: sms}}]\n"
    )
    assert workflow.quiet_hours == QuietHours(start=time(21), end=time(8))
    assert workflow.quiet_hours.timezone == "customer"
    assert workflow.send_window == SendWindow(
        start=time(9), end=time(17, 0, 30), days=("mon", "fri"), timezone="Europe/Berlin"
    )
    assert SendWindow(start=time(9), end=time(17)).days == ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    assert (workflow.priority, workflow.message_class, workflow.actions[0].config.channel) == (
        -10,
        "newsletter",
        "sms",
    )
    assert json.loads(definition_json(workflow))["quiet_hours"] == {"start": "21:00", "end": "08:00"}
    plain = read(NO_TRIGGERS)
    assert (plain.quiet_hours, plain.send_window, plain.priority, plain.message_class) == (
        None,
        None,
        0,
        None,
    )


SENDS = {
    "quiet_hours: {start: 21:00, end: 21:00:00}": [
        "4:34 quiet_hours.end: quiet hours end when they start; allowed: two different times"
    ],
    "quiet_hours: {start: 24:00, end: 08:00, timezone: here}": [
        '4:22 quiet_hours.start: given \'24:00\'; allowed: a time of day like "09:00" or "21:30:00"',
        f"4:51 quiet_hours.timezone: given 'here'; allowed: {ZONE}",
    ],
    "send_window: {start: 09:00, end: 17:00, days: []}": [
        "4:47 send_window.days: given an empty list; allowed: some of mon, tue, wed, thu, fri, sat, sun"
    ],
    "send_window: {start: 09:00, days: [monday]}": [
        "4:1 send_window.end: missing key 'end'",
        "4:36 send_window.days[0]: given 'monday'; allowed: mon, tue, wed, thu, fri, sat, sun; did you mean 'mon'?",
    ],
    "priority: 1.5": ["4:11 priority: given 1.5; allowed: a whole number"],
    "priority: true": ["4:11 priority: given true; allowed: a whole number"],
    "message_class: ''": ["4:16 message_class: given ''; allowed: text that is not empty"],
}


@pytest.mark.parametrize("text", SENDS)
def test_send_faults(text: str) -> None:
    assert faults(f"{NO_TRIGGERS}{text}\n") == [f"cart.yaml:{said}" for said in SENDS[text]]


# Names across files ---------------------------------------------------------------------------------------

PATTERNS = (
    "intent: {pattern: weighted_score, threshold: 1, events: [{type: a, weight: 1}]}\n"
    "decline: {pattern: sequence, events: [{type: a}]}\n"
)


def test_patterns_that_workflows_name_must_be_there() -> None:
    patterns = read_patterns(PATTERNS, "p.yaml")
    text = (
        trigger(
            "{type: pattern, config: {pattern: intnt}, "
            "conditions: [{attribute: pattern.declin, operator: exists}]}"
        )
        + "goal: {type: behavioral, conditions: {not: {attribute: pattern.decline.score, operator: exists}}}\n"
        "actions:\n- {type: wait_for_event, config: {type: pattern, event: {pattern: other}}}\n"
    )
    assert faults(text, lambda text, file: read_workflow(text, file, None, patterns)) == [
        "cart.yaml:4:37 triggers[0].config.pattern: no valid pattern 'intnt'; allowed: decline, intent; "
        "did you mean 'intent'?",
        "cart.yaml:4:70 triggers[0].conditions[0].attribute: no valid pattern 'declin'; allowed: decline, intent; "
        "did you mean 'decline'?",
        "cart.yaml:5:56 goal.conditions.not.attribute: pattern 'decline' is a sequence and has no score; "
        "allowed: intent",
        "cart.yaml:7:67 actions[0].config.event.pattern: no valid pattern 'other'; allowed: decline, intent",
    ]
    assert read(text).triggers[0].config == {"pattern": "intnt"}, "without the patterns, any name will do"


def test_a_workflow_without_its_pattern_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "a.yaml").write_text(trigger("{type: pattern, config: {pattern: intent}}"))
    (folder / "b.yaml").write_text(NO_TRIGGERS.replace("workflow_id: w", "workflow_id: plain"))
    file = tmp_path / "patterns.yaml"
    file.write_text(PATTERNS)
    good = load_definitions(folder, file)
    assert ([one.workflow_id for one in good.workflows], [*good.patterns], good.faults) == (
        *(["plain", "w"], ["intent", "decline"], ()),
    )
    file.write_text(PATTERNS.replace("threshold: 1, ", ""))
    bad = load_definitions(folder, file)
    assert ([one.workflow_id for one in bad.workflows], bad.patterns) == (["plain"], {})
    assert bad.faults == (
        f"{folder}/a.yaml:4:37 triggers[0].config.pattern: no valid pattern 'intent'; allowed: none",
        f"{file}:1:1 intent.threshold: missing key 'threshold'",
    )
