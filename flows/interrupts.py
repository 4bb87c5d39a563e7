"""Ctrl-C, from the command's first line to its last: one sentence, exit code 130, whatever was being done.

The first one says so at once and unwinds: open transactions end, temporary folders and worker processes go. Whoever
comes across it on the way (an import half done, a callback within DuckDB, a thread) has nothing more to say. A second
one, or patience that has run out, ends the process where it stands, which loses no more than `kill -9`: nothing.
"""

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from flows.errors import INTERRUPTED

CTRL_C = 130
PATIENCE = 10.0
"""Seconds for unwinding."""
_CLEAR_LINE, _SHOW_CURSOR = "\r\x1b[2K", "\x1b[?25h"


class _Answer:
    """What SIGINT does: unwind at the first, end at the second."""

    struck = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if self.struck:
            os._exit(CTRL_C)
        self.struck = True
        _tell()
        too_long = threading.Timer(PATIENCE, os._exit, (CTRL_C,))
        too_long.daemon = True
        too_long.start()
        raise KeyboardInterrupt


_ANSWER = _Answer()


def listen() -> None:
    """From now on Ctrl-C is answered here; where it is ignored (`nohup`, `… &` in a script), it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _ANSWER)


def is_struck() -> bool:
    """Whether Ctrl-C was pressed, even if what it struck has swallowed it."""
    return _ANSWER.struck


def end_interrupted() -> NoReturn:
    """End the process with 130; nothing that waits for its end may speak, or wait, again."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
    os._exit(CTRL_C)


def stop_listening() -> None:
    """The work is done and said: what is left of the process ends by itself, and in a moment."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _tell() -> None:
    """Say the sentence below whatever is drawn, and let nobody speak after it."""
    with suppress(OSError):
        drawn = os.isatty(2)
        os.write(2, f"{_CLEAR_LINE + _SHOW_CURSOR if drawn else ''}{INTERRUPTED}\n".encode())
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
