"""A prepared history read by key range: no file outside the range is opened."""

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from flows.errors import InputError
from flows.history.layout import ALL_KEYS, MANIFEST, VERSION, Kind, Manifest

AGAIN = "make it again with `onward prepare`"


@dataclass(frozen=True)
class History:
    """A prepared history.

    Attributes:
        folder: where it lies.
        manifest: what it holds.
    """

    folder: Path
    manifest: Manifest

    @classmethod
    def open(cls, folder: Path) -> "History":
        """Look at a history's manifest and at its files' sizes; their rows are read by who needs them.

        Raises:
            InputError: it is no history, of another version of the layout, or lacks files.
        """
        history = cls(folder, _read_manifest(folder))
        for file in history.manifest.files:
            path = folder / file.name
            if not path.is_file():
                raise InputError(f"{path}: missing, though {MANIFEST} names it; {AGAIN}")
            if path.stat().st_size != file.bytes:
                size = f"{path.stat().st_size:,} bytes; {MANIFEST} says {file.bytes:,}"
                raise InputError(f"{path}: has {size}. The file is damaged: {AGAIN}")
        return history

    def files(self, kind: Kind, keys: range = ALL_KEYS) -> list[Path]:
        """The files that may hold rows of these keys, in the order of keys."""
        return [
            self.folder / one.name for one in self.manifest.files if one.kind == kind and one.lies_in(keys)
        ]


def _read_manifest(folder: Path) -> Manifest:
    file = folder / MANIFEST
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one that `onward prepare` made")
    try:
        told = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{folder}: has no {MANIFEST}, so it is no prepared history; give a folder that `onward prepare` made"
        ) from None
    except ValueError as error:
        raise InputError(f"{file}: isn't JSON ({error}): {AGAIN}") from error
    version = told.get("onward_history") if isinstance(told, dict) else None
    if not isinstance(version, int):
        raise InputError(
            f"{file}: isn't that of a prepared history; give a folder that `onward prepare` made"
        )
    if version != VERSION:
        raise InputError(
            f"{file}: is of version {version} of the layout, and this version of Onward reads {VERSION}: {AGAIN}"
        )
    try:
        return Manifest.model_validate(told)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise InputError(f"{file}: {place}: {fault['msg']}; the file is damaged: {AGAIN}") from error
