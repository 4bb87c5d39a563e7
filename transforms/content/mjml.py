"""MJML templates → HTML templates, once for all customers: Jinja2's tags stand aside while MJML is compiled.

Layouts and partials are put together before, as text; so what they say in MJML is compiled too. A tag between MJML's
elements waits in an `mj-raw`, one in a text or an attribute as a word.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from transforms.content.composing import Piece, composed
from transforms.content.errors import TemplateFault
from transforms.content.mjml_structure import tags_between

_WORD = "qxj{}xq"
_WORDS = re.compile(r"qxj(\d+)xq")
_POSITION = re.compile(r"(\d+)(?::\d+)?\s*$")
_OPENING = re.compile(r"\{[{%][-+]?")


@dataclass(frozen=True)
class CompiledMjml:
    """An HTML template made of MJML.

    Attributes:
        source: the template.
        origins: the line of each of its tags → the file and line where that tag was written.
    """

    source: str
    origins: Mapping[int, tuple[str, int]] = field(default_factory=dict)


def compile_mjml(name: str, files: Mapping[str, str]) -> CompiledMjml:
    """The HTML template that an MJML file stands for, with its layout and what it includes.

    Args:
        name: the file.
        files: the files that it names, however far, and itself, without front matter: name → text.

    Raises:
        TemplateFault: it isn't MJML, or a tag of Jinja2 stands where MJML has no place for one.
    """
    before, pieces = composed(name, files)
    if any("qxj" in piece.text for piece in pieces):
        raise TemplateFault(name, 1, "the letters 'qxj' can't be used in MJML templates")
    text, offsets = _protected(pieces, tags_between(name, pieces))
    html = _compiled(name, text, offsets)
    _check_kept(html, pieces)
    return _restored(before, html, pieces)


def _protected(pieces: Sequence[Piece], raw: set[int]) -> tuple[str, list[tuple[int, Piece]]]:
    """MJML with words for tags, and where each piece begins in it."""
    parts: list[str] = []
    offsets: list[tuple[int, Piece]] = []
    length = 0
    for number, piece in enumerate(pieces):
        word = piece.text if piece.is_text else _WORD.format(number)
        part = f"<mj-raw>{word}</mj-raw>" if number in raw else word
        offsets.append((length, piece))
        parts.append(part)
        length += len(part.encode())
    return "".join(parts), offsets


def _compiled(name: str, text: str, offsets: Sequence[tuple[int, Piece]]) -> str:
    from mjml import mjml2html

    try:
        return mjml2html(text, fonts={})
    except ValueError as error:
        found = _POSITION.search(str(error))
        file, line = _place(text, offsets, int(found[1])) if found else (name, 1)
        what = str(error).partition(" in root template")[0]
        raise TemplateFault(file, line, f"not valid MJML: {what}") from error


def _place(text: str, offsets: Sequence[tuple[int, Piece]], position: int) -> tuple[str, int]:
    start, piece = next((one for one in reversed(offsets) if one[0] <= position), offsets[0])
    within = text.encode()[start:position] if piece.is_text else b""
    return piece.file, piece.line + within.count(b"\n")


def _check_kept(html: str, pieces: Sequence[Piece]) -> None:
    kept = {int(found) for found in _WORDS.findall(html)}
    for number, piece in enumerate(pieces):
        if not piece.is_text and number not in kept:
            what = f"{piece.text[:40]} stands where MJML has no place for it; put it into an element such as <mj-text>"
            raise TemplateFault(piece.file, piece.line, what)


def _restored(before: Sequence[Piece], html: str, pieces: Sequence[Piece]) -> CompiledMjml:
    """The tags in their places again, each beginning a line, so that the line says where it comes from."""
    source: list[str] = []
    origins: dict[int, tuple[str, int]] = {}
    line = 1
    for piece in _in_order(before, html, pieces):
        text = piece if isinstance(piece, str) else _on_own_line(piece)
        if not isinstance(piece, str):
            within = text.count("\n")
            origins |= {line + step: (piece.file, piece.line + step - 1) for step in range(1, within + 1)}
        source.append(text)
        line += text.count("\n")
    return CompiledMjml("".join(source), origins)


def _in_order(before: Sequence[Piece], html: str, pieces: Sequence[Piece]) -> Iterator[str | Piece]:
    yield from before
    for place, part in enumerate(_WORDS.split(html)):
        yield pieces[int(part)] if place % 2 else part


def _on_own_line(piece: Piece) -> str:
    if piece.is_text:
        return piece.text
    opening = _OPENING.match(piece.text)
    end = opening.end() if opening else 0
    return f"{piece.text[:end]}\n{piece.text[end:]}"
