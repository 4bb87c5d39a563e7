"""Who and what a change gains, loses or moves: in cases of a few lines, and against plain Python in random ones."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.effort import few_cases
from tests.engine.interface import decide
from tests.engine.strategies import cases
from tests.engine.strategies_workflows import workflows
from tests.semantics.cases import (
    Case,
    Result,
    Row,
    at,
    case,
    condition,
    customer,
    event,
    send,
    show,
    trigger,
    wait,
    workflow,
)
from transforms.answers.compare import CHANGES, Comparison, compare
from transforms.answers.figures import FIGURES, Outcome
from transforms.tables.frames import EXECUTIONS, GOAL_HITS, MESSAGES, STEPS, Schema

DAYS = 3.0
PEOPLE = [customer("ann", score=1), customer("bob", score=5)]
GO = [event("go", at(60), "ann"), event("go", at(120), "bob"), event("buy", at(300), "ann")]


def outcome(of: Case) -> Outcome:
    found = decide(of)
    return Outcome(
        executions=frame(found.executions, EXECUTIONS),
        steps=frame(found.steps, STEPS),
        messages=frame(found.messages, MESSAGES),
        goal_hits=frame(found.goal_hits, GOAL_HITS),
    )


def frame(rows: Sequence[Row], schema: Schema) -> pl.LazyFrame:
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema).lazy()


def compared(old: Case, new: Case) -> Comparison:
    ids = sorted({one["workflow_id"] for one in (*old.workflows, *new.workflows)})
    return compare(outcome(old), outcome(new), ids, DAYS, samples=2)


def changed(old: Row | None, new: Row | None, **given: Any) -> Comparison:
    """What comes of one workflow in place of another, for `PEOPLE` and `GO`."""
    sides = [case([one] if one else [], *GO, customers=PEOPLE, end=at(days=3)) for one in (old, new)]
    return compared(*(replace(side, **given) for side in sides))


def row(rows: pl.DataFrame, workflow_id: str | None = None) -> Row:
    (found,) = rows.filter(pl.col("workflow_id").eq_missing(workflow_id)).to_dicts()
    return {name: value for name, value in found.items() if name != "workflow_id" and value}


def test_a_longer_wait_moves_what_comes_after_it() -> None:
    found = changed(workflow(send("a"), wait("1h"), send("b")), workflow(send("a"), wait("3h"), send("b")))
    assert row(found.changes, "w") == row(found.changes) == {"messages_moved": 2}
    first, second = found.templates.drop("workflow_id").to_dicts()
    assert first == {
        "template_id": "a",
        "before": 2,
        "after": 2,
        "gained": 0,
        "lost": 0,
        "moved": 0,
        "moved_by": None,
    }
    assert (second["moved"], second["moved_by"]) == (2, timedelta(hours=2))
    assert found.messages.rows() == [
        ("w", "ann", "b", "moved", at(120), at(240)),
        ("w", "bob", "b", "moved", at(180), at(300)),
    ]


def test_a_narrower_condition_loses_those_for_whom_it_does_not_hold() -> None:
    narrow = trigger("go", when=[condition("score", "greater_than", 3)])
    found = changed(workflow(send()), workflow(send(), on=narrow))
    assert row(found.changes, "w") == row(found.changes) == {"customers_lost": 1, "messages_lost": 1}
    assert found.customers.rows() == [("w", "lost", "ann", [at(60)], [])]
    assert (row(found.before, "w")["entries"], row(found.after, "w")["entries"]) == (2, 1)


def test_another_trigger_gains_one_and_re_times_another() -> None:
    def on(name: str) -> Row:
        return workflow(send(), on=name)

    found = changed(on("buy"), on("go"))
    assert row(found.changes, "w") == {
        "customers_gained": 1, "customers_retimed": 1, "messages_gained": 1, "messages_moved": 1,
    }  # fmt: skip
    assert found.customers.rows() == [
        ("w", "gained", "bob", [], [at(120)]),
        ("w", "retimed", "ann", [at(300)], [at(60)]),
    ]


def test_a_lower_cap_holds_messages_back() -> None:
    two = workflow(send("a"), wait("1h"), send("b"))
    sides = [
        case(two, *GO, customers=PEOPLE, end=at(days=3), caps=[(most, timedelta(days=1))]) for most in (2, 1)
    ]
    found = compared(*sides)
    assert row(found.changes, "w") == {"messages_lost": 2}
    assert "cap_collisions" not in row(found.before)
    assert row(found.after)["cap_collisions"] == 2
    assert (row(found.before)["messages_per_customer"], row(found.after)["messages_per_customer"]) == (2, 1)
    assert found.days.rows() == [("w", at(0).date(), 4, 2)]


@pytest.mark.parametrize(("kind", "sides"), [("lost", (True, False)), ("gained", (False, True))])
def test_a_workflow_of_one_side_only_is_all_lost_or_all_gained(kind: str, sides: tuple[bool, bool]) -> None:
    found = changed(*(workflow(send()) if there else None for there in sides))
    assert row(found.changes, "w") == {f"customers_{kind}": 2, f"messages_{kind}": 2}
    assert set(found.customers["kind"]) == set(found.messages["kind"]) == {kind}


def test_a_goal_that_is_added_converts_and_ends_executions() -> None:
    plain = workflow(wait("1d"), send())
    found = changed(plain, {**plain, "goal": trigger("buy")})
    assert row(found.changes, "w") == {"executions_changed": 1, "messages_lost": 1}
    after = row(found.after, "w")
    assert (after["conversions"], after["converted"], after["goal_hits"], after["conversion_rate"]) == (
        1,
        1,
        1,
        50.0,
    )
    assert not {"conversions", "goal_hits", "conversion_rate"} & row(found.before, "w").keys()


def test_what_follows_in_a_workflow_that_was_not_changed_is_told_there() -> None:
    follower = workflow(send(), workflow_id="f", on=trigger("completed", "workflow_action", workflow_id="w"))
    sides = [
        case([workflow(wait(length)), follower], *GO, customers=PEOPLE, end=at(days=3))
        for length in ("1h", "2h")
    ]
    found = compared(*sides)
    assert row(found.changes, "f") == {"customers_retimed": 2, "messages_moved": 2}
    assert row(found.changes, "w") == {}
    assert row(found.changes) == {"customers_retimed": 2, "messages_moved": 2}


def test_of_several_messages_those_at_the_same_instants_are_the_same() -> None:
    found = changed(
        workflow(send("a"), wait("1h"), send("a"), wait("1h"), send("a")),
        workflow(wait("1h"), send("a"), wait("1h"), send("a")),
    )
    assert row(found.changes, "w") == {"messages_lost": 2}
    assert [one["at_before"] for one in found.messages.to_dicts()] == [at(60), at(120)]


@st.composite
def pairs(draw: DrawFn) -> tuple[Case, Case]:
    """A case before and after a change: workflows that are kept, replaced or removed, and perhaps other caps."""
    old = draw(cases(most_events=20))
    kept: list[Row] = []
    for one in old.workflows:
        how = draw(st.sampled_from(["keep", "replace", "enter otherwise", "remove"]))
        other = draw(workflows(one["workflow_id"])) if how != "remove" else {}
        kept += (
            [{"keep": one, "replace": other, "enter otherwise": {**one, "triggers": other["triggers"]}}[how]]
            if other
            else []
        )
    caps = draw(st.sampled_from([old.caps, [], [(1, timedelta(hours=12))]]))
    return old, replace(old, workflows=kept, caps=caps)


def entries(found: Result) -> dict[tuple[str, str], set[datetime]]:
    entered = defaultdict(set)
    for one in found.executions:
        entered[one["workflow_id"], one["customer_id"]].add(one["entered_at"])
    return entered


@few_cases
@given(pairs())
def test_customers_and_messages_agree_with_plain_python(pair: tuple[Case, Case]) -> None:
    results = list(map(decide, pair))
    before, after = map(entries, results)
    expected: Counter[tuple[str, str]] = Counter()
    for key in before | after:
        was, now = before.get(key, set()), after.get(key, set())
        kind = "gained" if not was else "lost" if not now else "retimed" if was != now else "same"
        expected[key[0], kind] += 1
    sent, sends = (Counter(one["workflow_id"] for one in found.messages) for found in results)
    found = compared(*pair)
    try:
        for one in found.changes.filter(pl.col("workflow_id").is_not_null()).to_dicts():
            name = one["workflow_id"]
            told = [one[f"customers_{kind}"] for kind in ("gained", "lost", "retimed")]
            assert told == [expected[name, kind] for kind in ("gained", "lost", "retimed")]
            assert sends[name] - sent[name] == one["messages_gained"] - one["messages_lost"]
            assert one["messages_lost"] + one["messages_moved"] <= sent[name]
        _totals_agree(found, before, after)
    except AssertionError as error:
        error.add_note(f"before\n{show(pair[0])}\nafter\n{show(pair[1])}")
        raise


def _totals_agree(
    found: Comparison,
    before: dict[tuple[str, str], set[datetime]],
    after: dict[tuple[str, str], set[datetime]],
) -> None:
    total = found.changes.filter(pl.col("workflow_id").is_null()).to_dicts()[0]
    was, now = ({who for _, who in side} for side in (before, after))
    retimed = {key[1] for key in before.keys() & after.keys() if before[key] != after[key]}
    assert total["customers_gained"] == len(now - was)
    assert total["customers_lost"] == len(was - now)
    assert total["customers_retimed"] == len(retimed)
    for name in ("messages_gained", "messages_lost", "messages_moved", "executions_changed"):
        assert total[name] == found.changes[name].sum() - total[name]
    for side, frame_ in ((before, found.before), (after, found.after)):
        assert frame_["entries"][0] == sum(map(len, side.values())) == frame_["entries"][1:].sum()
        assert frame_["customers"][0] == len({who for _, who in side})
    assert found.days["before"].sum() == found.before["messages"][0]
    assert found.templates["after"].sum() == found.after["messages"][0]


@few_cases
@given(cases(most_events=20))
def test_nothing_differs_from_itself(found: Case) -> None:
    told = compared(found, found)
    assert told.is_empty
    assert told.changes.columns == ["workflow_id", *CHANGES]
    assert told.before.columns == ["workflow_id", *FIGURES]
    assert not told.changes.select(pl.sum_horizontal(*CHANGES)).sum().item()
    assert told.customers.is_empty()
    assert told.messages.is_empty()
