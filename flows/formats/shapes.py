"""Input files: what a file is (format, compression, shape), read from its content; bounded decompression.

A shape is how a file writes an event: `canonical` (semantics.md §4), `seed` or `segment` (contract.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Literal

from flows.errors import InputError
from flows.formats.decompressed import Bytes, Compression
from flows.formats.encodings import check_encoding, text_of
from flows.formats.headers import Header, as_known, headers
from flows.formats.json_heads import first_values, goes_by_lines, keys_of
from flows.formats.parquet_schema import arrow_schema
from flows.formats.wording import listed
from transforms.tables.frames import CANONICAL_CUSTOMERS, CANONICAL_EVENTS, OUTCOMES

Kind = Literal["events", "customers", "outcomes"]
Format = Literal["parquet", "ndjson", "json", "csv"]
"""`json` is any text of JSON objects that don't stand on lines of their own."""

SHAPES: dict[Kind, tuple[str, ...]] = {
    "events": ("canonical", "seed", "segment"),
    "customers": ("canonical",),
    "outcomes": ("canonical",),
}
ALLOWED_SHAPES: dict[Kind, str] = {
    "events": "canonical (customer_id, ts, type, name, …), seed (event_type, customer_id, action | "
    "changed_attribute | source | trigger_time, timestamp, …) or segment (messageId, userId | anonymousId, "
    "timestamp, type or event, properties, …)",
    "customers": "canonical (customer_id, email, created_at, attributes, tags, timezone)",
    "outcomes": "canonical (customer_id, group, outcome, and perhaps value, before)",
}
KNOWN: dict[tuple[Kind, str], tuple[str, ...]] = {
    ("customers", "canonical"): tuple(CANONICAL_CUSTOMERS),
    ("outcomes", "canonical"): tuple(OUTCOMES),
    ("events", "canonical"): tuple(CANONICAL_EVENTS),
    ("events", "seed"): (
        *("event_id", "customer_id", "timestamp", "event_type", "action", "changed_attribute", "source"),
        *("trigger_time", "attributes", "received_at"),
    ),
}
"""The columns of a shape that are known under other spellings too."""
OUTCOMES_NEED = {"customer_id", "group", "outcome"}
SAMPLE_LINES = 100
SAMPLE_BYTES = 4 * 1024**2
SAMPLES = 16
LINE = re.compile(r"\S[^\n]*")
SHAPES_KEPT = 128
"""So many headers are remembered with their shapes: small files are many of one kind."""
SEGMENT_IDS = {"messageId", "message_id", "userId", "user_id", "anonymousId", "anonymous_id", "event_text"}
SEGMENT_TIMES = {"timestamp", "originalTimestamp", "original_timestamp"}


@dataclass(frozen=True)
class Source:
    """One input file and how it is to be read; `columns` are those of the file, or of its first lines.

    Attributes:
        delimiter: what stands between the cells of a CSV file.
        header_records: how many of its records are header.
        notes: what people should know of how it is read, one sentence each.
        types: of columns of a CSV file whose type doesn't depend on their cells: `text`, `number`, `boolean`, `json`.
        encoding: of a text file, where it isn't UTF-8.
    """

    path: Path
    kind: Kind
    format: Format
    compression: Compression
    shape: str
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    header_records: int = 1
    notes: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None

    def bytes(self, limit: int, held: bytes | None = None) -> Bytes:
        """Its decompressed bytes, as UTF-8, never more than `limit`; `held` are those on disk, if they were read."""
        return Bytes(self.path, self.compression, limit, self.encoding, held)


def recognise(
    path: Path, kind: Kind, shape: str | None = None, encoding: str | None = None, held: bytes | None = None
) -> Source:
    """Say what the file at `path` is, from its first bytes, its name and its columns.

    Args:
        path: A Parquet, NDJSON or CSV file, the latter two perhaps compressed (gzip, zstd).
        kind: What it holds.
        shape: How it writes events, where recognition would be wrong.
        encoding: Of a text file, where it isn't UTF-8.
        held: All bytes of the file, if they were read; the file isn't opened then.

    Returns:
        The source, to be given to `flows.formats.staging.stage`. An empty text file is a source without rows.

    Raises:
        InputError: no such file, a folder, truncated, not UTF-8 text, or of no known shape.
    """
    if shape is not None and shape not in SHAPES[kind]:
        raise InputError(f"{path}: no shape {shape!r} for {kind}; allowed: {ALLOWED_SHAPES[kind]}")
    head = _head(path) if held is None else held[:4]
    compression = _compression(path, head)
    if compression == "none" and _is_parquet(path, head):
        columns = tuple(arrow_schema(path).names)
        return Source(path, kind, "parquet", "none", shape or _shape(path, kind, columns), columns)
    data = Bytes(path, compression, SAMPLE_BYTES * SAMPLES, encoding, held)
    text = _sample(data)
    lines = _lines(text)
    if not lines:
        return Source(path, kind, "ndjson", compression, shape or "canonical")
    read = _csv if _is_csv(path, lines[0]) else _json
    found = read(path, kind, compression, shape, text, data)
    return replace(found, encoding=encoding) if encoding else found


def _head(path: Path) -> bytes:
    if not path.exists():
        raise InputError(f"{path}: no such file; allowed: a Parquet, NDJSON or CSV file")
    if not path.is_file():
        raise InputError(f"{path}: not a file; name the Parquet, NDJSON or CSV files in it one by one")
    with path.open("rb") as file:
        return file.read(4)


def _compression(path: Path, head: bytes) -> Compression:
    if not head and path.suffix in (".parquet", ".gz", ".zst"):
        raise InputError(f"{path}: is empty, which no {path.suffix} file can be; deliver it again, whole")
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    if path.suffix in (".gz", ".zst") and head:
        raise InputError(
            f"{path}: is no {path.suffix} file (its first bytes are {head!r}); rename or redo it"
        )
    return "none"


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, or says that it is."""
    return _is_parquet(path, _head(path))


def _is_parquet(path: Path, head: bytes) -> bool:
    return head in (b"PAR1", b"PARE") or path.suffix == ".parquet"


def _sample(data: Bytes) -> str:
    """The first text of a file."""
    first = data.read(SAMPLE_BYTES)
    check_encoding(data.path, first)
    return text_of(data.path, first)


def _is_csv(path: Path, first: str) -> bool:
    suffixes = path.suffixes
    if any(suffix in (".ndjson", ".jsonl", ".json") for suffix in suffixes):
        return False
    return ".csv" in suffixes or not first.startswith(("{", "["))


def _csv(
    path: Path, kind: Kind, compression: Compression, shape: str | None, text: str, _data: Bytes
) -> Source:
    """A CSV file, read with the delimiter that makes its header known, or most columns of it."""
    header = max(headers(text), key=lambda one: (_known(kind, one.names) is not None, len(one.names)))
    known = shape or _known(kind, header.names) or ""
    names = as_known(header.names, KNOWN.get((kind, known), ()))
    shape = shape or _shape(path, kind, names)
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise InputError(f"{path}: has the columns {listed(twice)} more than once; name each differently")
    return Source(
        path,
        kind,
        "csv",
        compression,
        shape,
        names,
        header.delimiter,
        header.records,
        _notes(header, names),
    )


def _notes(header: Header, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"the column {given!r} is read as {name!r}"
        for given, name in zip(header.names, names, strict=True)
        if given != name
    )


def _json(
    path: Path, kind: Kind, compression: Compression, shape: str | None, text: str, data: Bytes
) -> Source:
    """A file of JSON objects; where the first ones say no shape, later ones may."""
    by_lines = goes_by_lines(text, _lines(text))
    columns, sample = tuple[str, ...](), text
    for _ in range(SAMPLES - 1):
        found = keys_of(_lines(sample, "{") if by_lines else first_values(sample, SAMPLE_LINES))
        columns = tuple(dict.fromkeys([*columns, *found]))
        if shape or _recognised(kind, columns):
            break
        sample = text_of(path, data.read(SAMPLE_BYTES))
        if not sample:
            break
    if not (shape or columns):
        raise InputError(
            f"{path}: holds no JSON object that can be read (it begins with {text.strip()[:40]!r}); allowed: "
            "JSON objects, one a line, one after the other or in an array. Deliver it again, whole"
        )
    return Source(
        path,
        kind,
        "ndjson" if by_lines else "json",
        compression,
        shape or _shape(path, kind, columns),
        columns,
    )


def _lines(text: str, begin: str = "") -> list[str]:
    """The first lines that aren't blank, of those that begin so."""
    lines = (line.group().rstrip() for line in LINE.finditer(text))
    return list(islice((line for line in lines if line.startswith(begin)), SAMPLE_LINES))


@lru_cache(maxsize=SHAPES_KEPT)
def _known(kind: Kind, columns: tuple[str, ...]) -> str | None:
    """The shape of a CSV file with these columns, perhaps under another spelling."""
    spellings = ((shape, as_known(columns, KNOWN.get((kind, shape), ()))) for shape in SHAPES[kind])
    return _recognised(kind, columns) or next(
        (shape for shape, names in spellings if _recognised(kind, names) == shape), None
    )


@lru_cache(maxsize=SHAPES_KEPT)
def _recognised(kind: Kind, columns: tuple[str, ...]) -> str | None:
    """The shape of a file with exactly these columns."""
    found = set(columns)
    if kind == "outcomes":
        return "canonical" if found >= OUTCOMES_NEED else None
    if kind == "customers":
        return "canonical" if "customer_id" in found else None
    if {"customer_id", "ts", "type"} <= found:
        return "canonical"
    if {"customer_id", "event_type", "timestamp"} <= found:
        return "seed"
    return "segment" if found & SEGMENT_IDS and found & SEGMENT_TIMES else None


def _shape(path: Path, kind: Kind, columns: tuple[str, ...]) -> str:
    """The shape of a file with these columns.

    Raises:
        InputError: none is known, or what it holds belongs elsewhere.
    """
    shape, other = _recognised(kind, columns), _other_kind(kind, columns)
    if other:
        raise InputError(
            f"{path}: holds {other}, but lies among {kind}: it has the columns {listed(columns)}. Move it to "
            f"inbox/{other}/, or give it as --{other} to a backtest"
        )
    if shape:
        return shape
    if kind == "outcomes":
        raise InputError(f"{path}: {_lacking(columns)}")
    raise InputError(
        f"{path}: not recognised as {kind}; found the columns {listed(columns) or '(none)'}; "
        f"allowed: {ALLOWED_SHAPES[kind]}. Rename the columns, or name the file's shape in the settings "
        "(shapes)"
    )


def _lacking(columns: tuple[str, ...]) -> str:
    """Which columns of an experiment a file lacks, and what they may be called in it."""
    missing = [name for name in OUTCOMES if name in OUTCOMES_NEED and name not in columns]
    others = [name for name in columns if name not in OUTCOMES]
    near = [(name, there) for name in missing for there in get_close_matches(name, others, n=1)]
    renamed = "".join(f"; did you mean {there!r} for {name}? Rename it" for name, there in near)
    return (
        f"lacks {'the column' if len(missing) == 1 else 'the columns'} {', '.join(missing)}; found: "
        f"{listed(columns) or '(none)'}; needed: customer_id, group, outcome, and perhaps value and before{renamed}"
    )


@lru_cache(maxsize=SHAPES_KEPT)
def _other_kind(kind: Kind, columns: tuple[str, ...]) -> Kind | None:
    """What the file holds instead, as its columns say plainly."""
    if kind == "outcomes":
        return None
    if kind == "customers":
        return "events" if _known("events", columns) else None
    spelt = as_known(columns, CANONICAL_CUSTOMERS)
    people = {"email", "created_at", "tags", "timezone"} & set(spelt)
    return "customers" if "customer_id" in spelt and people and not _known("events", columns) else None
