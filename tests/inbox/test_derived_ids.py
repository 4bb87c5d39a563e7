"""Events without an id: equal content is one event, whatever the format and the spelling (semantics.md §§4, 5)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.runs import FORMATS, Format, house
from tests.semantics.cases import Row, at, event

PROPERTIES = {"b": {"z": 1, "y": [2, "é"]}, "a": 10}
EQUAL = [
    '{"b": {"z": 1, "y": [2, "é"]}, "a": 10}',
    '{"a": 10.0, "b": {"y": [2.0, "\\u00e9"], "z": 1.0}}',
    '{"a":1e1,"b":{"y":[2,"é"],"z":1}}',
]


def line(properties: str, **given: Any) -> str:
    row = {"customer_id": "ann", "ts": "2026-03-02T00:01:00Z", "type": "behavioral", "name": "go", **given}
    return json.dumps(row)[:-1] + f', "properties": {properties}}}'


def loaded(tmp_path: Path, *texts: str) -> int:
    home = house(tmp_path)
    (home.settings.inbox / "events" / "one.ndjson").write_text("\n".join(texts))
    return home.tick(at(10)).events


def test_equal_content_is_one_event(tmp_path: Path) -> None:
    assert loaded(tmp_path, *(line(one) for one in EQUAL)) == 1


@pytest.mark.parametrize(
    "other", ['{"a": "10"}', '{"a": [10]}', '{"a": 11}', '{"A": 10}', "{}", '{"a": 10, "b": null}']
)
def test_other_content_is_another_event(tmp_path: Path, other: str) -> None:
    assert loaded(tmp_path, line('{"a": 10}'), line(other)) == 2


def test_own_fields_and_value_are_content(tmp_path: Path) -> None:
    assert loaded(tmp_path, line("{}"), line("{}", shop="x"), line("{}", value=1), line("{}", value=1.0)) == 3


@pytest.mark.parametrize("format_", FORMATS)
def test_an_event_is_the_same_in_every_format(tmp_path: Path, format_: Format) -> None:
    home = house(tmp_path)
    row: Row = {
        name: one for name, one in event("go", at(1), properties=PROPERTIES).items() if name != "event_id"
    }
    home.events("first", row | {"event_id": None})
    assert home.tick(at(10)).events == 1
    home.events("second", row | {"event_id": None}, format=format_)
    summary = home.tick(at(20))
    assert (summary.events, summary.duplicates) == (0, 0 if format_ == "ndjson" else 1)
