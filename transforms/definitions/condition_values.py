"""What the value of a condition may be, operator by operator (semantics.md §5)."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from transforms.timing.durations import parse_duration
from transforms.timing.instants import instant_of

_EXAMPLES = "a date or a date and time, such as 2026-03-01 or 2026-03-01T09:30:00Z"


def value_fault(operator: str, value: Any) -> str | None:
    """What is wrong with the value of a condition with this operator, and what is allowed; None: nothing."""
    check = _CHECKS.get(operator)
    return check(operator, value) if check else None


def _list(operator: str, value: Any) -> str | None:
    is_list = isinstance(value, list | tuple)
    return None if is_list else f"{operator} needs a list of values, such as [gold, silver]"


def _text(operator: str, value: Any) -> str | None:
    return None if isinstance(value, str) else f"{operator} needs text (a number needs quotes)"


def _instant(operator: str, value: Any) -> str | None:
    return None if instant_of(value) else f"{operator} needs {_EXAMPLES}"


def _duration(operator: str, value: Any) -> str | None:
    try:
        parse_duration(value)
    except ValueError as error:
        return f"{operator} needs a duration: {error}"
    return None


def _expression(operator: str, value: Any) -> str | None:
    if wrong := _text(operator, value):
        return wrong
    try:
        pl.Series([], dtype=pl.String).str.contains(value, strict=True)
    except pl.exceptions.ComputeError as error:
        return f"{operator} needs a regular expression of linear time: {_regex_error(str(error))}"
    return None


def _regex_error(said: str) -> str:
    """The line that says what is wrong, of a report that also shows where."""
    lines = [line.strip() for line in said.splitlines()]
    told = next((line for line in lines if line.startswith("error: ")), lines[0])
    return told.removeprefix("error: ").removeprefix("regex error: ")


def _range(operator: str, value: Any) -> str | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return f"{operator} needs a list of two, [low, high], such as [10, 20]"
    low, high = value
    if isinstance(low, str) and isinstance(high, str):
        instants = instant_of(low), instant_of(high)
        ordered = instants[0] <= instants[1] if instants[0] and instants[1] else low <= high
    elif _is_number(low) and _is_number(high):
        ordered = low <= high
    else:
        return f"{operator} needs two numbers, two instants or two texts; given {low!r} and {high!r}"
    return None if ordered else f"{operator} needs [low, high]; {low!r} is greater than {high!r}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _comparable(operator: str, value: Any) -> str | None:
    if isinstance(value, str) or _is_number(value):
        return None
    return f"{operator} needs a number, an instant or text; given {value!r}"


_CHECKS: Mapping[str, Callable[[str, Any], str | None]] = {
    "in_list": _list,
    "not_in_list": _list,
    "starts_with": _text,
    "ends_with": _text,
    "matches": _expression,
    "before": _instant,
    "after": _instant,
    "between": _range,
    "within_last": _duration,
    "at_least": _comparable,
    "at_most": _comparable,
}
