"""Files of MJML put together as text: layouts with their blocks filled in, partials in their places.

What else Jinja2 does, loops, conditions and macros, waits until a message is rendered.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate

from jinja2 import Environment, TemplateSyntaxError

from transforms.content.errors import SourceError

_KEYWORD = re.compile(r"\{%[-+]?\s*(\w+)\s*(.*?)\s*[-+]?%\}", re.DOTALL)
_NAME = re.compile(r"""(['"])(.*?)\1""", re.DOTALL)
_SUPER = re.compile(r"\{\{[-+]?\s*super\(\)\s*[-+]?\}\}")
_AHEAD = ("set", "import", "from", "macro")
_ENDS = {"macro": "endmacro", "block": "endblock", "set": "endset"}
_MOST_PIECES = 20_000
_MJ = re.compile(r"</?mj-")


@dataclass(frozen=True)
class Piece:
    """Some text of a file, or one tag of Jinja2 in it.

    Attributes:
        text: as it stands there.
        file: the file.
        line: the line that it begins on.
        is_text: whether it isn't a tag.
        keyword: what a `{% … %}` does; nothing for anything else.
        rest: what stands behind the keyword.
    """

    text: str
    file: str
    line: int
    is_text: bool
    keyword: str = ""
    rest: str = ""


Blocks = Mapping[str, Sequence[Piece]]


def composed(name: str, files: Mapping[str, str]) -> tuple[list[Piece], list[Piece]]:
    """The pieces of a file with its layout and what it includes: those before the MJML, and the MJML's.

    Args:
        name: the file.
        files: the files that it names, however far, and itself.

    Raises:
        SourceError: a macro holds MJML, which is compiled before macros run, or it comes to too much.
    """
    try:
        pieces = _Composer(files).composed(name, {})
    except RecursionError as error:
        raise SourceError(name, 1, "blocks lie within one another; end the circle") from error
    within = [depth > 0 for depth in accumulate(_has_end(one) - _is_end(one) for one in pieces)]
    _check_macros(pieces, within)
    start = next((n for n, one in enumerate(pieces) if one.is_text and "<mjml" in one.text), len(pieces))
    ahead = [
        one for one, is_within in zip(pieces[:start], within, strict=False) if not one.is_text or is_within
    ]
    return ahead, pieces[start:]


class _Composer:
    """Puts files together, and counts what that comes to: files that name others several times grow fast."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.taken = 0

    def composed(self, name: str, given: Blocks) -> list[Piece]:
        """A file's pieces, its blocks replaced by those that a file on top of it has given."""
        pieces = list(_split(name, self.files[name]))
        self._take(pieces, name)
        layout = next((one for one in pieces if one.keyword == "extends"), None)
        if layout is None:
            return list(self._filled(pieces, given))
        own = dict(_blocks(pieces))
        merged = {
            block: self._with_super(given[block], own[block]) if block in own else given[block]
            for block in given
        }
        return [*_ahead(pieces), *self.composed(_named(layout), own | merged)]

    def _filled(self, pieces: Sequence[Piece], given: Blocks) -> Iterator[Piece]:
        place = 0
        while place < len(pieces):
            piece = pieces[place]
            if piece.keyword == "block":
                end = _end(pieces, place)
                default = pieces[place + 1 : end]
                block = piece.rest.split()[0]
                body = self._with_super(given[block], default) if block in given else default
                yield from self._filled(body, given)
                place = end
            elif piece.keyword == "include":
                if (name := _named(piece)) in self.files:
                    yield from self.composed(name, {})
            elif piece.keyword != "endblock":
                yield piece
            place += 1

    def _with_super(self, body: Sequence[Piece], parent: Sequence[Piece]) -> list[Piece]:
        found: list[Piece] = []
        for piece in body:
            more = parent if not piece.is_text and _SUPER.fullmatch(piece.text) else [piece]
            self._take(more, piece.file)
            found += more
        return found

    def _take(self, pieces: Sequence[Piece], file: str) -> None:
        self.taken += 1 + len(pieces)
        if self.taken > _MOST_PIECES:
            what = f"comes to more than {_MOST_PIECES:,} texts and tags with all that it names; include less"
            raise SourceError(file, 1, what)


def _blocks(pieces: Sequence[Piece]) -> Iterator[tuple[str, list[Piece]]]:
    """Every block of a file, those within blocks too."""
    for place, piece in enumerate(pieces):
        if piece.keyword == "block":
            yield piece.rest.split()[0], list(pieces[place + 1 : _end(pieces, place)])


def _ahead(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """What of a file upon a layout runs before the layout: its imports, macros and names."""
    place, depth = 0, 0
    while place < len(pieces):
        piece = pieces[place]
        depth += (piece.keyword == "block") - (piece.keyword == "endblock")
        if depth == 0 and piece.keyword in _AHEAD:
            end = _end(pieces, place) if _has_end(piece) else place
            yield from pieces[place : end + 1]
            place = end
        place += 1


def _has_end(piece: Piece) -> bool:
    return piece.keyword == "macro" or (piece.keyword == "set" and "=" not in piece.rest)


def _end(pieces: Sequence[Piece], start: int) -> int:
    """Where what begins at `start` ends."""
    keyword = pieces[start].keyword
    depth = 0
    for place in range(start, len(pieces)):
        opens = pieces[place].keyword == keyword and (keyword != "set" or _has_end(pieces[place]))
        depth += opens - (pieces[place].keyword == _ENDS[keyword])
        if depth == 0:
            return place
    return len(pieces) - 1


def _named(piece: Piece) -> str:
    """The file that a tag names, in quotes."""
    found = _NAME.search(piece.rest)
    return found[2] if found else ""


def _is_end(piece: Piece) -> bool:
    return piece.keyword in ("endmacro", "endset")


def _check_macros(pieces: Sequence[Piece], within: Sequence[bool]) -> None:
    for piece, is_within in zip(pieces, within, strict=True):
        if piece.is_text and is_within and (found := _MJ.search(piece.text)):
            line = piece.line + piece.text.count("\n", 0, found.start())
            what = "MJML is compiled before macros run, so they hold HTML only; put the MJML into a file to include"
            raise SourceError(piece.file, line, what)


@lru_cache(maxsize=256)
def _split(name: str, source: str) -> tuple[Piece, ...]:
    return tuple(split(name, source))


def split(name: str, source: str) -> Iterator[Piece]:
    """A file's texts and tags in their order; comments are left out.

    Raises:
        SourceError: it isn't valid Jinja2.
    """
    try:
        tokens = [(line, kind, text) for line, kind, text in _plain().lex(source)]
    except TemplateSyntaxError as error:
        raise SourceError(name, error.lineno, f"not a valid Jinja2 template: {error.message}") from error
    text, start, kind = "", 1, ""
    for line, token, value in tokens:
        if token.endswith("_begin") or token in ("data", "raw_end"):
            text, start, kind = "", line, token
        text += value
        if token in ("data", "variable_end", "block_end", "raw_begin", "raw_end") and text:
            tag = None if kind == "data" else _KEYWORD.match(text)
            yield Piece(text, name, start, kind == "data", tag[1] if tag else "", tag[2] if tag else "")


@cache
def _plain() -> Environment:
    return Environment(autoescape=True)
