"""A condition → where it looks, one Polars expression over distinct values, and a sentence for people.

The expressions read the dictionary of `json_values.intern` (columns `json`, `kind`, `number`, `text`, `items`) and
follow the tables of semantics.md §5 and docs/decision-language.md: wrong types make a condition false, never an
error. `before`, `after` and `between` also read `instant` (`instants.with_instants`).
"""

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl

from transforms.columns.json_values import LIST, NULL, NUMBER, STRING, canonical, text_of
from transforms.definitions.workflow import Condition, Group
from transforms.timing.durations import epoch_us, parse_duration, spoken
from transforms.timing.instants import instant_of

_EXACT = 2**53
"""Integers up to here are doubles."""

_kind, _number, _text, _instant = (pl.col(name) for name in ("kind", "number", "text", "instant"))


def truth_of(name: str, value: Any) -> pl.Expr:
    """The truth of `have <operator of that name> value` for every row of the dictionary, as a boolean expression."""
    return _OPERATORS[name](value).fill_null(value=False)


Compare = Callable[[pl.Expr, Sequence[Any]], pl.Expr]
"""Whether a value keeps to bounds."""


def number_at_least(bound: float) -> pl.Expr:
    """`minimum_X` of a trigger's config: a number not below `bound` (semantics.md §6)."""
    return ((_kind == NUMBER) & _compared(operator.ge, bound)).fill_null(value=False)


def number_at_most(bound: float) -> pl.Expr:
    """`maximum_X` of a trigger's config: a number not above `bound` (semantics.md §6)."""
    return ((_kind == NUMBER) & _compared(operator.le, bound)).fill_null(value=False)


def above(bound: float) -> pl.Expr:
    """A number above `bound`, of the new value of `crosses_above`."""
    return ((_kind == NUMBER) & _compared(operator.gt, bound)).fill_null(value=False)


def below(bound: float) -> pl.Expr:
    """A number below `bound`, of the new value of `crosses_below`."""
    return ((_kind == NUMBER) & _compared(operator.lt, bound)).fill_null(value=False)


def not_above(bound: float) -> pl.Expr:
    """The old value of `crosses_above`: null counts as 0, and what is no number isn't above."""
    return ~_greater_than(bound).fill_null(value=False)


def not_below(bound: float) -> pl.Expr:
    """The old value of `crosses_below`: null counts as 0, and what is no number isn't below."""
    return ~_less_than(bound).fill_null(value=False)


def sentence(condition: Condition | Group) -> str:
    """The condition as people read it: `plan equals "gold"`, `email exists`, `not (a exists)`."""
    if isinstance(condition, Group):
        if condition.negated is not None:
            return f"not ({_joined(condition.negated, 'and')})"
        joined = (
            _joined(condition.any or (), "or") if condition.all is None else _joined(condition.all, "and")
        )
        return f"({joined})" if joined else ("always" if condition.all is not None else "never")
    words = f"{condition.attribute} {condition.operator.replace('_', ' ')}"
    if condition.operator == "exists" and condition.value is False:
        return f"{condition.attribute} not exists"
    if condition.operator in ("exists", "not_exists"):
        return words
    if condition.operator == "within_last":
        return f"{words} {spoken(parse_duration(condition.value))}"
    return f"{words} {canonical(condition.value)}"


def _joined(conditions: Iterable[Condition | Group], word: str) -> str:
    return f" {word} ".join(map(sentence, conditions))


def _equals(value: Any) -> pl.Expr:
    if value is None:
        return pl.lit(value=False)
    is_exact = _is_number(value) and abs(value) < _EXACT
    return _number.eq(value) if is_exact else pl.col("json").eq(canonical(value))


def _not_equals(value: Any) -> pl.Expr:
    return ~_equals(value).fill_null(value=False)


def _greater_than(value: Any) -> pl.Expr:
    if _is_number(value):
        return _compared(operator.gt, value) | (_kind.eq(NULL) & pl.lit(value < 0))
    return _text.gt(value) if isinstance(value, str) else pl.lit(value=False)


def _less_than(value: Any) -> pl.Expr:
    if _is_number(value):
        return _compared(operator.lt, value) | (_kind.eq(NULL) & pl.lit(value > 0))
    return _text.lt(value) if isinstance(value, str) else pl.lit(value=False)


def _compared(compare: Callable[[Any, Any], Any], value: float) -> pl.Expr:
    """The number compared with `value`; beyond the integers that a double holds exactly, by their digits."""
    by_double: pl.Expr = compare(_number, _double(value))
    if abs(value) < _EXACT:
        return by_double
    return pl.when(_number == _double(value)).then(compare(_order(value), 0)).otherwise(by_double)


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _order(value: float) -> pl.Expr:
    """Which of two whole numbers with one sign is greater, by length and digits: below, at or above 0."""
    digits, own = canonical(abs(value)), pl.col("json").str.strip_prefix("-")
    longer = own.str.len_bytes().cast(pl.Int64) - len(digits)
    decided = pl.when(longer != 0).then(longer).when(own > digits).then(1).when(own < digits).then(-1)
    return decided.otherwise(0) * (1 if value > 0 else -1)


def _contains(value: Any) -> pl.Expr:
    element = pl.lit(value is not None) & pl.col("items").list.contains(canonical(value))
    have = pl.when(_kind == STRING).then(_text).when(_kind == NULL).then(pl.lit("")).otherwise("json")
    return pl.when(_kind == LIST).then(element).otherwise(have.str.contains(text_of(value), literal=True))


def _in_list(values: Any) -> pl.Expr:
    return pl.any_horizontal([pl.lit(value=False), *map(_equals, values)])


def _not_in_list(values: Any) -> pl.Expr:
    return ~_in_list(values).fill_null(value=False)


def _starts_with(value: Any) -> pl.Expr:
    return _text.str.starts_with(value)


def _ends_with(value: Any) -> pl.Expr:
    return _text.str.ends_with(value)


def _matches(value: Any) -> pl.Expr:
    return _text.str.contains(value)


def _before(value: Any) -> pl.Expr:
    return _instant < _micros(value)


def _after(value: Any) -> pl.Expr:
    return _instant > _micros(value)


def _between(bounds: Any) -> pl.Expr:
    low, high = bounds
    if _is_number(low):
        return _number_or_dated(bounds, number_at_least(low) & number_at_most(high), _within)
    return _dated_or_text(bounds, _within)


def _at_least(low: Any) -> pl.Expr:
    if _is_number(low):
        return _number_or_dated([low], number_at_least(low), _not_below)
    return _dated_or_text([low], _not_below)


def _at_most(high: Any) -> pl.Expr:
    if _is_number(high):
        return _number_or_dated([high], number_at_most(high), _not_above)
    return _dated_or_text([high], _not_above)


def _within(have: pl.Expr, bounds: Sequence[Any]) -> pl.Expr:
    return have.is_between(*bounds)


def _not_below(have: pl.Expr, bounds: Sequence[Any]) -> pl.Expr:
    return have.ge(bounds[0])


def _not_above(have: pl.Expr, bounds: Sequence[Any]) -> pl.Expr:
    return have.le(bounds[0])


def _number_or_dated(bounds: Sequence[float], as_number: pl.Expr, compare: Compare) -> pl.Expr:
    """Number against number; text that is an instant against bounds that are some too (semantics.md §2)."""
    if not all(map(instant_of, bounds)):
        return as_number
    as_instants = compare(_instant, [_micros(one) for one in bounds])
    return pl.when(_kind == NUMBER).then(as_number).otherwise(as_instants)


def _dated_or_text(bounds: Sequence[str], compare: Compare) -> pl.Expr:
    """Instants against instants if all bounds are some and have is one, else text against text."""
    as_text = compare(_text, [pl.lit(one) for one in bounds])
    if not all(map(instant_of, bounds)):
        return as_text
    as_instants = compare(_instant, [_micros(one) for one in bounds])
    return pl.when(_instant.is_not_null()).then(as_instants).otherwise(as_text)


def _micros(given: str | float) -> int:
    instant = instant_of(given)
    assert instant is not None, "checked when the file was read"
    return epoch_us(instant)


def _not_exists(_: Any) -> pl.Expr:
    return _kind == NULL


def _exists(value: Any) -> pl.Expr:
    return _kind == NULL if value is False else _kind != NULL


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_OPERATORS: dict[str, Callable[[Any], pl.Expr]] = {
    "equals": _equals,
    "not_equals": _not_equals,
    "greater_than": _greater_than,
    "less_than": _less_than,
    "contains": _contains,
    "in_list": _in_list,
    "exists": _exists,
    "not_in_list": _not_in_list,
    "not_exists": _not_exists,
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "matches": _matches,
    "before": _before,
    "after": _after,
    "between": _between,
    "at_least": _at_least,
    "at_most": _at_most,
}


NEEDS_INSTANTS = ("before", "after", "between", "within_last", "at_least", "at_most")
"""The operators that read `instant`."""
