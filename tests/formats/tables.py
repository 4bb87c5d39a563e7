"""Random tables with columns of every type Parquet has, and what each value is in JSON, said in plain Python."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

Spelled = Callable[[Any], Any]
EPOCH = datetime(1970, 1, 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@dataclass(frozen=True)
class Typed:
    """A type with its values, and what a value that isn't null is in JSON."""

    arrow: pa.DataType
    values: st.SearchStrategy[Any]
    spelled: Spelled

    def said(self, value: Any) -> Any:
        """A value in a list or a map, where a null stays."""
        return None if value is None else self.spelled(value)

    @property
    def nullable(self) -> st.SearchStrategy[Any]:
        """Its values and null."""
        return st.none() | self.values


def _same(value: Any) -> Any:
    return value


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _exact(value: Decimal) -> int | Decimal:
    """Whole numbers as such: JSON knows them exactly, fractions as doubles."""
    return int(value) if value == value.to_integral_value() else value


def _clock(value: time) -> str:
    return _cut(value.isoformat())


def _cut(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _integers() -> list[Typed]:
    kinds = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
    return [Typed(kind, st.integers(*_span(kind)), _same) for kind in kinds]


def _span(kind: pa.DataType) -> tuple[int, int]:
    bits = kind.bit_width
    return (
        (0, 2**bits - 1) if pa.types.is_unsigned_integer(kind) else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )


def _floats() -> list[Typed]:
    kinds = {16: pa.float16(), 32: pa.float32(), 64: pa.float64()}
    return [Typed(kind, st.floats(width=width), _number) for width, kind in kinds.items()]


_EXACT = Context(prec=40)
"""The context by default rounds to 28 digits, up to a number that has one digit more than there is room for."""


def _decimals() -> list[Typed]:
    sizes = ((9, 2), (18, 0), (38, 10), (38, 0))
    return [
        Typed(
            pa.decimal128(digits, places),
            st.integers(-(10**digits) + 1, 10**digits - 1).map(
                lambda n, p=places: Decimal(n).scaleb(-p, _EXACT)
            ),
            _exact,
        )
        for digits, places in sizes
    ]


def _texts() -> list[Typed]:
    texts = (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()))
    some = [Typed(kind, TEXT, _same) for kind in texts]
    kinds = (pa.binary(), pa.large_binary(), pa.binary_view())
    return some + [Typed(kind, TEXT.map(str.encode), bytes.decode) for kind in kinds]


def _instant(unit: str, zone: str | None) -> Typed:
    """Timestamps, given as whole numbers of their unit, so that parts below a microsecond are there too."""
    parts = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]

    def spelled(given: int) -> str:
        text = (EPOCH + timedelta(microseconds=given * 10**6 // parts)).isoformat()
        return _cut(text) + ("Z" if zone else "")

    span = [int((at - EPOCH).total_seconds()) * parts for at in (datetime(1900, 1, 1), datetime(2200, 1, 1))]
    return Typed(pa.timestamp(unit, zone), st.integers(*span), spelled)


def _duration(unit: str) -> Typed:
    parts = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    values = st.integers(-(2**63) + 1, 2**63 - 1)
    return Typed(pa.duration(unit), values, lambda given: _exact(Decimal(given) / parts))


SCALARS = [
    *_integers(), *_floats(), *_decimals(), *_texts(),
    Typed(pa.bool_(), st.booleans(), _same),
    Typed(pa.date32(), st.dates(date(1, 1, 1)), date.isoformat),
    Typed(pa.date64(), st.dates(date(1, 1, 1)), date.isoformat),
    Typed(pa.time32("ms"), st.times().map(lambda t: t.replace(microsecond=t.microsecond // 1000 * 1000)), _clock),
    Typed(pa.time64("us"), st.times(), _clock),
    *(_instant(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "Europe/Berlin")),
    *map(_duration, ("s", "ms", "us", "ns")),
]  # fmt: skip


def _list_of(inner: Typed) -> Typed:
    return Typed(
        pa.list_(inner.arrow), st.lists(inner.nullable, max_size=3), lambda some: list(map(inner.said, some))
    )


def _pair_of(inner: Typed) -> Typed:
    pairs = st.lists(inner.nullable, min_size=2, max_size=2)
    return Typed(pa.list_(inner.arrow, 2), pairs, lambda some: list(map(inner.said, some)))


def _map_of(inner: Typed) -> Typed:
    entries = st.dictionaries(TEXT, inner.nullable, max_size=3).map(lambda found: list(found.items()))
    return Typed(
        pa.map_(pa.string(), inner.arrow), entries, lambda some: {key: inner.said(one) for key, one in some}
    )


def _struct_of(fields: dict[str, Typed]) -> Typed:
    values = st.fixed_dictionaries({name: one.nullable for name, one in fields.items()})
    kind = pa.struct([(name, one.arrow) for name, one in fields.items()])
    return Typed(kind, values, lambda value: spelled_row(fields, value))


def spelled_row(fields: dict[str, Typed], row: dict[str, Any]) -> dict[str, Any]:
    """A row as an object: nulls are absent."""
    return {name: one.spelled(row[name]) for name, one in fields.items() if row[name] is not None}


def _nested(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    structs = st.dictionaries(NAMES, inner, min_size=1, max_size=3).map(_struct_of)
    return st.one_of(inner.map(_list_of), inner.map(_pair_of), inner.map(_map_of), structs)


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=4)
# Arrow can't write views within other types.
NESTABLE = [one for one in SCALARS if not str(one.arrow).endswith("_view")]
TYPES = st.sampled_from(SCALARS) | st.recursive(st.sampled_from(NESTABLE), _nested, max_leaves=4)


@dataclass(frozen=True)
class Table:
    """Rows of some columns, for Parquet, and as objects of JSON."""

    columns: dict[str, Typed]
    rows: list[dict[str, Any]]

    def arrow(self, **more: pa.Array) -> pa.Table:
        """The table, with further columns."""
        given = {
            name: pa.array([row[name] for row in self.rows], one.arrow) for name, one in self.columns.items()
        }
        return pa.table({**more, **given})

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Each row as an object."""
        return [spelled_row(self.columns, row) for row in self.rows]


@st.composite
def tables(draw: st.DrawFn, taken: frozenset[str]) -> Table:
    """Tables of up to five columns, none of which has a name that is `taken`."""
    names = NAMES.filter(lambda name: name.lower() not in taken)
    columns = draw(st.dictionaries(names, TYPES, min_size=1, max_size=5))
    row = st.fixed_dictionaries({name: one.nullable for name, one in columns.items()})
    return Table(columns, draw(st.lists(row, min_size=1, max_size=3)))


def to_json(value: Any) -> str:
    """JSON text, decimals digit by digit."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{to_json(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value)
