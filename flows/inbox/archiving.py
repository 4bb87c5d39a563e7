"""Files of the inbox → batches in the archive: good rows, and bad rows with their reason; the state stays as it is."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.files import printable
from flows.formats.canonical import check_canonical
from flows.formats.duplicates import Distinct, deduplicated
from flows.formats.shapes import Kind, Source
from flows.formats.staging import placed, stage
from flows.formats.together import Text, read_text, stage_together
from flows.formats.ways import Ways
from flows.inbox.arrivals import WaitingFile, readable
from flows.inbox.ordered import in_order
from flows.inbox.seen_ids import SeenIds
from flows.settings import Settings
from flows.store.archive import SEMANTICS, Batch, archive_folder
from flows.store.state_file import StateFile
from flows.store.store import Store
from flows.warehouse import (
    assign,
    count,
    literal,
    make_view,
    one_file,
    quoted,
    read_sql,
    run,
    run_sql,
    sql_text,
    write_rows,
)
from transforms.timing.durations import spoken

ALONE = "staged_file"
TOGETHER = "staged_texts"
STAGED = "staged"
JUDGED = "judged"
SMALL_BYTES = 256 * 1024
SMALL_TEXT = 4 * 1024**2  # decompressed


@dataclass(frozen=True)
class Small:
    """A small JSON file that was read."""

    file: WaitingFile
    content: str
    source: Source
    text: Text

    @property
    def size(self) -> int:
        """How many bytes it holds."""
        return len(self.text) if isinstance(self.text, bytes) else int(self.text.nbytes)


def small_bytes(file: WaitingFile) -> bytes | None:
    """The bytes of a small file; None of any other."""
    if file.size > SMALL_BYTES:
        return None
    with file.path.open("rb", buffering=0) as data:
        held = data.read(SMALL_BYTES + 1)
    return held if len(held) <= SMALL_BYTES else None


def read_small(settings: Settings, file: WaitingFile, content: str, held: bytes) -> Small | None:
    """A file of these bytes to be archived together with others; None where it can't be.

    Raises:
        InputError: the file as a whole can't be loaded.
    """
    with readable(file.path) as path:
        source = Ways.of(settings).recognise(path, file.kind, file.path.name, held)
        together = source.format not in ("parquet", "csv")
        text = read_text(source, held, settings.limits, SMALL_TEXT) if together else None
    return None if text is None else Small(file, content, source, text)


def archive_file(
    store: Store, seen: SeenIds, file: WaitingFile, content: str, now: datetime
) -> tuple[Batch, tuple[str, ...]]:
    """Write a file's good rows and bad rows to the archive, as the next batch.

    Args:
        store: the store.
        seen: the ids of earlier events.
        file: what to archive.
        content: the hash of its content.
        now: when it is loaded.

    Returns:
        The batch, and what people should know of how the file was read.

    Raises:
        InputError: the file as a whole can't be loaded.
    """
    con, number = store.con, _next_batch(store.state)
    _limit_time(store, now)
    with readable(file.path) as path:
        source = Ways.of(store.settings).recognise(path, file.kind, file.path.name)
        source = replace(source, types={**_types(store, file.kind), **source.types})
        staged = stage(con, source, ALONE, store.settings.limits)
        shown = literal(printable(str(file.path)))
        marks = f"{number} as batch_id, {shown} as file"
        make_view(con, STAGED, f"select {marks}, * from {placed(con, source, ALONE)}")
        distinct = _judged(store, seen, file.kind)
        archived = _write(store, file.kind, distinct, number)
        bad = _quarantine(store, number)
    earliest, latest = _span(con, archived) if file.kind == "events" else (None, None)
    batch = replace(
        _batch(number, file, content, source, archived, now),
        rows=staged.rows, duplicates=distinct.duplicates, quarantined=bad, earliest=earliest, latest=latest,
        text_columns=list(staged.text_columns),
        anonymous=count(con, f"(select * from {quoted(distinct.relation)} where anonymous)"),
    )  # fmt: skip
    return batch, source.notes


def archive_together(store: Store, seen: SeenIds, texts: Sequence[Small], now: datetime) -> list[list[Batch]]:
    """Write the rows of small files of one kind to the archive: one Parquet file for as many as may lie together.

    Returns:
        The batches of each Parquet file, a batch for each of the small ones, in order.
    """
    con, kind = store.con, texts[0].file.kind
    _limit_time(store, now)
    stage_together(con, [(one.source, one.text) for one in texts], TOGETHER, store.settings.limits)
    assign(con, "varchar[]", portion_files=[printable(str(one.file.path)) for one in texts])
    parts = _without_repeats(con, len(texts)) if kind == "customers" else [(0, len(texts) - 1)]
    number, found = _next_batch(store.state), list[list[Batch]]()
    for first, last in parts:
        assign(con, "bigint", portion_batch=number, portion_from=first, portion_to=last)
        found.append(_archive_part(store, seen, texts[first : last + 1], number, now))
        # The number after a customer file's is that of the changes it makes.
        number += last - first + (2 if kind == "customers" else 1)
    return found


def _without_repeats(con: DuckDBPyConnection, number: int) -> Iterator[tuple[int, int]]:
    """The staged portion of `number` customer files cut so that no part has a customer in two of its files.

    Each file is a state that follows the one before: only such files are one change.

    Yields:
        The first and the last file of each part, in order.
    """
    first = 0
    for later, earlier in run_sql(con, "inbox/intake/portion_repeats.sql").fetchall():
        if earlier >= first:
            yield first, later - 1
            first = later
    yield first, number - 1


def _archive_part(
    store: Store, seen: SeenIds, texts: Sequence[Small], number: int, now: datetime
) -> list[Batch]:
    run_sql(store.con, "inbox/intake/portion.sql")
    kind = texts[0].file.kind
    archived = _write(store, kind, _judged(store, seen, kind), number)
    _quarantine(store, number)
    counts = read_sql(store.con, "inbox/intake/portion_counts.sql").rows_by_key(
        "batch_id", named=True, unique=True
    )
    return [
        replace(
            _batch(number + place, one.file, one.content, one.source, archived, now),
            **counts.get(number + place, {}),
        )
        for place, one in enumerate(texts)
    ]


def _batch(
    number: int, file: WaitingFile, content: str, source: Source, archived: Path, now: datetime
) -> Batch:
    return Batch(
        batch_id=number, kind=file.kind, file=printable(file.path.name), content_hash=content, shape=source.shape,
        rows=0, duplicates=0, quarantined=0, loaded_at=now, archive=archived.name, latest=None,
        semantics=SEMANTICS,
    )  # fmt: skip


def _judged(store: Store, seen: SeenIds, kind: Kind) -> Distinct:
    """Make the view `judged` of what is staged; its good rows that count."""
    con = store.con
    if kind == "customers":
        make_view(con, JUDGED, f"select *, null::timestamptz as ts, false as anonymous from {STAGED}")
        return deduplicated(con, JUDGED, kind)
    run_sql(con, "inbox/intake/judged.sql")
    ids = read_sql(con, "inbox/intake/event_ids.sql").to_series()
    return deduplicated(con, JUDGED, kind, pl.concat([seen.among(ids), _seen_by_older_ids(con, seen)]))


def _seen_by_older_ids(con: DuckDBPyConnection, seen: SeenIds) -> pl.Series:
    """The ids of events that came before as older rules derived ids: delivered again they don't act again."""
    both = read_sql(con, "inbox/intake/event_older_ids.sql")
    came = seen.among(both["older_id"]) if len(both) else both["older_id"]
    return both.filter(pl.col("older_id").is_in(came.implode()))["event_id"]


def _limit_time(store: Store, now: datetime) -> None:
    """Rows too far in the future are bad ones too (semantics.md §4): let staging know from when on."""
    con, most = store.con, store.settings.max_future
    assign(con, "timestamptz", future_limit=now + most)
    assign(con, "varchar", future_most=spoken(most))


def _write(store: Store, kind: Kind, distinct: Distinct, number: int) -> Path:
    archived = archive_folder(store.settings) / kind / f"{number:08d}.parquet"
    write_rows(store.con, in_order(store.con, kind, distinct.relation), archived)
    check_canonical(kind, archived)
    return archived


def _quarantine(store: Store, number: int) -> int:
    """Archive the bad rows of what is judged; how many there are."""
    file = archive_folder(store.settings) / "quarantine" / f"{number:08d}.parquet"
    file.unlink(missing_ok=True)
    query = sql_text("inbox/archive/quarantine.sql")
    if bad := count(store.con, f"({query})"):
        write_rows(store.con, query, file)
    return bad


def _next_batch(state: StateFile) -> int:
    ((number,),) = state.rows("inbox/intake/next_batch.sql")
    return int(number)


def _span(con: DuckDBPyConnection, file: Path) -> tuple[datetime | None, datetime | None]:
    """The first and the last instant of a batch's events."""
    query, params = sql_text("inbox/intake/span.sql"), {"file": one_file(file)}
    ((first, last),) = run(con, query, file=str(file), step="read its times", params=params).fetchall()
    return first, last


def _types(store: Store, kind: Kind) -> dict[str, str]:
    """The types of CSV columns that the settings don't name: what was text once is text."""
    texts = store.state.rows("inbox/intake/text_columns.sql", kind=kind)
    return {name: "text" for (names,) in texts for name in json.loads(names)}
