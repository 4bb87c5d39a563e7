"""Serving until Ctrl-C: the first cancels a tick that is at work, the second waits for nothing.

A terminal sends Ctrl-C to every process of a command. Flow runs would answer with tracebacks, and hold their place in
Prefect for minutes; so only this process hears of it, and cancels them.
"""

import asyncio
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType
from prefect.runner import Runner
from prefect.states import Cancelled


def serve_until_stopped(runner: Runner, tags: Sequence[str]) -> None:
    """Run what is scheduled, each run in a process of its own, until Ctrl-C; the schedules are paused then.

    Args:
        runner: with the deployments added.
        tags: theirs alone, which their runs have too.
    """
    # Takes the signal in place of the thread that starts processes, which inherit what that one has blocked.
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    with suppress(asyncio.CancelledError):
        asyncio.run(_served(runner, tags))


async def _served(runner: Runner, tags: Sequence[str]) -> None:
    serving = asyncio.current_task()
    assert serving
    stopping = set[asyncio.Task[None]]()

    def stop() -> None:
        if runner.started and not stopping:
            stopping.add(asyncio.ensure_future(runner.astop()))
        else:
            serving.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)
    await let_go(tags)
    await runner.start()
    await let_go(tags)


async def let_go(tags: Sequence[str]) -> None:
    """Cancel runs that were about to begin when serving ended: they'd hold their deployments' places for minutes."""
    waiting = {"tags": {"all_": list(tags)}, "state": {"type": {"any_": [StateType.PENDING]}}}
    about_to = FlowRunFilter.model_validate(waiting)
    async with get_client() as client:
        for one in await client.read_flow_runs(flow_run_filter=about_to):
            await client.set_flow_run_state(one.id, Cancelled(message="stopped before it began"), force=True)
