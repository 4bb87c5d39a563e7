"""How a JSON text is written, from its first lines: an object on each line, or values wherever they stand."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

DECODER = json.JSONDecoder()
GAP = re.compile(r"[\s,\ufeff]*")
BRACKETS = re.compile(r"[\s,\ufeff\[\]]*")


def after_gap(text: str, place: int) -> int:
    """The first place from `place` on where a value may begin: behind blanks, line ends and commas."""
    return _after(GAP, text, place)


def _after(passed: re.Pattern[str], text: str, place: int) -> int:
    found = passed.match(text, place)
    return found.end() if found else place


def goes_by_lines(text: str, lines: Sequence[str]) -> bool:
    """Whether each line is an object, as in NDJSON; else objects are pretty-printed, in an array or several on a line.

    Args:
        text: the beginning of the file.
        lines: its first lines that aren't blank.
    """
    if not lines[0].startswith(("{", "[")):
        return True
    if lines[0].startswith("["):
        return False
    if alone := first_values(lines[0], 2):
        return alone == [lines[0]]
    return not first_values(text, 1) and any(map(object_of, lines))


def first_values(text: str, most: int) -> list[str]:
    """The first values of a text that may be cut off anywhere; those of arrays apart."""
    found, place = list[str](), _after(BRACKETS, text, 0)
    while place < len(text) and len(found) < most:
        try:
            end = DECODER.raw_decode(text, place)[1]
        except (ValueError, RecursionError):
            break
        found.append(text[place:end])
        place = _after(BRACKETS, text, end)
    return found


def values_on(line: str) -> list[str]:
    """The values on a line that begins with an object; what can't be read any more is the last one."""
    found, place, end = list[str](), after_gap(line, 0), len(line.rstrip())
    if line[place : place + 1] != "{":
        return [line]
    while place < end:
        try:
            after = DECODER.raw_decode(line, place)[1]
        except (ValueError, RecursionError):
            return [*found, line[place:]]
        found.append(line[place:after])
        place = after_gap(line, after)
    return found


def keys_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The keys of the objects among some texts, each once, in order of appearance."""
    return tuple(dict.fromkeys(key for text in texts for key in object_of(text)))


def object_of(text: str) -> dict[str, Any]:
    """The object that a text is; an empty one, if it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
