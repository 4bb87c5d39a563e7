"""Random workflows, valid by the contract, of few names and few values, so that they meet and collide.

The weights are tuned together with those of `tests.engine.strategies`, so that most cases start executions and reach
deep steps; `tests/engine/test_strategies.py` counts what is reached.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.oracle.consent import CONSENT_FIELDS, NO, YES
from tests.semantics.cases import Row

BEHAVIORS = ["buy", "go", "view"]
ATTRIBUTES = ["flag", "plan", "score"]
TAGS = ["new", "red", "vip"]
NAMES = {
    "behavioral": BEHAVIORS,
    "attribute_change": ATTRIBUTES,
    "external_event": ["crm", "shop"],
    "time_based": ["daily", "monthly"],
    "workflow_action": [
        *("started", "completed", "converted", "exited", "failed"),
        *("send_email", "add_tag", "remove_tag", "trigger_webhook"),
    ],
}
OWN_KEY = {
    "behavioral": "action",
    "attribute_change": "attribute",
    "external_event": "source",
    "time_based": "trigger_time",
    "workflow_action": "action",
}
WORKFLOW_IDS = ["w1", "w10", "w2", "w3"]
DECISIONS = ["yes", "no", "default", "left", "right", "event", "timeout"]
BEYOND = "500000w"
"""Longer than the calendar: fails an execution."""

numbers = st.sampled_from([0, 1, 3, 3.0, -2.5])
texts = st.sampled_from(["", "3", "true", "red", "pro"])
scalars = st.one_of(st.booleans(), numbers, texts)
lists = st.sampled_from([[], [1, "red"], ["pro", None, True], [3.0, [0]]])
objects = st.sampled_from([{}, {"k": 1}, {"k": 1.0, "a": [None]}])


def weighted(*choices: tuple[int, SearchStrategy[Any]]) -> SearchStrategy[Any]:
    """One of the strategies, as often as its weight says; shrinks towards the first."""
    wheel = [strategy for weight, strategy in choices for _ in range(weight)]
    return st.integers(0, len(wheel) - 1).flatmap(lambda spin: wheel[spin])


def sometimes(percent: int, strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """The strategy's value in so many of a hundred cases, else None."""
    return st.integers(0, 99).flatmap(lambda roll: strategy if roll >= 100 - percent else st.none())


values = weighted((8, scalars), (2, st.none()), (2, lists), (1, objects))

# Durations, as files write them.
pauses = st.sampled_from(["30m", 3600, "1h", "90m", "2h", "6h", "0.5d", 0, "1d"])
long_pauses = st.sampled_from(["6h", "12h", "1d", 129600])
short_pauses = st.sampled_from([1800, "30m", "1h"])


own_values: dict[str, SearchStrategy[Any]] = {
    "flag": st.booleans(),
    "plan": texts,
    "score": numbers,
    "event.amount": numbers,
    "event.color": texts,
    "event.value": st.sampled_from([0.0, 3.0, -2.5, 12.5]),
}
"""Few values of one kind, so that what is compared is often the same."""


any_value = {name: weighted((2, own), (1, values)) for name, own in own_values.items()}
"""Mostly of its own kind, else anything."""


def spelled(word: str) -> SearchStrategy[str]:
    """A word as people write it: in any case, with blanks around it, its `_` another mark."""
    marked = st.sampled_from([word, word.replace("_", " "), word.replace("_", "-")])
    cased = st.sampled_from([str.lower, str.upper, str.title])
    return st.builds(
        lambda text, case, blanks: f"{blanks}{case(text)}{blanks}", marked, cased, st.sampled_from(["", " "])
    )


consent_values = weighted(
    (4, st.sampled_from(sorted(NO)).flatmap(spelled)),
    (2, st.sampled_from(sorted(YES)).flatmap(spelled)),
    (
        4,
        st.sampled_from(
            [False, True, 0, 1, 0.0, 2, -1, None, "", "  ", "maybe", "no_", "[0]", [False], {"no": 1}]
        ),
    ),
)
"""Spellings of no and of yes, and what says neither."""


def attribute_value(name: str) -> SearchStrategy[Any]:
    """A value for an attribute, for the consent attributes what may shut the gate."""
    if name in CONSENT_FIELDS:
        return consent_values
    return any_value.get(name, values)


attribute_names = weighted(
    (12, st.sampled_from(ATTRIBUTES)),
    (2, st.just("email_consent")),
    (1, st.just("subscription_status")),
)


@st.composite
def attributes(draw: DrawFn, most: int = 3) -> Row:
    """A few attributes with values."""
    names = draw(st.lists(attribute_names, max_size=most, unique=True))
    return {name: draw(attribute_value(name)) for name in names}


LOOKUPS: list[tuple[int, SearchStrategy[str]]] = [
    (6, st.sampled_from(ATTRIBUTES)),
    (3, st.sampled_from(["event.amount", "event.color", "event.value"])),
    (1, st.sampled_from(["event.new_value", "event.tag", "event.workflow_id"])),
    (2, st.just("tags")),
]
lookups = weighted(*LOOKUPS)
lookups_with_decision = weighted(*LOOKUPS, (3, st.just("execution.decision")))
operators = st.sampled_from(
    ["not_equals", "exists", "equals", "greater_than", "less_than", "contains", "in_list"]
)
near_values = {
    name: weighted((3, st.sampled_from(near)), (1, values))
    for name, near in {
        "tags": TAGS,
        "execution.decision": DECISIONS,
        "event.workflow_id": WORKFLOW_IDS,
    }.items()
} | any_value
"""What a lookup may well be."""
near_lists = {name: st.lists(near, max_size=4) for name, near in near_values.items()}
any_list = st.lists(values, max_size=4)


@st.composite
def conditions(draw: DrawFn, decision: bool = True) -> Row:
    """One condition."""
    attribute = draw(lookups_with_decision if decision else lookups)
    row: Row = {"attribute": attribute, "operator": draw(operators)}
    if row["operator"] == "in_list":
        return row | {"value": draw(near_lists.get(attribute, any_list))}
    if row["operator"] == "exists":
        return row | draw(st.sampled_from([{}, {"value": True}, {"value": False}, {"value": None}]))
    return row | {"value": draw(near_values.get(attribute, values))}


condition_lists = st.lists(conditions(), min_size=1, max_size=2)
early_condition_lists = st.lists(conditions(decision=False), min_size=1, max_size=2)

more_config: dict[str, SearchStrategy[Row]] = {
    "attribute_change": st.fixed_dictionaries(
        {}, optional={"new_value": scalars, "maximum_old_value": numbers}
    ),
    "workflow_action": st.fixed_dictionaries(
        {}, optional={"workflow_id": st.sampled_from(WORKFLOW_IDS), "tag": st.sampled_from(TAGS)}
    ),
}
more_event_config = st.fixed_dictionaries(
    {},
    optional={
        "minimum_amount": numbers,
        "maximum_amount": numbers,
        "color": scalars,
        "minimum_value": numbers,
    },
)


@st.composite
def trigger_configs(draw: DrawFn, type_: str) -> Row:
    """The config of a trigger: mostly a name, sometimes more."""
    config: Row = {}
    if draw(st.integers(0, 9)) > 0:
        config[OWN_KEY[type_]] = draw(st.sampled_from(NAMES[type_]))
    if draw(st.integers(0, 99)) < 75:
        return config
    extra: Row = draw(more_config.get(type_, more_event_config))
    return config | extra


trigger_types = weighted(
    (9, st.just("behavioral")),
    (3, st.just("attribute_change")),
    (1, st.just("external_event")),
    (1, st.just("time_based")),
    (3, st.just("workflow_action")),
)
trigger_conditions = sometimes(20, condition_lists)
entry_conditions = sometimes(20, early_condition_lists)


@st.composite
def triggers(draw: DrawFn, decision: bool = False) -> Row:
    """A trigger, a goal's or an exit's."""
    type_ = draw(trigger_types)
    row: Row = {"type": type_, "config": draw(trigger_configs(type_))}
    when = draw(trigger_conditions if decision else entry_conditions)
    return row if when is None else row | {"conditions": when}


delays = weighted(
    (40, st.just({})),
    (4, st.just({"delay_seconds": 0})),
    (1, st.just({"delay": BEYOND})),
    (6, short_pauses.map(lambda pause: {"delay": pause})),
    (4, st.just({"delay_seconds": 5400})),
)
"""The delay of an action, in one of its spellings; mostly none."""


path_lengths = weighted((9, st.just(1)), (1, st.just(0)))


@st.composite
def with_paths(draw: DrawFn, action: Row, outcomes: Sequence[str], depth: int) -> Row:
    """The action with paths for some of its outcomes, beside its config or inside."""
    if depth == 0 or draw(st.integers(0, 9)) < 1:
        return action
    chosen = draw(st.lists(st.sampled_from(outcomes), min_size=1, max_size=3, unique=True))
    paths = {name: draw(programs(depth - 1, most=3, least=draw(path_lengths))) for name in chosen}
    if draw(st.integers(0, 3)) == 3:
        return action | {"config": action["config"] | {"paths": paths}}
    return action | {"paths": paths}


criteria_conditions = weighted((2, conditions()), (1, condition_lists))


@st.composite
def decisions(draw: DrawFn, depth: int) -> Row:
    """A `branch_decision`."""
    names = draw(st.lists(st.sampled_from(["yes", "no"]), min_size=1, max_size=2, unique=True))
    criteria = {name: draw(criteria_conditions) for name in names}
    action = {"type": "branch_decision", "config": {"criteria": criteria}}
    return draw(with_paths(action, [*names, "default"], depth))


@st.composite
def splits(draw: DrawFn, depth: int) -> Row:
    """A `random_split`."""
    weights = draw(
        st.sampled_from(
            [{"left": 50, "right": 50.0}, {"right": 0.3, "left": 0.7}, {"a": 0.1, "b": 0.2, "c": 0.7}]
        )
    )
    return draw(with_paths({"type": "random_split", "config": {"weights": weights}}, list(weights), depth))


timeouts = sometimes(85, weighted((8, pauses), (1, st.just(BEYOND)), (8, long_pauses)))


@st.composite
def event_waits(draw: DrawFn, depth: int) -> Row:
    """A `wait_for_event`."""
    type_ = draw(trigger_types)
    config: Row = {"event": draw(trigger_configs(type_))}
    if type_ != "behavioral" or draw(st.booleans()):
        config["type"] = type_
    timeout = draw(timeouts)
    if timeout is not None:
        spelled = "timeout_seconds" if not isinstance(timeout, str) and draw(st.booleans()) else "timeout"
        config[spelled] = timeout
    return draw(with_paths({"type": "wait_for_event", "config": config}, ["event", "timeout"], depth))


wait_durations = weighted((10, pauses), (1, st.just(BEYOND)), (3, pauses))


@st.composite
def waits(draw: DrawFn) -> Row:
    """A `wait`."""
    pause = draw(wait_durations)
    spelled = "duration_seconds" if not isinstance(pause, str) and draw(st.booleans()) else "duration"
    return {"type": "wait", "config": {spelled: pause}}


@st.composite
def updates(draw: DrawFn) -> Row:
    """An `update_attribute`."""
    name = draw(attribute_names)
    value = draw(attribute_value(name))
    return {"type": "update_attribute", "config": {"attribute": name, "value": value}}


def simple(type_: str, **config: SearchStrategy[Any]) -> SearchStrategy[Row]:
    """An action whose config has independent values."""
    return st.fixed_dictionaries({"type": st.just(type_), "config": st.fixed_dictionaries(config)})


@cache
def actions(depth: int) -> SearchStrategy[Row]:
    """Any action, with paths at most so deep."""
    tag = st.sampled_from(TAGS)
    return weighted(
        (7, simple("send_email", template_id=st.sampled_from(["m1", "m2"]))),
        (1, simple("send_email", subject=st.just("Hello"), content=st.just("Hello {{first_name}}"))),
        (5, waits()),
        (3, simple("add_tag", tag=tag)),
        (2, simple("remove_tag", tag=tag)),
        (4, updates()),
        (2, simple("trigger_webhook", url=st.just("https://example.com/hook"))),
        (5, decisions(depth)),
        (4, splits(depth)),
        (6, event_waits(depth)),
        (1, st.just({"type": "end_workflow", "config": {}})),
    )


step_conditions = sometimes(12, condition_lists)


@st.composite
def programs(draw: DrawFn, depth: int, most: int, least: int = 0) -> list[Row]:
    """A list of actions, some with conditions or a delay."""
    program = []
    for action in draw(st.lists(actions(depth), min_size=least, max_size=most)):
        when = draw(step_conditions)
        program.append(action | draw(delays) | ({} if when is None else {"conditions": when}))
    return program


@st.composite
def branches(draw: DrawFn) -> list[Row]:
    """Branches of a workflow."""
    names = draw(st.lists(st.sampled_from(["big", "small"]), min_size=1, max_size=2, unique=True))
    when = st.lists(conditions(decision=False), max_size=2)
    return [{"name": n, "conditions": draw(when), "actions": draw(programs(1, most=3))} for n in names]


reentries = st.sampled_from(
    [
        {"policy": "when_not_running"},
        {"policy": "once"},
        {"policy": "once"},
        {"policy": "after", "seconds": 3600},
        {"policy": "after", "duration": "12h"},
        {"policy": "after", "duration": "2d"},
    ]
)


@st.composite
def goals(draw: DrawFn) -> Row:
    """A goal; it ends the execution unless told otherwise, and is hit for 30 days unless told otherwise."""
    ends = st.sampled_from([{}, {"exit": False}, {"exit": True}, {"exit": False}])
    windows = sometimes(40, st.sampled_from(["1h", "12h", "2d", "1w", "1s"]))
    window = draw(windows)
    return draw(triggers(decision=True)) | draw(ends) | ({} if window is None else {"window": window})


optional_keys: dict[str, SearchStrategy[Any]] = {
    "branches": sometimes(25, branches()),
    "goal": sometimes(60, goals()),
    "exit_on": sometimes(25, st.lists(triggers(decision=True), min_size=1, max_size=2)),
    "reentry": sometimes(50, reentries),
    "holdout": sometimes(25, st.sampled_from([0.5, 0, 1])),
    "transactional": sometimes(20, st.booleans()),
    "is_active": sometimes(10, st.booleans()),
}
entry_triggers = st.lists(triggers(), min_size=1, max_size=3)


@st.composite
def workflows(draw: DrawFn, workflow_id: str) -> Row:
    """A valid workflow; optional keys are often absent."""
    drawn = {key: draw(strategy) for key, strategy in optional_keys.items()}
    required = {
        "workflow_id": workflow_id,
        "workflow_name": f"Workflow {workflow_id}",
        "triggers": draw(entry_triggers),
        "actions": draw(programs(3, most=7, least=2)),
    }
    return required | {key: value for key, value in drawn.items() if value is not None}
