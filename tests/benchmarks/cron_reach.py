"""A cron that fires for every known customer, of whom one in a hundred meets its condition: the tick of a store.

In a process of its own for each size, so that its peak memory is that of the ticks. Apart from it (`--columns`), how
long it takes to find these customers on columns, with a second condition that most of them meet.
"""

import argparse
import json
import resource
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from flows.settings import Settings
from flows.summary import TickSummary
from flows.tick.run import run_tick
from tests.benchmarks.generate import END, Size, customers
from tests.benchmarks.run_tick import Phases
from transforms.columns.ids import stable_hash
from transforms.definitions.workflow import Workflow
from transforms.engine.layout.cron_reach import cron_reach
from transforms.engine.state import Tick
from transforms.program.compile import compile_program

FULL = 10_000_000
DAY = timedelta(days=1)
TRIGGER: dict[str, Any] = {
    "type": "time_based",
    "config": {"cron": "0 9 * * *"},
    "conditions": [{"attribute": "engagement_score", "operator": "equals", "value": 42}],
}
OTHER_CONDITION = {"attribute": "favourite", "operator": "not_equals", "value": "tea"}
WORKFLOW = {
    "workflow_id": "digest",
    "workflow_name": "Digest",
    "triggers": [TRIGGER],
    "actions": [{"type": "add_tag", "config": {"tag": "digested"}}],
}


def measure(count: int) -> str:
    """Load so many customers, then take the tick of a day in which the cron fires once."""
    with tempfile.TemporaryDirectory(prefix="onward-cron-") as folder:
        settings = Settings(data_dir=Path(folder))
        for place in (settings.workflows, settings.inbox / "customers", settings.inbox / "events"):
            place.mkdir(parents=True)
        (settings.workflows / "digest.json").write_text(json.dumps(WORKFLOW))
        customers(Size(0, count)).write_parquet(settings.inbox / "customers" / "customers.parquet")
        _, loading = _timed(settings, 0)
        done, phases = _timed(settings, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"a cron over {count:,} customers: {done.executions:,} entered in {sum(phases.seconds.values()):.1f} s "
        f"({phases}); customers loaded in {sum(loading.seconds.values()):.0f} s; peak memory {peak:.1f} GiB"
    )


def measure_columns(count: int) -> str:
    """Find whom the cron may let enter, of so many customers told apart by numbers, in Parquet files of columns."""
    trigger = {**TRIGGER, "conditions": [*TRIGGER["conditions"], OTHER_CONDITION]}
    program = compile_program([Workflow.model_validate({**WORKFLOW, "triggers": [trigger]})])
    with tempfile.TemporaryDirectory(prefix="onward-cron-") as folder:
        files = Path(folder) / "customers.parquet", Path(folder) / "attributes.parquet"
        _write_columns(count, *files)
        reach = cron_reach(program, Tick(END + DAY, END))
        tags = pl.LazyFrame(schema={"key": pl.Int64, "tag": pl.String})
        wall, cpu = time.perf_counter(), time.process_time()
        found = reach.among(*map(pl.scan_parquet, files), tags, by="key")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return (
        f"whom the cron may let enter, of {count:,} customers with two attributes, by columns: {len(found):,} "
        f"in {wall:.2f} s (cpu {cpu:.2f})"
    )


def _write_columns(count: int, people: Path, attributes: Path) -> None:
    """Customers and two of their attributes, a row each, in the order of numbers that say nothing."""
    names = ("engagement_score", "favourite")
    given = customers(Size(0, count)).with_columns(key=stable_hash("customer_id").reinterpret(signed=True))
    given.select("key", "created_at", known=True).sort("key").write_parquet(people)
    numbers, texts = (pl.col("attributes").str.json_path_match(f"$.{name}") for name in names)
    values = (numbers, pl.concat_str(pl.lit('"'), texts, pl.lit('"')))
    rows = [
        given.select("key", attribute=pl.lit(name), value=value)
        for name, value in zip(names, values, strict=True)
    ]
    pl.concat(rows).sort("key").write_parquet(attributes)


def _timed(settings: Settings, days: int) -> tuple[TickSummary, Phases]:
    phases = Phases()
    done = run_tick(settings, END + days * DAY, lambda phase: phases.say(phase.split(",")[0]))
    phases.say("")
    return done, phases


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the size asked for; prints and returns the line."""
    parser = argparse.ArgumentParser(prog="cron_reach", description="A cron over many customers.")
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} customers")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--columns", action="store_true", help="only find the customers on columns")
    given = parser.parse_args(arguments)
    count = FULL if given.full else given.customers
    lines = [measure_columns(count)] if given.columns else [measure(count), measure_columns(count)]
    print(*lines, sep="\n", flush=True)
    return lines


if __name__ == "__main__":
    main()
