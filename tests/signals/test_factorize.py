"""Texts as numbers and rows in order: the fast ways equal the obvious ones."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from transforms.columns.arrays import order_by, sorted_by
from transforms.columns.factorize import factorize, index_in

TEXTS = st.none() | st.integers(0, 200).map(str) | st.text()
FAR = st.integers(-(2**62), 2**62)
ROWS = st.lists(st.tuples(st.integers(-3, 3), FAR | st.integers(0, 5), st.booleans()))


def series(texts: list[str | None]) -> pl.Series:
    return pl.Series("id", texts, dtype=pl.String)


@given(st.lists(TEXTS, max_size=300))
def test_every_text_has_a_number_of_its_own(texts: list[str | None]) -> None:
    distinct, numbers = factorize(series(texts))
    assert sorted(distinct, key=repr) == sorted(set(texts), key=repr)
    assert distinct.gather(numbers).to_list() == texts


@given(st.lists(TEXTS, max_size=300), st.lists(TEXTS, max_size=300, unique=True))
def test_index_in_is_where_texts_stand(texts: list[str | None], among: list[str | None]) -> None:
    place = {text: number for number, text in enumerate(among)}
    assert index_in(series(texts), series(among)).tolist() == [place.get(text, -1) for text in texts]


def test_many_texts_that_meet_in_the_table_are_told_apart() -> None:
    texts = pl.select(pl.int_range(200_000).cast(pl.String)).to_series()
    shuffled = texts.sample(fraction=1, shuffle=True, seed=1)
    distinct, numbers = factorize(pl.concat([texts, shuffled]))
    assert len(distinct) == len(texts)
    assert distinct.gather(numbers).equals(pl.concat([texts, shuffled]))
    assert texts.gather(index_in(shuffled, texts)).equals(shuffled)


@given(ROWS)
def test_rows_in_order_with_the_ends_of_groups(rows: list[tuple[int, int, bool]]) -> None:
    kinds = zip((np.int64, np.int64, np.bool_), range(3), strict=True)
    keys = [np.array([row[place] for row in rows], kind) for kind, place in kinds]
    found = sorted_by(*keys)
    ordered = sorted(rows)
    assert [rows[number] for number in found.order] == ordered
    assert [rows[number] for number in order_by(*keys)] == ordered
    ends = [place for place, row in enumerate(ordered) if ordered[place + 1 : place + 2] != [row]]
    assert found.last.tolist() == ends
    assert list(zip(*(key.tolist() for key in found.keys), strict=True)) == [ordered[place] for place in ends]
