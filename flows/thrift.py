"""Thrift's compact protocol, as far as a Parquet footer needs it: bytes ↔ nested values.

A struct is a dict of field number → (type, value), a list a pair (type of its elements, elements).
Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
Struct = dict[int, tuple[int, Any]]


def read_struct(data: bytes) -> Struct:
    """The struct that `data` holds.

    Raises:
        ValueError: it holds none.
    """
    try:
        found, _ = _read_struct(data, 0)
    except IndexError as error:
        raise ValueError("ends within a value") from error
    return found


def write_struct(struct: Struct) -> bytes:
    """The bytes of a struct."""
    out = bytearray()
    _write_struct(out, struct)
    return bytes(out)


def _read_struct(data: bytes, at: int) -> tuple[Struct, int]:
    found: Struct = {}
    field = 0
    while head := data[at]:
        at += 1
        kind = head & 15
        if head >> 4:
            field += head >> 4
        else:
            number, at = _read_varint(data, at)
            field = _unzigzag(number)
        if kind in (TRUE, FALSE):
            found[field] = kind, None
        else:
            value, at = _read_value(data, at, kind)
            found[field] = kind, value
    return found, at + 1


def _read_value(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    match kind:
        case 1 | 2 | 3:  # a byte; within lists booleans are one too
            return data[at], at + 1
        case 4 | 5 | 6:
            number, at = _read_varint(data, at)
            return _unzigzag(number), at
        case 7:
            return data[at : at + 8], at + 8
        case 8:
            length, at = _read_varint(data, at)
            return data[at : at + length], at + length
        case 9 | 10:
            return _read_list(data, at)
        case 12:
            return _read_struct(data, at)
    raise ValueError(f"type {kind} isn't known")


def _read_list(data: bytes, at: int) -> tuple[tuple[int, list[Any]], int]:
    head, at = data[at], at + 1
    length, kind = head >> 4, head & 15
    if length == 15:
        length, at = _read_varint(data, at)
    values = []
    for _ in range(length):
        value, at = _read_value(data, at, kind)
        values.append(value)
    return (kind, values), at


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte, at = data[at], at + 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7


def _unzigzag(number: int) -> int:
    return (number >> 1) ^ -(number & 1)


def _write_struct(out: bytearray, struct: Struct) -> None:
    before = 0
    for field, (kind, value) in struct.items():
        if 0 < field - before < 16:
            out.append((field - before) << 4 | kind)
        else:
            out.append(kind)
            _write_varint(out, _zigzag(field))
        before = field
        if kind not in (TRUE, FALSE):
            _write_value(out, kind, value)
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    match kind:
        case 1 | 2 | 3:
            out.append(value)
        case 4 | 5 | 6:
            _write_varint(out, _zigzag(value))
        case 7:
            out += value
        case 8:
            _write_varint(out, len(value))
            out += value
        case 9 | 10:
            _write_list(out, *value)
        case _:
            _write_struct(out, value)


def _write_list(out: bytearray, kind: int, values: list[Any]) -> None:
    if len(values) < 15:
        out.append(len(values) << 4 | kind)
    else:
        out.append(15 << 4 | kind)
        _write_varint(out, len(values))
    for value in values:
        _write_value(out, kind, value)


def _write_varint(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1
