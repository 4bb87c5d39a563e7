"""The customers and events of cases → canonical rows, by way of the files that any source would deliver.

All cases are read together, which takes as long as reading one: whose a row is stands before its customer's id.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from duckdb import DuckDBPyConnection

from flows.buckets.partition import CUSTOMER_COLUMNS, EVENT_COLUMNS
from flows.errors import InputError
from flows.formats.canonical import Canonical, Scratch, read_canonical
from flows.formats.shapes import Kind
from flows.formats.ways import Ways
from flows.inbox.admission import suppressions_in
from flows.scenarios.cases import Case, customer_row, event_row
from flows.settings import Limits
from transforms.tables.frames import INSTANT, Schema

_SEED = {"events.ndjson": "seed"}
_COLUMNS: dict[Kind, Schema] = {"events": EVENT_COLUMNS, "customers": CUSTOMER_COLUMNS}


@dataclass(frozen=True)
class Staged:
    """The rows of all cases.

    Attributes:
        events: `partition.EVENT_COLUMNS`.
        customers: `partition.CUSTOMER_COLUMNS`.
        suppressions: what events say of being written to, as the state keeps it.
    """

    events: pl.DataFrame
    customers: pl.DataFrame
    suppressions: pl.DataFrame

    def of(self, numbers: Sequence[int]) -> "Staged":
        """The rows of some cases."""
        of_them = pl.col("customer_id").str.split("|").list.first().is_in([str(one) for one in numbers])
        return Staged(*(frame.filter(of_them) for frame in vars(self).values()))


def owner(number: int) -> str:
    """What stands before the ids of the customers of the case of this number."""
    return f"{number}|"


def stage_cases(con: DuckDBPyConnection, cases: Sequence[Case]) -> Staged:
    """Read the rows of all cases.

    Args:
        con: a connection in UTC.
        cases: whose ids then begin with `owner` of their number here.

    Raises:
        InputError: a customer or an event can't be read; with the place of each.
    """
    people = [
        (number, name, customer_row(name, person))
        for number, case in enumerate(cases)
        for name, person in case.customers.items()
    ]
    events = [(number, i) for number, case in enumerate(cases) for i, _ in enumerate(case.times)]
    with TemporaryDirectory(prefix="onward-test-") as folder:
        scratch = Scratch(con, Path(folder), Limits(), Ways(shapes=_SEED))
        rows = (_owned(number, row) for number, _, row in people)
        customers = _read(scratch, "customers", rows)
        told = (_event(number, i, cases[number]) for number, i in events)
        happened = _read(scratch, "events", told)
        faults = [
            *(
                cases[people[line][0]].fault(why, "customers", people[line][1])
                for line, why in _bad(customers)
            ),
            *(cases[events[line][0]].fault(why, "events", events[line][1]) for line, why in _bad(happened)),
        ]
        if faults:
            raise InputError("\n".join([*faults, f"faults: {len(faults)}; no test was run"]))
        given, people_there = _rows(happened, "events"), _rows(customers, "customers")
        return Staged(given, people_there, suppressions_in(given, _emails(people_there)))


def _emails(customers: pl.DataFrame) -> pl.DataFrame:
    """`frames.ATTRIBUTES`: the addresses of customers."""
    there = customers.filter(pl.col("email").is_not_null())
    told = pl.Series([json.dumps(one) for one in there["email"]], dtype=pl.String)
    return there.select("customer_id", attribute=pl.lit("email"), value=told, set_at=pl.lit(None, INSTANT))


def _owned(number: int, row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "customer_id": f"{owner(number)}{row['customer_id']}"}


def _event(number: int, index: int, case: Case) -> dict[str, Any]:
    """An event with an id that keeps events of one instant in the order of the file."""
    return {**_owned(number, event_row(case, index)), "event_id": f"test-{number:06}-{index:06}"}


def _read(scratch: Scratch, kind: Kind, rows: Iterator[dict[str, Any]]) -> Canonical:
    file = scratch.folder / f"{kind}.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_canonical(scratch, file, kind, 0)


def _rows(read: Canonical, kind: Kind) -> pl.DataFrame:
    empty = pl.DataFrame(schema=_COLUMNS[kind])
    return pl.concat([empty, *(part.scan().select(*_COLUMNS[kind]).collect() for part in read.parts)])


def _bad(read: Canonical) -> Iterator[tuple[int, str]]:
    """The rows that can't be read, from 0, each with the reason."""
    for file in read.quarantine:
        for line, reason in pl.read_parquet(file).select("line", "reason").iter_rows():
            yield line - 1, reason
