"""A Parquet file whose text isn't all UTF-8 loses none but the rows concerned, and these not either."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.formats.canonical import Scratch, read_canonical
from flows.formats.shapes import recognise
from flows.formats.staging import Staged, stage
from flows.settings import Limits
from flows.warehouse import connect

ROWS = 5
BAD = 2


def texts(kind: pa.DataType) -> pa.Array:
    """Five texts, the third of which isn't UTF-8, as a careless writer says they were."""
    given = pa.array([b"go", b"go", b"g\xffo", b"go", b"go"], pa.binary())
    large = pa.types.is_large_string(kind)
    given = given.cast(pa.large_binary() if large else pa.binary())
    return pa.Array.from_buffers(kind, ROWS, given.buffers())


def nested(found: pa.Array) -> pa.Array:
    places = pa.array(range(ROWS + 1), pa.int32())
    listed = pa.ListArray.from_arrays(places, found)
    keyed = pa.MapArray.from_arrays(places, pa.array(["k"] * ROWS), found)
    return pa.StructArray.from_arrays([listed, keyed], ["list", "map"])


def written(path: Path, name: pa.Array, extra: pa.Array | None, *, coded: bool) -> None:
    columns = {
        "event_id": [f"e{number}" for number in range(ROWS)],
        "customer_id": ["ann"] * ROWS,
        "ts": pa.array([datetime(2026, 3, 1, tzinfo=UTC)] * ROWS, pa.timestamp("us", "UTC")),
        "type": ["behavioral"] * ROWS,
        "name": name,
        "value": pa.nulls(ROWS, pa.float64()),
        "properties": ["{}"] * ROWS,
    }
    further = {} if extra is None else {"extra": extra}
    pq.write_table(pa.table(columns | further), path, use_dictionary=coded)


@pytest.mark.parametrize("coded", [True, False])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
@pytest.mark.parametrize("depth", [0, 1])
def test_text_that_is_none_concerns_its_row_only(
    tmp_path: Path, coded: bool, kind: pa.DataType, depth: int
) -> None:
    path, bad = tmp_path / "events.parquet", texts(kind)
    good = pa.array(["go"] * ROWS)
    written(path, good if depth else bad, nested(bad) if depth else None, coded=coded)
    with connect() as con:
        assert stage(con, recognise(path, "events"), "t", Limits()) == Staged(ROWS, ROWS - 1, 1)
        found = con.sql("select line, reason, row from t where reason is not null").fetchall()
        read = read_canonical(Scratch(con, tmp_path, Limits()), path, "events", 0)
    ((line, reason, row),) = found
    assert (line, reason) == (BAD + 1, "encoding")
    assert '"event_id":"e2"' in row
    assert "xFF" in row
    assert (read.good, read.bad) == (ROWS - 1, 1)
