"""YAML 1.2 (so JSON too) to plain values, with the place of every key and value.

Built on the parser's events, not on its object constructors: only text, numbers, true, false, null, lists and
mappings come out (YAML 1.2 core schema), dates stay text, and a hostile file is a fault, never a crash.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pydantic import JsonValue
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_DEPTH = 64
MAX_VALUES = 100_000
MAX_INTEGER_DIGITS = 300
_MERGE = "<<"

Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, both from 1."""

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?(\.inf|\.Inf|\.INF|Infinity)|\.nan|\.NaN|\.NAN|NaN")


class TextError(Exception):
    """The text isn't what a definition file can be; `message` says why, `place` and `path` where."""

    def __init__(self, place: Place, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.place = place
        self.message = message
        self.path = path


@dataclass
class Document:
    """A file's one value, and where everything in it stands."""

    value: JsonValue = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    faults: list[TextError] = field(default_factory=list)


def read_yaml(text: str) -> Document:
    """The only document of `text`.

    Duplicate keys, tags, numbers out of range and the like are in `faults` of the document, all of them.

    Raises:
        TextError: the text can't be read as a whole: a syntax error, no document or several, too big.
    """
    try:
        return _Reader(text).read()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise TextError(place, _syntax(error)) from None
    except YAMLError as error:
        # A character that YAML doesn't allow; the reader knows only its offset in the text.
        before = text[: getattr(error, "position", 0)]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        code = getattr(error, "character", None)
        named = f"U+{code:04X}" if isinstance(code, int) else repr(code)
        raise TextError(place, f"not valid YAML: the character {named} is not allowed; remove it") from None
    except (ValueError, OverflowError) as error:
        raise TextError((1, 1), f"not valid YAML: {error}") from None


def _syntax(error: MarkedYAMLError) -> str:
    if "'\\t'" in str(error.problem):
        return "not valid YAML: a tab can't indent a line; use spaces"
    said = ", ".join(str(part) for part in (error.context, error.problem) if part)
    return f"not valid YAML: {said}; check indentation, quotes and brackets here and in the line before"


@dataclass(frozen=True)
class _Anchored:
    """What an alias stands for, and how much it adds: a few aliases of aliases can be billions of values."""

    value: JsonValue
    size: int
    height: int


class _Reader:
    """One pass over the parser's events; an anchor that is still being read is known as None."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(text))
        self._document = Document()
        self._anchors: dict[str, _Anchored | None] = {}
        self._count = 0
        self._deepest = 0

    def read(self) -> Document:
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                self._document.value = self._value(next(self._events), ())
                break
        else:
            raise TextError((1, 1), "the file is empty; allowed: a mapping")
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                raise TextError(_place(event), "a second document starts here ('---'); allowed: one a file")
        return self._document

    def _value(self, event: Any, path: Path) -> JsonValue:
        self._enter(event, len(path))
        absent = isinstance(event, ScalarEvent) and not event.value and not event.style
        place = self._document.keys.get(path, _place(event)) if absent else _place(event)
        self._document.values.setdefault(path, place)
        if isinstance(event, AliasEvent):
            return self._aliased(event, len(path))
        if event.tag is not None:
            self._fault(event, f"YAML tags ({event.tag}) are not allowed; write a plain value", path)
        return self._anchored(event, path) if event.anchor else self._content(event, path)

    def _anchored(self, event: Any, path: Path) -> JsonValue:
        count, deepest, self._deepest = self._count, self._deepest, len(path)
        self._anchors[event.anchor] = None
        value = self._content(event, path)
        self._anchors[event.anchor] = _Anchored(value, self._count - count, self._deepest - len(path))
        self._deepest = max(deepest, self._deepest)
        return value

    def _aliased(self, event: Any, depth: int) -> JsonValue:
        if event.anchor not in self._anchors:
            raise TextError(_place(event), f"*{event.anchor} refers to no &{event.anchor} above it")
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise TextError(_place(event), f"*{event.anchor} stands inside what it refers to")
        self._enter(event, depth + anchored.height, anchored.size)
        return anchored.value

    def _enter(self, event: Any, depth: int, values: int = 1) -> None:
        self._count += values
        self._deepest = max(self._deepest, depth)
        if depth > MAX_DEPTH:
            raise TextError(_place(event), f"nested more than {MAX_DEPTH} levels deep; use fewer")
        if self._count > MAX_VALUES:
            raise TextError(_place(event), f"more than {MAX_VALUES} values; split the file")

    def _content(self, event: Any, path: Path) -> JsonValue:
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event, path)

    def _mapping(self, path: Path) -> JsonValue:
        found: dict[str, JsonValue] = {}
        merged: set[str] = set()
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._key(event, path)
            if key == _MERGE and not event.style:
                merged |= self._merge(event, path, found)
                continue
            is_own = key in found and key not in merged
            if is_own:
                self._fault(event, f"the key {key!r} is there twice; allowed: once", path)
            else:
                self._document.keys[*path, key] = _place(event)
            value = self._value(next(self._events), (*path, key))
            if not is_own:
                found[key] = value
                merged.discard(key)
        return found

    def _merge(self, event: Any, path: Path, found: dict[str, JsonValue]) -> set[str]:
        """The keys that `<<` brings in: those of one mapping or of several, where they aren't there already."""
        given = self._value(next(self._events), (*path, _MERGE))
        mappings = given if isinstance(given, list) else [given]
        if not all(isinstance(one, dict) for one in mappings):
            self._fault(
                event, "'<<' merges mappings; allowed: *name of one that has &name, or a list of them", path
            )
            return set()
        further: dict[str, JsonValue] = {}
        for one in mappings:
            further = {**one, **further} if isinstance(one, dict) else further
        further = {key: value for key, value in further.items() if key not in found}
        found.update(further)
        self._document.keys.update(dict.fromkeys(((*path, key) for key in further), _place(event)))
        return set(further)

    def _key(self, event: Any, path: Path) -> str:
        if not isinstance(event, ScalarEvent):
            raise TextError(_place(event), "a list or mapping stands as a key; allowed: text", path)
        self._enter(event, len(path))
        return self._text(event, path)

    def _sequence(self, path: Path) -> JsonValue:
        found: list[JsonValue] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _scalar(self, event: Any, path: Path) -> JsonValue:
        if event.style:
            return self._text(event, path)
        try:
            return _plain(event.value)
        except ValueError as error:
            self._fault(event, str(error), path)
            return None

    def _text(self, event: Any, path: Path) -> str:
        # JSON writes characters beyond U+FFFF as two escapes; together they are one character.
        try:
            return str(event.value).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._fault(event, "half a character (a lone surrogate escape); write the character itself", path)
            return ""

    def _fault(self, event: Any, message: str, path: Path) -> None:
        self._document.faults.append(TextError(_place(event), message, path))


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _plain(text: str) -> JsonValue:
    """An unquoted scalar by the YAML 1.2 core schema."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return bool(_TRUE.fullmatch(text))
    if _NO_NUMBER.fullmatch(text):
        _no_number(text)
    if len(text) <= MAX_INTEGER_DIGITS and _BASED.fullmatch(text):
        return int(text, 0)
    if len(text) <= MAX_INTEGER_DIGITS and _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else _no_number(text)
    return text


def _no_number(text: str) -> NoReturn:
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    raise ValueError(f"given {shown}; allowed: a finite number, or text in quotes")
