"""Conditions as people type them: what they mean, and what is said of those that mean nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.definitions.conditions import Condition
from transforms.definitions.where import parse_where

READ: dict[str, list[tuple[str, str, object]]] = {
    "plan = pro": [("plan", "equals", "pro")],
    "plan=pro and orders>=3": [("plan", "equals", "pro"), ("orders", "at_least", 3)],
    "city = New York AND tags contains vip": [("city", "equals", "New York"), ("tags", "contains", "vip")],
    "'first name' starts_with \"A and B\"": [("first name", "starts_with", "A and B")],
    "plan in_list [a, 'b, c', 3, true]": [("plan", "in_list", ["a", "b, c", 3, True])],
    "plan not_in_list []": [("plan", "not_in_list", [])],
    "x exists": [("x", "exists", None)],
    "x exists false": [("x", "exists", False)],
    "x not_exists": [("x", "not_exists", None)],
    "seen within_last 7d": [("seen", "within_last", 7 * 86400)],
    "age between [1, 9]": [("age", "between", [1, 9])],
    "x != null": [("x", "not_equals", None)],
    "x == -2.5": [("x", "equals", -2.5)],
    "x = NaN": [("x", "equals", "NaN")],
    "x = '3'": [("x", "equals", "3")],
    r'x = "a\"b\\c"': [("x", "equals", r'a"b\c')],
    "address.city = Köln": [("address.city", "equals", "Köln")],
}
FAULTS = {
    "": "asks nothing",
    "plan is pro": "'is' behind 'plan' is no operator; allowed: =, !=",
    "plan contians pro": "did you mean 'contains'?",
    "plan": "nothing stands behind 'plan'",
    "plan =": "no value stands behind 'plan ='; allowed: plan = pro",
    "plan = pro and": "nothing stands beside an 'and'",
    "= 3": "'=' stands where an attribute should",
    'plan = "a': "a quote or bracket isn't closed",
    "x in_list a": "in_list needs a list of values",
    "x between [1]": "between needs a list of two",
    "x = [1,,2]": "can't read ',2' in a list",
    "event.x = 3": "is known of events and runs, not of customers",
    "x = null": "allowed: x not_exists",
    "x exists 3": "needs no value",
    "x not_exists true": "needs no value",
    "x = a or y = b": "'or' isn't known here",
    "x = 'a' b": "is no value: put text in quotes",
    "x within_last soon": "within_last needs a duration",
}


@pytest.mark.parametrize(("text", "meant"), READ.items())
def test_what_is_read(text: str, meant: list[tuple[str, str, object]]) -> None:
    assert [(one.attribute, one.operator, one.value) for one in parse_where(text)] == meant


@pytest.mark.parametrize(("text", "told"), FAULTS.items())
def test_what_cant_be_meant(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_where(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_is_quoted_comes_back(value: str) -> None:
    (found,) = parse_where(f"x = {quoted(value)}")
    assert found == Condition(attribute="x", operator="equals", value=value)


@given(st.text(max_size=30))
def test_anything_is_read_or_refused_in_words(text: str) -> None:
    told = None
    try:
        assert parse_where(text)
    except ValueError as error:
        told = error
    assert type(told) in (type(None), ValueError)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
