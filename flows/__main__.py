"""`onward`, and `python -m flows`: what must hold before anything else is imported, and until the last line is said."""

import atexit
import gc
import os
import sys
from contextlib import suppress
from io import TextIOWrapper

from flows.interrupts import end_interrupted, is_struck, listen, stop_listening

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
_SELDOM = 100_000
"""Objects made between two looks for garbage: what a start makes lasts, and to look through it again and again (by
default at every 700 objects) took a tenth of a small run."""


class _End:
    """The last of what happens at exit: end the process without taking its modules apart.

    That looks through all objects for what nobody would miss, and took a tenth of a small run. What is to be done at
    an end (files closed, threads joined) is done before, by those who began it.
    """

    status: int | None = None
    """The command's exit code; None: it ended in another way, and so does the process."""

    def __call__(self) -> None:
        if self.status is None:
            return
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.status)


_END = _End()


def main() -> None:
    """Run the command line (`flows.cli.main`); once Ctrl-C was pressed, nothing but 130 comes of it."""
    atexit.register(_END)  # whatever is registered after it runs before it
    try:
        try:
            listen()
            gc.set_threshold(_SELDOM)
            # Looking through all that is installed for plugins of pydantic's takes a twentieth of a second.
            os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
            _open_streams()
            from flows.cli import main as command_line

            command_line()
        except SystemExit as end:
            _END.status = end.code if isinstance(end.code, int) else None
            raise
        finally:
            stop_listening()
    finally:
        if is_struck():
            end_interrupted()


def _open_streams() -> None:
    """Lead closed streams (`>&-`) nowhere: else the state file could be opened as the place for errors.

    What a terminal can't show is escaped.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
