"""The files of the templates folder: what each template consists of, and which files those name.

Nothing is read here: files are a mapping of names to texts, whatever they come from.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from jinja2 import nodes

from transforms.content.errors import SourceError
from transforms.content.language import files_named
from transforms.content.sources import parsed

MJML, HTML, TEXT = ".mjml.j2", ".html.j2", ".txt.j2"
TEMPLATE_SUFFIXES = (MJML, HTML, TEXT)
"""What a template's files are named, after its id."""

_FENCE = "---"
_CHAIN_LIMIT = 20


@dataclass(frozen=True)
class TemplateFiles:
    """The names of a template's files, None where there is none; of MJML and HTML there is one at most."""

    html: str | None
    text: str | None

    @property
    def all(self) -> tuple[str, ...]:
        """Those that there are."""
        return tuple(name for name in (self.html, self.text) if name)


def template_files(template: str, files: Collection[str]) -> TemplateFiles:
    """The files of a template.

    Raises:
        SourceError: its HTML part is there twice, as MJML and as HTML.
    """
    mjml, html, text = (f"{template}{suffix}" for suffix in TEMPLATE_SUFFIXES)
    if mjml in files and html in files:
        raise SourceError(mjml, 1, f"{html} is there too, and both are the HTML part; remove one")
    found = mjml if mjml in files else html if html in files else None
    return TemplateFiles(found, text if text in files else None)


def template_ids(files: Iterable[str]) -> frozenset[str]:
    """The ids of the templates that some files belong to; layouts and partials have ids like any other."""
    return frozenset(
        name.removesuffix(suffix) for name in files for suffix in TEMPLATE_SUFFIXES if name.endswith(suffix)
    )


def front_matter(text: str) -> str | None:
    """The YAML between two lines `---` at a file's beginning, its lines numbered as there; None: there is none."""
    lines = text.splitlines(keepends=True)
    end = _end(lines)
    return None if end is None else "\n" + "".join(lines[1:end])


def body(text: str) -> str:
    """A file without its front matter; its lines keep their numbers, for a comment stands there instead."""
    lines = text.splitlines(keepends=True)
    end = _end(lines)
    return text if end is None else "{#" + "\n" * end + "#}\n" + "".join(lines[end + 1 :])


def _end(lines: list[str]) -> int | None:
    """Which line ends the front matter."""
    if not lines or lines[0].rstrip() != _FENCE:
        return None
    return next((place for place, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)


def reachable(name: str, files: Mapping[str, str]) -> dict[str, nodes.Template]:
    """A file and every file that it names, however far, parsed; those that others name come first.

    Args:
        name: a name in `files`.
        files: every file of the folder, name → text.

    Raises:
        SourceError: one of them can't be used, is named and isn't there, or comes back to itself.
    """
    return {one: _parsed(files[one], one) for one in reached(name, files)}


def reached(name: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """The names of these files.

    Raises:
        SourceError: as for `reachable`.
    """
    found: dict[str, None] = {}
    _visit(name, files, (), found)
    return tuple(found)


def names_of(name: str, files: Mapping[str, str]) -> frozenset[str]:
    """The files that a file names by itself; none of one that can't be used."""
    try:
        return frozenset(other for _, other, _ in _named(files[name], name))
    except SourceError:
        return frozenset()


def _parsed(text: str, name: str) -> nodes.Template:
    return parsed(body(text), name, wide=True)


@lru_cache(maxsize=1024)
def _named(text: str, name: str) -> tuple[tuple[int, str, bool], ...]:
    """`files_named` of a file; many templates name the same layout, which isn't read for each of them again."""
    return tuple(files_named(_parsed(text, name)))


def _visit(name: str, files: Mapping[str, str], way: tuple[str, ...], found: dict[str, None]) -> None:
    if name in found:
        return
    if len(way) >= _CHAIN_LIMIT:
        raise SourceError(way[-1], 1, f"files name one another over more than {_CHAIN_LIMIT} steps")
    for line, other, may_miss in _named(files[name], name):
        if other == name or other in way:
            raise SourceError(name, line, f"names {other!r}, which comes back to {name!r}; end the circle")
        if other in files:
            _visit(other, files, (*way, name), found)
        elif not may_miss:
            raise SourceError(
                name, line, f"there is no file {other!r} in the templates folder{_near(other, files)}"
            )
    found[name] = None


def _near(name: str, files: Collection[str]) -> str:
    near = get_close_matches(name, sorted(files), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
