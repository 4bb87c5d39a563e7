"""Good files of every format, and what is left of them when bytes are changed, lost, doubled or thrown in."""

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from duckdb import DuckDBPyConnection

from flows.formats.duplicates import deduplicated
from flows.formats.shapes import Kind, recognise
from flows.formats.staging import placed, stage
from flows.inbox.arrivals import WaitingFile
from flows.inbox.ordered import in_order
from flows.inbox.portions import FAULTS
from flows.inbox.refusals import fault_of_file
from flows.settings import Limits
from flows.warehouse import chained, count, literal, parquet, write_rows

ROWS = 60
BEGAN = datetime(2026, 3, 2, tzinfo=UTC)


def _events() -> list[dict[str, Any]]:
    return [
        {
            "event_id": f"e{number % (ROWS - 3)}",
            "customer_id": f"customer {number % 7}",
            "ts": (BEGAN + timedelta(minutes=number)).isoformat(),
            "type": "behavioral",
            "name": 'said "yes", twice' if number % 5 else "zwölf\nZeilen",
            "value": number * 1.25,
            "properties": {"a": number, "b": ["x", None], "c": {"d": "é"}},
        }
        for number in range(ROWS)
    ]


def _ndjson() -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _events()).encode()


def _csv() -> bytes:
    rows = [{**row, "properties": json.dumps(row["properties"])} for row in _events()]
    return pl.DataFrame(rows).write_csv().encode()


def _parquet(rows: list[dict[str, Any]], **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink, row_group_size=25, **options)
    return bytes(sink.getvalue())


def _structs() -> bytes:
    return _parquet(
        [{**row, "ts": datetime.fromisoformat(row["ts"]), "own": row["value"]} for row in _events()]
    )


def _canonical(**options: Any) -> bytes:
    rows = [
        {**row, "ts": datetime.fromisoformat(row["ts"]), "properties": json.dumps(row["properties"])}
        for row in _events()
    ]
    return _parquet(rows, **options)


MAKERS: dict[str, Callable[[], bytes]] = {
    "ndjson": _ndjson,
    "csv": _csv,
    "ndjson.gz": lambda: gzip.compress(_ndjson(), mtime=0),
    "csv.zst": lambda: zstandard.compress(_csv()),
    "parquet": _canonical,
    "plain.parquet": lambda: _canonical(compression="none", use_dictionary=False),
    "zstd.parquet": lambda: _canonical(compression="zstd", data_page_version="2.0"),
    "structs.parquet": _structs,
}


@cache
def good(format_: str) -> bytes:
    """A good file of events."""
    return MAKERS[format_]()


def mutant(format_: str, number: int) -> bytes:
    """One of the files that a good one turns into; the same for the same number."""
    draw, content = random.Random(f"{format_} {number}"), bytearray(good(format_))
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        _mutate(draw, content)
    return bytes(content)


def _mutate(draw: random.Random, content: bytearray) -> None:
    # What says how to read a file lies at its ends.
    reach = draw.choice((len(content), len(content), 64, 1500))
    at = draw.randrange(min(reach, len(content))) if content else 0
    at = len(content) - 1 - at if draw.random() < 0.7 and content else at
    length = draw.choice((1, 1, 1, 2, 4, 8, 50, 400))
    match draw.choice(("flip", "flip", "flip", "set", "set", "cut", "double", "insert", "end")):
        case "flip":
            content[at : at + 1] = bytes(byte ^ (1 << draw.randrange(8)) for byte in content[at : at + 1])
        case "set":
            content[at : at + length] = draw.randbytes(len(content[at : at + length]))
        case "cut":
            del content[at : at + length]
        case "double":
            content[at:at] = content[at : at + length]
        case "insert":
            content[at:at] = draw.choice((draw.randbytes(length), b'"', b"\n", b"\0", b"\xff"))
        case "end":
            del content[at:]


@dataclass(frozen=True)
class Fate:
    """What became of a file: refused with a sentence, or its rows counted."""

    file: str
    refused: str = ""
    rows: int = 0
    loaded: int = 0
    duplicates: int = 0
    quarantined: int = 0

    @property
    def fault(self) -> str:
        """What is wrong with it: rows are lost, or the sentence isn't one; nothing if all is well."""
        if self.refused and (self.file not in self.refused or "\n" in self.refused):
            return f"refused without its name, or in several lines: {self.refused!r}"
        kept = self.loaded + self.duplicates + self.quarantined
        return "" if kept == self.rows else f"{self.rows} rows, of which {kept} are accounted for: {self}"


def fate(con: DuckDBPyConnection, path: Path, limits: Limits, kind: Kind = "events") -> Fate:
    """Load a file as a tick does: staged, cleared of duplicates, archived, its bad rows quarantined."""
    try:
        source = recognise(path, kind)
        staged = stage(con, source, "staged", limits)
        distinct = deduplicated(con, placed(con, source, "staged"), kind)
        archive, bad = path.with_name("archived"), path.with_name("bad")
        write_rows(con, in_order(con, kind, distinct.relation), archive)
        found = f"select {literal(path)} as file, * from staged"
        write_rows(con, chained(("found", found), final="formats/staging/bad.sql"), bad)
        loaded, quarantined = (count(con, parquet(file)) for file in (archive, bad))
    except FAULTS as error:
        # As a tick judges, which sets such a file aside with this sentence.
        if reason := fault_of_file(WaitingFile(kind, path, path.name, path.stat().st_size, 0), error):
            return Fate(path.name, refused=reason)
        raise
    return Fate(path.name, "", staged.rows, loaded, distinct.duplicates, quarantined)
