"""Any table loads to the same rows from Parquet and NDJSON; the values of the one are those of the other."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import given
from hypothesis import strategies as st

from flows.formats.shapes import Kind, recognise
from flows.formats.staging import stage
from flows.settings import Limits
from flows.warehouse import connect
from tests.effort import few_cases
from tests.formats.tables import Table, tables, to_json
from transforms.tables.frames import CANONICAL_CUSTOMERS, CANONICAL_EVENTS

TAKEN = frozenset({"file_row_number", *CANONICAL_EVENTS, *CANONICAL_CUSTOMERS})
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def con() -> Iterator[DuckDBPyConnection]:
    with connect() as con:
        yield con


def known(kind: Kind, rows: int) -> dict[str, list[Any]]:
    """The columns that every table has, their values fit for both formats."""
    ids = {"customer_id": [f"c{number}" for number in range(rows)]}
    if kind == "customers":
        return ids
    return ids | {"ts": [AT.isoformat()] * rows, "type": ["behavioral"] * rows, "name": ["go"] * rows}


def written(folder: Path, kind: Kind, table: Table) -> tuple[Path, Path]:
    """The table as Parquet and as NDJSON."""
    columns = known(kind, len(table.rows))
    parquet, ndjson = folder / "t.parquet", folder / "t.ndjson"
    pq.write_table(table.arrow(**{name: pa.array(values) for name, values in columns.items()}), parquet)
    rows = [{name: values[number] for name, values in columns.items()} for number in range(len(table.rows))]
    lines = [to_json(row | own) for row, own in zip(rows, table.objects, strict=True)]
    ndjson.write_text("".join(f"{line}\n" for line in lines))
    return parquet, ndjson


def loaded(con: DuckDBPyConnection, path: Path, kind: Kind) -> list[tuple[Any, ...]]:
    """The rows as loaded: the reason if there is one, the id, and the object that own columns go to."""
    stage(con, recognise(path, kind), "t", Limits())
    columns = "event_id, properties" if kind == "events" else "customer_id, attributes"
    return con.execute(f"select reason, {columns} from t order by line").fetchall()


@few_cases
@given(kind=st.sampled_from(["events", "customers"]), table=tables(TAKEN))
def test_parquet_of_any_types_loads_as_ndjson_does(con: DuckDBPyConnection, kind: Kind, table: Table) -> None:
    folder = Path(mkdtemp())
    parquet, ndjson = (loaded(con, path, kind) for path in written(folder, kind, table))
    rmtree(folder)
    assert [reason for reason, *_ in parquet] == [None] * len(table.rows)
    found, expected = ([(*row[:2], json.loads(row[2])) for row in rows] for rows in (parquet, ndjson))
    assert found == expected
    assert [own for *_, own in found] == [json.loads(to_json(own)) for own in table.objects]


DRAW = random.Random(9)
FLOATS = [DRAW.choice((-1, 1)) * float(round(10 ** DRAW.uniform(0, 300))) for _ in range(200)]
SMALL = [float(pa.scalar(round(10 ** DRAW.uniform(0, 38)) * 1.0, pa.float32()).as_py()) for _ in range(200)]
IDS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "float64": (pa.float64(), FLOATS),
    "float32": (pa.float32(), SMALL),
    "int64": (pa.int64(), [DRAW.randrange(-(2**63), 2**63) for _ in range(200)]),
    "uint64": (pa.uint64(), [DRAW.randrange(2**64) for _ in range(200)]),
    "decimal": (pa.decimal128(38, 0), [DRAW.randrange(10**38) for _ in range(200)]),
}


@pytest.mark.parametrize(("arrow", "ids"), IDS.values(), ids=IDS)
def test_a_whole_number_is_one_id_in_every_format(
    con: DuckDBPyConnection, tmp_path: Path, arrow: pa.DataType, ids: list[Any]
) -> None:
    pq.write_table(pa.table({"customer_id": pa.array(ids, arrow)}), tmp_path / "t.parquet")
    (tmp_path / "t.ndjson").write_text("".join(json.dumps({"customer_id": one}) + "\n" for one in ids))
    found = [
        [one for _, one, _ in loaded(con, tmp_path / f"t.{end}", "customers")]
        for end in ("parquet", "ndjson")
    ]
    assert found == [[str(int(one)) for one in ids]] * 2
