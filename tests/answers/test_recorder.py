"""What is recorded is what the engine decided, and to record changes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.answers.told import account_of
from tests.effort import few_cases
from tests.engine import interface
from tests.engine.compare import assert_same
from tests.engine.strategies import cases, events
from tests.engine.strategies_workflows import attributes, conditions, workflows
from tests.semantics.cases import Case, Result, Row, at, case, condition, customer, event, trigger, workflow
from transforms.answers.why_not import WhyNot, why_not
from transforms.engine.recorder import Record, Recorder
from transforms.timing.durations import epoch_us


def recorded(found: Case, owner: str) -> tuple[Result, Record]:
    recorder = Recorder(owner)
    return interface.decide(found, (), recorder), recorder.record


@few_cases
@given(cases())
def test_to_record_changes_nothing_and_every_entry_is_explained(found: Case) -> None:
    somebody = min((one["customer_id"] for one in found.events + found.customers), default="nobody")
    result, record = recorded(found, somebody)
    assert_same(interface.decide(found), result, ("as it is", "recorded"))
    assert fired_by(record) == entered_or_refused(result, somebody)


def fired_by(record: Record) -> set[tuple[str, int]]:
    """Where some trigger of a workflow held whole."""
    return {
        (one.flow.workflow.workflow_id, one.fact.at)
        for one in record.tried
        if not one.failed and one.fact.is_known
    }


def entered_or_refused(result: Result, owner: str) -> set[tuple[str, int]]:
    entries = [(one, one["entered_at"]) for one in result.executions]
    refused = [(one, one["at"]) for one in result.refusals]
    return {
        (one["workflow_id"], epoch_us(then)) for one, then in entries + refused if one["customer_id"] == owner
    }


@st.composite
def lonely(draw: st.DrawFn) -> Case:
    """One workflow that does nothing, one known customer, a few events."""
    drawn = {**draw(workflows("w1")), "actions": [], "branches": [], "is_active": True}
    chosen = draw(st.sampled_from(drawn["triggers"]))
    asked = draw(st.lists(conditions(decision=False), max_size=3))
    config = {**chosen["config"], **({"minimum_amount": 1} if draw(st.booleans()) else {})}
    triggers = [{**chosen, "config": config, "conditions": asked}]
    person = customer("c1", **draw(attributes()))
    happened = [draw(events(f"e{number}", ["c1"])) for number in range(draw(st.integers(1, 6)))]
    return Case([{**drawn, "triggers": triggers}], [person], happened, at(days=9))


@few_cases
@given(lonely())
def test_what_failed_is_all_that_stood_against_it_and_no_less(found: Case) -> None:
    missed = missed_in(found)
    assume(missed is not None and missed.nearest is not None)
    assert missed
    assert missed.nearest
    failed, fact = [one.place for one in missed.failed], missed.nearest.fact
    _, record = recorded(found, "c1")
    assume(sum(one.at == fact.at for one in record.facts) == 1)
    assert failed
    assert is_entered_at(without(found, failed), fact.at)
    for kept in failed:
        assert not is_entered_at(without(found, [one for one in failed if one != kept]), fact.at)


def missed_in(found: Case) -> WhyNot | None:
    account = account_of(found, "c1")
    (flow,) = account.program.flows
    return None if account.stored.executions else why_not(account, flow)


def is_entered_at(found: Case, instant: int) -> bool:
    """Whether the workflow was entered then, or was refused only because it had been before."""
    return ("w1", instant) in entered_or_refused(interface.decide(found), "c1")


def without(found: Case, places: Sequence[tuple[Any, ...]]) -> Case:
    """The case with parts of its one trigger left out."""
    (only,) = found.workflows
    (asking,) = only["triggers"]
    config = {key: value for key, value in asking["config"].items() if ("config", key) not in places}
    left = [one for number, one in enumerate(asking["conditions"]) if ("conditions", number) not in places]
    changed: Row = {**asking, "config": config, "conditions": left}
    return replace(found, workflows=[{**only, "triggers": [changed]}])


def test_a_recorder_of_somebody_else_notes_nothing() -> None:
    assert recorded(Case([], [], [], at(days=1)), "nobody")[1] == Record()


@pytest.mark.parametrize("operator", ["equals", "not_equals"])
def test_each_condition_is_answered_by_the_engine(operator: str) -> None:
    asks = [condition("plan", operator, "pro")]
    went = case(workflow(on=trigger("go", when=asks)), event("go", at(5)), customers=[customer(plan="pro")])
    _, record = recorded(went, "ann")
    (tried,) = record.tried
    (answer,) = tried.answers
    assert answer.holds is (operator == "equals")
    assert (answer.looks[0].name, answer.looks[0].value) == ("plan", '"pro"')
