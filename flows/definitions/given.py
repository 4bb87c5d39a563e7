"""What `onward validate` is given, a folder, a file or text, and which patterns and templates are read with it."""

import sys
from dataclasses import dataclass
from pathlib import Path

from flows.definitions.folder import (
    Definitions,
    load_definitions,
    load_files,
    load_patterns,
    load_text,
    template_faults,
)
from flows.definitions.templates import SUFFIX
from flows.errors import InputError
from flows.settings import Settings

STDIN = Path("-")


@dataclass(frozen=True)
class Places:
    """Where definitions are read; what isn't there holds none."""

    workflows: Path
    patterns: Path
    templates: Path
    content: Path

    @property
    def shown(self) -> str:
        """The patterns and templates that are there."""
        there = [str(one) for one in (self.patterns, self.templates) if one.exists()]
        return " and ".join(there) or "no patterns, no templates"


def places_of(given: Path | None, settings: Settings) -> Places:
    """Where to read: by the settings, but beside or in what is given where such lie there."""
    own = Places(settings.workflows, settings.patterns, settings.templates, settings.content)
    if given is None or given == STDIN:
        return own
    if not given.exists():
        raise InputError(f"{given}: no such folder or file; name one that is there, or - for standard input")
    if (given / "workflows").is_dir():
        return Places(given / "workflows", given / "patterns.yaml", given / "templates", given / "content")
    folder = given if given.is_dir() else given.parent
    if folder.resolve() == own.workflows.resolve():
        return own
    beside = folder.parent if folder.name not in ("", "..") else folder / ".."
    patterns, templates, content = beside / "patterns.yaml", beside / "templates", beside / "content"
    return Places(
        folder,
        patterns if patterns.is_file() else own.patterns,
        templates if templates.is_dir() else own.templates,
        content if content.is_dir() else own.content,
    )


def load_given(given: Path | None, places: Places) -> Definitions:
    """What is valid of what is given, with the faults of the rest.

    Raises:
        InputError: there is no such folder.
    """
    if given == STDIN:
        return load_text(sys.stdin.buffer.read(), "stdin", places.patterns, places.templates)
    if given is None or given.is_dir():
        return load_definitions(places.workflows, places.patterns, places.templates, thorough=True)
    if given.name.endswith(SUFFIX):
        return Definitions(faults=tuple(template_faults(given, places.templates)))
    if given.stem == "patterns" or given.resolve() == places.patterns.resolve():
        return load_patterns(given)
    return load_files([given], places.patterns, places.templates, thorough=True)
