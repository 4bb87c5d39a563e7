"""Blocks of lines, records or values → a table of DuckDB, by one statement that reads them as `staging_block`."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection, InvalidInputException

from flows.formats.blocks import values_apart
from flows.warehouse import add_rows, assign, make_table, quoted, shown, sql_text

Put = Callable[[DuckDBPyConnection, str, str], None]
"""A way to put a query's rows into a table: of a connection, the table's name and the query."""


def put_blocks(
    con: DuckDBPyConnection, table: str, query: str, blocks: Iterable[pa.Table], put: Put = make_table
) -> None:
    """Put what a query makes of blocks into a table.

    Raises:
        InputError: a block can't be read.
    """
    stream = Stream(blocks)
    with shown(con, staging_block=stream):
        put(con, table, query)
    stream.close()


def put_lines(
    con: DuckDBPyConnection, table: str, query: str, blocks: Callable[[], Iterable[pa.Table]]
) -> None:
    """Make a table of what a query makes of an NDJSON file's lines, in their order; several values on one each apart.

    Nearly all files hold nothing but JSON, and are read as if they did. Where that fails, which aborts a transaction
    the caller has open, they are read again, each line tried. Several values are looked for on lines that aren't JSON
    as a whole: to look at all takes as long as to read them.

    Raises:
        InputError: a block can't be read.
    """
    if _are_json(con, table, query, blocks()):
        return
    put_blocks(con, table, query, blocks())
    several = con.execute(sql_text("formats/staging/several.sql"), {"staged": table}).fetchnumpy()["line"]
    if several.size:
        con.execute(
            f"delete from {quoted(table)} where line in (select unnest($lines))", {"lines": several.tolist()}
        )
        put_blocks(con, table, query, values_apart(blocks(), np.asarray(several)), add_rows)
        make_table(con, table, f"from {quoted(table)} order by line, rowid")


def _are_json(con: DuckDBPyConnection, table: str, query: str, blocks: Iterable[pa.Table]) -> bool:
    """Put lines into a table, if all are JSON."""
    assign(con, "boolean", staging_tries=False)
    try:
        put_blocks(con, table, query, blocks)
    except InvalidInputException:
        return False
    finally:
        assign(con, "boolean", staging_tries=True)
    return True


class Stream:
    """Blocks as one stream of Arrow's, so that a file takes one statement: to plan it takes as long as 20,000 lines."""

    def __init__(self, blocks: Iterable[pa.Table]) -> None:
        """Read the first block.

        Raises:
            InputError: it can't be read.
        """
        rest = iter(blocks)
        first = next(rest)
        self._schema = first.schema
        self._fault: BaseException | None = None
        self._batches = self._batches_of(chain([first], rest))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """What hasn't been read yet; whoever asks for the columns alone reads nothing."""
        return pa.RecordBatchReader.from_batches(self._schema, self._batches).__arrow_c_stream__()

    def close(self) -> None:
        """Say whether all could be read: a fault ends the stream, because DuckDB would abort the caller's transaction.

        Raises:
            InputError: a block couldn't be read.
        """
        if self._fault:
            raise self._fault

    def _batches_of(self, blocks: Iterable[pa.Table]) -> Iterator[pa.RecordBatch]:
        try:
            for block in blocks:
                yield from block.to_batches()
        except BaseException as fault:
            self._fault = fault
