"""Work as a Prefect task: never cached, tried again only where that is safe and may help."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from flows.errors import InputError, OnwardError, machine_errors
from flows.store.lock import RunInProgressError

R = TypeVar("R")
# As in deployments.py: Prefect holds on to what tasks are asked by, past the interpreter's end.
THIS_MODULE = sys.modules.get(__name__)


@dataclass(frozen=True)
class Again:
    """When a task is tried again.

    Attributes:
        delays: the seconds before each further try.
        granted: whether there is one; a plain function, since Prefect takes any other callable for a no.
    """

    delays: Sequence[float]
    granted: Callable[[Task[..., Any], TaskRun, State[Any]], bool]


def _is_busy(_task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    return run.run_count <= len(WHILE_BUSY.delays) and isinstance(state.data, RunInProgressError)


def _may_pass(_task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    failed = isinstance(state.data, OnwardError) and not isinstance(state.data, InputError)
    return run.run_count <= len(WHILE_PUT_OFF.delays) and failed


WHILE_BUSY = Again((2, 2), _is_busy)
"""While another run holds the store.

`onward report` holds it for a moment, which is worth waiting for; another tick holds it longer and does this one's
work. Nothing was done before the lock, so trying again is safe.
"""
WHILE_PUT_OFF = Again((300, 1800, 7200), _may_pass)
"""While a mail server can't be reached or puts mails off: what was taken doesn't go again."""


def in_a_task(name: str, work: Callable[[], R], again: Again = WHILE_BUSY) -> R:
    """Do `work` as a task.

    What it works on is enclosed in it: Prefect would look through arguments, down to each step of each workflow.
    """
    task = Task(
        machine_errors()(work),
        name=name,
        cache_policy=NO_CACHE,
        # More than are granted: Prefect logs a traceback when they run out, and only then.
        retries=len(again.delays) + 1,
        retry_delay_seconds=[*again.delays, 0],
        retry_condition_fn=again.granted,
    )
    return task()
