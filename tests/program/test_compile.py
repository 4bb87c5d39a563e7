"""Small workflows, compiled: steps with their targets, what workflows ask for united."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.semantics.cases import Row, action, condition, send, tag, trigger, wait, workflow
from transforms.definitions.patterns import Pattern
from transforms.definitions.send_times import QuietHours, SendWindow
from transforms.definitions.signals import Amount, PatternTruth
from transforms.definitions.workflow import Workflow
from transforms.program.checks import Check, Matcher, RecentCheck, SignalCheck, TagCheck
from transforms.program.compile import compile_program
from transforms.program.compile_patterns import compile_pattern
from transforms.program.model import Program
from transforms.program.steps import listed_steps
from transforms.signals.patterns import AnyPattern, Bounded, Ordered, Scored
from transforms.signals.windows import Term

DAY = 86_400_000_000
MANY = 2**63 - 1


def program_of(*workflows: Row, **given: Any) -> Program:
    return compile_program([Workflow.model_validate(one) for one in workflows], **given)


def patterns_of(**declared: Row) -> dict[str, Pattern]:
    return TypeAdapter(dict[str, Pattern]).validate_python(declared)


def steps_of(program: Program) -> list[tuple[str, str, str, dict[str, str]]]:
    """Branch, name and next step of every step, and where its paths begin."""
    names = [one.name or one.action_type for one in program.steps]
    return [
        (one.branch, one.name, names[one.next], {path: names[pc] for path, pc in one.targets.items()})
        for one in program.steps
        if one.action
    ]


# Steps ----------------------------------------------------------------------------------------------------


def test_steps_are_named_by_their_place_and_go_on_behind_their_paths() -> None:
    split = action("random_split", weights={"a": 0.5, "b": 0.5}, paths={"a": [wait("1h"), tag("x")]})
    branch = {"name": "vip", "conditions": [condition("plan", "equals", "gold")], "actions": [send()]}
    program = program_of(workflow(tag("new"), split, send("bye"), branches=[branch]))
    assert steps_of(program) == [
        ("vip", "0", "end", {}),
        ("default", "0", "1", {}),
        ("default", "1", "2", {"a": "1.a.0"}),
        ("default", "2", "end", {}),
        ("default", "1.a.0", "1.a.1", {}),
        ("default", "1.a.1", "2", {}),
    ]
    (flow,) = program.flows
    assert [(one.name, program.steps[one.start].name) for one in flow.branches] == [
        ("vip", "0"),
        ("default", "0"),
    ]
    assert (flow.first, flow.last, flow.end) == (0, 6, 0)


def test_a_step_has_what_its_action_needs_as_numbers() -> None:
    program = program_of(
        workflow(
            wait("1d", delay=5),
            tag("vip"),
            action("wait_for_event", event={"action": "buy"}, timeout="2d"),
        )
    )
    waiting, tagging, awaiting = (one for one in program.steps if one.action)
    assert (waiting.delay, waiting.duration) == (5_000_000, DAY)
    assert program.tags[tagging.column] == "vip"
    assert [text for text, number in program.literals.items() if number == tagging.value] == ['"vip"']
    assert (program.matchers[awaiting.matcher].name, awaiting.duration) == ("buy", 2 * DAY)


def test_steps_are_listed_for_people() -> None:
    program = program_of(workflow(send("hello"), wait("36h"), tag("vip")))
    assert [(one["step"], one["action_type"], one["label"]) for one in listed_steps(program)] == [
        ("0", "send_email", "hello"), ("1", "wait", "1d 12h"), ("2", "add_tag", "vip"),
    ]  # fmt: skip


# Flows ----------------------------------------------------------------------------------------------------


def test_slots_are_by_priority_then_id_and_older_versions_take_no_entries() -> None:
    first, second = workflow(send(), workflow_id="b"), workflow(tag("x"), workflow_id="b", priority=0)
    program = program_of(
        first,
        workflow(workflow_id="c", priority=5),
        workflow(workflow_id="a", is_active=False),
        older=[Workflow.model_validate(second)],
    )
    assert program.slots == ("c", "a", "b")
    assert sorted((one.workflow.workflow_id, one.slot, one.enters) for one in program.flows) == [
        ("a", 1, False), ("b", 2, False), ("b", 2, True), ("c", 0, True),
    ]  # fmt: skip
    assert all(bool(one.triggers) == one.enters for one in program.flows)


def test_general_send_times_hold_where_a_workflow_declares_none_of_that_kind() -> None:
    night = {"start": "21:00", "end": "08:00"}
    general = [
        QuietHours.model_validate({"start": "22:00", "end": "07:00"}),
        SendWindow.model_validate({"start": "09:00", "end": "17:00", "days": ["mon"]}),
    ]
    program = program_of(
        workflow(workflow_id="a", quiet_hours=night),
        workflow(workflow_id="b"),
        workflow(workflow_id="c", transactional=True),
        send_times=general,
    )
    hours = [[(one.name, one.start // (DAY // 24)) for one in flow.send_times] for flow in program.flows]
    assert hours == [
        [("quiet_hours", 21), ("send_window", 9)], [("quiet_hours", 22), ("send_window", 9)], [],
    ]  # fmt: skip


# What all workflows ask for -------------------------------------------------------------------------------


def test_columns_and_truths_are_united_over_workflows() -> None:
    gold = condition("plan", "equals", "gold")
    rich = condition("event.total", "greater_than", 10)
    program = program_of(
        workflow(tag("x", when=[gold]), workflow_id="a", on=trigger("buy", when=[rich])),
        workflow(tag("x", when=[gold, rich]), workflow_id="b", on=trigger("buy", minimum_total=5)),
    )
    assert (program.attributes, program.tags) == (("plan",), ("x",))
    assert (program.properties[: program.read], len(program.truths)) == (("total",), 3)
    gold_check, rich_check = Check("attribute", 0, 0), Check("event", 0, 1)
    assert program.matchers == (
        Matcher("behavioral", "buy", (rich_check,)),
        Matcher("behavioral", "buy", (Check("event", 0, 2),)),
    )
    assert [one.checks for one in program.steps if one.action] == [(gold_check,), (gold_check, rich_check)]
    assert program.matchers_of("behavioral", "buy") == (0, 1)
    assert program.matchers_of("behavioral", "sell") == ()


def test_conditions_look_where_their_attribute_says() -> None:
    checks = [
        condition("tags", "contains", "vip"),
        condition("seen_at", "within_last", "1d"),
        condition("events.buy.count.1d", "greater_than", 2),
        condition("pattern.p", "equals", value=True),
        condition("execution.decision", "equals", "yes"),
    ]
    program = program_of(
        workflow(tag("x", when=checks)),
        patterns=patterns_of(
            p={"pattern": "cumulative", "events": [{"type": "buy", "threshold": 2}]},
            unused={"pattern": "cumulative", "events": [{"type": "buy", "threshold": 9}]},
        ),
    )
    (step,) = (one for one in program.steps if one.action)
    has_tag, recent, counted, patterned, decided = step.checks
    assert isinstance(has_tag, TagCheck)
    assert (has_tag.tag, program.tags) == (0, ("vip", "x"))
    assert recent == RecentCheck("attribute", 0, DAY)
    assert [one.signal for one in (counted, patterned) if isinstance(one, SignalCheck)] == [0, 1]
    assert isinstance(decided, Check)
    assert decided.source == "decision"
    (amount, truth) = program.signals.signals
    assert isinstance(amount, Amount)
    assert truth == PatternTruth("p")
    assert [one.name for one in program.signals.patterns] == ["p"]
    assert program.reads_instants


def test_equal_schedules_of_a_workflow_are_one_alarm() -> None:
    daily = trigger(type="time_based", cron="0 9 * * *")
    renewal = trigger(type="time_based", attribute="renews", offset="-3d")
    program = program_of(workflow(on=[daily, renewal], exit_on=[daily]), workflow(workflow_id="z", on=daily))
    assert [(one.key, one.matchers, len(one.triggers), one.flows) for one in program.alarms] == [
        ("w|0 9 * * *||", (0, 2), 1, (0,)),
        ("w|renews -3d||", (1,), 1, ()),
        ("z|0 9 * * *||", (3,), 1, ()),
    ]
    assert [one.column for one in program.alarms] == [-1, program.attributes.index("renews"), -1]


@pytest.mark.parametrize(
    ("declared", "compiled"),
    [
        (
            {"pattern": "sequence", "events": [{"type": "a", "min_count": 1.5, "max_count": 2.5}]},
            Bounded("p", (Term("a"),), (2,), (2,)),
        ),
        (
            {"pattern": "sequence", "events": [{"type": "a", "timeWindow": "1d", "offset": "2d"}]},
            Bounded("p", (Term("a", window=DAY, offset=2 * DAY),), (-MANY,), (MANY,)),
        ),
        (
            {
                "pattern": "cumulative", "match": "any",
                "events": [{"type": "a", "metric": "total_value", "threshold": 0.1}],
            },
            Bounded("p", (Term("a", "total_value"),), (100_000,), (MANY,), any=True),
        ),
        (
            {"pattern": "weighted_score", "threshold": 2, "events": [{"type": "a", "weight": 0.25}]},
            Scored("p", (Term("a"),), (25,), 200, 100),
        ),
        (
            {"pattern": "ordered", "events": [{"type": "a"}, {"type": "b", "within": "1d"}]},
            Ordered("p", ("a", "b"), (None, DAY)),
        ),
    ],
    ids=["bounds", "window", "sum", "score", "ordered"],
)  # fmt: skip
def test_patterns_are_integer_arithmetic(declared: Row, compiled: AnyPattern) -> None:
    assert compile_pattern("p", patterns_of(p=declared)["p"]) == compiled
