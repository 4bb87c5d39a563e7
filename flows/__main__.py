"""`onward`, and `python -m flows`: what must hold before anything else is imported, and until the last line is said."""

import gc
import os
import sys
from io import TextIOWrapper

from flows.interrupts import end_interrupted, is_struck, listen, stop_listening

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
_SELDOM = 20_000
"""Objects made between two looks for garbage: what a start makes lasts, and to look through it again and again (by
default at every 700 objects) took a tenth of a small run."""


def main() -> None:
    """Run the command line (`flows.cli.main`); once Ctrl-C was pressed, nothing but 130 comes of it."""
    try:
        try:
            listen()
            gc.set_threshold(_SELDOM)
            # Looking through all that is installed for plugins of pydantic's takes a twentieth of a second.
            os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
            _open_streams()
            from flows.cli import main as command_line

            command_line()
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
