"""Serving until Ctrl-C: the first cancels a tick that is at work, the second waits for nothing.

A terminal sends Ctrl-C to every process of a command. Flow runs would answer with tracebacks, and hold their place in
Prefect for minutes; so only this process hears of it, and cancels them.
"""

import asyncio
import signal
import threading
from contextlib import suppress

from prefect.runner import Runner


def serve_until_stopped(runner: Runner) -> None:
    """Run what is scheduled, each run in a process of its own, until Ctrl-C; the schedules are paused then."""
    # Takes the signal in place of the thread that starts processes, which inherit what that one has blocked.
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    with suppress(asyncio.CancelledError):
        asyncio.run(_served(runner))


async def _served(runner: Runner) -> None:
    serving = asyncio.current_task()
    assert serving
    stopping = set[asyncio.Task[None]]()

    def stop() -> None:
        if runner.started and not stopping:
            stopping.add(asyncio.ensure_future(runner.astop()))
        else:
            serving.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)
    await runner.start()
