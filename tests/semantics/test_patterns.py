"""§8: patterns turn true at an exact instant; windowed counts in conditions."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.oracle.interpreter import decide_ticks
from tests.semantics.cases import (
    Case,
    Interpret,
    Result,
    Row,
    action,
    at,
    case,
    condition,
    customer,
    ends_of,
    event,
    minutes,
    outcomes_of,
    runs_of,
    send,
    tag,
    trigger,
    wait,
    workflow,
)


def pattern(kind: str, *terms: Row, **given: Any) -> dict[str, Row]:
    """The pattern `p`."""
    return {"p": {"pattern": kind, "events": list(terms), **given}}


def term(type_: str = "open", **given: Any) -> Row:
    """A term."""
    return {"type": type_, **given}


def on_pattern(*actions: Row, **given: Any) -> Row:
    """A workflow entered when `p` turns true."""
    return workflow(*actions, on=trigger(type="pattern", pattern="p"), **given)


def turns(interpret: Interpret, patterns: dict[str, Row], *events: Row, **given: Any) -> list[float | None]:
    """The minutes at which `p` turns true."""
    found = interpret(case(on_pattern(), *events, patterns=patterns, **given))
    return [minutes(row["entered_at"]) for row in found.executions]


def opens(*times: float, name: str = "open", value: float | None = None) -> list[Row]:
    """Events at these minutes."""
    return [event(name, at(time), value=value) for time in times]


@pytest.mark.parametrize("second", [59, 60, 61])
def test_a_window_leaves_out_what_is_exactly_its_length_ago(interpret: Interpret, second: int) -> None:
    twice = pattern("sequence", term(time_window="1h", min_count=2))
    assert turns(interpret, twice, *opens(0, second)) == ([59] if second == 59 else [])


def test_the_event_at_t_itself_counts(interpret: Interpret) -> None:
    assert turns(interpret, pattern("sequence", term(time_window="1h", min_count=1)), *opens(7)) == [7]


def test_it_fires_each_time_it_turns_true_and_not_while_it_stays(interpret: Interpret) -> None:
    one = pattern("sequence", term(timeWindow="1h", minCount=1))
    assert turns(interpret, one, *opens(0, 30, 91, 100, 300)) == [0, 91, 300]


def test_an_exit_and_an_entry_at_one_instant_apply_together(interpret: Interpret) -> None:
    """One leaves as the next enters: it has been true all along."""
    assert turns(interpret, pattern("sequence", term(time_window="1h", min_count=1)), *opens(0, 60)) == [0]


def test_a_decline_fires_when_the_last_open_leaves(interpret: Interpret) -> None:
    decline = pattern(
        "sequence",
        term(time_window="7d", offset="14d", min_count=3),
        term(time_window="14d", max_count=0),
    )
    found = turns(interpret, decline, *opens(0, 10, 20.5), end=at(days=40))
    assert found == [14 * 24 * 60 + 20.5]


def test_the_seed_s_decline_as_written_never_fires(interpret: Interpret) -> None:
    """Three opens in 7 days and at most one in 14 exclude each other."""
    decline = pattern(
        "sequence",
        term(timeWindow="7d", minCount=3),
        term(timeWindow="14d", maxCount=1),
        term("visit", timeWindow="14d", maxCount=0),
    )
    assert turns(interpret, decline, *opens(0, 1, 2), end=at(days=40)) == []


def test_none_at_all_is_first_asked_at_the_first_event(interpret: Interpret) -> None:
    none = pattern("sequence", term(time_window="1h", max_count=0))
    assert turns(interpret, none) == []
    assert turns(interpret, none, *opens(5)) == [65]
    quiet = pattern("sequence", term("visit", max_count=0), term(max_count=9))
    assert turns(interpret, quiet, *opens(5)) == [5]


def test_an_event_that_has_not_entered_yet_does_not_begin_it(interpret: Interpret) -> None:
    none = pattern("sequence", term(time_window="1h", offset="2h", max_count=0))
    assert turns(interpret, none, *opens(0)) == [180]


def test_without_a_window_nothing_leaves(interpret: Interpret) -> None:
    assert turns(interpret, pattern("sequence", term(min_count=2)), *opens(0, 8000), end=at(days=40)) == [
        8000
    ]


def test_events_of_one_instant_are_counted_together(interpret: Interpret) -> None:
    """Never exactly one: the two enter at once."""
    pair = [event("open", at(5), event_id=id_) for id_ in ("a", "b")]
    assert turns(interpret, pattern("sequence", term(min_count=1, max_count=1)), *pair) == []
    assert turns(interpret, pattern("sequence", term(min_count=2)), *pair) == [5]


def test_two_terms_on_one_type(interpret: Interpret) -> None:
    slowing = pattern(
        "sequence", term(time_window="3h", min_count=2), term(time_window="1h", min_count=1, max_count=1)
    )
    assert turns(interpret, slowing, *opens(0, 30)) == [60]


def test_sums_that_cancel(interpret: Interpret) -> None:
    paid = pattern("cumulative", term("buy", metric="total_value", threshold=3, time_window="1h"))
    events = [
        event("buy", at(0), value=3.0),
        event("buy", at(10), value=-3.0),
        event("buy", at(20), value=3.0),
    ]
    assert turns(interpret, paid, *events) == [0, 20, 70]
    together = [event("buy", at(0), event_id=str(value), value=value) for value in (3.0, -3.0)]
    assert turns(interpret, paid, *together) == []


def test_a_negative_value_that_leaves_turns_it_true(interpret: Interpret) -> None:
    paid = pattern("cumulative", term("buy", metric="total_value", threshold=3, time_window="1h"))
    events = [event("buy", at(0), value=-2.5), event("buy", at(10), value=3.0)]
    assert turns(interpret, paid, *events) == [60]


def test_sums_are_exact(interpret: Interpret) -> None:
    """0.1 + 0.2 is 0.3; a value counts to 6 decimals; an event without one adds nothing."""
    paid = pattern("cumulative", term("buy", metric="total_value", threshold=0.3))
    assert turns(interpret, paid, event("buy", at(), value=0.1), event("buy", at(1), value=0.2)) == [1]
    tiny = [event("buy", at(minute), value=0.0000004) for minute in range(5)]
    assert turns(interpret, paid, *tiny, event("buy", at(9))) == []


def test_a_cumulative_pattern_of_all_or_any(interpret: Interpret) -> None:
    terms = [term("buy", metric="total_value", threshold=10), term("refer", threshold=1)]
    events = [event("refer", at(1)), event("buy", at(2), value=9.0), event("buy", at(3), value=1.0)]
    assert turns(interpret, pattern("cumulative", *terms), *events) == [3]
    assert turns(interpret, pattern("cumulative", *terms, match="any"), *events) == [1]


def test_a_weighted_score(interpret: Interpret) -> None:
    score = pattern(
        "weighted_score",
        term("view", weight=10, time_window="1h"),
        term("cart", weight=25.5),
        threshold=45.5,
    )
    assert turns(interpret, score, event("cart", at(10)), *opens(0, 30, 80, name="view")) == [30, 80]


def test_a_threshold_of_nothing_waits_for_the_first_event(interpret: Interpret) -> None:
    assert turns(interpret, pattern("weighted_score", term(weight=1), threshold=0), *opens(3)) == [3]


def test_ordered_events(interpret: Interpret) -> None:
    path = pattern("ordered", term("view"), term("cart", within="1h"), term("buy"))
    view, late, cart, buy = (
        event(name, at(minute)) for name, minute in [("view", 0), ("cart", 61), ("cart", 60), ("buy", 500)]
    )
    assert turns(interpret, path, view, late, buy) == []
    assert turns(interpret, path, view, cart, buy) == [500]
    assert turns(interpret, path, cart, event("view", at(70)), buy) == []
    assert turns(interpret, path, view, cart, buy, event("buy", at(600))) == [500]


def test_ordered_events_of_one_instant_go_by_id_and_serve_one_term_each(interpret: Interpret) -> None:
    twice = pattern("ordered", term(), term(within="1h"))
    assert turns(interpret, twice, *opens(0)) == []
    assert turns(interpret, twice, event("open", at(), event_id="a"), event("open", at(), event_id="b")) == [
        0
    ]
    path = pattern("ordered", term("view"), term("buy"))
    backwards = [event("view", at(), event_id="b"), event("buy", at(), event_id="a")]
    assert turns(interpret, path, *backwards) == []


def test_other_types_of_events_are_not_counted(interpret: Interpret) -> None:
    other = event("open", at(), type="external_event")
    assert turns(interpret, pattern("sequence", term(min_count=1)), other) == []


def test_history_is_counted_silently(interpret: Interpret) -> None:
    twice = pattern("sequence", term(time_window="2h", min_count=2))
    assert turns(interpret, twice, *opens(0, 10, 70), start=at(60)) == []
    assert turns(interpret, twice, *opens(0, 70), start=at(60)) == [70]
    none = pattern("sequence", term(time_window="1h", max_count=0))
    assert turns(interpret, none, *opens(0), start=at(60)) == [60]
    assert turns(interpret, none, *opens(0), start=at(61)) == []


def test_an_unknown_customer_s_events_count(interpret: Interpret) -> None:
    twice = pattern("sequence", term(min_count=2))
    people = [customer(created_at=at(5))]
    assert turns(interpret, twice, *opens(0, 10), customers=people) == [10]
    assert turns(interpret, twice, *opens(0, 4), customers=people) == []


def test_events_come_before_patterns_and_those_before_steps(interpret: Interpret) -> None:
    """The event enters w at 0; at 60 it would send, but the pattern ends it first."""
    steps = workflow(wait("1h"), send(), exit_on=[trigger(type="pattern", pattern="p")])
    none = pattern("sequence", term("go", time_window="1h", max_count=0))
    found = interpret(case(steps, event("go", at()), patterns=none))
    assert ends_of(found) == [("w", 0, "exited", 60)]
    assert found.messages == []


def test_patterns_of_one_instant_fire_by_name(interpret: Interpret) -> None:
    both = {name: pattern("sequence", term(min_count=1))["p"] for name in ("b", "a")}
    first = workflow(tag("x"), wait("1h"), on=[trigger(type="pattern", pattern=name) for name in ("b", "a")])
    found = interpret(case(first, *opens(0), patterns=both))
    assert [(row["at"], row["reason"]) for row in found.refusals] == [(at(), "running")]
    only_a = workflow(wait("1h"), on=trigger(type="pattern", pattern="a"), workflow_id="z")
    ended = {**only_a, "exit_on": [trigger(type="pattern", pattern="b")]}
    assert ends_of(interpret(case(ended, *opens(0), patterns=both))) == [("z", 0, "exited", 0)]


def test_goal_and_wait_for_a_pattern(interpret: Interpret) -> None:
    twice = pattern("sequence", term(min_count=2))
    goal = {**trigger(type="pattern", pattern="p"), "exit": False}
    awaited = action("wait_for_event", type="pattern", event={"pattern": "p"}, timeout="1d")
    found = interpret(case(workflow(awaited, goal=goal), event("go", at()), *opens(1, 2), patterns=twice))
    assert outcomes_of(found) == [(0, "0", "waiting"), (2, "0", "event")]
    assert found.executions[0]["converted_at"] == at(2)


def test_a_pattern_as_a_condition(interpret: Interpret) -> None:
    one = pattern("sequence", term(time_window="1h", min_count=1))
    steps = workflow(
        wait("59m"), tag("in", when=[condition("pattern.p", "equals", True)]), wait("1m"), tag("out")
    )
    steps["actions"][3]["conditions"] = [condition("pattern.p", "equals", False)]
    found = interpret(case(steps, event("go", at()), *opens(0), patterns=one))
    assert [row[2] for row in outcomes_of(found)] == ["done", "done", "done", "done"]


def test_a_score_as_a_condition(interpret: Interpret) -> None:
    score = pattern(
        "weighted_score", term(weight=0.1, time_window="1h"), term("buy", weight=-2), threshold=99
    )
    asks = {
        name: condition("pattern.p.score", "equals", value) for name, value in [("zero", 0), ("three", 0.3)]
    }
    steps = workflow(action("branch_decision", criteria=asks), reentry={"policy": "when_not_running"})
    events = [event("go", at(-1)), *opens(0, 1, 2), event("go", at(30)), event("go", at(200))]
    found = interpret(case(steps, *events, patterns=score))
    assert outcomes_of(found) == [(-1, "0", "zero"), (30, "0", "three"), (200, "0", "zero")]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("events.buy.count.1h", 2),
        ("events.buy.count.60m", 2),
        ("events.buy.count", 3),
        ("events.buy.sum.1h", 0.5),
        ("events.buy.sum", 3.5),
        ("events.never.count.1h", 0),
        ("events.never.sum", 0),
        ("events.buy.days_since", 1 / 48),
        ("events.a.b c.count.30d", 1),
    ],
)
def test_windowed_counts(interpret: Interpret, attribute: str, value: float) -> None:
    bought = [event("buy", at(minute), value=amount) for minute, amount in [(0, 3.0), (10, 3.0), (30, -2.5)]]
    steps = workflow(tag("t", when=[condition(attribute, "equals", value)]))
    events = [*bought, event("a.b c", at(5)), event("go", at(60)), event("buy", at(61))]
    assert outcomes_of(interpret(case(steps, *events))) == [(60, "0", "done")]


def test_days_since_nothing_is_null(interpret: Interpret) -> None:
    steps = workflow(tag("t", when=[condition("events.buy.days_since", "exists")]))
    assert outcomes_of(interpret(case(steps, event("go", at())))) == [(0, "0", "skipped")]


def test_a_condition_sees_all_events_of_its_instant(interpret: Interpret) -> None:
    """`buy` has the greater id, so it is processed after `go`; its change is applied before."""
    asks = trigger("go", when=[condition("events.buy.count.1h", "equals", 1)])
    events = [event("go", at(), event_id="a"), event("buy", at(), event_id="b")]
    assert [row[1] for row in runs_of(interpret(case(workflow(on=asks), *events)))] == [0]


def ticked(found: Case, *loads: tuple[datetime, list[Row]], **given: Any) -> Result:
    """The oracle's result of the ticks."""
    return decide_ticks(found, list(loads), **given)


def test_late_events_enter_when_they_act_and_leave_in_time() -> None:
    one = pattern("sequence", term(time_window="1h", min_count=1))
    found = ticked(case(on_pattern(), patterns=one), (at(60), []), (at(200), opens(30)))
    assert [row[1] for row in runs_of(found)] == [60]
    asks = workflow(tag("t", when=[condition("events.open.count.1h", "equals", 1)]))
    for minute, outcome in [(89, "done"), (90, "skipped")]:
        found = ticked(case(asks), (at(60), []), (at(200), [*opens(30), event("go", at(minute))]))
        assert outcomes_of(found) == [(minute, "0", outcome)]


def test_a_late_event_past_its_window_never_counts_but_begins_the_pattern() -> None:
    none = pattern("sequence", term(time_window="1h", max_count=0))
    found = ticked(case(on_pattern(), patterns=none), (at(100), []), (at(200), opens(10)))
    assert [row[1] for row in runs_of(found)] == [100]


def test_a_late_event_may_turn_it_true_at_the_instant_its_tick_starts() -> None:
    twice = pattern("sequence", term(time_window="1h", min_count=2))
    found = ticked(case(on_pattern(), patterns=twice), (at(60), opens(60)), (at(90), opens(50)))
    assert [row[1] for row in runs_of(found)] == [60]


def test_too_late_events_are_silent_but_what_leaves_later_is_not() -> None:
    bounds = {"max_lateness": timedelta(minutes=10)}
    one = pattern("sequence", term(time_window="1h", min_count=1))
    found = ticked(case(on_pattern(), patterns=one), (at(60), []), (at(200), opens(30)), **bounds)
    assert found.executions == []
    none = pattern("sequence", term(time_window="1h", max_count=0))
    found = ticked(case(on_pattern(), patterns=none), (at(60), []), (at(200), opens(30)), **bounds)
    assert [row[1] for row in runs_of(found)] == [90]


def test_late_events_act_after_too_late_ones() -> None:
    """The too late open makes it two, silently; the late one makes it three."""
    bounds = {"max_lateness": timedelta(minutes=10)}
    for least, entered in [(2, []), (3, [60])]:
        many = pattern("sequence", term(time_window="1h", min_count=least))
        loads = [(at(60), opens(40)), (at(200), opens(30, 55))]
        found = ticked(case(on_pattern(), patterns=many), *loads, **bounds)
        assert [row[1] for row in runs_of(found)] == entered
