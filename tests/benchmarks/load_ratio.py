"""Loading: canonical Parquet against the code of an earlier commit, Segment NDJSON against DuckDB's own way to Parquet.

Everything in turn, so that whatever else the machine does hits all alike; medians of a few rounds.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.formats.duplicates import deduplicated
from flows.formats.shapes import recognise
from flows.formats.staging import placed, stage
from flows.inbox.ordered import in_order
from flows.settings import Limits
from flows.warehouse import connect, literal, write_rows
from tests.benchmarks.generate import Load, Size, generated
from tests.benchmarks.processes import timed_process

HERE = Path(__file__).parents[2]
BEFORE = "62721ff"
COMMAND = (sys.executable, "-P", "-c", "from flows.cli import main; main()")
GOAL_PARQUET, GOAL_SEGMENT = 0.9, 2
BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
COLUMNS = """{
    "messageId": "varchar", "userId": "varchar", "anonymousId": "varchar", "type": "varchar", "event": "varchar",
    "timestamp": "timestamptz", "receivedAt": "timestamptz", "properties": "json", "context": "json"
}"""


@contextmanager
def code_of(commit: str) -> Generator[Path]:
    """A folder with the code as of a commit."""
    with tempfile.TemporaryDirectory(prefix="onward-before-") as folder:
        git = ("git", "-C", str(HERE), "worktree")
        subprocess.run([*git, "add", "--detach", folder, commit], check=True, capture_output=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run([*git, "remove", "--force", folder], check=True, capture_output=True)


def first_run(code: Path, load: Load) -> float:
    """Seconds of an `onward run` that finds the load's events, and neither customers nor workflows."""
    with tempfile.TemporaryDirectory(prefix="onward-load-") as folder:
        events = Path(folder) / "inbox" / "events"
        events.mkdir(parents=True)
        (Path(folder) / "workflows").mkdir()
        for file in load.files:
            shutil.copy(file, events / file.name)
        env = {"ONWARD_DATA_DIR": folder, "PYTHONPATH": str(code)}
        return timed_process([*COMMAND, "run", "--now", load.end.isoformat()], env).wall


def backtest_load(code: Path, load: Load) -> float:
    """Seconds that a backtest without workflows spends on loading."""
    with tempfile.TemporaryDirectory(prefix="onward-load-") as folder:
        out, workflows = Path(folder) / "out", Path(folder) / "workflows"
        workflows.mkdir()
        options = [
            "--workflows",
            workflows,
            "--customers",
            load.customers,
            "--end",
            load.end.isoformat(),
            "--out",
            out,
        ]
        events = [part for file in load.files for part in ("--events", file)]
        timed_process([*COMMAND, "backtest", *map(str, (*options, *events))], {"PYTHONPATH": str(code)})
        return float(json.loads((out / "summary.json").read_text("utf-8"))["load_seconds"])


def parquet_lines(size: Size, rounds: int, commit: str) -> Iterator[str]:
    """How fast canonical Parquet is loaded, by a tick and by a backtest, against the code of a commit."""
    load = generated(size)
    with code_of(commit) as before:
        for name, timed in (("onward run", first_run), ("backtest's loading", backtest_load)):
            took = [(timed(before, load), timed(HERE, load)) for _ in range(rounds)]
            earlier, now = (statistics.median(some) for some in zip(*took, strict=True))
            yield (
                f"{name}, {size.events:,} canonical Parquet events: {now:.1f} s, {earlier:.1f} s at {commit} → "
                f"{earlier / now:.2f} × as fast (goal ≥ {GOAL_PARQUET})"
            )


def write_segment(path: Path, lines: int) -> None:
    """Calls of `track` and `page` as a Segment source sends them."""
    context = {
        "ip": "192.0.2.1",
        "userAgent": "Mozilla/5.0",
        "library": {"name": "analytics.js", "version": "2.1"},
    }
    with path.open("w", encoding="utf-8") as file:
        for number in range(lines):
            at = (BEGAN + timedelta(seconds=number)).isoformat()
            call = {
                "messageId": f"m{number:09}",
                "anonymousId": f"a{number % 9999}",
                "userId": f"c{number % 9999}",
            }
            call |= {"timestamp": at, "receivedAt": at, "context": context}
            if number % 3:
                products = [{"sku": f"s{number % 50}", "quantity": count} for count in range(number % 4)]
                call |= {"type": "track", "event": "Order Completed"}
                call |= {
                    "properties": {"revenue": number % 1000 / 8, "currency": "EUR", "products": products}
                }
            else:
                call |= {
                    "type": "page",
                    "name": "Home",
                    "properties": {"path": "/", "title": "Start", "url": "/"},
                }
            file.write(json.dumps(call) + "\n")


def load_segment(path: Path) -> None:
    """Stage, clear of duplicates and archive a file of events, as a tick does."""
    with connect() as con:
        source = recognise(path, "events")
        stage(con, source, "staged", Limits())
        found = deduplicated(con, placed(con, source, "staged"), "events")
        write_rows(con, in_order(con, "events", found.relation), path.with_name("archived.parquet"))


def copy_segment(path: Path) -> None:
    """DuckDB's own way from NDJSON to Parquet."""
    rows = f"select * from read_json({literal(path)}, format = 'newline_delimited', columns = {COLUMNS})"
    with connect() as con:
        con.execute(f"copy ({rows}) to {literal(path.with_name('copied.parquet'))} (compression zstd)")


WAYS: dict[str, Callable[[Path], None]] = {"load": load_segment, "copy": copy_segment}


def segment_line(lines: int, rounds: int) -> str:
    """How long Segment NDJSON takes to load, against DuckDB's copy."""
    with tempfile.TemporaryDirectory(prefix="onward-segment-") as folder:
        path = Path(folder) / "calls.ndjson"
        write_segment(path, lines)
        took = [[_apart(way, path) for way in WAYS] for _ in range(rounds)]
    ours, least = (statistics.median(some) for some in zip(*took, strict=True))
    return (
        f"{lines:,} lines of Segment NDJSON: {ours:.2f} s, DuckDB's copy {least:.2f} s → {ours / least:.2f} × "
        f"(goal ≤ {GOAL_SEGMENT} ×)"
    )


def _apart(way: str, path: Path) -> float:
    """Seconds that one way takes in a process of its own, imports aside."""
    command = [sys.executable, "-m", __spec__.name, "--way", way, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    return float(done.stdout)


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure; prints and returns the lines."""
    parser = argparse.ArgumentParser(prog="load_ratio", description="Loading, against what it could take.")
    parser.add_argument("--full", action="store_true", help="10,000,000 events, 1,000,000 lines")
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", default=BEFORE, help="the commit to compare with")
    parser.add_argument("--way", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.way:
        began = time.perf_counter()
        WAYS[given.way[0]](Path(given.way[1]))
        print(time.perf_counter() - began)
        return []
    events, lines = (10_000_000, 1_000_000) if given.full else (given.events, given.lines)
    found = [segment_line(lines, given.rounds)]
    print(found[0], flush=True)
    for line in parquet_lines(Size(events, events // 10), given.rounds, given.before):
        print(line, flush=True)
        found.append(line)
    return found


if __name__ == "__main__":
    main()
