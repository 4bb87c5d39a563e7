"""§9: every action's outcome rows, delays, conditions, paths, completion and failure."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.semantics.cases import (
    Interpret,
    Result,
    Row,
    action,
    at,
    attributes_of,
    case,
    changed,
    condition,
    customer,
    ends_of,
    event,
    messages_of,
    outcomes_of,
    send,
    tag,
    tags_of,
    trigger,
    wait,
    workflow,
)


def run(
    interpret: Interpret,
    *actions: Row,
    customers: list[Row] | None = None,
    more: Sequence[Row] = (),
    **given: Any,
) -> Result:
    """The result of the actions, started at minute 0."""
    return interpret(case(workflow(*actions, **given), event("go", at()), *more, customers=customers))


def test_no_actions_complete_at_entry(interpret: Interpret) -> None:
    found = run(interpret)
    assert (outcomes_of(found), ends_of(found)) == ([], [("w", 0, "completed", 0)])


def test_send_email(interpret: Interpret) -> None:
    found = run(interpret, send("m1"), action("send_email", subject="Hi", content="Hello"))
    assert outcomes_of(found) == [(0, "0", "done"), (0, "1", "done")]
    assert messages_of(found) == [("w", 0, "0", "m1"), ("w", 0, "1", None)]


@pytest.mark.parametrize("config", [{"duration": "1h"}, {"duration": 3600}, {"duration_seconds": 3600}])
def test_wait_is_logged_when_it_starts(interpret: Interpret, config: Row) -> None:
    found = run(interpret, action("wait", **config), tag("t"))
    assert outcomes_of(found) == [(0, "0", "done"), (60, "1", "done")]
    assert ends_of(found) == [("w", 0, "completed", 60)]


def test_a_last_wait_completes_when_it_is_over(interpret: Interpret) -> None:
    assert ends_of(run(interpret, wait("1h"))) == [("w", 0, "completed", 60)]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("90s", 1.5), ("1.5m", 1.5), ("2h", 120), ("1d", 1440), ("1w", 10080), (0.000001, 1 / 60e6), (0, 0)],
)
def test_durations(interpret: Interpret, text: str | float, minutes: float) -> None:
    assert ends_of(run(interpret, wait(text)))[0][3] == pytest.approx(minutes)


def test_tags_and_attributes(interpret: Interpret) -> None:
    found = run(
        interpret,
        tag("new"),
        tag("new"),
        action("remove_tag", tag="old"),
        action("remove_tag", tag="never"),
        action("update_attribute", attribute="plan", value={"a": [1, None]}),
        action("update_attribute", attribute="gone", value=None),
        customers=[customer(tags=["old"], gone=1, kept=None)],
    )
    assert tags_of(found) == ["new"]
    assert attributes_of(found) == {"plan": {"a": [1, None]}}
    assert [outcome for *_, outcome in outcomes_of(found)] == ["done"] * 6


def test_trigger_webhook(interpret: Interpret) -> None:
    found = run(interpret, wait("1h"), action("trigger_webhook", url="https://example.com/a"))
    rows = [(row["step"], row["at"], row["url"]) for row in found.webhooks]
    assert rows == [("1", at(60), "https://example.com/a")]
    assert outcomes_of(found)[-1] == (60, "1", "done")


def test_end_workflow(interpret: Interpret) -> None:
    found = run(interpret, wait("1h"), action("end_workflow"), send())
    assert outcomes_of(found) == [(0, "0", "done"), (60, "1", "done")]
    assert ends_of(found) == [("w", 0, "completed", 60)]


def test_end_workflow_in_a_path_ends_all(interpret: Interpret) -> None:
    decide = action("branch_decision", criteria={"yes": []}, paths={"yes": [action("end_workflow")]})
    assert outcomes_of(run(interpret, decide, send())) == [(0, "0", "yes"), (0, "0.yes.0", "done")]


def test_delay_comes_before_the_action(interpret: Interpret) -> None:
    found = run(interpret, send(delay="1h"), wait("30m", delay=60), tag("t"))
    assert outcomes_of(found) == [(60, "0", "done"), (61, "1", "done"), (91, "2", "done")]


def test_delay_seconds(interpret: Interpret) -> None:
    found = run(interpret, tag("t") | {"delay_seconds": 120}, tag("u") | {"delay_seconds": 0})
    assert outcomes_of(found) == [(2, "0", "done"), (2, "1", "done")]


def test_conditions_are_judged_once_before_the_delay(interpret: Interpret) -> None:
    pro = [condition("plan", "equals", "pro")]
    steps = [tag("t", when=pro, delay="1h")]
    lost = run(interpret, *steps, customers=[customer(plan="pro")], more=[changed("plan", "free", at(30))])
    assert outcomes_of(lost) == [(60, "0", "done")]
    won = run(interpret, *steps, more=[changed("plan", "pro", at(30))])
    assert outcomes_of(won) == [(0, "0", "skipped")]


def test_a_skipped_step_skips_its_delay_and_its_paths(interpret: Interpret) -> None:
    never = [condition("nowhere", "exists")]
    decide = action("branch_decision", criteria={"yes": []}, paths={"yes": [send()]}, when=never, delay="1d")
    found = run(interpret, decide, wait("1d", when=never), tag("t"))
    assert outcomes_of(found) == [(0, "0", "skipped"), (0, "1", "skipped"), (0, "2", "done")]


def test_branch_decision_takes_the_first_criterion(interpret: Interpret) -> None:
    criteria = {
        "rich": [condition("score", "greater_than", 5), condition("plan", "equals", "pro")],
        "pro": {"attribute": "plan", "value": "pro"},
    }
    paths = {"rich": [tag("rich")], "pro": [tag("pro")], "default": [tag("other")]}
    decide = action("branch_decision", criteria=criteria, paths=paths)
    taken: list[tuple[Row, str, str]] = [
        ({"score": 6, "plan": "pro"}, "rich", "rich"),
        ({"score": 4, "plan": "pro"}, "pro", "pro"),
        ({"score": 9}, "default", "other"),
    ]
    for attributes, name, left in taken:
        found = run(interpret, decide, customers=[customer(**attributes)])
        assert outcomes_of(found) == [(0, "0", name), (0, f"0.{name}.0", "done")]
        assert tags_of(found) == [left]


def test_a_decision_without_a_path_goes_on(interpret: Interpret) -> None:
    decide = action("branch_decision", criteria={"yes": []}, paths={"default": [send()]})
    assert outcomes_of(run(interpret, decide, tag("t"))) == [(0, "0", "yes"), (0, "1", "done")]
    bare = action("branch_decision", criteria={"yes": condition("nowhere", "exists")})
    assert outcomes_of(run(interpret, bare, tag("t"))) == [(0, "0", "default"), (0, "1", "done")]


def test_an_empty_path_goes_on(interpret: Interpret) -> None:
    decide = action("branch_decision", criteria={"yes": []}, paths={"yes": []})
    assert outcomes_of(run(interpret, decide, tag("t"))) == [(0, "0", "yes"), (0, "1", "done")]


def test_nested_paths_in_either_spelling(interpret: Interpret) -> None:
    inner = action("branch_decision", criteria={"in": []}, paths={"in": [wait("1h"), tag("deep")]})
    outer = action("branch_decision", criteria={"out": []})
    outer["config"]["paths"] = {"out": [tag("first"), inner, tag("after")]}
    found = run(interpret, tag("zero"), outer, tag("last"))
    assert outcomes_of(found) == [
        (0, "0", "done"),
        (0, "1", "out"),
        (0, "1.out.0", "done"),
        (0, "1.out.1", "in"),
        (0, "1.out.1.in.0", "done"),
        (60, "1.out.1.in.1", "done"),
        (60, "1.out.2", "done"),
        (60, "2", "done"),
    ]


def test_random_split_goes_by_the_stable_bucket(interpret: Interpret) -> None:
    weights = {"b": 0.2, "a": 0.5, "c": 0.3}
    people = [f"c{number}" for number in range(30)]
    split = action("random_split", weights=weights, paths={name: [tag(name)] for name in weights})
    found = interpret(
        case(
            workflow(tag("first"), split),
            *(event("go", at(), person) for person in people),
            customers=[customer(person) for person in people],
        )
    )

    def side(person: str) -> str:
        digest = hashlib.sha256(f"split|w|1|{person}".encode()).digest()
        point = int.from_bytes(digest[:8], "big") / 2**64
        return "b" if point < 0.2 else "a" if point < 0.7 else "c"

    decided = {row["customer_id"]: row["outcome"] for row in found.steps if row["step"] == "1"}
    assert decided == {person: side(person) for person in people}
    assert set(decided.values()) == {"a", "b", "c"}
    assert all(tags_of(found, person) == sorted([side(person), "first"]) for person in people)


def test_a_split_in_a_path_hashes_its_whole_step_name(interpret: Interpret) -> None:
    split = action("random_split", weights={"left": 0.5, "right": 0.5})
    people = [f"c{number}" for number in range(20)]
    decide = action("branch_decision", criteria={"yes": []}, paths={"yes": [split]})
    found = interpret(
        case(
            workflow(decide),
            *(event("go", at(), person) for person in people),
            customers=[customer(person) for person in people],
        )
    )
    for row in found.steps:
        if row["step"] == "0.yes.0":
            digest = hashlib.sha256(f"split|w|0.yes.0|{row['customer_id']}".encode()).digest()
            left = int.from_bytes(digest[:8], "big") / 2**64 < 0.5
            assert row["outcome"] == ("left" if left else "right")


def test_wait_for_event_takes_its_path(interpret: Interpret) -> None:
    paths = {"event": [tag("bought")], "timeout": [send()]}
    listens = action(
        "wait_for_event", event={"action": "buy", "minimum_amount": 5}, timeout="1h", paths=paths
    )
    small = event("buy", at(10), properties={"amount": 4})
    big = event("buy", at(20), properties={"amount": 5})
    assert outcomes_of(run(interpret, listens, tag("t"), more=[small, big])) == [
        (0, "0", "waiting"),
        (20, "0", "event"),
        (20, "0.event.0", "done"),
        (20, "1", "done"),
    ]
    assert outcomes_of(run(interpret, listens, tag("t"), more=[small])) == [
        (0, "0", "waiting"),
        (60, "0", "timeout"),
        (60, "0.timeout.0", "done"),
        (60, "1", "done"),
    ]


def test_wait_for_event_of_another_type(interpret: Interpret) -> None:
    listens = action("wait_for_event", event={"source": "crm"}, type="external_event", timeout_seconds=3600)
    more = [event("crm", at(10)), event("crm", at(20), type="external_event")]
    assert outcomes_of(run(interpret, listens, more=more)) == [(0, "0", "waiting"), (20, "0", "event")]


def test_wait_for_event_hears_a_follow_up_of_another_workflow(interpret: Interpret) -> None:
    listens = workflow(
        action("wait_for_event", event={"action": "add_tag", "tag": "t"}, type="workflow_action")
    )
    tags = workflow(tag("t"), workflow_id="v", on="buy")
    found = interpret(case([listens, tags], event("go", at()), event("buy", at(7))))
    assert outcomes_of(found) == [(0, "0", "waiting"), (7, "0", "event")]


def test_wait_for_event_without_a_time_out_waits_on(interpret: Interpret) -> None:
    assert ends_of(run(interpret, action("wait_for_event", event={"action": "buy"}))) == [
        ("w", 0, "running", None)
    ]


def test_an_event_before_the_wait_does_not_count(interpret: Interpret) -> None:
    listens = action("wait_for_event", event={"action": "buy"}, timeout="1h")
    found = run(interpret, wait("1h"), listens, more=[event("buy", at(30)), event("buy", at(60))])
    assert outcomes_of(found)[1:] == [(60, "1", "waiting"), (120, "1", "timeout")]


def test_a_delayed_wait_for_event_does_not_listen_yet(interpret: Interpret) -> None:
    listens = action("wait_for_event", event={"action": "buy"}, timeout="1h", delay="1h")
    found = run(interpret, listens, more=[event("buy", at(30)), event("buy", at(90))])
    assert outcomes_of(found) == [(60, "0", "waiting"), (90, "0", "event")]


def test_two_waits_need_two_events(interpret: Interpret) -> None:
    listens = action("wait_for_event", event={"action": "buy"})
    found = run(interpret, listens, listens, more=[event("buy", at(5)), event("buy", at(9))])
    assert outcomes_of(found) == [
        (0, "0", "waiting"),
        (5, "0", "event"),
        (5, "1", "waiting"),
        (9, "1", "event"),
    ]


@pytest.mark.parametrize(
    "beyond",
    [
        wait("500000w"),
        send(delay="500000w"),
        action("wait_for_event", event={"action": "buy"}, timeout="500000w"),
    ],
)
def test_out_of_range_fails_the_execution_and_nothing_else(interpret: Interpret, beyond: Row) -> None:
    other = workflow(tag("fine"), workflow_id="v")
    found = interpret(case([workflow(wait("1h"), beyond, send()), other], event("go", at())))
    assert outcomes_of(found) == [(0, "0", "done"), (60, "1", "failed:out_of_range")]
    assert ends_of(found) == [("v", 0, "completed", 0), ("w", 0, "failed", 60)]
    assert tags_of(found) == ["fine"]
    assert messages_of(found) == []


def test_the_last_instant_of_the_calendar_is_in_range(interpret: Interpret) -> None:
    last = datetime.max.replace(tzinfo=UTC)
    fits = int((last.replace(microsecond=0) - at()).total_seconds())
    assert ends_of(run(interpret, wait(fits))) == [("w", 0, "running", None)]
    assert ends_of(run(interpret, wait(fits + 1))) == [("w", 0, "failed", 0)]


def test_failed_executions_may_reenter(interpret: Interpret) -> None:
    found = run(interpret, wait("500000w"), more=[event("go", at(5))])
    assert ends_of(found) == [("w", 0, "failed", 0), ("w", 5, "failed", 5)]


def test_update_attribute_is_heard_by_the_executions_own_goal(interpret: Interpret) -> None:
    sets = action("update_attribute", attribute="plan", value="pro")
    found = run(interpret, sets, send(), goal=trigger("plan", "attribute_change", new_value="pro"))
    assert ends_of(found) == [("w", 0, "converted", 0)]
    assert messages_of(found) == []


def test_a_wait_that_is_over_listens_no_more(interpret: Interpret) -> None:
    listens = action("wait_for_event", event={"action": "buy"})
    found = run(interpret, listens, wait("1h"), tag("t"), more=[event("buy", at(5)), event("buy", at(9))])
    assert outcomes_of(found)[1:] == [(5, "0", "event"), (5, "1", "done"), (65, "2", "done")]
