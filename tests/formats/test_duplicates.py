"""Rows that share a key: the form for files and the one for staged tables leave out the same rows, and say so."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from flows.formats.canonical import KEYS, Part, Scratch, read_canonical
from flows.formats.duplicates import deduplicated, distinct
from flows.formats.parquet import COLUMNS
from flows.formats.shapes import Kind, recognise
from flows.formats.staging import placed, stage
from flows.settings import Limits
from flows.warehouse import connect, shown
from tests.effort import few_cases

keys = st.text("ab ", min_size=1, max_size=2)
rows = st.lists(st.tuples(keys, st.booleans(), st.booleans()), min_size=1, max_size=12)
"""Of each row its key, whether it is good, and in which of its source's two files it lies."""
Rows = list[tuple[str, bool, bool]]


@pytest.fixture(scope="module")
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


def parts_of(source: int, some: Rows, kind: Kind, folder: Path) -> list[Part]:
    found = []
    for second in (False, True):
        mine = [(line, key, good) for line, (key, good, place) in enumerate(some, 1) if place == second]
        file = folder / f"{source}-{second}.parquet"
        frame = pl.DataFrame({"line": [line for line, *_ in mine], KEYS[kind]: [key for _, key, _ in mine]})
        frame.cast({"line": pl.Int64, KEYS[kind]: pl.String}).write_parquet(file)
        bad = np.array([row for row, (*_, good) in enumerate(mine) if not good], np.int64)
        found.append(Part(kind, file, source, len(mine), bad, lines=True))
    return found


def kept_of_files(files: list[Rows], kind: Kind) -> tuple[set[tuple[int, int]], int]:
    """Source and line of what `distinct` keeps, and how many rows it leaves out."""
    with TemporaryDirectory() as folder:
        parts = [
            part for source, some in enumerate(files) for part in parts_of(source, some, kind, Path(folder))
        ]
        counting, repeated = distinct(parts, kind)
        lines = [(part.source, part.scan().select("line").collect()["line"]) for part in counting]
        return {(source, line) for source, some in lines for line in some}, repeated


def kept_of_table(con: DuckDBPyConnection, some: Rows, kind: Kind, before: list[str]) -> tuple[set[int], int]:
    """The lines of what `deduplicated` keeps, and how many rows it leaves out."""
    columns = {KEYS[kind]: [key for key, *_ in some], "batch_order": range(1, len(some) + 1)}
    reasons = pl.Series("reason", [None if good else "bad" for _, good, _ in some], pl.String)
    with shown(con, given=pl.DataFrame(columns).with_columns(reasons)):
        con.execute("create or replace temp table staged as from given")
    found = deduplicated(con, "staged", kind, pl.Series(before, dtype=pl.String))
    lines = con.execute(f"select batch_order from {found.relation}").fetchall()
    return {line for (line,) in lines}, found.duplicates


@few_cases
@given(st.lists(rows, min_size=1, max_size=3))
def test_of_events_both_forms_keep_the_first(con: DuckDBPyConnection, files: list[Rows]) -> None:
    kept, repeated, before = set(), 0, list[str]()
    for source, some in enumerate(files):
        lines, more = kept_of_table(con, some, "events", before)
        kept |= {(source, line) for line in lines}
        repeated += more
        before += [key for key, good, _ in some if good]
    assert kept_of_files(files, "events") == (kept, repeated)
    assert len(kept) == len(set(before))


@few_cases
@given(rows)
def test_of_customers_both_forms_keep_the_last(con: DuckDBPyConnection, some: Rows) -> None:
    lines, repeated = kept_of_table(con, some, "customers", [])
    assert kept_of_files([some], "customers") == ({(0, line) for line in lines}, repeated)
    last = {key: line for line, (key, good, _) in enumerate(some, 1) if good}
    assert lines == set(last.values())


def test_what_repeats_nothing_is_passed_through(con: DuckDBPyConnection) -> None:
    assert kept_of_table(con, [("a", True, True), ("b", True, True)], "events", ["c"]) == ({1, 2}, 0)
    ((query,),) = con.execute("select sql from duckdb_views() where view_name = 'staged_distinct'").fetchall()
    assert "join" not in query.lower()
    assert set(COLUMNS) == set(KEYS)


@few_cases
@given(several=st.lists(st.lists(st.sampled_from("ab"), min_size=1, max_size=5), min_size=1, max_size=3))
@pytest.mark.parametrize("kind", list(KEYS))
def test_of_several_rows_on_a_line_the_same_one_counts(
    con: DuckDBPyConnection, kind: Kind, several: list[list[str]]
) -> None:
    """Read for a tick or for a backtest, where they come after each other as they stand on the line."""
    keys = [key for line in several for key in line]
    numbers = iter(range(len(keys)))
    text = "\n".join(" ".join(row_on_line(kind, key, next(numbers)) for key in line) for line in several)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "given.ndjson"
        file.write_text(text, "utf-8")
        source = recognise(file, kind)
        stage(con, source, "staged", Limits())
        kept = deduplicated(con, placed(con, source, "staged"), kind)
        of_tick = con.sql(f"from {kept.relation}").pl()
        parts, repeated = distinct(
            read_canonical(Scratch(con, Path(folder), Limits()), file, kind, 0).parts, kind
        )
        of_backtest = pl.concat([part.scan().collect() for part in parts])
    expected = dict(reversed(list(zip(keys, map(str, range(len(keys))), strict=True))))
    if kind == "customers":
        expected = dict(zip(keys, map(str, range(len(keys))), strict=True))
    for found in (of_tick, of_backtest):
        assert (
            dict(found.select(KEYS[kind], "timezone" if kind == "customers" else "name").rows()) == expected
        )
    assert (repeated, kept.duplicates) == (len(keys) - len(expected), len(keys) - len(expected))


def row_on_line(kind: Kind, key: str, number: int) -> str:
    if kind == "customers":
        return json.dumps({"customer_id": key, "timezone": str(number)})
    event = {"event_id": key, "customer_id": "c", "type": "behavioral", "name": str(number)}
    return json.dumps(event | {"ts": "2026-03-01"})
