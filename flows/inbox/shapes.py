"""Input files: what a file is (format, compression, shape), read from its content; bounded decompression.

A shape is how a file writes an event: `canonical` (semantics.md §4), `seed` or `segment` (contract.md).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from flows.errors import InputError
from flows.inbox.headers import Header, as_known, headers
from flows.inbox.parquet_schema import arrow_schema
from transforms.tables.frames import CANONICAL_CUSTOMERS, CANONICAL_EVENTS

Kind = Literal["events", "customers"]
Format = Literal["parquet", "ndjson", "csv"]
Compression = Literal["none", "gzip", "zstd"]

SHAPES: dict[Kind, tuple[str, ...]] = {
    "events": ("canonical", "seed", "segment"),
    "customers": ("canonical",),
}
ALLOWED_SHAPES: dict[Kind, str] = {
    "events": "canonical (customer_id, ts, type, name, …), seed (event_type, customer_id, action | "
    "changed_attribute | source | trigger_time, timestamp, …) or segment (messageId, userId | anonymousId, "
    "timestamp, type or event, properties, …)",
    "customers": "canonical (customer_id, email, created_at, attributes, tags, timezone)",
}
KNOWN: dict[tuple[Kind, str], tuple[str, ...]] = {
    ("customers", "canonical"): tuple(CANONICAL_CUSTOMERS),
    ("events", "canonical"): tuple(CANONICAL_EVENTS),
    ("events", "seed"): (
        *("event_id", "customer_id", "timestamp", "event_type", "action", "changed_attribute", "source"),
        *("trigger_time", "attributes", "received_at"),
    ),
}
"""The columns of a shape that are known under other spellings too."""
SAMPLE_LINES = 100
SAMPLE_BYTES = 4 * 1024**2
SEGMENT_IDS = {"messageId", "message_id", "userId", "user_id", "anonymousId", "anonymous_id", "event_text"}
SEGMENT_TIMES = {"timestamp", "originalTimestamp", "original_timestamp"}


@dataclass(frozen=True)
class Source:
    """One input file and how it is to be read; `columns` are those of the file, or of its first lines.

    Attributes:
        delimiter: what stands between the cells of a CSV file.
        header_records: how many of its records are header.
        notes: what people should know of how it is read, one sentence each.
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


class Bytes:
    """The decompressed bytes of a file, never more than `limit`.

    Reading raises InputError for a damaged or truncated file, and for one that decompresses to more.
    """

    def __init__(self, path: Path, compression: Compression, limit: int) -> None:
        self.path, self.limit, self.count = path, limit, 0
        raw = pa.OSFile(str(path), "rb")
        self._stream = raw if compression == "none" else pa.CompressedInputStream(raw, compression)
        self._compression = compression

    def read(self, size: int) -> bytes:
        """The next `size` bytes at most; none at the end."""
        try:
            block: bytes = self._stream.read(size)
        except OSError as error:
            raise InputError(
                f"{self.path}: can't be decompressed ({self._compression}: {error}); the file is damaged or "
                "incomplete. Nothing of it was loaded: deliver it again, whole"
            ) from error
        self.count += len(block)
        if self.count > self.limit:
            raise InputError(
                f"{self.path}: holds more than {self.limit:,} bytes decompressed, the limit. "
                "Nothing of it was loaded: split it, or raise limits.decompressed_bytes in the settings"
            )
        return block


def recognise(path: Path, kind: Kind, shape: str | None = None) -> Source:
    """Say what the file at `path` is, from its first bytes, its name and its columns.

    Args:
        path: A Parquet, NDJSON or CSV file, the latter two perhaps compressed (gzip, zstd).
        kind: What it holds.
        shape: How it writes events, where recognition would be wrong.

    Returns:
        The source, to be given to `flows.inbox.staging.stage`. An empty text file is a source without rows.

    Raises:
        InputError: no such file, a folder, truncated, not UTF-8 text, or of no known shape.
    """
    if shape is not None and shape not in SHAPES[kind]:
        raise InputError(f"{path}: no shape {shape!r} for {kind}; allowed: {ALLOWED_SHAPES[kind]}")
    _check_is_file(path)
    compression = _compression(path)
    if compression == "none" and _is_parquet(path):
        columns = tuple(arrow_schema(path).names)
        return Source(path, kind, "parquet", "none", shape or _shape(path, kind, columns), columns)
    text = _sample(path, compression)
    lines = list(islice((line.strip() for line in text.split("\n") if line.strip()), SAMPLE_LINES))
    if not lines:
        return Source(path, kind, "ndjson", compression, shape or "canonical")
    if _is_csv(path, lines[0]):
        return _csv(path, kind, compression, shape, text)
    if lines[0].startswith("["):
        raise InputError(
            f"{path}: starts with '[', a JSON array; allowed: one JSON object per line (NDJSON). "
            "Convert it, for instance with `jq -c '.[]'`"
        )
    columns = tuple(_object_keys(lines))
    return Source(path, kind, "ndjson", compression, shape or _shape(path, kind, columns), columns)


def _check_is_file(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path}: no such file; allowed: a Parquet, NDJSON or CSV file")
    if not path.is_file():
        raise InputError(f"{path}: not a file; name the Parquet, NDJSON or CSV files in it one by one")
    if not path.stat().st_size and path.suffix in (".parquet", ".gz", ".zst"):
        raise InputError(f"{path}: is empty, which no {path.suffix} file can be; deliver it again, whole")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _compression(path: Path) -> Compression:
    head = _head(path)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    if path.suffix in (".gz", ".zst") and head:
        raise InputError(
            f"{path}: is no {path.suffix} file (its first bytes are {head!r}); rename or redo it"
        )
    return "none"


def _is_parquet(path: Path) -> bool:
    return _head(path) in (b"PAR1", b"PARE") or path.suffix == ".parquet"


def _sample(path: Path, compression: Compression) -> str:
    """The first text of the file."""
    return _decoded(path, Bytes(path, compression, SAMPLE_BYTES).read(SAMPLE_BYTES))


def _decoded(path: Path, data: bytes) -> str:
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")
    if (
        data.startswith((b"\xff\xfe", b"\xfe\xff"))
        or text.count("\0") + text.count("\ufffd") > len(text) // 4
    ):
        raise InputError(
            f"{path}: is neither Parquet nor UTF-8 text (it starts with {data[:8]!r}); "
            "allowed: Parquet, NDJSON, CSV (UTF-8, perhaps .gz or .zst). Convert it"
        )
    return text


def _is_csv(path: Path, first: str) -> bool:
    suffixes = path.suffixes
    if any(suffix in (".ndjson", ".jsonl", ".json") for suffix in suffixes):
        return False
    return ".csv" in suffixes or not first.startswith(("{", "["))


def _csv(path: Path, kind: Kind, compression: Compression, shape: str | None, text: str) -> Source:
    """A CSV file, read with the delimiter that makes its header known, or most columns of it."""
    header = max(headers(text), key=lambda one: (_known(kind, one.names) is not None, len(one.names)))
    shape = shape or _known(kind, header.names) or _shape(path, kind, header.names)
    names = as_known(header.names, KNOWN.get((kind, shape), ()))
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise InputError(f"{path}: has the columns {', '.join(twice)} more than once; name each differently")
    return Source(
        path,
        kind,
        "csv",
        compression,
        shape,
        names,
        header.delimiter,
        header.records,
        _notes(path, header, names),
    )


def _notes(path: Path, header: Header, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"{path.name}: the column {given!r} is read as {name!r}"
        for given, name in zip(header.names, names, strict=True)
        if given != name
    )


def _object_keys(lines: Iterable[str]) -> Iterator[str]:
    """The keys of the objects among the lines, each once, in order of appearance."""
    yield from dict.fromkeys(key for line in lines for key in _object(line))


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _known(kind: Kind, columns: tuple[str, ...]) -> str | None:
    """The shape of a CSV file with these columns, perhaps under another spelling."""
    spellings = ((shape, as_known(columns, KNOWN.get((kind, shape), ()))) for shape in SHAPES[kind])
    return _recognised(kind, columns) or next(
        (shape for shape, names in spellings if _recognised(kind, names) == shape), None
    )


def _recognised(kind: Kind, columns: tuple[str, ...]) -> str | None:
    """The shape of a file with exactly these columns."""
    found = set(columns)
    if kind == "customers":
        return "canonical" if "customer_id" in found else None
    if {"customer_id", "ts", "type"} <= found:
        return "canonical"
    if {"customer_id", "event_type", "timestamp"} <= found:
        return "seed"
    return "segment" if found & SEGMENT_IDS and found & SEGMENT_TIMES else None


def _shape(path: Path, kind: Kind, columns: tuple[str, ...]) -> str:
    if found := _recognised(kind, columns):
        return found
    raise InputError(
        f"{path}: not recognised as {kind}; found the columns {', '.join(columns) or '(none)'}; "
        f"allowed: {ALLOWED_SHAPES[kind]}. Rename the columns, or name the file's shape in the settings "
        "(shapes)"
    )
