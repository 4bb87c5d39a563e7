"""What several backtests are decided over: a prepared history, or files that are prepared once for all of them."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.backtest.plan import Progress
from flows.backtest.prepare import Preparation, prepare
from flows.formats.ways import Ways
from flows.history.reading import History
from flows.settings import Settings


@dataclass(frozen=True)
class Past:
    """Files of events and customers, or a prepared history.

    Attributes:
        events: their files.
        customers: their file; None: events alone make customers known.
        history: the folder of a prepared history, read instead of these; None: there is none.
    """

    events: Sequence[Path] = ()
    customers: Path | None = None
    history: Path | None = None


@contextmanager
def prepared(past: Past, settings: Settings, progress: Progress) -> Generator[History]:
    """The history; one that was made of files is gone when the block is left.

    Args:
        past: what it is, or is made of.
        settings: how files are read, and about how much memory to use.
        progress: told what is being done, and which share of that is done.

    Raises:
        InputError: a file can't be loaded, or the folder holds no history.
        WorkerError: a process was killed.
    """
    if past.history:
        yield History.open(past.history)
        return
    with TemporaryDirectory(prefix="onward-history-") as folder:
        out, ways = Path(folder) / "history", Ways.of(settings)
        prepare(
            Preparation(past.events, past.customers, out, settings.limits, ways, settings.memory_bytes),
            progress,
        )
        yield History.open(out)
