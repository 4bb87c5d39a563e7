"""Parquet files of one schema joined without reading their values: row groups copied, footers added up.

A footer is a struct in Thrift's compact protocol; its fields: https://parquet.apache.org/docs/file-format/metadata/
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"PAR1"
_TAIL = 8
"""Bytes after a footer: its length, and the magic word."""
_TRUE, _FALSE, _BYTE, _I64, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 6, 7, 8, 9, 10, 12
_LONG_LIST = 15
Struct = dict[int, tuple[int, Any]]
"""The fields of a struct by their numbers: each with its type and value."""

# Fields, by the struct that has them.
_ROWS, _ROW_GROUPS, _WRITERS_OWN = 3, 4, 5
_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET, _ORDINAL = 1, 3, 5, 7
_CHUNK_OFFSETS, _META_DATA = (2, 4, 6), 3
_PAGE_OFFSETS = (9, 10, 11, 14)


@dataclass
class JoinedParquet:
    """A Parquet file that others are appended to.

    Attributes:
        file: what is written to.
        footer: what all have in common, and the row groups so far; None before the first.
    """

    file: BinaryIO
    footer: Struct | None = None
    _groups: list[Struct] = field(default_factory=list)

    def append(self, part: Path) -> None:
        """Copy a file's row groups; its schema is that of those before."""
        with part.open("rb") as source:
            footer, size = _read_footer(source)
            if self.footer is None:
                # Without the writer's own schema readers see Parquet's plain types, not the layout the rows came in.
                self.footer = {number: field for number, field in footer.items() if number != _WRITERS_OWN}
                self.file.write(MAGIC)
            groups = [one for one in footer[_ROW_GROUPS][1][1] if one[_GROUP_ROWS][1]]
            if groups:
                moved = self.file.tell() - len(MAGIC)
                source.seek(len(MAGIC))
                shutil.copyfileobj(_Limited(source, size - len(MAGIC)), self.file, 2**20)
                self._groups += [_moved(one, moved) for one in groups]

    def finish(self) -> None:
        """Write the footer."""
        assert self.footer is not None, "a file without parts has no columns"
        rows = sum(one[_GROUP_ROWS][1] for one in self._groups)
        numbered = [
            one | {_ORDINAL: (4, place)} if _ORDINAL in one else one for place, one in enumerate(self._groups)
        ]
        kind, _ = self.footer[_ROW_GROUPS][1]
        footer = self.footer | {_ROWS: (_I64, rows), _ROW_GROUPS: (_LIST, (kind, numbered))}
        text = _struct_bytes(footer)
        self.file.write(text + len(text).to_bytes(4, "little") + MAGIC)


@dataclass
class _Limited:
    """So many bytes of a file."""

    source: BinaryIO
    left: int

    def read(self, size: int = 2**20) -> bytes:
        found = self.source.read(min(size, self.left))
        self.left -= len(found)
        return found


def _read_footer(source: BinaryIO) -> tuple[Struct, int]:
    """A file's footer, and where it begins."""
    end = source.seek(-_TAIL, 2)
    size = int.from_bytes(source.read(4), "little")
    source.seek(end - size)
    return _Reader(source.read(size)).struct(), end - size


def _moved(group: Struct, by: int) -> Struct:
    """A row group that lies so many bytes further on."""
    kind, chunks = group[_COLUMNS][1]
    return _shifted(group, (_GROUP_OFFSET,), by) | {
        _COLUMNS: (_LIST, (kind, [_moved_chunk(one, by) for one in chunks]))
    }


def _moved_chunk(chunk: Struct, by: int) -> Struct:
    kind, pages = chunk[_META_DATA]
    return _shifted(chunk, _CHUNK_OFFSETS, by) | {_META_DATA: (kind, _shifted(pages, _PAGE_OFFSETS, by))}


def _shifted(fields: Struct, offsets: Sequence[int], by: int) -> Struct:
    # 0 is where no offset was noted: before the magic word lies nothing.
    found = {number: fields[number] for number in offsets if number in fields and fields[number][1]}
    return fields | {number: (kind, value + by) for number, (kind, value) in found.items()}


class _Reader:
    """Values of Thrift's compact protocol, one after the other."""

    def __init__(self, text: bytes) -> None:
        self._text, self._at = text, 0

    def struct(self) -> Struct:
        fields: Struct = {}
        number = 0
        while head := self._octet():
            delta, kind = divmod(head, 16)
            number = number + delta if delta else self._zigzag()
            fields[number] = (kind, kind == _TRUE if kind in {_TRUE, _FALSE} else self._value(kind))
        return fields

    def _value(self, kind: int) -> Any:
        if kind in {_TRUE, _FALSE, _BYTE}:
            return self._octet()
        if kind < _DOUBLE:
            return self._zigzag()
        if kind in {_DOUBLE, _BINARY}:
            return self._bytes(8 if kind == _DOUBLE else self._varint())
        if kind in {_LIST, _SET}:
            size, inner = divmod(self._octet(), 16)
            size = self._varint() if size == _LONG_LIST else size
            return inner, [self._value(inner) for _ in range(size)]
        if kind == _STRUCT:
            return self.struct()
        raise ValueError(f"a Parquet footer has no values of Thrift's type {kind}")

    def _octet(self) -> int:
        self._at += 1
        return self._text[self._at - 1]

    def _bytes(self, size: int) -> bytes:
        self._at += size
        return self._text[self._at - size : self._at]

    def _varint(self) -> int:
        found = shift = 0
        while (octet := self._octet()) >= 0x80:
            found |= (octet & 0x7F) << shift
            shift += 7
        return found | octet << shift

    def _zigzag(self) -> int:
        found = self._varint()
        return found >> 1 ^ -(found & 1)


def _struct_bytes(fields: Struct) -> bytes:
    found, before = bytearray(), 0
    for number, (kind, value) in sorted(fields.items()):
        told = (_TRUE if value else _FALSE) if kind in {_TRUE, _FALSE} else kind
        delta = number - before
        found += bytes([delta << 4 | told]) if delta < _LONG_LIST else bytes([told]) + _zigzag_bytes(number)
        found += b"" if kind in {_TRUE, _FALSE} else _value_bytes(kind, value)
        before = number
    return bytes(found) + b"\0"


def _value_bytes(kind: int, value: Any) -> bytes:
    if kind in {_TRUE, _FALSE, _BYTE}:
        return bytes([value])
    if kind < _DOUBLE:
        return _zigzag_bytes(value)
    if kind in {_DOUBLE, _BINARY}:
        return bytes(value) if kind == _DOUBLE else _varint_bytes(len(value)) + value
    if kind == _STRUCT:
        return _struct_bytes(value)
    inner, values = value
    size = len(values)
    head = bytes([size << 4 | inner]) if size < _LONG_LIST else bytes([0xF0 | inner]) + _varint_bytes(size)
    return head + b"".join(_value_bytes(inner, one) for one in values)


def _varint_bytes(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(found) + bytes([value])


def _zigzag_bytes(value: int) -> bytes:
    return _varint_bytes((value << 1) ^ (value >> 63))
