"""A condition → where it looks, one Polars expression over distinct values, and a sentence for people.

The expressions read the dictionary of `values.intern` (columns `json`, `kind`, `number`, `text`, `items`) and
follow the table of semantics.md §5: wrong types make a condition false, never an error.
"""

from collections.abc import Callable
from typing import Any

import polars as pl

from transforms.values import LIST, NULL, NUMBER, STRING, canonical, text_of
from transforms.workflow import Condition

_kind, _number, _text = pl.col("kind"), pl.col("number"), pl.col("text")


def holds(operator: str, value: Any) -> pl.Expr:
    """The truth of `have <operator> value` for every row of the dictionary, as a boolean expression."""
    return _OPERATORS[operator](value).fill_null(value=False)


def at_least(bound: float) -> pl.Expr:
    """`minimum_X` of a trigger's config: a number not below `bound` (semantics.md §6)."""
    return ((_kind == NUMBER) & (bound <= _number)).fill_null(value=False)


def at_most(bound: float) -> pl.Expr:
    """`maximum_X` of a trigger's config: a number not above `bound` (semantics.md §6)."""
    return ((_kind == NUMBER) & (bound >= _number)).fill_null(value=False)


def sentence(condition: Condition) -> str:
    """The condition as people read it: `plan equals "gold"`, `email exists`."""
    words = condition.operator.replace("_", " ")
    return f"{condition.attribute} {words}" + (
        "" if condition.operator == "exists" else f" {canonical(condition.value)}"
    )


def _equals(value: Any) -> pl.Expr:
    if value is None:
        return pl.lit(value=False)
    return _number.eq(value) if _is_number(value) else pl.col("json").eq(canonical(value))


def _not_equals(value: Any) -> pl.Expr:
    return ~_equals(value).fill_null(value=False)


def _greater_than(value: Any) -> pl.Expr:
    if _is_number(value):
        return _number.gt(value) | (_kind.eq(NULL) & pl.lit(value < 0))
    return _text.gt(value) if isinstance(value, str) else pl.lit(value=False)


def _less_than(value: Any) -> pl.Expr:
    if _is_number(value):
        return _number.lt(value) | (_kind.eq(NULL) & pl.lit(value > 0))
    return _text.lt(value) if isinstance(value, str) else pl.lit(value=False)


def _contains(value: Any) -> pl.Expr:
    element = pl.lit(value is not None) & pl.col("items").list.contains(canonical(value))
    have = pl.when(_kind == STRING).then(_text).when(_kind == NULL).then(pl.lit("")).otherwise("json")
    return pl.when(_kind == LIST).then(element).otherwise(have.str.contains(text_of(value), literal=True))


def _in_list(values: Any) -> pl.Expr:
    return pl.any_horizontal([pl.lit(value=False), *map(_equals, values)])


def _exists(_: Any) -> pl.Expr:
    return _kind != NULL


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
}
