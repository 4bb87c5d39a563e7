"""A customer's rows as one document and back: nothing is lost, and equal rows are equal documents."""

import random
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.store.documents import GROUPS, PROFILES, TABLES, WINDOW_AMOUNTS, pack, unpack
from transforms.tables.frames import INSTANT, Schema

LONG = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    [
        "",
        "null",
        '"',
        "\\",
        '{"a": [1, null]}',
        "\0",
        "\u2028",
        "\ud7ff",
        "\U0001f600",
        "a" * 2000,
        "0",
        "NaN",
        "'",
    ]
)
INSTANTS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
"""Microseconds since 1970: years 1 to 9999."""
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    pl.String: TEXTS,
    pl.Int64: LONG,
    pl.Boolean: st.booleans(),
    INSTANT: INSTANTS,
}
IDS = TEXTS.filter(bool)
Rows = dict[str, pl.DataFrame]


def values(kind: Any) -> st.SearchStrategy[Any]:
    return st.none() | VALUES[kind]


def frame_of(rows: list[dict[str, Any]], columns: Schema) -> pl.DataFrame:
    plain = {name: pl.Int64 if kind == INSTANT else kind for name, kind in columns.items()}
    found = pl.DataFrame(rows, schema=plain, orient="row")
    return found.select(pl.col(name).cast(kind) for name, kind in columns.items())


def row_of(columns: Schema, customers: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    inner = {name: values(kind) for name, kind in columns.items() if name != "customer_id"}
    return st.fixed_dictionaries({"customer_id": customers, **inner})


@st.composite
def tables(draw: st.DrawFn) -> Rows:
    """The rows of some customers, by table; others have none of some kinds, or none at all."""
    ids = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    rows = draw(st.tuples(*(row_of(PROFILES, st.just(one)) for one in ids)))
    found = {"profiles": frame_of(list(rows), PROFILES)}
    for name, (columns, _) in GROUPS.items():
        found[name] = frame_of(draw(st.lists(row_of(columns, st.sampled_from(ids)), max_size=5)), columns)
    numbers = st.lists(st.tuples(st.integers(0, 2**31 - 1), LONG), max_size=3)
    having = draw(st.lists(st.sampled_from(ids), unique=True))
    pairs = [(one, draw(numbers)) for one in having]
    lists = [(one, [key for key, _ in some], [amount for _, amount in some]) for one, some in pairs]
    return found | {"window_amounts": pl.DataFrame(lists, schema=WINDOW_AMOUNTS, orient="row")}


def settled(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows in an order of their own."""
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    return frame.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join(",")).sort(frame.columns)


@given(tables(), st.integers(0, 9))
def test_what_was_packed_is_unpacked(found: Rows, sets: int) -> None:
    packed = pack(found, sets)
    assert sorted(packed["customer_id"]) == sorted(found["profiles"]["customer_id"])
    again = unpack(packed)
    assert again.pop("sets")["sets"].to_list() == [sets] * len(packed)
    assert set(again) == set(TABLES)
    for name, columns in TABLES.items():
        assert again[name].schema == pl.Schema(columns), name
        assert settled(again[name]).equals(settled(found[name].select(*columns))), name


@given(tables(), st.randoms(use_true_random=False))
def test_equal_rows_in_another_order_are_the_equal_document(found: Rows, chance: random.Random) -> None:
    def mixed(frame: pl.DataFrame) -> pl.DataFrame:
        order = list(range(len(frame)))
        chance.shuffle(order)
        return frame[order]

    others = {name: mixed(frame) for name, frame in found.items()}
    documents = [pack(one, 3).sort("customer_id") for one in (found, others)]
    for name, (columns, order) in GROUPS.items():
        if found[name].select("customer_id", *order).is_duplicated().any():
            return  # such rows are not told apart, and don't occur
        assert "customer_id" in columns
    assert documents[0].equals(documents[1])


@given(tables())
def test_a_document_is_one_of_its_customer_alone(found: Rows) -> None:
    whole = dict(pack(found, 1).iter_rows())
    for customer_id, document in whole.items():
        alone = {name: frame.filter(pl.col("customer_id") == customer_id) for name, frame in found.items()}
        assert pack(alone, 1).rows() == [(customer_id, document)]


@given(tables())
def test_an_unpacked_document_packs_to_itself(found: Rows) -> None:
    packed = pack(found, 2).sort("customer_id")
    assert pack(unpack(packed), 2).sort("customer_id").equals(packed)


def test_nobody_is_no_document() -> None:
    nothing = {name: pl.DataFrame(schema=columns) for name, columns in TABLES.items()}
    assert pack(nothing, 0).schema == pl.Schema({"customer_id": pl.String, "doc": pl.String})
    assert pack(nothing, 0).is_empty()


@pytest.mark.parametrize(
    "at", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)]
)
def test_instants_are_kept_to_the_microsecond(at: datetime) -> None:
    nothing = {name: pl.DataFrame(schema=columns) for name, columns in TABLES.items()}
    profiles = pl.DataFrame([("ann", at, True, None)], schema=PROFILES, orient="row")
    ((_, created_at, known, from_file),) = unpack(pack({**nothing, "profiles": profiles}, 0))[
        "profiles"
    ].rows()
    assert (created_at, known, from_file) == (at, True, None)


def test_a_document_of_before_a_column_was_there_is_read_without_it() -> None:
    """`entries` had no version and no properties before 0.4."""
    old = '{"entries":{"workflow_id":["a","b"],"entered_at":[1,2]},"sets":0}'
    new = '{"entries":{"workflow_id":["c"],"version":["v"],"entered_at":[3],"properties":["{}"]},"sets":0}'
    found = unpack(pl.DataFrame({"customer_id": ["ann", "bob"], "doc": [old, new]}))["entries"]
    assert found.drop("entered_at").rows() == [
        ("a", None, "ann", None),
        ("b", None, "ann", None),
        ("c", "v", "bob", "{}"),
    ]
