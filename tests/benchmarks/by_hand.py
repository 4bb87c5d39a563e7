"""A backtest against what a data engineer would write by hand: three workflows as one DuckDB query, equal row for row.

Whole processes, in turn: `onward backtest` of the workflows in `by_hand/workflows/`, and `by_hand/query.sql`, which
also proves that no event id comes twice. Medians of a few rounds, of the wall clock and of processor time, because
other work on the machine doubles the former.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from flows.warehouse import connect, literal, run
from tests.benchmarks.generate import Load, Size, generated
from tests.benchmarks.processes import ONWARD, Ended, timed_process

HERE = Path(__file__).with_name("by_hand")
WORKFLOWS = HERE / "workflows"
GOALS = {10_000_000: 1.0, 1_000_000: 1.5}
TABLES = {
    "executions": "execution_id workflow_id customer_id entered_at branch status ended_at converted_at",
    "messages": "message_id execution_id workflow_id customer_id entered_at step at template_id",
}


def run_query(load: Load, file: Path) -> None:
    """Write the rows of the query to `file`."""
    given = {
        "$events": literal(load.events),
        "$customers": literal(load.customers),
        "$until": f"{literal(load.end.isoformat())}::timestamptz",
    }
    query = (HERE / "query.sql").read_text("utf-8")
    for name, value in given.items():
        query = query.replace(name, value)
    with connect() as con:
        copy = f"copy ({query}) to {literal(file)} (format parquet, compression zstd)"
        run(con, copy, file="query.sql", step="run it")


def by_hand(load: Load, file: Path) -> Ended:
    """The query, as a process of its own."""
    return timed_process([sys.executable, "-m", __spec__.name, "--query", str(load.folder), str(file)])


def by_onward(load: Load, out: Path, further: list[str]) -> Ended:
    """The backtest."""
    settings = {"--workflows": WORKFLOWS, "--customers": load.customers, "--out": out}
    settings |= {"--end": load.end.isoformat()}
    options = [str(part) for option in settings.items() for part in option]
    events = [str(part) for file in load.files for part in ("--events", file)]
    return timed_process([*ONWARD, "backtest", *options, *events, *further])


def assert_equal(file: Path, out: Path) -> dict[str, int]:
    """How many rows of each table there are, which the query's file and the backtest's folder both have.

    Raises:
        AssertionError: they differ.
    """
    counts = {}
    for table, names in TABLES.items():
        columns = names.split()
        ours = pl.read_parquet(out / f"{table}.parquet", columns=columns).select(columns)
        theirs = pl.read_parquet(file).filter(pl.col("kind") + "s" == table).select(columns)
        key = columns[0]
        assert ours.sort(key).equals(theirs.sort(key)), f"{table} differ"
        counts[table] = len(ours)
    return counts


def compare(size: Size, rounds: int, further: list[str]) -> str:
    """Run both in turn on a load of this size."""
    load = generated(size)
    with tempfile.TemporaryDirectory(prefix="onward-by-hand-") as folder:
        out, file = Path(folder) / "out", Path(folder) / "query.parquet"
        took = [(by_onward(load, out, further), by_hand(load, file)) for _ in range(rounds)]
        counts = assert_equal(file, out)
    walls = _medians([(ours.wall, theirs.wall) for ours, theirs in took])
    cpus = _medians([(ours.cpu, theirs.cpu) for ours, theirs in took])
    rows = ", ".join(f"{rows:,} {name}" for name, rows in counts.items())
    goal = f"goal ≤ {GOALS[size.events]}" if size.events in GOALS else "no goal"
    return (
        f"{size.events:,} events, {size.customers:,} customers; {rows}, equal row for row: "
        f"Onward {_compared(walls)} ({goal}), processor time {_compared(cpus)}; "
        f"peak {took[0][0].peak_rss / 1e9:.2f} GB, {took[0][1].peak_rss / 1e9:.2f} GB"
    )


def _compared(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.2f} s, the query {pair[1]:.2f} s → {pair[0] / pair[1]:.2f}×"


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    ours, theirs = zip(*pairs, strict=True)
    return statistics.median(ours), statistics.median(theirs)


def lines(given: argparse.Namespace, further: list[str]) -> Iterator[str]:
    """The line of each size asked for."""
    full = (1_000_000, 10_000_000) if given.full else (given.events,)
    for events in full:
        yield compare(Size(events, events // 10), given.rounds, further)


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the sizes asked for; further options are those of `onward backtest`. Prints and returns the lines."""
    parser = argparse.ArgumentParser(prog="by_hand", description="A backtest against one query.")
    parser.add_argument("--full", action="store_true", help="1,000,000 and 10,000,000 events")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--query", nargs=2, metavar=("LOAD", "FILE"), help=argparse.SUPPRESS)
    given, further = parser.parse_known_args(arguments)
    if given.query:
        folder, file = map(Path, given.query)
        run_query(Load(folder), file)
        return []
    found = []
    for line in lines(given, further):
        print(line, flush=True)
        found.append(line)
    return found


if __name__ == "__main__":
    main()
