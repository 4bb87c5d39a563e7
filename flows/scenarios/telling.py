"""Tests that were run → text for people, or values for programs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from flows.scenarios.cases import instant
from flows.scenarios.compare import CONTAINS, Difference
from flows.scenarios.run import Tested

_FIRST = ("customer", "workflow", "template", "at")
"""What is shown of any row, in this order."""
_LONG = 300


def told(tested: Sequence[Tested]) -> Iterator[str]:
    """A line for each test that passes, and a diff for each that doesn't."""
    for one in tested:
        if not one.differences:
            yield f"ok      {one.case.name}"
            continue
        yield f"FAILED  {one.case.name}  ({one.case.place})"
        for difference in one.differences:
            yield from (f"        {line}" for line in _lines(difference))


def told_json(tested: Sequence[Tested]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [
        {
            "name": one.case.name,
            "file": str(one.case.file),
            "place": one.case.place,
            "passed": not one.differences,
            "workflows": sorted(one.concerns),
            "differences": [_json(difference) for difference in one.differences],
        }
        for one in tested
    ]


def _json(one: Difference) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "what": one.what,
        "expected": _plain(one.expected),
        "came": _plain(one.came),
        "keys": list(one.keys),
        "why": one.why,
    }


def _plain(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {key: instant(value) if isinstance(value, datetime) else value for key, value in row.items()}


def _lines(one: Difference) -> Iterator[str]:
    expected, came = one.expected or {}, one.came or {}
    if one.what == "unwritten":
        yield "expects nothing yet; write `expect`, or let `onward test --record` write what happens"
    elif one.what == "different":
        yield f"{one.kind}: {_row({**_named(came), **expected}, without=one.keys)}"
        for key in one.keys:
            yield f"  - {key}: {shown(expected[key])}"
            yield f"  + {key}: {shown(came.get(key.removesuffix(CONTAINS)))}"
    elif one.what == "missing":
        yield f"{one.kind}: expected, and nothing like it came"
        yield f"  - {_row(expected)}"
    elif one.what == "unexpected":
        yield f"{one.kind}: came, and isn't expected"
        yield f"  + {_row(came)}"
    else:
        yield f"{one.kind}: came, and must not"
        yield f"  - {_row(expected)}"
        yield f"  + {_row(came)}"
    if one.why:
        yield f"  ({one.why})"


def _named(came: Mapping[str, Any]) -> dict[str, Any]:
    return {key: came[key] for key in _FIRST if came.get(key) is not None}


def _row(row: Mapping[str, Any], without: Sequence[str] = ()) -> str:
    """The keys of a row that say which it is; all of an expected one."""
    first = [key for key in _FIRST if row.get(key) is not None and key not in without]
    others = [key for key in row if key not in (*_FIRST, *without) and _is_telling(key, row)]
    parts = (f"{key}: {shown(row[key])}" for key in (*first, *others))
    return ", ".join(parts)


_UNTOLD = {
    *("message_id", "execution_id", "webhook_id", "version", "transactional", "channel", "message_class"),
    *(
        "trigger_properties",
        "trigger_type",
        "trigger_name",
        "trigger_event_id",
        "text",
        "html",
        "to",
        "reason",
    ),
    *("phase", "due_at", "decision", "variant"),
}


def _is_telling(key: str, row: Mapping[str, Any]) -> bool:
    if key in _UNTOLD or row[key] is None or key.startswith("event."):
        return False
    of_another = key == "entered_at" and "at" in row
    return not of_another and not (key == "status" and row[key] == "sent")


def shown(value: object) -> str:
    """A value in one line: instants in UTC, texts in quotes where that is needed."""
    if value is None:
        return "nothing"
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    text = repr(value) if isinstance(value, str) and not value.replace("_", "").isalnum() else str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"
