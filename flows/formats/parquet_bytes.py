"""Parquet files whose text isn't all UTF-8: as bytes, whose rows are judged one by one."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from flows.formats.shapes import Source

BYTES = {
    pa.string(): pa.binary(),
    pa.large_string(): pa.large_binary(),
    pa.string_view(): pa.binary_view(),
}


@contextmanager
def in_bytes(source: Source) -> Generator[Source]:
    """The same rows in a temporary file in which text is bytes: DuckDB refuses a column for one text that is none.

    Raises:
        ArrowException, OSError: it can't be read or written.
    """
    with TemporaryDirectory(prefix="onward-bytes-") as folder:
        copy = Path(folder) / "rows.parquet"
        with pq.ParquetFile(source.path) as file:
            schema = pa.schema([_bytes(field) for field in file.schema_arrow])
            with pq.ParquetWriter(copy, schema) as writer:
                for batch in file.iter_batches():
                    writer.write_table(pa.Table.from_batches([batch]).cast(schema))
        yield replace(source, path=copy)


def _bytes(field: pa.Field) -> pa.Field:
    return field.with_type(_type(field.type))


def _type(kind: pa.DataType) -> pa.DataType:
    """The type with bytes for text, at any depth."""
    if pa.types.is_dictionary(kind):
        return _type(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([_bytes(field) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_type(kind.key_type), _type(kind.item_type))
    if pa.types.is_large_list(kind):
        return pa.large_list(_bytes(kind.value_field))
    if pa.types.is_list(kind):
        return pa.list_(_bytes(kind.value_field))
    return BYTES.get(kind, kind)
