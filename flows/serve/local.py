"""`prefect server start …` as a process of its own, which ends with whoever started it, however that ends."""

import os
import signal
import sys
import threading

from prefect.cli import app


def main() -> None:
    """Start the server with the arguments of this process; its standard input is held open by who started it."""
    threading.Thread(target=_end_with_starter, daemon=True).start()
    app()


def _end_with_starter() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
