"""Files that can't be loaded: set aside with the reason beside them, so that the tick goes on with everything else."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from flows.errors import InputError, is_of_the_machine
from flows.files import printable, write_text
from flows.inbox.arrivals import REFUSED, WaitingFile
from flows.settings import Settings
from flows.warehouse import WRITING, WarehouseError

UNREADABLE = (errno.EACCES, errno.EPERM, errno.ELOOP, errno.EINVAL, errno.ENAMETOOLONG)
"""What the operating system says of one file; anything else it says is no fault of the file."""


@dataclass(frozen=True)
class Refusal:
    """A file that was refused.

    Attributes:
        sentence: what is wrong with it, where it lies now, and what to do next.
        moved: whether it was set aside; otherwise it lies where it lay.
    """

    file: WaitingFile
    sentence: str
    moved: bool


def fault_of_file(file: WaitingFile, error: Exception) -> str | None:
    """What is wrong with the file, if `error` says that anything is: not what is wrong with the disk or the program."""
    said = str(error).partition("\n")[0]
    if isinstance(error, InputError):
        return printable(str(error))
    if isinstance(error, OSError):
        said = os.strerror(error.errno) if error.errno in UNREADABLE else ""
    elif is_of_the_machine(error) or (isinstance(error, WarehouseError) and not _is_of_what_was_read(error)):
        return None
    return printable(f"{file.path}: can't be read ({said}). Nothing of it was loaded") if said else None


def _is_of_what_was_read(error: WarehouseError) -> bool:
    """Whether rows couldn't be had while they were written elsewhere; not: the place where they were to be written."""
    return error.step == WRITING and error.file not in error.cause


def set_aside(settings: Settings, file: WaitingFile, reason: str) -> Refusal:
    """Move a file to `inbox/refused/<kind>/`, its name kept or made unique, with the reason beside it."""
    folder = settings.inbox / REFUSED / file.kind
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target = _free_name(folder, file.path.name)
        _move(file.path, target)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        stays = f"It could not be set aside ({why}), so it stays and is passed over until it changes"
        return Refusal(file, f"{reason}. {stays}", moved=False)
    write_text(target.with_name(f"{target.name}.reason.txt"), f"{reason}.\n\n{_next(file, target)}\n")
    return Refusal(
        file, f"{reason}. It was set aside as {_shown(target)}, with this reason beside it", moved=True
    )


def _next(file: WaitingFile, target: Path) -> str:
    return f"Put {_shown(target)} back into {_shown(file.path.parent)}, mended or as it is, to have it tried again."


def _move(source: Path, target: Path) -> None:
    if source.is_symlink():
        # Elsewhere a relative link would lead nowhere.
        target.symlink_to(source.resolve())
        source.unlink()
    else:
        source.rename(target)


def _free_name(folder: Path, name: str) -> Path:
    stem, dot, suffix = name.partition(".")
    free, number = folder / name, 2
    while os.path.lexists(free):
        free, number = folder / f"{stem}-{number}{dot}{suffix}", number + 1
    return free


def _shown(path: Path) -> str:
    return printable(str(path))
