"""Errors that reach people: the class owns the wording and the exit code, facts stay attributes."""

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager


class OnwardError(Exception):
    """Something went wrong that the user should read about, without a traceback. Exits with 1."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class InputError(OnwardError):
    """Bad usage or invalid input: what was given, what is allowed, what to do next. Exits with 2."""

    exit_code = 2


class EngineStoppedError(OnwardError):
    """A damaged file made DuckDB invalidate the whole database; opened again it is as it was.

    Attributes:
        refused: what is to be said of the files that were set aside before, this one among them.
        is_gone: whether the file was moved away, so that the same work gets further now.
    """

    def __init__(self, refused: Sequence[str], *, is_gone: bool) -> None:
        self.refused, self.is_gone = tuple(refused), is_gone
        super().__init__(f"{refused[-1]}\nThe database stopped at this file. Nothing is lost: run again")


class MachineError(OnwardError):
    """The disk, the memory or the operating system can't go on: what was said, and what to do about it."""


_FULL = "the disk is full, or a file may not grow any more: free space or raise the limit"
_READ_ONLY = "it can't be written to: make it writable for the user who runs this"
_HANDLES = "too many files are open: raise the limit (`ulimit -n`)"
_PROCESSES = "too many processes or threads are at work: end some, or raise the limit (`ulimit -u`)"
_MEMORY = "memory is short: free some, or lower `memory` in the settings"
_LOCKED = "another program has the file open: close it"
_BROKEN = "the disk doesn't work as it should: look after it"
_UNWRITTEN = f"{_FULL}, or look after the disk if it is neither"
_SIGNS = {
    **dict.fromkeys(("no space left", "file too large", "quota exceeded", "disk is full"), _FULL),
    **dict.fromkeys(("max_temp_directory_size", "file size limit exceeded"), _FULL),
    **dict.fromkeys(("read-only file system", "readonly database"), _READ_ONLY),
    "too many open files": _HANDLES,
    **dict.fromkeys(("database is locked", "database table is locked"), _LOCKED),
    **dict.fromkeys(("out of memory", "cannot allocate memory", "failed to allocate"), _MEMORY),
    "disk i/o error while writing": _UNWRITTEN,
    "failed to map segment": _MEMORY,
    **dict.fromkeys(("can't start new thread", "resource temporarily unavailable"), _PROCESSES),
    **dict.fromkeys(("input/output error", "disk i/o error"), _BROKEN),
}
"""What operating systems and databases say, in lower case → what that means, and what to do about it."""
_OF_A_FILE = {
    "permission denied": "there is no right to do that: give it to the user who runs this",
    "unable to open database file": _READ_ONLY,
    **dict.fromkeys(("not a directory", "file exists"), "a file lies where a folder should be: move it away"),
    "is a directory": "a folder lies where a file should be: move it away",
}
"""The same where a single file may be to blame."""


INTERRUPTED = "interrupted: what wasn't finished has changed nothing; run again to catch up"
_STOPPED = re.compile(r"query interrupted$|failed: (keyboardinterrupt|terminationsignal)\b", re.IGNORECASE)
"""What DuckDB says of a signal that came during a query, whatever it has raised, or while DuckDB called back."""


def is_interrupt(error: object) -> bool:
    """Whether an error is what DuckDB makes of a signal."""
    return bool(_STOPPED.search(" ".join(str(error).split())))


def is_of_the_machine(error: object) -> bool:
    """Whether the disk, the memory or Ctrl-C is to blame for an error, whatever file was being worked on."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or is_interrupt(error) or any(sign in said for sign in _SIGNS)


def advice(said: str) -> str | None:
    """What to do about something that the machine is to blame for; None for anything else."""
    found = (what for sign, what in {**_SIGNS, **_OF_A_FILE}.items() if sign in said.lower())
    what = next(found, None)
    return what and f"{what}, and run again; nothing is lost"


def machine_error(error: Exception) -> MachineError | None:
    """What people are told of an error that the machine is to blame for; None for any other."""
    said = " ".join(str(error).split()) or type(error).__name__
    if is_interrupt(error):
        return MachineError(INTERRUPTED)
    found = advice("out of memory" if isinstance(error, MemoryError) else said)
    return MachineError(f"{said}: {found}") if found else None


@contextmanager
def machine_errors() -> Generator[None]:
    """Whatever the machine is to blame for in the block is raised as MachineError.

    Raises:
        MachineError: the disk is full, a folder read-only, too many files are open, …
    """
    try:
        yield
    except OnwardError:
        raise
    except Exception as error:
        if told := machine_error(error):
            raise told from error
        raise
