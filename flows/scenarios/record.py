"""What came of a test → its expectation in the file: comments, and all that is right already, stay as they are."""

import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.resolver import VersionedResolver

from flows.errors import InputError
from flows.files import write_text
from flows.scenarios.cases import instant
from flows.scenarios.compare import pairs
from flows.scenarios.play import Outcome
from flows.scenarios.run import Tested
from transforms.definitions.expectation import Expectation
from transforms.definitions.yaml_text import Document, TextError, read_yaml

_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_KEPT = 4096
"""Lines aren't wrapped."""
_ROWS: dict[str, tuple[str, ...]] = {
    "messages": ("customer", "workflow", "at", "template", "subject"),
    "executions": ("customer", "workflow", "branch", "status", "entered_at", "ended_at", "converted_at"),
    "steps": ("customer", "workflow", "branch", "step", "action", "at", "outcome"),
    "webhooks": ("customer", "workflow", "step", "at", "url"),
}
"""What is written of each kind of rows."""


class _PlainDates(VersionedResolver):
    """Dates are text, as they are wherever definitions are read."""

    @property
    def versioned_resolver(self) -> Any:
        found = super().versioned_resolver
        return {key: [one for one in some if one[0] != _TIMESTAMP] for key, some in found.items()}


def record(tested: Sequence[Tested]) -> list[Path]:
    """Write the expectations of tests that don't pass, or have none, from what happened; the files changed.

    Raises:
        InputError: a file can't be written so that it reads back as what happened.
    """
    by_file: dict[Path, list[Tested]] = defaultdict(list)
    for one in tested:
        if one.differences:
            by_file[one.case.file].append(one)
    for file, some in by_file.items():
        write_text(file, recorded(file.read_text(encoding="utf-8-sig"), some, file))
    return list(by_file)


def recorded(text: str, tested: Sequence[Tested], file: Path) -> str:
    """The text of a file of tests with the expectations of some of them written anew; all else stays byte by byte.

    Raises:
        InputError: it isn't block YAML, or wouldn't read back as what happened.
    """
    if file.suffix.lower() == ".json":
        raise InputError(f"{file}: expectations are recorded in YAML files only; rename it to .yaml")
    yaml, lines, read = _yaml(text), text.splitlines(), read_yaml(text)
    document, wanted = yaml.load(text), cast("Any", read.value)
    # From the last one up, so that the lines of those before keep their numbers.
    for index in sorted((one.case.index for one in tested), reverse=True):
        one = next(one for one in tested if one.case.index == index)
        before = document["tests"][index].get("expect")
        after = _expectation(one, before if isinstance(before, CommentedMap) else CommentedMap())
        first, last = _span(lines, read, index)
        lines[first:last] = _written(yaml, after)
        wanted["tests"][index]["expect"] = json.loads(json.dumps(after))
    written = "\n".join(lines) + "\n"
    if _value(written) != wanted:
        raise InputError(f"{file}: can't be written so that it reads the same; write `expect` there yourself")
    return written


def _span(lines: Sequence[str], read: Document, index: int) -> tuple[int, int]:
    """The lines (from 0, the second exclusive) of a test's expectation, or where it goes; without what follows it."""
    places = {**read.values, **read.keys}
    test, expect = ("tests", index), ("tests", index, "expect")
    own = expect if expect in places else test
    begin = places[own][0]
    after = [line for path, (line, _) in places.items() if path[: len(own)] != own and line > begin]
    last = min(after, default=len(lines) + 1) - 1
    while not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#"):
        last -= 1
    return (begin - 1 if own == expect else last), last


def _written(yaml: YAML, expectation: CommentedMap) -> list[str]:
    """The lines of an expectation, as far in as it stands in a file."""
    around = CommentedMap(tests=CommentedSeq([CommentedMap(expect=expectation)]))
    text = io.StringIO()
    yaml.dump(around, text)
    lines = text.getvalue().splitlines()[1:]
    while not lines[-1].strip() or lines[-1].lstrip().startswith("#"):
        lines.pop()
    return [lines[0].replace("- ", "  ", 1), *lines[1:]]


def _value(text: str) -> object:
    try:
        return read_yaml(text).value
    except TextError:
        return None


def _yaml(text: str) -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.Resolver = _PlainDates
    yaml.preserve_quotes = True
    yaml.width = _KEPT
    # A list stands as far in as the file's own lists do.
    lines = (line for line in text.splitlines() if line.lstrip().startswith("- "))
    offset = min((len(line) - len(line.lstrip()) for line in lines), default=2)
    yaml.indent(mapping=2, sequence=offset + 2, offset=offset)
    return yaml


def _expectation(tested: Tested, before: CommentedMap) -> CommentedMap:
    """The expectation as it should be: the same keys as before, or what says most if there was none."""
    outcome, expect = tested.outcome, tested.case.scenario.expect
    untrue = {one.kind for one in tested.differences} & {"no_messages", "no_executions"}
    for kind in untrue:
        del before[kind]
    for kind in _kinds(expect, outcome, also_messages="no_messages" in untrue):
        before[kind] = _rows(kind, before.get(kind), expect, outcome)
    if expect is None or expect.customers:
        before["customers"] = _customers(expect, outcome)
        if not before["customers"]:
            del before["customers"]
    return before


def _kinds(expect: Expectation | None, outcome: Outcome, *, also_messages: bool) -> Iterator[str]:
    """What is written: all that says something if nothing was expected, else what was."""
    if expect is None:
        yield from ("messages", "executions")
        if outcome.webhooks:
            yield "webhooks"
        return
    if also_messages or expect.messages is not None or expect.lists_all_messages:
        yield "messages"
    yield from (kind for kind in ("executions", "steps") if getattr(expect, kind))
    if expect.webhooks is not None:
        yield "webhooks"


def _rows(kind: str, before: object, expect: Expectation | None, outcome: Outcome) -> CommentedSeq:
    """The rows that came: those that were expected as they stand in the file, the others anew."""
    came = getattr(outcome, kind)
    expected = [one.said for one in (getattr(expect, kind) or ())] if expect else []
    paired = pairs(expected, came)
    held = {j: before[i] for i, j in paired.items()} if isinstance(before, CommentedSeq) else {}
    if kind in ("steps", "executions") and expected:
        listed = [j for j, row in enumerate(came) if j in held or _concerned(row, expected)]
    else:
        listed = list(range(len(came)))
    rows = CommentedSeq([held[j] if j in held else _row(kind, came[j]) for j in listed])
    if isinstance(before, CommentedSeq):
        now = {i: listed.index(j) for i, j in paired.items()}
        _keep_comments(before, rows, now)
    return rows


def _keep_comments(before: CommentedSeq, rows: CommentedSeq, now: Mapping[int, int]) -> None:
    """Comments stay with the rows that stay (`now`: the place of each), or about where they were."""
    rows.ca.comment = before.ca.comment
    if before.fa.flow_style():
        rows.fa.set_flow_style()
    for place, comment in before.ca.items.items():
        rows.ca.items.setdefault(now.get(place, min(place, len(rows) - 1)), comment)


def _concerned(row: Mapping[str, Any], expected: Sequence[Mapping[str, Any]]) -> bool:
    """Whether rows of that customer and workflow are expected at all."""
    return any(
        all(one.get(key, row[key]) == row[key] for key in ("customer", "workflow")) for one in expected
    )


def _row(kind: str, came: Mapping[str, Any]) -> CommentedMap:
    row = CommentedMap()
    for key in _ROWS[kind]:
        value = came.get(key)
        if value is not None:
            row[key] = instant(value) if hasattr(value, "astimezone") else value
    if kind == "messages" and came["status"] != "sent":
        row["status"] = came["status"]
    row.fa.set_flow_style()
    return row


def _customers(expect: Expectation | None, outcome: Outcome) -> CommentedMap:
    """The customers that were named, or those that have tags."""
    named = list(expect.customers) if expect else [one for one, it in outcome.customers.items() if it["tags"]]
    found = CommentedMap()
    for name in named:
        profile = outcome.customers.get(name, {"tags": [], "attributes": {}})
        said = CommentedMap()
        before = expect.customers[name] if expect else None
        if before is None or before.tags is not None:
            said["tags"] = profile["tags"]
        if before and before.attributes:
            said["attributes"] = {key: profile["attributes"].get(key) for key in before.attributes}
        said.fa.set_flow_style()
        found[name] = said
    return found
