"""`onward docs`: pages of all workflows in a folder that holds nothing else."""

from collections.abc import Iterable
from pathlib import Path

from flows.definitions.templates import read_templates
from flows.errors import InputError
from flows.files import write_text
from flows.settings import Settings
from flows.site.gather import Gathered, gather
from flows.site.pages import FOLDER, INDEX, pages_of
from transforms.content.folder import TEMPLATE_SUFFIXES, template_ids

MARK = ".onward-docs"
"""The file by which a folder is known as one of ours; it lists the pages."""


def write_site(settings: Settings, folder: Path) -> tuple[Gathered, list[Path]]:
    """Write the pages into a folder, which is made if it isn't there; pages of workflows that are gone are removed.

    Args:
        settings: where definitions and store lie.
        folder: where to.

    Returns:
        What the pages tell, and the pages written, the index first.

    Raises:
        InputError: the folder holds something else, or there is nothing to tell; nothing was written.
        StateError: the state file can't be read.
    """
    before = _pages_there(folder)
    gathered = gather(settings)
    pages = pages_of(gathered, _template_files(settings))
    if foreign := [one for one in pages if one not in before and (folder / one).exists()]:
        raise InputError(
            f"{folder}: {', '.join(foreign)} there is no page of `onward docs`, and nothing is replaced; move it away"
        )
    try:
        # Whatever happens in between: what is written is known as ours.
        _note(folder, before | pages.keys())
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        told = f"{folder}: can't be written ({error.strerror}); name another folder: onward docs --out DIR"
        raise InputError(told) from error
    for path, text in pages.items():
        write_text(folder / path, text)
    for gone in sorted(before - pages.keys()):
        (folder / gone).unlink(missing_ok=True)
    _note(folder, pages.keys())
    return gathered, [folder / one for one in pages]


def _pages_there(folder: Path) -> set[str]:
    """The pages that an earlier run wrote.

    Raises:
        InputError: the folder is none, or holds what isn't ours.
    """
    if folder.is_symlink() and not folder.exists():
        raise InputError(f"{folder}: leads nowhere; name another folder: onward docs --out DIR")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a folder: onward docs --out DIR")
    if not folder.exists() or not any(folder.iterdir()):
        return set()
    mark = folder / MARK
    if not mark.is_file():
        some = ", ".join(sorted(one.name for one in folder.iterdir())[:3])
        raise InputError(
            f"{folder}: holds other files ({some}), and nothing is replaced; name another folder: onward docs --out DIR"
        )
    listed = mark.read_text(encoding="utf-8", errors="replace").splitlines()
    return {one for one in listed if _is_page(one)}


def _is_page(path: str) -> bool:
    """Whether it is the path of a page: what somebody else wrote into the list is let be."""
    above, _, name = path.rpartition("/")
    return path == INDEX or (above == FOLDER and name.endswith(".html") and "\\" not in name)


def _note(folder: Path, pages: Iterable[str]) -> None:
    write_text(folder / MARK, "\n".join(sorted(pages)) + "\n")


def _template_files(settings: Settings) -> dict[str, list[str]]:
    """Template id → its files."""
    if not settings.templates.is_dir():
        return {}
    found = read_templates(settings.templates)
    names = found.keys() | found.unreadable.keys()
    return {
        one: [
            f"{settings.templates.name}/{one}{suffix}"
            for suffix in TEMPLATE_SUFFIXES
            if f"{one}{suffix}" in names
        ]
        for one in template_ids(names)
    }
