"""Tasks in a few processes of their own; none outlives the caller, and one that dies is reported.

Each has its next task before its last answer is looked at, so that it works while the caller does.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import Field, fields
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, ClassVar, Self, TypeVar

from flows.errors import OnwardError

Task = TypeVar("Task")
Answer = TypeVar("Answer")
_THREADS = "POLARS_MAX_THREADS"


class WorkerError(OnwardError):
    """A process ended before its task was done.

    Attributes:
        exit_code_of_worker: as `multiprocessing` tells it: negative for a signal.
        how: it ended, in words.
    """

    def __init__(self, exit_code: int | None) -> None:
        self.exit_code_of_worker = exit_code
        killed = exit_code is not None and exit_code < 0
        self.how = f"was ended by signal {-(exit_code or 0)}" if killed else f"ended with code {exit_code}"
        super().__init__(
            f"a worker process {self.how} before its work was done; nothing was written. If the machine ran out of "
            "memory, give a smaller --memory, or --processes 1; then run again"
        )


def in_processes(
    call: Callable[[Task], Answer], tasks: Sequence[Task], processes: int, threads: int
) -> Iterator[tuple[Task, Answer]]:
    """Each task with its answer, in the order in which they get done.

    Args:
        call: a function that a new process can import; so are its tasks and answers handed over.
        tasks: what to call it with.
        processes: how many at once; with one, everything happens here.
        threads: how many threads Polars gets in each process.

    Raises:
        WorkerError: a process was killed.
        Exception: whatever `call` raised; the other tasks are given up.
    """
    if processes == 1:
        for task in tasks:
            yield task, call(task)
        return
    with _started(call, min(processes, len(tasks)), threads) as workers:
        yield from _dealt(workers, list(tasks))


def aside(call: Callable[[Task], Answer], tasks: Sequence[Task]) -> Iterator[tuple[Task, Answer]]:
    """Each task with its answer, made by a process of its own while the caller looks at others.

    While that process starts, which takes most of a second, the caller makes them itself.

    Args:
        call: as for `in_processes`.
        tasks: what to call it with.

    Raises:
        WorkerError: the process was killed.
        Exception: whatever `call` raised.
    """
    with _started(call, 1, threads=1) as workers:
        yield from _dealt(workers, list(tasks), meanwhile=call)


class ByFields:
    """A frozen dataclass that another process gets as its fields: what is worked out of them is so there again."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        return type(self), tuple(getattr(self, one.name) for one in fields(self))


def _dealt(
    workers: dict[Connection, SpawnProcess], tasks: list[Task], meanwhile: Callable[[Task], Any] | None = None
) -> Iterator[tuple[Task, Any]]:
    waiting, under_way = tasks[::-1], dict[Connection, Task]()
    for connection in workers:
        _hand_over(connection, waiting, under_way, workers)
    while under_way:
        helps = meanwhile if waiting else None
        ready = [one for one in wait(list(under_way), 0 if helps else None) if isinstance(one, Connection)]
        if helps and not ready:
            task = waiting.pop()
            yield task, helps(task)
        for connection in ready:
            meanwhile = None
            answer, error = _received(connection, workers)
            if error is not None:
                raise error
            task = under_way.pop(connection)
            _hand_over(connection, waiting, under_way, workers)
            yield task, answer


def _hand_over(
    connection: Connection, waiting: list[Task], under_way: dict[Connection, Task],
    workers: dict[Connection, SpawnProcess],
) -> None:  # fmt: skip
    if waiting:
        under_way[connection] = waiting.pop()
        try:
            connection.send(under_way[connection])
        except OSError as error:
            raise _ended(workers[connection]) from error


def _received(
    connection: Connection, workers: dict[Connection, SpawnProcess]
) -> tuple[Any, Exception | None]:
    try:
        answer, error = connection.recv()
    except (EOFError, OSError) as gone:
        raise _ended(workers[connection]) from gone
    return answer, error


def _ended(process: SpawnProcess) -> WorkerError:
    process.join()
    return WorkerError(process.exitcode)


@contextmanager
def _started(
    call: Callable[[Any], Any], processes: int, threads: int
) -> Generator[dict[Connection, SpawnProcess]]:
    """So many processes, each behind a connection; ended when the block is left, however."""
    context = multiprocessing.get_context("spawn")
    workers: dict[Connection, SpawnProcess] = {}
    try:
        with _environment(_THREADS, str(threads)), _deaf_to_ctrl_c():
            for _ in range(processes):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, call), daemon=True)
                process.start()
                theirs.close()
                workers[ours] = process
        yield workers
    finally:
        for connection, process in workers.items():
            connection.close()
            process.terminate()
        for process in workers.values():
            process.join()


@contextmanager
def _environment(name: str, value: str) -> Generator[None]:
    """Set a variable for processes that start within the block."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


@contextmanager
def _deaf_to_ctrl_c() -> Generator[None]:
    """Processes that start within the block never learn of Ctrl-C, not while they import either.

    It reaches the whole group of processes, and it is for the caller to end these.
    """
    resource_tracker.ensure_running()  # it would lift what is blocked, if the first process started it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection, call: Callable[[Any], Any]) -> None:
    with suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            try:
                answer: tuple[Any, Exception | None] = call(task), None
            except Exception as error:
                answer = None, error
            connection.send(answer)
