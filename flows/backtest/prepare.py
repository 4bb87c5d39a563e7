"""Files of events and customers → a prepared history: judged, cut and sorted once, for all backtests to come."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.backtest.load import judge
from flows.backtest.out import refuse_inputs
from flows.backtest.plan import MEMORY, Progress
from flows.backtest.run import BAD_ROWS
from flows.decide.macros import make_macros
from flows.formats.canonical import Scratch, damage_named
from flows.formats.ways import Ways
from flows.history.layout import Manifest
from flows.history.writing import Rows, check_place, write_history
from flows.settings import Limits
from flows.warehouse import connect, read_sql, shown


@dataclass(frozen=True)
class Preparation:
    """What to prepare.

    Attributes:
        events: their files.
        customers: their file; None: events alone make customers known.
        out: the folder to write.
        limits: what one file may hold.
        ways: how files are read, where they don't tell.
        memory: about how many bytes to use.
        processes: how many key ranges to lay out at once.
        ranges: how many there are, a power of two; None: by the number of events.
    """

    events: Sequence[Path]
    customers: Path | None
    out: Path
    limits: Limits = field(default_factory=Limits)
    ways: Ways = field(default_factory=Ways)
    memory: int = MEMORY
    processes: int = 2
    ranges: int | None = None


def prepare(given: Preparation, progress: Progress = lambda _step, _share: None) -> Manifest:
    """Write a history of files' good rows, each key once, to the folder `out`.

    Args:
        given: what to prepare.
        progress: told what is being done, and which share of that is done.

    Raises:
        InputError: a file can't be loaded, or something else lies in the folder; nothing was written.
        WorkerError: a process was killed; nothing was written.
    """
    files = [given.customers] if given.customers else []
    refuse_inputs(given.out, [*files, *given.events], "which this reads and the history would replace")
    check_place(given.out)
    with TemporaryDirectory(prefix="onward-prepare-") as folder, damage_named([*files, *given.events]):
        with connect(memory_limit=f"{given.memory // 2**20}MiB") as con:
            scratch = Scratch(con, Path(folder), given.limits, given.ways)
            customers = judge(scratch, "customers", files, progress)
            events = judge(scratch, "events", given.events, progress)
        rows = Rows(
            [part.scan() for part in events.rows.parts],
            [part.scan() for part in customers.rows.parts],
            events.rows.good,
            known_since,
            _quarantine([*customers.rows.quarantine, *events.rows.quarantine]),
            customers.rows.bad + events.rows.bad,
            customers.repeated + events.repeated,
        )
        processes = given.processes if rows.count >= given.processes * 100_000 else 1
        return write_history(rows, given.out, processes=processes, ranges=given.ranges, progress=progress)


def known_since(events: pl.DataFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """From which instant on each customer is known: `customer_id, since`."""
    with connect(threads=1) as con, shown(con, bucket_events=events, bucket_customers=customers):
        make_macros(con)
        return read_sql(con, "backtest/known_since.sql")


def _quarantine(files: Sequence[Path]) -> pl.LazyFrame:
    return (
        pl.concat([pl.scan_parquet(one, glob=False) for one in files])
        if files
        else pl.LazyFrame(schema=BAD_ROWS)
    )
