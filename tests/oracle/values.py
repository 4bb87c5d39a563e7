"""semantics.md §§2, 5, 12 as plain functions of values: durations, operators, hashes.

The half of the oracle that knows no customer and no time. JSON values are Python's own: None, bool, int or
float (one kind of number), str, list, dict.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from tests.oracle.instants import instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@lru_cache(maxsize=1000)
def duration(given: float | str) -> timedelta:
    """§2: a number of seconds, or `<number><s|m|h|d|w>`."""
    if not isinstance(given, str):
        return timedelta(seconds=given)
    parts = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", given)
    if parts is None:
        raise ValueError(f"duration {given!r}: write seconds or <number><s|m|h|d|w>")
    return timedelta(seconds=float(parts[1]) * UNITS[parts[2]])


def duration_of(given: Mapping[str, Any], key: str) -> timedelta | None:
    """§2: the duration under `key` or `key_seconds`; None where there is neither."""
    found = given.get(f"{key}_seconds", given.get(key))
    return None if found is None else duration(found)


def is_number(value: Any) -> bool:
    """§5: booleans are not numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are the same; here null is null, which `equals` denies."""
    if is_number(a) and is_number(b):
        return bool(a == b)
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


def unchanged(old: Any, new: Any) -> bool:
    """§5: the same, or a number or boolean that turned into its own spelling."""
    spelled = (is_number(old) or isinstance(old, bool)) and isinstance(new, str) and new == text(old)
    return same(old, new) or spelled


def equals(have: Any, value: Any) -> bool:
    """§5: same type and equal; null equals nothing."""
    return have is not None and same(have, value)


def greater(have: Any, value: Any) -> bool:
    """§5: both numbers, or both strings in code-point order; any other mix is false."""
    if is_number(have) and is_number(value):
        return bool(have > value)
    return isinstance(have, str) and isinstance(value, str) and have > value


def contains(have: Any, value: Any) -> bool:
    """§5: an element of a list, or a substring of the text."""
    if isinstance(have, list):
        return any(equals(element, value) for element in have)
    return text(value) in text(have)


def look_up(name: str, whole: Callable[[str], Any]) -> Any:
    """§5: the whole name if it exists and isn't null; else split at every dot."""
    found = whole(name)
    if found is not None or "." not in name:
        return found
    head, *keys = name.split(".")
    value = whole(head)
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and re.fullmatch("0|[1-9][0-9]*", key, re.ASCII):
            value = value[int(key)] if int(key) < len(value) else None
        else:
            value = None
    return value


def text(value: Any) -> str:
    """§5: a value as `contains` reads it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(_plain(value), separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """The value with whole numbers as integers, so that 3.0 prints as 3."""
    if isinstance(value, list):
        return [_plain(element) for element in value]
    if isinstance(value, dict):
        return {key: _plain(element) for key, element in value.items()}
    if is_number(value):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    return value


def holds(operator: str, have: Any, value: Any, now: datetime) -> bool:
    """§5: the seven operators, then those beyond."""
    match operator:
        case "equals":
            return equals(have, value)
        case "not_equals":
            return not equals(have, value)
        case "greater_than":
            return greater(0 if have is None and is_number(value) else have, value)
        case "less_than":
            return greater(value, 0 if have is None and is_number(value) else have)
        case "contains":
            return contains(have, value)
        case "in_list":
            return any(equals(have, element) for element in value)
        case "exists":
            return (have is not None) is (value is not False)
    return holds_beyond(operator, have, value, now)


def holds_beyond(operator: str, have: Any, value: Any, now: datetime) -> bool:
    """docs/decision-language.md: the operators beyond the seven."""
    texts = isinstance(have, str) and isinstance(value, str)
    match operator:
        case "not_in_list":
            return not any(equals(have, element) for element in value)
        case "not_exists":
            return have is None
        case "starts_with":
            return texts and have.startswith(value)
        case "ends_with":
            return texts and have.endswith(value)
        case "matches":
            return texts and re.search(value, have) is not None
        case "before":
            return earlier(have, value)
        case "after":
            return earlier(value, have)
        case "between":
            return between(have, *value)
        case "at_least":
            return not_below(have, value)
        case "at_most":
            return not_below(value, have)
        case "within_last":
            found = instant(have)
            return found is not None and timedelta(0) <= now - found < duration(value)
    raise ValueError(f"operator {operator!r} is not one of §5")


def earlier(a: Any, b: Any) -> bool:
    """Whether both are instants and a comes first."""
    first, second = instant(a), instant(b)
    return first is not None and second is not None and first < second


def not_below(a: Any, b: Any) -> bool:
    """Two numbers, two instants, or else two strings, of which the first isn't the smaller one."""
    if is_number(a) and is_number(b):
        return bool(a >= b)
    first, second = instant(a), instant(b)
    if first is not None and second is not None:
        return first >= second
    return isinstance(a, str) and isinstance(b, str) and a >= b


def between(have: Any, low: Any, high: Any) -> bool:
    """Three numbers, three instants, or else three strings; both ends inclusive."""
    three = [low, have, high]
    if all(map(is_number, three)):
        return bool(low <= have <= high)
    instants = [found for found in map(instant, three) if found is not None]
    if len(instants) == 3:
        return instants[0] <= instants[1] <= instants[2]
    return all(isinstance(one, str) for one in three) and low <= have <= high


def bucket(*parts: str) -> float:
    """§6: a number in [0, 1) that is stable in every language and forever."""
    digest = hashlib.sha256("|".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def identity(*parts: str) -> str:
    """§12: the first 32 hex digits of SHA-256 of the parts joined by `|`."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970-01-01 UTC."""
    return (instant - EPOCH) // timedelta(microseconds=1)
