"""Many small files in the inbox: files a second, from the beginning of the run to its end, as a whole process."""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from tests.benchmarks.generate import WORKFLOWS
from tests.benchmarks.processes import ONWARD, timed_process

GOAL = 1000
EVENTS = 5


def deliver(root: Path, files: int) -> None:
    """So many NDJSON files of a few events each, of a hundred customers."""
    shutil.copytree(WORKFLOWS, root / "workflows")
    for folder in ("inbox/customers", "inbox/events"):
        (root / folder).mkdir(parents=True)
    people = "".join(json.dumps({"customer_id": f"c{number}"}) + "\n" for number in range(100))
    (root / "inbox/customers/people.ndjson").write_text(people)
    for number in range(files):
        lines = (_event(number, place) for place in range(EVENTS))
        (root / f"inbox/events/{number:06d}.ndjson").write_text("\n".join(lines))


def _event(file: int, place: int) -> str:
    fields = {"event_id": f"{file}-{place}", "customer_id": f"c{(file + place) % 100}", "type": "behavioral"}
    return json.dumps({**fields, "ts": f"2026-01-01T00:00:{place:02d}Z", "name": "view"})


def measure(files: int) -> str:
    """Load so many files in one run."""
    with tempfile.TemporaryDirectory(prefix="onward-small-files-") as folder:
        deliver(Path(folder), files)
        took = timed_process([*ONWARD, "run", "--now", "2026-01-02"], {"ONWARD_DATA_DIR": folder})
    rate = files / took.wall
    return f"{files:,} small files in {took.wall:.1f} s: {rate:,.0f} a second (cpu {took.cpu:.1f} s; goal ≥ {GOAL:,})"


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure; prints and returns the line."""
    parser = argparse.ArgumentParser(prog="small_files", description="Many small files in the inbox.")
    parser.add_argument("--full", action="store_true", help="10,000 files")
    parser.add_argument("--files", type=int, default=3000)
    given = parser.parse_args(arguments)
    line = measure(10_000 if given.full else given.files)
    print(line, flush=True)
    return [line]


if __name__ == "__main__":
    main()
