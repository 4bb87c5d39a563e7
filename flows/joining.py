"""Parquet files of one schema → one file, without decoding a row: their row groups one after another.

Offsets in a footer count from the start of the file, so they are moved by where a part's bytes come to lie.
Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

import struct
from collections.abc import Sequence
from io import BufferedWriter
from pathlib import Path

from flows.files import aside_name, put_in_place
from flows.thrift import Struct, read_struct, write_struct

_MAGIC = b"PAR1"
_SCHEMA, _ROWS, _GROUPS = 2, 3, 4  # of the file
_COLUMNS, _GROUP_OFFSET, _ORDINAL = 1, 5, 7  # of a row group
_CHUNK_OFFSETS, _META = (2, 4, 6), 3  # of a column chunk: its own, those of its page indexes
_META_OFFSETS = (9, 10, 11, 14)  # of its data, index and dictionary pages, and bloom filter
_BLOCK = 16 * 1024**2


def join_files(parts: Sequence[Path], out: Path) -> int:
    """Write the rows of all parts, in their order, to `out`; it appears whole or not at all.

    Args:
        parts: at least one; of one schema, column encryption aside.
        out: the file.

    Returns:
        How many rows there are.

    Raises:
        ValueError: the parts' schemas differ.
    """
    aside = aside_name(out)
    with aside.open("wb") as file:
        file.write(_MAGIC)
        footers = [_append(file, part) for part in parts]
        footer = write_struct(_joined(footers))
        file.write(footer + struct.pack("<I", len(footer)) + _MAGIC)
    put_in_place(aside, out)
    return sum(one[_ROWS][1] for one in footers)


def _append(file: BufferedWriter, part: Path) -> Struct:
    """Copy a part's data; its footer, moved to where the data lies now."""
    with part.open("rb") as source:
        source.seek(-8, 2)
        end = source.tell()
        (length,) = struct.unpack("<I", source.read(4))
        source.seek(end - length)
        footer = read_struct(source.read(length))
        _move(footer, file.tell() - len(_MAGIC))
        source.seek(len(_MAGIC))
        left = end - length - len(_MAGIC)
        while left:
            block = source.read(min(left, _BLOCK))
            left -= file.write(block)
    return footer


def _move(footer: Struct, by: int) -> None:
    for group in footer[_GROUPS][1][1]:
        _add(group, _GROUP_OFFSET, by)
        for chunk in group[_COLUMNS][1][1]:
            for field in _CHUNK_OFFSETS:
                _add(chunk, field, by)
            for field in _META_OFFSETS:
                _add(chunk[_META][1], field, by)


def _add(fields: Struct, field: int, by: int) -> None:
    kind, value = fields.get(field, (0, 0))
    if value:  # 0 stands for none
        fields[field] = kind, value + by


def _joined(footers: Sequence[Struct]) -> Struct:
    first = footers[0]
    if any(one[_SCHEMA] != first[_SCHEMA] for one in footers):
        raise ValueError("the parts have different columns")
    groups = [group for one in footers for group in one[_GROUPS][1][1]]
    for number, group in enumerate(groups):
        if _ORDINAL in group:
            group[_ORDINAL] = group[_ORDINAL][0], number
    rows = first[_ROWS][0], sum(one[_ROWS][1] for one in footers)
    return first | {_ROWS: rows, _GROUPS: (first[_GROUPS][0], (first[_GROUPS][1][0], groups))}
