"""The decision language in random cases: an ordinary case, some of whose triggers, conditions and values are replaced.

A case draws which features it has, so that each of them is dense where it occurs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import combinations
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.engine.strategies_workflows import (
    BEHAVIORS,
    conditions,
    near_values,
    numbers,
    sometimes,
    texts,
    weighted,
)
from tests.oracle.instants import instant
from tests.semantics.cases import Case, Row

FEATURES = ["patterns", "schedules", "operators", "hours", "sends", "nested", *["references"] * 3]
OPERATORS = [
    *("starts_with", "ends_with", "matches", "before", "after", "between", "within_last"),
    *("not_in_list", "not_exists", "at_least", "at_most"),
]
PATTERN_NAMES = ["calm", "keen", "loyal"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
DST_DAYS = [26, 236, 5, 243, 32, 214]
"""Days from `START` to the eve of clock changes in Berlin, New York and on Lord Howe, spring and autumn."""

behaviors = st.sampled_from(BEHAVIORS)
windows = st.sampled_from(["30m", "1h", "2h", "6h", "12h", "1d"])
event_values = st.sampled_from([3.0, -3.0, 0.0, -2.5, 2.5, 12.5, 0.1, 0.2, None])
some_features = [set(some) for size in (1, 2, 3) for some in combinations(FEATURES, size)]
feature_sets = st.integers(0, 2**16).map(lambda roll: some_features[roll % len(some_features)])
shifts = weighted((3, st.just(0)), (2, st.sampled_from(DST_DAYS))).map(lambda days: timedelta(days=days))


def happens(draw: DrawFn, percent: int) -> bool:
    """True so often in a hundred; shrinks to false."""
    return draw(st.integers(0, 99)) >= 100 - percent


@st.composite
def terms(draw: DrawFn, /, **own: SearchStrategy[Any]) -> Row:
    """A term with a window, in either spelling, and the keys of its kind of pattern."""
    row: Row = {"type": draw(behaviors)} | {key: draw(strategy) for key, strategy in own.items()}
    if happens(draw, 80):
        row[draw(st.sampled_from(["time_window", "timeWindow"]))] = draw(windows)
    if happens(draw, 25):
        row["offset"] = draw(st.sampled_from(["30m", "1h", "6h"]))
    if happens(draw, 35):
        row["metric"] = "total_value"
    return row


bounds = st.sampled_from(
    [
        *({"minCount": 1}, {"min_count": 2}, {"max_count": 0}, {"maxCount": 1}),
        *({"min_count": 1, "maxCount": 2}, {"min_count": 0.3}, {"min_count": -2.5, "max_count": 0}),
    ]
)
counted_terms = st.builds(lambda term, bound: term | bound, terms(), bounds)
weighted_terms = terms(weight=st.sampled_from([10, 2.5, 0.1, -5]))
threshold_terms = terms(threshold=st.sampled_from([1, 2, 3, 0, 0.3, -2.5, 12.5]))
ordered_terms = st.fixed_dictionaries({"type": behaviors}, optional={"within": windows})


def some(strategy: SearchStrategy[Row]) -> SearchStrategy[list[Row]]:
    """One to three of them."""
    return st.lists(strategy, min_size=1, max_size=3)


patterns: SearchStrategy[Row] = st.one_of(
    st.fixed_dictionaries({"pattern": st.just("sequence"), "events": some(counted_terms)}),
    st.fixed_dictionaries(
        {
            "pattern": st.just("weighted_score"),
            "events": some(weighted_terms),
            "threshold": st.sampled_from([10, 20, 2.5, 0.3, 0, -5]),
        }
    ),
    st.fixed_dictionaries(
        {"pattern": st.just("cumulative"), "events": some(threshold_terms)},
        optional={"match": st.sampled_from(["any", "all"])},
    ),
    st.fixed_dictionaries({"pattern": st.just("ordered"), "events": some(ordered_terms)}),
)
zone_names = st.sampled_from([*ZONES, "customer", "customer", "customer"])
zone_values = weighted(
    (6, st.sampled_from(ZONES)),
    (1, st.sampled_from([*map(str.lower, ZONES), f" {ZONES[0]} ", "W. Europe Standard Time"])),
    (1, st.sampled_from(["Mars/Base", "GMT+2", "", 3, None])),
)
crons = st.sampled_from(
    ["0 */6 * * *", "30 2 * * *", "0 9 * * 1", "*/30 1-3 * * *", "15 1,2 * * SUN", "0 0 * * *"]
)


LAST_TIME = datetime.max.replace(tzinfo=UTC)


def in_time(dates: list[str]) -> list[str]:
    """Dates in the order of their instants, as `between` needs them."""
    return sorted(dates, key=lambda text: instant(text) or LAST_TIME)


def asked(attribute: str, *values: SearchStrategy[Any]) -> SearchStrategy[tuple[str, Any]]:
    """An attribute, and what it is compared with."""
    return st.tuples(st.just(attribute), st.one_of(values))


pieces = {"starts_with": ["", "3", "r", "p", "tr", "d"], "ends_with": ["", "3", "d", "o", "ue", "r"]}
regexes = st.sampled_from(["^r", "o$", "[a-z]+", "e|3", "^[0-9]{4}-", "^$"])
ranges = {"score": [[0, 1], [-2.5, 3], [3, 3.0]], "plan": [["3", "pro"], ["", "zz"], ["red", "red"]]}
listed = ["flag", "plan", "plan", "score", "event.amount", "event.color"]
undated: dict[str, SearchStrategy[tuple[str, Any]]] = {
    "not_in_list": st.one_of([asked(name, st.lists(near_values[name], max_size=5)) for name in listed]),
    "not_exists": st.tuples(st.sampled_from([*listed, "renews"]), st.none()),
    "matches": asked("plan", regexes) | asked("renews", regexes),
    "within_last": asked("renews", st.sampled_from(["30m", "12h", "3d", "7d"])),
    **{operator: asked("plan", st.sampled_from(some)) for operator, some in pieces.items()},
}
"""Of operators, attributes with values that may make them true or false; `Kit.compared` has those with dates."""
ranges_undated = st.one_of([asked(name, st.sampled_from(some)) for name, some in ranges.items()])


@dataclass(frozen=True)
class Kit:
    """What a case's replacements are made from."""

    features: frozenset[str]
    patterns: dict[str, Row]
    end: datetime

    @property
    def kinds(self) -> list[str]:
        """The features that have conditions of their own."""
        return sorted(self.features & {"patterns", "operators", "nested"})

    @cached_property
    def dates(self) -> SearchStrategy[str]:
        """Dates, and dates and times, in the days of the case."""
        return st.builds(
            lambda steps, form: (self.end - timedelta(minutes=30 * steps)).strftime(form),
            st.integers(-60, 200),
            st.sampled_from(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%MZ"])
            | st.sampled_from(["%Y-%m-%dT%H:%M:%S.5+02:00", "%Y-%m-%dT%H:%M-04:30"])
            | st.sampled_from(
                ["%Y%m%d", " %Y%m%dt%H:%M:60 +02 ", "%Y-%m-%d %H:%M:%S,25 UTC", "%Y-%m-%dT24:00"]
            )
            | st.sampled_from(["%s", "%s.75", "%s125"]),
        )

    @cached_property
    def compared(self) -> dict[str, SearchStrategy[tuple[str, Any]]]:
        """Of each operator beyond the seven, attributes with values that may make it true or false."""
        dated = asked("renews", self.dates)
        two = st.lists(self.dates, min_size=2, max_size=2).map(in_time)
        bounds = {
            operator: dated | asked("score", numbers) | asked("plan", texts)
            for operator in ("at_least", "at_most")
        }
        return (
            undated
            | bounds
            | {"before": dated, "after": dated, "between": asked("renews", two) | ranges_undated}
        )

    @cached_property
    def date_values(self) -> SearchStrategy[Any]:
        """Dates, and now and then something else."""
        counted = self.dates.map(lambda text: int(text) if text.isdigit() else text)
        return weighted((9, counted), (1, st.sampled_from([None, "soon", 3, 46027.375, "2026-02-30"])))


date_names = st.sampled_from(["renews", "renews", "created_at", "stay.at", "stay.0.at"])
structures = st.sampled_from(
    [
        *({"k": 1, "a": ["red", {"k": 3}]}, {"k": "red", "a": []}, {"a": [[1], 1.0]}, {"k": {"x": 1}}),
        *([1, "red"], ["red", [3]], {"k": None, "k.x": 1}, 3, "red", None),
    ]
)
dotted = ["k", "a.0", "a.1.k", "0", "1.0", "k.x", "01", "a"]
nested_names = st.builds(
    lambda head, rest: f"{head}.{rest}",
    st.sampled_from(["plan", "plan", "score", "event.color", "event.amount", "event.new_value"]),
    st.sampled_from(dotted),
)
nested_operators = st.sampled_from(["equals", "not_equals", "contains", "at_least", "less_than"])
nested_values = st.sampled_from([1, 3.0, "red", "1"])


def nested(kit: Kit) -> SearchStrategy[Row]:
    """A condition on what stands inside a value, or on a field of the profile."""
    inside = st.builds(
        lambda name, operator, value: {"attribute": name, "operator": operator, "value": value},
        *(nested_names, nested_operators, nested_values),
    )
    exists = st.builds(
        lambda name, is_there: {"attribute": name, "operator": "exists", "value": is_there},
        *(nested_names, st.booleans()),
    )
    dated = st.builds(
        lambda operator, value: {"attribute": "created_at", "operator": operator, "value": value},
        *(st.sampled_from(["before", "after", "at_least", "at_most"]), kit.dates),
    )
    own = {"attribute": "customer_id", "operator": "in_list", "value": ["ann", "zoe"]}
    return weighted((6, inside), (3, exists), (2, dated), (1, st.just(own)))


nested_config = st.fixed_dictionaries(
    {"action": behaviors},
    optional={f"{bound}color.{rest}": nested_values for bound in ("", "minimum_") for rest in ("k", "a.1.k")},
).map(lambda config: {key: one for key, one in config.items() if _fits(key, one)})


def _fits(key: str, value: Any) -> bool:
    return not key.startswith("minimum_") or not isinstance(value, str)


@st.composite
def schedules(draw: DrawFn) -> Row:
    """The config of a schedule."""
    config: Row = {"timezone": draw(zone_names)} if happens(draw, 75) else {}
    if draw(st.booleans()):
        return config | {"cron": draw(crons)}
    config["attribute"] = draw(date_names)
    if happens(draw, 70):
        config["offset"] = draw(st.sampled_from(["0", "-1d", "2h", "-6h", "30m"]))
    if happens(draw, 40):
        config["at"] = draw(st.sampled_from(["09:00", "02:30", "00:00", "23:30"]))
    return config


crossings = st.builds(
    lambda key, bound: {"attribute": "score", key: bound},
    st.sampled_from(["crosses_above", "crosses_below"]),
    st.sampled_from([0, 1, -2.5]),
)


def new_trigger(draw: DrawFn, kit: Kit) -> Row | None:
    """The type and config of a trigger of one of the case's features."""
    kinds: dict[str, Callable[[], Row]] = {
        "patterns": lambda: {
            "type": "pattern",
            "config": {"pattern": draw(st.sampled_from(sorted(kit.patterns)))},
        },
        "schedules": lambda: {"type": "time_based", "config": draw(schedules())},
        "operators": lambda: {"type": "attribute_change", "config": draw(crossings)},
        "nested": lambda: {"type": "behavioral", "config": draw(nested_config)},
    }
    kinds = {name: kind for name, kind in kinds.items() if name in kit.features}
    return kinds[draw(st.sampled_from(sorted(kinds)))]() if kinds else None


def trigger(draw: DrawFn, given: Row, kit: Kit) -> Row:
    """The trigger, or another with its conditions."""
    found = new_trigger(draw, kit) if happens(draw, 30) else None
    row = given | (found or {})
    row["config"] = draw(referring(kit, row["type"], row["config"]))
    return with_conditions(draw, row, kit, more=20)


TOLD = ["event.amount", "event.color", "event.value", "event.color.k", "event.next"]
told = st.sampled_from(TOLD)
reference_keys: dict[str, list[str]] = {
    "behavioral": [
        *("color", "amount", "minimum_value", "action", "next"),
        *("minimum_amount", "maximum_amount", "minimum_amount", "maximum_amount"),
    ],
    "attribute_change": ["new_value", "crosses_above", "crosses_below", "minimum_old_value", "attribute"],
    "external_event": ["source", "color", "crosses_above"],
    "workflow_action": ["action", "workflow_id", "tag"],
}
referring_waits = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["minimum_amount", "maximum_amount", "amount", "action"]).map(
            lambda key: {key: {"from": "event.next" if key == "action" else "event.amount"}}
        ),
        "timeout": st.just("2d"),
    }
)
"""Waits that an event ends which is like the first one."""


@st.composite
def referring(draw: DrawFn, kit: Kit, type_: str, config: Row) -> Row:
    """The config, perhaps with a key that refers to the event that started the execution."""
    if "references" not in kit.features or type_ not in reference_keys or not happens(draw, 85):
        return config
    key = draw(st.sampled_from(reference_keys[type_]))
    names = {"action", "source", "attribute", "workflow_id", "tag", "next"}
    same = f"event.{key.removeprefix('minimum_').removeprefix('maximum_')}"
    likely = "event.next" if key in names else same if same in TOLD else "event.amount"
    return config | {key: {"from": likely if happens(draw, 70) else draw(told)}}


def with_conditions(draw: DrawFn, row: Row, kit: Kit, more: int) -> Row:
    """The trigger or action with its conditions replaced; where it has none, so often in a hundred with one."""
    given: list[Row] = row.get("conditions", [])
    if not given and kit.kinds and happens(draw, more):
        return row | {"conditions": [draw(new_condition(kit))]}
    return row | {"conditions": condition_list(draw, given, kit)} if given else row


def condition_list(draw: DrawFn, given: Sequence[Row] | Row, kit: Kit) -> Any:
    """A condition or a list, some of them replaced."""
    if isinstance(given, dict):
        return condition(draw, given, kit)
    return [condition(draw, one, kit) for one in given]


def condition(draw: DrawFn, given: Row, kit: Kit) -> Row:
    """The condition, or another, or a group of both."""
    if not kit.kinds or not happens(draw, 75):
        return given
    found: Row = draw(new_condition(kit))
    return (
        draw(groups(st.just(given), st.just(found)))
        if "operators" in kit.features and happens(draw, 25)
        else found
    )


def new_condition(kit: Kit) -> SearchStrategy[Row]:
    """A condition of one of the case's features."""
    kinds = {
        "patterns": lambda: windowed(kit),
        "operators": lambda: st.one_of(beyond(kit), groups(beyond(kit), beyond(kit))),
        "nested": lambda: nested(kit),
    }
    return st.one_of([kinds[kind]() for kind in kit.kinds])


@st.composite
def groups(draw: DrawFn, *given: SearchStrategy[Row]) -> Row:
    """A group of some of the members, perhaps nested."""
    members = [draw(strategy) for strategy in given]
    chosen: list[Row] = draw(st.lists(st.sampled_from(members), max_size=3))
    more: Row = draw(conditions(decision=False))
    return draw(
        st.sampled_from(
            [
                *({"any": chosen}, {"all": chosen}, {"not": members[-1]}, {"not": [*chosen, more]}),
                *({"any": [{"not": members[0]}, {"all": [*members]}]}, {"all": [{"any": [*chosen, more]}]}),
            ]
        )
    )


amounts = st.sampled_from([0, 1, 2, 3, 0.3, -2.5, 12.5])
comparisons = st.sampled_from(["greater_than", "less_than", "equals"])


@st.composite
def windowed(draw: DrawFn, kit: Kit) -> Row:
    """A condition on a pattern, a score or a windowed count."""
    name = draw(st.sampled_from(sorted(kit.patterns)))
    kind = draw(st.sampled_from(["truth", "score", "count", "sum", "days_since"]))
    if kind == "score" and kit.patterns[name]["pattern"] == "weighted_score":
        return {"attribute": f"pattern.{name}.score", "operator": draw(comparisons), "value": draw(amounts)}
    if kind in ("truth", "score"):
        return {"attribute": f"pattern.{name}", "operator": "equals", "value": draw(st.booleans())}
    attribute = f"events.{draw(behaviors)}.{kind}"
    if kind == "days_since":
        value = draw(st.sampled_from([0, 0.25, 0.5, 1]))
        return {"attribute": attribute, "operator": draw(comparisons), "value": value}
    window = draw(sometimes(75, windows))
    attribute += "" if window is None else f".{window}"
    return {"attribute": attribute, "operator": draw(comparisons), "value": draw(amounts)}


attribute_names = st.sampled_from(["flag", "plan", "score", "renews", "event.amount", "event.color"])


@st.composite
def beyond(draw: DrawFn, kit: Kit, operator: str | None = None) -> Row:
    """A condition with one of the operators beyond the seven; now and then on an attribute of another kind."""
    operator = operator or draw(st.sampled_from(OPERATORS))
    attribute, value = draw(kit.compared[operator])
    row = {"attribute": draw(attribute_names) if happens(draw, 15) else attribute, "operator": operator}
    return row if operator == "not_exists" else row | {"value": value}


clock_times = st.sampled_from(
    [("21:00", "08:00"), ("02:00", "03:00"), ("09:00", "17:00"), ("00:00", "23:30")]
)


@st.composite
def quiet_hours(draw: DrawFn) -> Row:
    """Quiet hours."""
    start, end = draw(clock_times)
    return {"start": start, "end": end} | ({"timezone": draw(zone_names)} if happens(draw, 60) else {})


@st.composite
def send_windows(draw: DrawFn) -> Row:
    """A send window, on all days or on some."""
    row: Row = draw(quiet_hours())
    days = draw(sometimes(40, st.sampled_from([["mon", "wed"], ["sun"], ["sat", "tue", "fri"]])))
    return row if days is None else row | {"days": days}


@st.composite
def sending_hours(draw: DrawFn, quiet: int, window: int) -> Row:
    """Quiet hours and a send window, so often in a hundred; now and then all of the window is quiet."""
    found: Row = {
        "quiet_hours": draw(sometimes(quiet, quiet_hours())),
        "send_window": draw(sometimes(window, send_windows())),
    }
    return found | ({"send_window": found["quiet_hours"]} if happens(draw, 25) else {})


workflow_keys: dict[str, SearchStrategy[Row]] = {
    "hours": sending_hours(35, 60),
    "sends": st.fixed_dictionaries(
        {
            "priority": sometimes(60, st.sampled_from([10, 5, -1, 0])),
            "message_class": sometimes(60, st.sampled_from(["news", "offers"])),
        }
    ),
}


def action(draw: DrawFn, given: Row, kit: Kit) -> Row:
    """The action, its conditions and paths perhaps changed."""
    row = with_conditions(draw, given | {"config": dict(given["config"])}, kit, more=20)
    config = row["config"]
    if row["type"] == "branch_decision":
        config["criteria"] = {n: condition_list(draw, c, kit) for n, c in config["criteria"].items()}
    if row["type"] == "wait_for_event":
        awaited = new_trigger(draw, kit) if happens(draw, 45) else None
        awaited = awaited or {"type": config.get("type", "behavioral"), "config": config["event"]}
        event = draw(referring(kit, awaited["type"], awaited["config"]))
        config |= {"type": awaited["type"], "event": event}
    if row["type"] == "trigger_webhook" and "sends" in kit.features and happens(draw, 70):
        config["channel"] = draw(st.sampled_from(["sms", "push", "email"]))
    if row["type"] == "update_attribute" and happens(draw, 40):
        config |= draw(updates(kit))
    if row["type"] == "update_attribute" and "references" in kit.features and happens(draw, 60):
        config["value"] = {"from": draw(told)}
    for holder in (row, config):
        if "paths" in holder:
            holder["paths"] = {name: actions(draw, path, kit) for name, path in holder["paths"].items()}
    return row


def updates(kit: Kit) -> SearchStrategy[Row]:
    """What events and steps set: the date of schedules, the zone, or a number that may cross another."""
    structured = st.fixed_dictionaries(
        {"attribute": st.sampled_from(["plan", "score", "plan.k"]), "value": structures}
    )
    stays = kit.dates.flatmap(lambda date: st.sampled_from([{"at": date}, [{"at": date}], {"stay": date}]))
    return st.one_of(
        *([structured, structured] if "nested" in kit.features else []),
        st.fixed_dictionaries({"attribute": st.just("stay"), "value": stays}),
        st.fixed_dictionaries({"attribute": st.just("stay.at"), "value": kit.date_values}),
        st.fixed_dictionaries({"attribute": st.just("renews"), "value": kit.date_values}),
        st.fixed_dictionaries({"attribute": st.just("timezone"), "value": zone_values}),
        st.fixed_dictionaries({"attribute": st.just("score"), "value": numbers}),
    )


def decision(criteria: Row) -> Row:
    """A `branch_decision` without paths."""
    return {"type": "branch_decision", "config": {"criteria": criteria}}


def actions(draw: DrawFn, given: list[Row], kit: Kit) -> list[Row]:
    """The actions of a program, perhaps after decisions on new conditions, or a wait that refers to the first event."""
    first: list[Row] = []
    if kit.kinds and happens(draw, 60):
        first = [decision({name: draw(new_condition(kit)) for name in ("yes", "no")})]
        if "operators" in kit.features:
            # The first criterion that holds is the last to be asked, so there are two of each decision.
            named = draw(st.lists(st.sampled_from(OPERATORS), min_size=4, max_size=6, unique=True))
            first = [
                decision({operator: draw(beyond(kit, operator)) for operator in two})
                for two in (named[:2], named[2:4], named[4:])
                if two
            ]
    if "references" in kit.features and happens(draw, 60):
        first.append({"type": "wait_for_event", "config": draw(referring_waits)})
    return first + [action(draw, one, kit) for one in given]


def workflow(draw: DrawFn, given: Row, kit: Kit) -> Row:
    """The workflow, with new kinds of triggers, conditions and keys here and there."""
    row = given | {"actions": actions(draw, given["actions"], kit)}
    added = new_trigger(draw, kit) if happens(draw, 60) else None
    row["triggers"] = [with_conditions(draw, one, kit, more=10) for one in given["triggers"]]
    row["triggers"] += [] if added is None else [added]
    if "goal" in row:
        row["goal"] = trigger(draw, row["goal"], kit)
    if "exit_on" in row:
        row["exit_on"] = [trigger(draw, one, kit) for one in row["exit_on"]]
    if "branches" in row:
        row["branches"] = [
            branch
            | {"conditions": condition_list(draw, branch["conditions"], kit)}
            | {"actions": actions(draw, branch["actions"], kit)}
            for branch in row["branches"]
        ]
    for feature in sorted(kit.features & workflow_keys.keys()):
        row |= {key: value for key, value in draw(workflow_keys[feature]).items() if value is not None}
    return row


referred_to = st.fixed_dictionaries(
    {
        "next": st.sampled_from([*BEHAVIORS, *BEHAVIORS, "plan", "score", "completed", "crm", "red", "w1"]),
        "amount": numbers,
    },
    optional={"color": st.sampled_from(["red", "3", 3, None, {"k": 3.0}])},
)


def event(draw: DrawFn, given: Row, kit: Kit) -> Row:
    """The event, with another value, or telling another date or zone."""
    row = dict(given)
    if "patterns" in kit.features and row["type"] == "behavioral":
        row["value"] = draw(event_values)
    if "nested" in kit.features and row["type"] != "attribute_change" and happens(draw, 60):
        row["properties"] = {**row["properties"], "color": draw(structures)}
    if "references" in kit.features and row["type"] != "attribute_change":
        row["properties"] = {**row["properties"], **draw(referred_to)}
    if kit.features & {"schedules", "hours", "operators", "nested"} and happens(draw, 30):
        update = draw(updates(kit))
        if row["type"] == "attribute_change":
            row["name"] = update["attribute"]
            row["properties"] = {**row["properties"], "new_value": update["value"]}
        else:
            row["attributes"] = (row["attributes"] or {}) | {update["attribute"]: update["value"]}
    return row


def customer(draw: DrawFn, given: Row, kit: Kit) -> Row:
    """The customer, perhaps with a zone of its own and a date."""
    row = given | {"attributes": dict(given["attributes"]), "timezone": draw(sometimes(40, zone_values))}
    given_values = {"timezone": zone_values, "renews": kit.date_values, "plan": texts}
    for name, values in given_values.items():
        if happens(draw, 65):
            row["attributes"][name] = draw(values)
    if "nested" in kit.features:
        row["attributes"] |= draw(st.fixed_dictionaries({}, optional=structured_attributes))
    return row


structured_attributes: dict[str, SearchStrategy[Any]] = {"plan": structures, "plan.k": nested_values}


narrow_caps = st.tuples(
    st.sampled_from([1, 2, 0]),
    st.sampled_from([6, 24, 48]).map(lambda hours: timedelta(hours=hours)),
    sometimes(60, st.sampled_from(["email", "sms"])),
    sometimes(50, st.sampled_from(["news", "offers"])),
)


def shifted(found: Case, by: timedelta) -> Case:
    """The case so much later."""

    def later(given: datetime | None) -> datetime | None:
        return None if given is None else given + by

    return replace(
        found,
        customers=[row | {"created_at": later(row["created_at"])} for row in found.customers],
        events=[row | {"ts": row["ts"] + by} for row in found.events],
        end=found.end + by,
        start=later(found.start),
    )


@st.composite
def enriched(draw: DrawFn, plain: Case) -> Case:
    """The case with some of the decision language's features, perhaps moved to days when clocks change."""
    features = frozenset(draw(feature_sets))
    found = shifted(plain, draw(shifts))
    names = draw(st.lists(st.sampled_from(PATTERN_NAMES), min_size=1, max_size=3, unique=True))
    given = {name: draw(patterns) for name in names} if "patterns" in features else {}
    kit = Kit(features, given, found.end)
    return replace(
        found,
        workflows=[workflow(draw, one, kit) for one in found.workflows],
        customers=[customer(draw, one, kit) for one in found.customers],
        events=[event(draw, one, kit) for one in found.events],
        caps=[*found.caps, draw(narrow_caps)] if "sends" in features else found.caps,
        patterns=given,
        timezone=draw(st.sampled_from(["UTC", "UTC", *ZONES])),
        **(draw(sending_hours(85, 85)) if "hours" in features else {}),
    )
