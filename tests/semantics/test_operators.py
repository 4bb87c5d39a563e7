"""§5: the operators beyond the seven, groups of conditions, and crossings."""

from typing import Any

import pytest

from tests.semantics.cases import (
    Interpret,
    Json,
    Row,
    action,
    at,
    case,
    changed,
    condition,
    customer,
    event,
    outcomes_of,
    runs_of,
    tag,
    trigger,
    workflow,
)

NOW = "2026-03-02T00:00:00Z"


def holds(interpret: Interpret, asked: Row, **attributes: Any) -> bool:
    """Whether a condition holds for a customer at 2026-03-02."""
    steps = workflow(tag("t", when=[asked]))
    found = interpret(case(steps, event("go", at()), customers=[customer(**attributes)]))
    return [row[2] for row in outcomes_of(found)] == ["done"]


@pytest.mark.parametrize(
    ("operator", "have", "value", "expected"),
    [
        ("not_in_list", "a", ["a", "b"], False),
        ("not_in_list", "c", ["a", "b"], True),
        ("not_in_list", 3, [3.0], False),
        ("not_in_list", True, [1], True),
        ("not_in_list", None, [None], True),
        ("not_in_list", "a", [], True),
        ("not_exists", None, None, True),
        ("not_exists", False, None, False),
        ("not_exists", "", None, False),
        ("starts_with", "premium", "pre", True),
        ("starts_with", "premium", "", True),
        ("starts_with", "premium", "Pre", False),
        ("starts_with", 31, "3", False),
        ("starts_with", None, "", False),
        ("ends_with", "premium", "ium", True),
        ("ends_with", "premium", "iu", False),
        ("ends_with", ["ium"], "ium", False),
        ("matches", "premium", "e.i", True),
        ("matches", "premium", "^em", False),
        ("matches", "a@example.com", r"@example\.(com|org)$", True),
        ("matches", "Ärger", "^Ä", True),
        ("matches", "", "", True),
        ("matches", 3, "3", False),
        ("matches", None, "", False),
        ("before", "2026-03-01", "2026-03-02", True),
        ("before", "2026-03-02", "2026-03-02", False),
        ("before", "2026-03-02", "2026-03-02T00:00:00.000001", True),
        ("before", "2026-03-02T01:00:00+02:00", "2026-03-02", True),
        ("before", "2026-03-01T22:00:00-02:00", "2026-03-02", False),
        ("before", "March", "2026-03-02", False),
        ("before", "2026-02-30", "2026-03-02", False),
        ("before", "2026-3-1", "2026-03-02", False),
        ("before", 20260301, "2026-03-02", True),
        ("before", None, "2026-03-02", False),
        ("after", "2026-03-02 09:30", "2026-03-02T09:29:59.5Z", True),
        ("after", "2026-03-02T09:30", "2026-03-02T09:30:00", False),
        ("after", None, "2026-03-02", False),
        ("between", 3, [3, 5], True),
        ("between", 5.0, [3, 5], True),
        ("between", 5.000001, [3, 5], False),
        ("between", None, [0, 5], False),
        ("between", True, [0, 5], False),
        ("between", "4", [3, 5], False),
        ("between", "2026-03-02T00:30:00+01:00", ["2026-03-01", "2026-03-02"], True),
        ("between", "2026-03-02", ["2026-03-01", "2026-03-02"], True),
        ("between", "2026-03-02T00:01", ["2026-03-01", "2026-03-02"], False),
        ("between", "2026-03-01x", ["2026-03-01", "2026-03-02"], True),
        ("between", "b", ["a", "c"], True),
        ("between", "B", ["a", "c"], False),
        ("at_least", 3, 3.0, True),
        ("at_least", 2.999, 3, False),
        ("at_least", "2026-03-01", 20260301, True),
        ("at_least", "2026-02-28T23:59 UTC", 20260301, False),
        ("at_most", 1772323199, "2026-02-28T23:59:59Z", True),
        ("between", "2026-03-01", [20260301, 20260302], True),
        ("between", "2026-03-03", [20260301, 20260302], False),
        ("at_least", None, 0, False),
        ("at_least", None, -1, False),
        ("at_least", True, 1, False),
        ("at_least", "3", 3, False),
        ("at_least", 3, "3", False),
        ("at_least", "b", "a", True),
        ("at_least", "a", "a", True),
        ("at_least", "B", "a", False),
        ("at_least", "2026-03-02T01:00+02:00", "2026-03-01T23:00Z", True),
        ("at_least", "2026-03-02T01:00+03:00", "2026-03-01T23:00Z", False),
        ("at_least", "soon", "2026-03-01", True),
        ("at_least", ["b"], "a", False),
        ("at_most", 3, 3.0, True),
        ("at_most", 3.001, 3, False),
        ("at_most", None, 0, False),
        ("at_most", "a", "b", True),
        ("at_most", "2026-03-02", "2026-03-02T00:00", True),
        ("at_most", "2026-03-02T00:00:00.000001", "2026-03-02", False),
        ("at_most", None, "b", False),
        ("within_last", NOW, "1d", True),
        ("within_last", "2026-03-01", "1d", False),
        ("within_last", "2026-03-01T00:00:00.000001", "1d", True),
        ("within_last", "2026-03-02T00:00:00.000001", "1d", False),
        ("within_last", "2026-03-02T02:00+02:00", "30m", True),
        ("within_last", "yesterday", "1d", False),
        ("within_last", None, "1d", False),
    ],
)
def test_operators(interpret: Interpret, operator: str, have: Json, value: Json, expected: bool) -> None:
    assert holds(interpret, condition("have", operator, value), have=have) is expected


YES, NO = condition("flag", "equals", True), condition("flag", "equals", False)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ({"any": []}, False),
        ({"any": [NO, YES]}, True),
        ({"any": [NO, NO]}, False),
        ({"all": []}, True),
        ({"all": [YES, YES]}, True),
        ({"all": [YES, NO]}, False),
        ({"not": NO}, True),
        ({"not": [YES, YES]}, False),
        ({"not": [YES, NO]}, True),
        ({"not": {"not": YES}}, True),
        ({"any": [{"all": [YES, NO]}, {"not": {"any": [NO, NO]}}]}, True),
    ],
)
def test_groups(interpret: Interpret, group: Row, expected: bool) -> None:
    assert holds(interpret, group, flag=True) is expected


def test_groups_stand_wherever_conditions_do(interpret: Interpret) -> None:
    group = {"any": [NO, {"not": [NO]}]}
    steps = workflow(
        action("branch_decision", criteria={"one": {"not": group}, "two": group}, when=[group]),
        on=trigger("go", when=[group]),
        branches=[{"name": "left", "conditions": [{"not": group}], "actions": []}],
        exit_on=[trigger("stop", when=[{"all": [YES, {"not": NO}]}])],
    )
    found = interpret(case(steps, event("go", at()), customers=[customer(flag=True)]))
    assert outcomes_of(found) == [(0, "0", "two")]
    assert [row[2] for row in runs_of(found)] == ["default"]


def test_within_last_is_asked_at_the_step_s_instant(interpret: Interpret) -> None:
    asks = [condition("seen", "within_last", "1h")]
    for pause, outcome in [("59m", "done"), ("1h", "skipped")]:
        steps = workflow(action("wait", duration=pause), tag("t", when=asks))
        found = interpret(case(steps, event("go", at()), customers=[customer(seen="2026-03-02")]))
        assert outcomes_of(found)[-1][2] == outcome


@pytest.mark.parametrize(
    ("old", "new", "above", "below"),
    [
        (0.6, 0.8, True, False),
        (0.7, 0.8, True, False),
        (0.8, 0.9, False, False),
        (0.6, 0.7, False, False),
        (0.8, 0.6, False, True),
        (0.7, 0.6, False, True),
        (0.6, 0.5, False, False),
        (None, 0.8, True, False),
        (None, 0.6, False, False),
        (0.8, None, False, False),
        ("high", 0.8, True, False),
        ("high", 0.6, False, True),
        (0.6, "0.8", False, False),
        (0.6, True, False, False),
    ],
)
def test_crossings(interpret: Interpret, old: Json, new: Json, above: bool, below: bool) -> None:
    workflows = [
        workflow(workflow_id=key, on=trigger("churn", "attribute_change", **{f"crosses_{key}": 0.7}))
        for key in ("above", "below")
    ]
    found = interpret(case(workflows, changed("churn", new, at(), old=old)))
    assert [row[0] for row in runs_of(found)] == ["above"] * above + ["below"] * below


def test_a_null_old_value_counts_as_zero(interpret: Interpret) -> None:
    up = workflow(on=trigger("churn", "attribute_change", crosses_above=-1), workflow_id="a")
    down = workflow(on=trigger("churn", "attribute_change", crosses_below=-1), workflow_id="b")
    rose = interpret(case([up, down], changed("churn", 5, at())))
    assert runs_of(rose) == []
    fell = interpret(case([up, down], changed("churn", -5, at())))
    assert [row[0] for row in runs_of(fell)] == ["b"]


def test_updates_cross_as_well(interpret: Interpret) -> None:
    setter = workflow(action("update_attribute", attribute="churn", value=0.9), workflow_id="a")
    heard = workflow(on=trigger("churn", "attribute_change", crosses_above=0.7))
    people = [customer(churn=0.2)]
    found = interpret(case([setter, heard], event("go", at()), event("go", at(5)), customers=people))
    assert [row[1] for row in runs_of(found) if row[0] == "w"] == [0]
    carried = event("other", at(3), attributes={"churn": 0.8})
    assert [row[1] for row in runs_of(interpret(case(heard, carried, customers=people)))] == [3]
