"""A backtest of five events as a whole process: what a start costs, and every statement, whatever there is to do."""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from tests.benchmarks.generate import PATTERNS, WORKFLOWS
from tests.benchmarks.processes import ONWARD, timed_process

GOAL = 0.9
EVENTS = [
    ("c1", "2026-03-01T10:00:00Z", "cart_addition", {"cart_value": 60, "category": "tea"}),
    ("c2", "2026-03-01T11:00:00Z", "cart_addition", {"cart_value": 70}),
    ("c1", "2026-03-02T10:00:00Z", "purchase_completed", {"value": 30}),
    ("c2", "2026-03-03T10:00:00Z", "email_open", {}),
    ("c1", "2026-03-04T10:00:00Z", "website_visit", {}),
]
PEOPLE = "customer_id,email,total_purchases\nc1,c1@example.com,3\nc2,c2@example.com,1\n"


def write_inputs(folder: Path) -> list[str]:
    """Write five events and two customers, and say how to backtest them."""
    events, people = folder / "events.ndjson", folder / "people.csv"
    lines = [
        {
            "event_id": f"e{number}",
            "customer_id": who,
            "ts": at,
            "type": "behavioral",
            "name": name,
            "properties": given,
        }
        for number, (who, at, name, given) in enumerate(EVENTS)
    ]
    events.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    people.write_text(PEOPLE, encoding="utf-8")
    settings = {"--workflows": WORKFLOWS, "--patterns": PATTERNS, "--customers": people, "--events": events}
    settings |= {"--end": "2026-04-01", "--out": folder / "out"}
    return [str(part) for option in settings.items() for part in option]


def measure(rounds: int) -> str:
    """Run it so often, once before with nothing measured, so that bytecode is there as after an install."""
    with tempfile.TemporaryDirectory(prefix="onward-small-") as folder:
        command = [*ONWARD, "backtest", *write_inputs(Path(folder))]
        env = {"PYTHONDONTWRITEBYTECODE": ""}
        timed_process(command, env)
        took = [timed_process(command, env) for _ in range(rounds)]
    wall, cpu = (statistics.median(some) for some in ([one.wall for one in took], [one.cpu for one in took]))
    least = min(one.wall for one in took)
    return (
        f"backtest of five events, whole process: {wall:.2f} s (goal ≤ {GOAL}), the fastest {least:.2f} s; "
        f"processor time {cpu:.2f} s (medians of {rounds})"
    )


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure; prints and returns the line."""
    parser = argparse.ArgumentParser(prog="small_backtest", description="A backtest of five events.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--full", action="store_true", help="the same")
    line = measure(parser.parse_args(arguments).rounds)
    print(line, flush=True)
    return [line]


if __name__ == "__main__":
    main()
