"""Columns of Parquet files of every type, at any depth, as expressions of their values' JSON text."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

INTEGERS = ("tinyint", "smallint", "integer", "bigint", "hugeint")
SCALARS = {
    **dict.fromkeys(("varchar", "uuid", "enum"), "json_string"),
    **dict.fromkeys((*INTEGERS, *(f"u{name}" for name in INTEGERS), "boolean", "null"), "json_literal"),
    **dict.fromkeys(("float", "double"), "json_float"),
    **dict.fromkeys(("time", "time_ns"), "json_time"),
    **dict.fromkeys(("timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"), "json_wall"),
    **dict.fromkeys(("timestamp with time zone", "timestamptz_ns"), "json_instant"),
    "date": "json_date",
    "decimal": "json_decimal",
    "blob": "json_bytes",
    "json": "json_itself",
}
IDS = {"float": "id_float", "double": "id_float", "decimal": "id_decimal"}
SECONDS = {"s": "1.0", "ms": "0.001", "us": "0.000001", "ns": "0.000000001"}
EXACT_DIGITS = 38


@dataclass(frozen=True)
class Stored:
    """A column, or what lies within one.

    Attributes:
        name: its name in the file.
        kind: DuckDB's type: one of `SCALARS`, `list`, `struct`, `map`, `duration`, or one that can't be used.
        shown: the type as the file's writer calls it.
        children: fields of a struct, the elements of a list, keys and values of a map.
        unit: that of a duration.
    """

    name: str
    kind: str
    shown: str
    children: tuple["Stored", ...] = ()
    unit: str = ""


def stored(name: str, kind: DuckDBPyType, arrow: pa.DataType) -> Stored:
    """A column from DuckDB's and Arrow's types of it; Arrow's knows durations, and names that differ in case only."""
    shown = str(arrow)
    if pa.types.is_duration(arrow):
        return Stored(name, "duration", shown, unit=arrow.unit)
    if pa.types.is_decimal(arrow) and arrow.precision > EXACT_DIGITS:
        return Stored(name, shown, shown)
    if kind.id not in ("struct", "list", "array", "map"):
        return Stored(name, "json" if str(kind) == "JSON" else kind.id, shown)
    pairs = zip(_children(kind), _arrow_children(arrow), strict=True)
    children = tuple(stored(field.name, child, field.type) for child, field in pairs)
    return Stored(name, "list" if kind.id == "array" else kind.id, shown, children)


def as_json(column: Stored, given: str, depth: int = 0) -> str:
    """The expression of a value's JSON text, null where the value is.

    Fields of a struct that are null are left out, at every depth; elements of lists and values of maps stay.

    Args:
        column: its type.
        given: the expression of the value.
        depth: in how many lists and maps it lies.
    """
    inner = f"e{depth}"
    match column.kind:
        case "struct":
            members = [(child.name, as_json(child, of, depth)) for child, of in _members(column, given)]
            return f"case when {given} is not null then {object_of(members)} end"
        case "list":
            element = f"coalesce({as_json(column.children[0], inner, depth + 1)}, 'null')"
            return f"'[' || {_each(given, inner, element)} || ']'"
        case "map":
            key, value = (as_json(child, of, depth + 1) for child, of in _members(column, inner))
            entry = f"json_key({key}) || ':' || coalesce({value}, 'null')"
            return f"'{{' || {_each(f'map_entries({given})', inner, entry)} || '}}'"
        case "duration":
            return f"json_seconds({given}, {SECONDS[column.unit]})"
    return f"{SCALARS[column.kind]}({given})"


def as_id(column: Stored, given: str) -> str:
    """The expression of an id's JSON text: whole numbers of every type and size are their integer."""
    return f"{IDS[column.kind]}({given})" if column.kind in IDS else as_json(column, given)


def object_of(members: Sequence[tuple[str, str]]) -> str:
    """The expression of an object's JSON text from names and expressions; nulls are left out."""
    keys = (json.dumps(name, ensure_ascii=False).replace("'", "''") for name, _ in members)
    parts = ", ".join(f"'{key}:' || {of}" for key, (_, of) in zip(keys, members, strict=True))
    return f"'{{' || concat_ws(',', {parts}) || '}}'"


def undecodable(column: Stored, given: str, depth: int = 0) -> str | None:
    """The condition that a value holds bytes that aren't UTF-8 text; None where none can be."""
    if column.kind == "blob":
        return f"is_undecodable({given})"
    inner = f"e{depth}" if column.kind in ("list", "map") else given
    within = zip(column.children, repeat(inner)) if column.kind == "list" else _members(column, inner)
    found = [undecodable(child, of, depth + (inner != given)) for child, of in within]
    condition = " or ".join(one for one in found if one) or None
    if condition is None or column.kind == "struct":
        return condition
    elements = given if column.kind == "list" else f"map_entries({given})"
    return f"len(list_filter({elements}, lambda {inner}: {condition})) > 0"


def unusable(column: Stored) -> Iterator[Stored]:
    """What lies within a column, or is it, and has a type that can't be used."""
    known = column.kind in SCALARS or column.kind in ("struct", "list", "map", "duration")
    if not known or (column.kind == "map" and column.children[0].children):
        yield column
    for child in column.children:
        yield from unusable(child)


def _children(kind: DuckDBPyType) -> list[DuckDBPyType]:
    return [child for _, child in kind.children if isinstance(child, DuckDBPyType)]


def _arrow_children(arrow: pa.DataType) -> list[pa.Field]:
    if pa.types.is_map(arrow):
        return [arrow.key_field, arrow.item_field]
    return [arrow.field(place) for place in range(arrow.num_fields)]


def _members(column: Stored, given: str) -> list[tuple[Stored, str]]:
    """The children of a struct or of a map's entry, and the expression of each."""
    return [(child, f"struct_extract_at({given}, {place})") for place, child in enumerate(column.children, 1)]


def _each(elements: str, inner: str, of: str) -> str:
    return f"array_to_string(list_transform({elements}, lambda {inner}: {of}), ',')"
