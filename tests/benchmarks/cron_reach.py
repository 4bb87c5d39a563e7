"""A cron that fires for every known customer, of whom one in a hundred meets its condition: the tick of a store.

In a process of its own for each size, so that its peak memory is that of the ticks.
"""

import argparse
import json
import resource
import tempfile
from datetime import timedelta
from pathlib import Path

from flows.settings import Settings
from flows.summary import TickSummary
from flows.tick.run import run_tick
from tests.benchmarks.generate import END, Size, customers
from tests.benchmarks.run_tick import Phases

FULL = 10_000_000
DAY = timedelta(days=1)
WORKFLOW = {
    "workflow_id": "digest",
    "workflow_name": "Digest",
    "triggers": [
        {
            "type": "time_based",
            "config": {"cron": "0 9 * * *"},
            "conditions": [{"attribute": "engagement_score", "operator": "equals", "value": 42}],
        }
    ],
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
    given = parser.parse_args(arguments)
    line = measure(FULL if given.full else given.customers)
    print(line, flush=True)
    return [line]


if __name__ == "__main__":
    main()
