"""The same engine over history: files or a prepared history in, Parquet out; no store, nothing is sent.

Customers are independent, so they are decided bucket by bucket, a few at once: memory is bounded by the buckets in
work, not by the history. Rows go from file to file (`bucket.py`), never through the process that deals the buckets.
"""

import json
import resource
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.backtest.bucket import BucketPlan, BucketSummary, run_bucket
from flows.backtest.feeds import Feed
from flows.backtest.load import Loaded, load
from flows.backtest.paths import Paths
from flows.backtest.plan import TABLES, Plan, Progress
from flows.backtest.tables import bucket_tables, outputs
from flows.formats.canonical import damage_named
from flows.formats.parquet_footers import JoinedParquet
from flows.processes import in_processes
from flows.warehouse import connect
from transforms.delivery.variants import with_variants
from transforms.program.compile import compile_program
from transforms.program.model import Program

SUMMARY = "summary.json"
QUARANTINE = "quarantine.parquet"
BAD_ROWS = {"file": pl.String, "line": pl.Int64, "reason": pl.String, "row": pl.String}


class _Stopwatch:
    """Seconds spent in each phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Generator[None]:
        began = time.perf_counter()
        yield
        self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds


def backtest(plan: Plan, progress: Progress = lambda _step, _share: None) -> dict[str, float]:
    """Run a backtest and write its tables; returns the summary that is also written as `summary.json`.

    Args:
        plan: what to run.
        progress: told what is being done, and which share of that is done.

    Raises:
        InputError: a file or the history can't be loaded; nothing was written.
        WorkerError: a process was killed; nothing was written.
    """
    watch = _Stopwatch()
    program = compile_program(plan.workflows, (), plan.patterns, plan.send_times)
    with TemporaryDirectory(prefix="onward-backtest-") as folder:
        paths = Paths(Path(folder))
        with watch.phase("load"), connect(memory_limit=f"{plan.memory // 2**20}MiB") as con:
            loaded = load(con, plan, program, paths, progress)
        peak = _peak(resource.RUSAGE_SELF)
        tables = {name: f"{name}.parquet" for name in plan.tables}
        others = [f"{name}.parquet" for name in TABLES if name not in tables]
        with outputs(plan.out, [*tables.values(), QUARANTINE, SUMMARY], others) as asides:
            files = {name: asides[file] for name, file in tables.items()}
            with damage_named(loaded.feed.lasting):
                totals = _decide(_rules(plan, program, loaded), loaded, paths, files, watch, progress)
            with watch.phase("write"):
                _write_quarantine(loaded.quarantine, asides[QUARANTINE])
            summary = _summary(loaded, totals, watch, peak)
            asides[SUMMARY].write_text(json.dumps(summary, indent=2), encoding="utf-8")
    return summary


def _summary(loaded: Loaded, totals: Counter[str], watch: _Stopwatch, peak: int) -> dict[str, float]:
    return {
        **loaded.counts,
        **totals,
        "ticks": len(loaded.ends),
        "buckets": loaded.buckets,
        "processes": loaded.processes,
        **{f"{name}_seconds": round(seconds, 3) for name, seconds in watch.seconds.items()},
        "peak_rss_bytes": max(peak, _peak(resource.RUSAGE_SELF))
        + loaded.processes * _peak(resource.RUSAGE_CHILDREN) * (loaded.processes > 1),
    }


def _rules(plan: Plan, program: Program, loaded: Loaded) -> BucketPlan:
    return BucketPlan(
        program,
        loaded.ends,
        plan.start,
        loaded.began,
        plan.timezone,
        plan.caps,
        memory_limit=f"{plan.memory // (2 * loaded.processes) // 2**20}MiB",
        threads=1 if loaded.processes > 1 else None,
        facts_at_once=plan.facts_at_once,
        tables=plan.tables,
        variants=with_variants(plan.workflows),
    )


def _decide(
    rules: BucketPlan,
    loaded: Loaded,
    paths: Paths,
    files: dict[str, Path],
    watch: _Stopwatch,
    progress: Progress,
) -> Counter[str]:
    """Decide all buckets and write their tables; the sums of what is known of them."""
    totals = Counter[str]()
    with bucket_tables(paths, files) as tables:
        for bucket, told in _decided(rules, loaded, paths, progress):
            totals.update(told.counts)
            totals.update(told.rows)
            began = time.perf_counter()
            tables.add(bucket)
            joining = time.perf_counter() - began
            for name, seconds in (*told.seconds.items(), ("write", joining)):
                watch.add(name, seconds / loaded.processes)
    return totals


def _decided(
    rules: BucketPlan, loaded: Loaded, paths: Paths, progress: Progress
) -> Iterator[tuple[int, BucketSummary]]:
    """Each bucket with what is known of it, once it is decided."""
    call = partial(_run, loaded.feed, paths, rules)
    progress("Deciding", 0)
    answers = in_processes(call, range(loaded.buckets), loaded.processes, threads=1)
    for number, answer in enumerate(answers, 1):
        progress("Deciding", number / loaded.buckets)
        yield answer


def _run(feed: Feed, paths: Paths, rules: BucketPlan, bucket: int) -> BucketSummary:
    return run_bucket(feed, paths, bucket, rules)


def _write_quarantine(files: Sequence[Path], target: Path) -> None:
    """Write the bad rows; files of them have the same columns."""
    if not files:
        pl.DataFrame(schema=BAD_ROWS).write_parquet(target)
        return
    with target.open("wb") as file:
        whole = JoinedParquet(file)
        for part in files:
            whole.append(part)
        whole.finish()


def _peak(who: int) -> int:
    return resource.getrusage(who).ru_maxrss * 1024
