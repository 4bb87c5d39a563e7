"""Faults of definition files, in words for people: where, what was given, what is allowed, what was meant."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

from transforms.definitions.base import CONDITION, GROUP, KEY_FAULT, advice
from transforms.definitions.templated import VALUE_FAULT
from transforms.definitions.yaml_text import Document, Path, Place


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of one file; shown as `file:line:column path: message`."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        at = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column} {at}{self.message}"


class DefinitionError(Exception):
    """A definition file isn't valid; `faults` holds everything that is wrong with it, in file order."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(map(str, self.faults)))


def faults_of(error: ValidationError, document: Document, file: str) -> list[Fault]:
    """The faults pydantic found in a document, at their places in the file."""
    return [_fault(line, document, file) for line in error.errors(include_url=False)]


def _fault(line: ErrorDetails, document: Document, file: str) -> Fault:
    path = _path_in_file(line["loc"], document.value)
    if line["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path = (*path, _discriminator(line))
    row, column = _place(path, line, document)
    return Fault(file, row, column, shown_path(path), _message(line))


def _path_in_file(loc: Path, root: JsonValue) -> Path:
    """The keys and indexes in the file for pydantic's location, which also names union members."""
    path: list[str | int] = []
    here: Any = root
    for part in loc:
        if part in (CONDITION, GROUP) and not (isinstance(here, dict) and part in here):
            continue
        if isinstance(here, dict) and part not in here:
            if isinstance(part, int) or part in (here.get("type"), here.get("pattern")):
                # One condition where a list may stand, or the type of an action or pattern.
                continue
            inner = here.get("config")
            if part == "paths" and isinstance(inner, dict) and "paths" in inner:
                path.append("config")
                here = inner
        path.append(part)
        here = _step(here, part)
    return tuple(path)


def _step(here: Any, part: str | int) -> Any:
    if isinstance(here, dict):
        return here.get(str(part))
    inside = isinstance(here, list) and isinstance(part, int) and part < len(here)
    return here[part] if inside else None


def _place(path: Path, line: ErrorDetails, document: Document) -> Place:
    if path in document.values and line["type"] != KEY_FAULT:
        return document.values[path]
    for length in range(len(path), -1, -1):
        for places in (document.keys, document.values):
            if path[:length] in places:
                return places[path[:length]]
    return 1, 1


def shown_path(path: Path) -> str:
    """`actions[1].config.duration`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


_ALLOWED = {
    "bool_type": "true or false",
    "float_type": "a number",
    "int_type": "a whole number",
    "string_type": "text (a number or true/false needs quotes)",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "finite_number": "a finite number",
}


def _message(line: ErrorDetails) -> str:
    kind, context = line["type"], line.get("ctx", {})
    if kind in (VALUE_FAULT, KEY_FAULT):
        return line["msg"]
    if kind == "value_error":
        return str(context["error"])
    if kind == "union_tag_not_found":
        return f"missing key {_discriminator(line)!r}"
    if kind in ("literal_error", "union_tag_invalid"):
        value = context.get("tag", line["input"])
        names = _quoted(context.get("expected_tags") or context["expected"])
        return f"given {shown(value)}; {advice(value, names)}"
    return (
        f"given {shown(line['input'])}; allowed: {_ALLOWED.get(kind) or _bounds(kind, context, line['msg'])}"
    )


def _bounds(kind: str, context: dict[str, Any], said: str) -> str:
    bounds = {
        "greater_than": "a number greater than {gt:g}",
        "greater_than_equal": "a number of at least {ge:g}",
        "less_than_equal": "a number of at most {le:g}",
        "string_too_short": "text that is not empty",
    }
    return bounds[kind].format(**context) if kind in bounds else said.removeprefix("Input should be ")


def _quoted(names: str) -> list[str]:
    return re.findall(r"'([^']*)'", names)


def _discriminator(line: ErrorDetails) -> str:
    return str(line.get("ctx", {})["discriminator"]).strip("'")


def shown(given: object) -> str:
    """A given value in a message: short, in the file's own words."""
    if given is None:
        return "nothing (null)"
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list | tuple):
        return "a list"
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:59]}…"
