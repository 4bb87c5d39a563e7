"""How the settings say files are read, where what they look like wouldn't tell: by file name, and by column."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

from flows.formats.shapes import Kind, Source, recognise
from flows.settings import Settings


@dataclass(frozen=True)
class Ways:
    """The settings `shapes`, `encodings` and `types`."""

    shapes: Mapping[str, str] = field(default_factory=dict)
    encodings: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> "Ways":
        """Those of the settings."""
        return cls(settings.shapes, settings.encodings, settings.types)

    def recognise(self, path: Path, kind: Kind, name: str | None = None, held: bytes | None = None) -> Source:
        """Say what a file is, as `flows.formats.shapes.recognise` does; its name counts as `name`, if that is given.

        Raises:
            InputError: it is nothing that could be loaded.
        """
        called = name or path.name
        source = recognise(path, kind, _named(self.shapes, called), _named(self.encodings, called), held)
        return replace(source, types=self.types)


def _named(patterns: Mapping[str, str], name: str) -> str | None:
    return next((said for pattern, said in patterns.items() if fnmatch(name, pattern)), None)
