"""A reader of what is published, in a process of its own: looks again and again, and notes what it sees.

`python -m tests.store.reader KIND DATA NOTES`, until there is a file `over` beside the notes.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from flows.reports.frames import open_reports
from flows.settings import Settings
from flows.store.publish import published_file

KINDS = ("stays", "connects again", "notebook")
OVER = "over"
COUNTS = {
    "ticks": "count(*) from ticks",
    "last_tick": "max(tick_id) from ticks",
    "events": "count(*) from events",
    "executions": "count(*) from executions",
    "executions_summed": "sum(n)::bigint from sums where name = 'executions'",
    "executions_reported": "sum(total_executions)::bigint from report_workflow_summary",
    "steps": "count(*) from steps",
    "steps_summed": "sum(n)::bigint from sums where name = 'steps'",
    "messages": "count(*) from messages",
    "messages_reported": "sum(accepted)::bigint from report_messages_daily",
}
"""What a look counts: rows, and what sums and reports say of them."""
LOOK = "select " + ", ".join(f"(select {count}) as {name}" for name, count in COUNTS.items())
PAUSE = 0.02


def connections(kind: str, settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """For each look a connection: always the same, a new one once the last is closed, or that of `open_reports`."""
    published = str(published_file(settings))
    if kind == "stays":
        with closing(duckdb.connect(published, read_only=True)) as con:
            while True:
                yield con
    while True:
        new = (
            open_reports(settings)
            if kind == "notebook"
            else closing(duckdb.connect(published, read_only=True))
        )
        with new as con:
            yield con


def look(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What there is to see."""
    (row,) = con.execute(LOOK).fetchall()
    return dict(zip(COUNTS, row, strict=True))


def main(kind: str, data: str, notes: str) -> None:
    """Look until it is over."""
    with Path(notes).open("w") as file:
        for con in connections(kind, Settings(data_dir=Path(data))):
            print(json.dumps(look(con)), file=file, flush=True)
            if Path(notes).with_name(OVER).exists():
                return
            time.sleep(PAUSE)


if __name__ == "__main__":
    main(*sys.argv[1:])
