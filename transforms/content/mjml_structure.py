"""How MJML's elements lie in one another: what MJML's compiler passes over, or tells without a line, is told here."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from transforms.content.composing import Piece
from transforms.content.errors import SourceError
from transforms.content.nesting import nested_deeper

_BETWEEN = frozenset({
    "mjml", "mj-head", "mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero", "mj-navbar",
    "mj-social", "mj-accordion",
})  # fmt: skip
"""Elements that hold elements, and `mj-raw`."""
_CLOSED = frozenset(
    {"mj-attributes", "mj-html-attributes", "mj-selector", "mj-accordion-element", "mj-carousel"}
)
"""Elements that hold elements, and no `mj-raw`."""
_LEAVES = frozenset({
    "mj-accordion-text", "mj-accordion-title", "mj-all", "mj-breakpoint", "mj-button", "mj-carousel-image", "mj-class",
    "mj-divider", "mj-font", "mj-html-attribute", "mj-image", "mj-navbar-link", "mj-preview", "mj-raw",
    "mj-social-element", "mj-spacer", "mj-style", "mj-table", "mj-text", "mj-title",
})  # fmt: skip
_ELEMENTS = _BETWEEN | _CLOSED | _LEAVES
_DEEPEST = 60
_MARK = "\ue000"
_TOKEN = re.compile(
    r"<!--.*?-->|<(?P<end>/?)(?P<name>[A-Za-z][\w-]*)(?P<rest>(?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>|" + _MARK,
    re.DOTALL,
)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


class _Scan:
    """The elements that are open while MJML is gone through."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.text = "".join(one.text if one.is_text else _MARK for one in pieces)
        self.starts = _starts(pieces)
        self.pieces = pieces
        self.tags = [number for number, one in enumerate(pieces) if not one.is_text]
        self.passed = 0
        self.open: list[tuple[str, int]] = []
        self.between: set[int] = set()

    @property
    def inner(self) -> str:
        return self.open[-1][0] if self.open else ""

    def fault(self, place: int, what: str) -> SourceError:
        """A fault at a place of the text."""
        start, piece = next(one for one in reversed(self.starts) if one[0] <= place)
        within = self.text.count("\n", start, place) if piece.is_text else 0
        return SourceError(piece.file, piece.line + within, what)


def tags_between(name: str, pieces: Sequence[Piece]) -> set[int]:
    """Which pieces are tags of Jinja2 that stand between MJML's elements.

    Args:
        name: the template's file, for faults that have no place of their own.
        pieces: texts and tags, from `<mjml>` on.

    Raises:
        SourceError: elements aren't closed or unknown, or a text or tag stands where none can.
    """
    if not pieces:
        raise SourceError(name, 1, "not MJML: there is no <mjml>")
    scan = _Scan(pieces)
    if (place := nested_deeper(scan.text, _DEEPEST, closes_itself=True)) is not None:
        raise scan.fault(place, f"elements nested more than {_DEEPEST} deep, or not closed; close them")
    end = 0
    for match in _TOKEN.finditer(scan.text):
        _check_text(scan, end, match.start())
        end = match.end()
        if match[0] == _MARK:
            _take_tag(scan, match.start())
        elif match["name"]:
            _take_element(scan, match)
        else:
            scan.passed += match[0].count(_MARK)
    if scan.open:
        element, place = scan.open[-1]
        raise scan.fault(place, f"not valid MJML: <{element}> isn't closed")
    return scan.between


def _starts(pieces: Sequence[Piece]) -> list[tuple[int, Piece]]:
    found, length = [], 0
    for piece in pieces:
        found.append((length, piece))
        length += len(piece.text) if piece.is_text else 1
    return found


def _check_text(scan: _Scan, start: int, end: int) -> None:
    text = scan.text[start:end]
    if text.strip() and (scan.inner in _BETWEEN or scan.inner in _CLOSED):
        place = start + len(text) - len(text.lstrip())
        raise scan.fault(place, f"text stands right within <{scan.inner}>; put it into <mj-text> or <mj-raw>")


def _take_tag(scan: _Scan, place: int) -> None:
    number = scan.tags[scan.passed]
    scan.passed += 1
    if scan.inner in _CLOSED:
        raise scan.fault(place, f"{scan.pieces[number].text[:40]} can't stand right within <{scan.inner}>")
    if scan.inner in _BETWEEN:
        scan.between.add(number)


def _take_element(scan: _Scan, match: "re.Match[str]") -> None:
    name, rest = match["name"], match["rest"]
    scan.passed += rest.count(_MARK)
    if _MARK in _QUOTED.sub("", rest):
        what = f"a tag of Jinja2 stands within <{name} …> but in no attribute's value; put it between quotes"
        raise scan.fault(match.start(), what)
    if scan.inner in _LEAVES and not (match["end"] and name == scan.inner):
        if name.startswith("mj-"):
            raise scan.fault(
                match.start(), f"not valid MJML: <{match['end']}{name}> stands within <{scan.inner}>"
            )
        return
    _check_known(scan, name, match.start())
    if match["end"]:
        _close(scan, name, match.start())
    elif not rest.rstrip().endswith("/"):
        scan.open.append((name, match.start()))


def _close(scan: _Scan, name: str, place: int) -> None:
    if scan.inner == name:
        scan.open.pop()
        return
    if not scan.open:
        raise scan.fault(place, f"not valid MJML: </{name}> closes nothing")
    element, start = scan.open[-1]
    end, opening = scan.fault(place, ""), scan.fault(start, "")
    where = f"line {end.line}" if end.file == opening.file else f"{end.file}, line {end.line}"
    raise scan.fault(start, f"not valid MJML: <{element}> isn't closed before </{name}> in {where}")


def _check_known(scan: _Scan, name: str, place: int) -> None:
    if name == "mj-include":
        raise scan.fault(place, "mj-include isn't allowed; write {% include 'name.mjml.j2' %}")
    if name not in _ELEMENTS:
        near = get_close_matches(name, sorted(_ELEMENTS), n=1)
        hint = f"; did you mean <{near[0]}>?" if near else "; put HTML into <mj-text> or <mj-raw>"
        raise scan.fault(place, f"not valid MJML: there is no <{name}> here{hint}")
