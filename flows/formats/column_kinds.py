"""Types of CSV columns: one for the whole column, not for a cell; what was text once, or is set to be, stays text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pyarrow as pa
from duckdb import DuckDBPyConnection

from flows.formats.records import record_blocks
from flows.formats.shapes import KNOWN, Source
from flows.settings import Limits
from flows.warehouse import assign, run_sql, shown

KEPT_BYTES = 32 * 1024**2
SEGMENT = {
    *("messageId", "message_id", "id", "userId", "user_id", "anonymousId", "anonymous_id"),
    *("timestamp", "originalTimestamp", "original_timestamp", "receivedAt", "received_at"),
    *("type", "event", "event_text", "name", "properties", "traits", "context"),
}


class Records:
    """The blocks of a CSV file, to be gone through more than once; a small file is read once only."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source, self._limits = source, limits
        self._kept: list[pa.Table] | None = None

    def __iter__(self) -> Iterator[pa.Table]:
        if self._kept is not None:
            yield from self._kept
            return
        kept, size = list[pa.Table](), 0
        data = self._source.bytes(self._limits.decompressed_bytes)
        for block in record_blocks(data, self._source, self._limits.line_bytes):
            size += block.nbytes
            kept = [*kept, block] if size <= KEPT_BYTES else []
            yield block
        self._kept = kept if size <= KEPT_BYTES else None


def set_kinds(con: DuckDBPyConnection, source: Source, texts: Iterable[str] = ()) -> None:
    """Let `sql/formats/staging/csv.sql` know how to read each column: `text`, `number`, or `cell`, by each cell."""
    kinds = dict.fromkeys(source.columns, "cell") | dict(source.types) | dict.fromkeys(texts, "text")
    kinds |= dict.fromkeys(_known(source), "text")
    assign(con, "varchar[]", staging_kinds=[kinds[name] for name in source.columns])


def text_columns(con: DuckDBPyConnection, source: Source, records: Records) -> tuple[str, ...]:
    """The columns without a set type whose cells aren't all numbers, all true or false, or all objects and lists."""
    settled = {"", *_known(source), *source.types}
    open_ = {place for place, name in enumerate(source.columns, start=1) if name not in settled}
    kinds = defaultdict[int, set[str]](set)
    for block in records if open_ else ():
        assign(con, "bigint[]", staging_undecided=sorted(open_))
        with shown(con, staging_block=block):
            for place, kind in run_sql(con, "formats/staging/kinds.sql").fetchall():
                kinds[place].add(kind)
        open_ -= {place for place, found in kinds.items() if _is_text(found)}
        if not open_:
            break
    return tuple(source.columns[place - 1] for place, found in sorted(kinds.items()) if _is_text(found))


def _is_text(kinds: set[str]) -> bool:
    return "text" in kinds or len(kinds) > 1


def _known(source: Source) -> Iterable[str]:
    """The columns whose meaning, not their cells, says how they are read."""
    return SEGMENT if source.shape == "segment" else KNOWN[source.kind, source.shape]
