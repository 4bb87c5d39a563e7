"""A house to run in: settings, workflow files and an inbox in a folder, ticks over it, and its tables."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl
import zstandard

from flows.settings import Settings
from flows.store.publish import published_file
from flows.summary import TickSummary
from flows.tick.run import run_tick
from flows.warehouse import connect
from tests.semantics.cases import Result, Row

Format = Literal["parquet", "ndjson", "ndjson.gz", "ndjson.zst", "csv", "csv.gz"]
FORMATS: tuple[Format, ...] = ("parquet", "ndjson", "csv.gz", "ndjson.zst", "csv", "ndjson.gz")
TABLES = (
    "attributes",
    "batches",
    "considered",
    "entry_refusals",
    "executions",
    "goal_hits",
    "messages",
    "migrations",
    "profiles",
    "program_steps",
    "quarantine",
    "steps",
    "suppressions",
    "tags",
    "tick_counts",
    "ticks",
    "webhooks",
    "workflow_versions",
)
WALL_CLOCK = ("started_at", "finished_at", "sent_at")
ONWARD = [sys.executable, "-c", "from flows.cli import main; main()"]
"""The `onward` command in any checkout, its script installed or not."""
EVENT = ("event_id", "customer_id", "ts", "type", "name", "value", "properties", "attributes")
PERSON = ("customer_id", "email", "created_at", "attributes", "tags", "timezone")
INSTANT = pl.Datetime("us", "UTC")
SCHEMAS: dict[tuple[str, ...], dict[str, Any]] = {
    EVENT: {"ts": INSTANT, "value": pl.Float64},
    PERSON: {"created_at": INSTANT},
}


@dataclass(frozen=True)
class House:
    """A data folder of its own; `deliver…` and `define` write what people would, `tick` is `onward run`."""

    settings: Settings

    @property
    def root(self) -> Path:
        return self.settings.data_dir

    @property
    def published(self) -> Path:
        return published_file(self.settings)

    def define(self, *workflows: Row) -> None:
        """Write (or replace) a file per workflow."""
        for one in workflows:
            text = json.dumps({"workflow_name": one["workflow_id"], **one})
            (self.settings.workflows / f"{one['workflow_id']}.json").write_text(text)

    def patterns(self, patterns: Row) -> None:
        """Write the file of patterns."""
        self.settings.patterns.write_text(json.dumps(patterns))

    def forget(self, workflow_id: str) -> None:
        """Remove a workflow's file."""
        (self.settings.workflows / f"{workflow_id}.json").unlink()

    def template(self, name: str, text: str) -> None:
        """Write a template file, `name` being like `hello.txt.j2`."""
        self.settings.templates.mkdir(exist_ok=True)
        (self.settings.templates / name).write_text(text)

    def events(self, name: str, *rows: Row, format: Format = "ndjson") -> Path:  # noqa: A002
        """Deliver events to the inbox."""
        return _write(self.settings.inbox / "events" / f"{name}.{format}", EVENT, rows, format)

    def customers(self, name: str, *rows: Row, format: Format = "ndjson") -> Path:  # noqa: A002
        """Deliver customers to the inbox."""
        return _write(self.settings.inbox / "customers" / f"{name}.{format}", PERSON, rows, format)

    def tick(self, now: datetime) -> TickSummary:
        """What `onward run --now` does, whenever the test runs."""
        return run_tick(self.settings, now, force=True)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query over what is published."""
        with connect(self.published, read_only=True) as con:
            return con.execute(query).fetchall()

    def frames(self) -> dict[str, pl.DataFrame]:
        """Every table without its wall-clock columns, its rows in their own order."""
        with connect(self.published, read_only=True) as con:
            found = {name: con.sql(f"select * from {name}").pl() for name in TABLES}
        return {name: _settled(frame) for name, frame in found.items()}

    def result(self) -> Result:
        """The tables as the oracle writes them; counts as far as both know them."""
        with connect(self.published, read_only=True) as con:

            def table(name: str) -> list[Row]:
                return list(con.sql(f"select * from {name}").pl().to_dicts())

            profiles = {
                one["customer_id"]: {"attributes": json.loads(one["attributes"]), "tags": one["tags"]}
                for one in table("customers")
            }
            return Result(
                table("executions"),
                table("steps"),
                table("messages"),
                table("webhooks"),
                profiles,
                table("entry_refusals"),
                table("goal_hits"),
                _counts(table("tick_counts"), table("quarantine")),
            )

    def outbox(self, name: str = "messages") -> list[Row]:
        """The lines of the outbox's index (or of `webhooks`)."""
        file = self.settings.outbox / f"{name}.ndjson"
        lines = file.read_text().splitlines() if file.exists() else []
        return [dict(json.loads(line)) for line in lines]

    def environment(self) -> dict[str, str]:
        """What makes `onward` work in this house."""
        return {"ONWARD_DATA_DIR": str(self.root)}


def house(root: Path, *workflows: Row, **given: Any) -> House:
    """A new house under `root` with these workflows; keywords are settings."""
    built = House(Settings(data_dir=root / "data", **given))
    for folder in ("workflows", "inbox/events", "inbox/customers"):
        (built.root / folder).mkdir(parents=True)
    built.define(*workflows)
    return built


def onward(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line, to its end."""
    with started(*arguments, cwd=cwd, **environment) as process:
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextmanager
def started(*arguments: str, cwd: Path, **environment: str) -> Generator[subprocess.Popen[str]]:
    """The command line, running; killed at the end of the block if it still does."""
    checkout = str(Path(__file__).resolve().parent.parent)
    given = {**os.environ, "PYTHONPATH": checkout, "COLUMNS": "200", **environment}
    with subprocess.Popen(
        [*ONWARD, *arguments],
        cwd=cwd,
        env=given,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def person(customer_id: str = "ann", **given: Any) -> Row:
    """A customer with an e-mail address; keywords other than the columns' are attributes."""
    row: Row = {"customer_id": customer_id, "email": f"{customer_id}@example.com"}
    own = {name: given.pop(name) for name in PERSON if name in given}
    return {**row, "attributes": given, **own}


def _counts(ticks: Sequence[Row], quarantine: Sequence[Row]) -> dict[str, int]:
    """The store's `future` are events that wait; the oracle's are those refused."""
    found = {"unknown_customer": 0, "late": 0, "too_late": 0}
    for row in ticks:
        if row["reason"] != "future":
            found[row["reason"]] += row["n"]
    return {**found, "future": sum(row["reason"].startswith("future") for row in quarantine)}


def _settled(frame: pl.DataFrame) -> pl.DataFrame:
    kept = frame.drop(WALL_CLOCK, strict=False)
    return kept.sort(kept.columns)


def _write(path: Path, columns: tuple[str, ...], rows: Sequence[Row], format: Format) -> Path:  # noqa: A002
    path.write_bytes(_encoded(columns, rows, format))
    return path


def _encoded(columns: tuple[str, ...], rows: Sequence[Row], format: Format) -> bytes:  # noqa: A002
    base, _, compression = format.partition(".")
    if base == "ndjson":
        data = "".join(json.dumps(row, default=str) + "\n" for row in rows).encode()
    else:
        data = _tabular(columns, rows, base)
    if compression == "zst":
        return zstandard.compress(data)
    return gzip.compress(data, mtime=0) if compression == "gz" else data


def _tabular(columns: tuple[str, ...], rows: Sequence[Row], base: str) -> bytes:
    """Parquet, or CSV with objects and lists as JSON text."""
    schema: dict[str, Any] = {**dict.fromkeys(columns, pl.String), **SCHEMAS[columns]}
    lists = {"tags": pl.List(pl.String)} if base == "parquet" and "tags" in columns else {}
    cells = [{name: _cell(row.get(name), name in lists) for name in columns} for row in rows]
    frame = pl.DataFrame(cells, schema=schema | lists)
    if base == "csv":
        return frame.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S.%6fZ").encode()
    from io import BytesIO

    file = BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def _cell(value: Any, is_list: bool) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) and not is_list else value
