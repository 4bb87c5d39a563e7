"""Where documents lie: every id finds its own, nobody else's, and its bucket stays, however hashes collide."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.settings import Settings
from flows.store.opening import open_store
from flows.store.placing import keys_of, place, placed_at
from flows.store.state_file import StateFile
from flows.store.store import Store

IDS = st.text(min_size=1, max_size=3).filter(lambda one: one.isprintable()) | st.sampled_from("abcdefghij")
EDGES = (0, 2**48 - 1, -1, -(2**48), 2**63 - 1, -(2**63), 5 * 2**48 + 7)
"""Keys at the ends of buckets, where the next one is the bucket's first."""
COLLIDING = (
    "k3hxz5rjcui1lxy9cne9p63p0atsboojajcl277lwq4-p45.o08rxdm_wygsmzxi",
    "4_fkz4k5cui1lxy9cne9p63p0atsboojulyvogf.wq4-p45.o08rxdm_wygsmzxi",
)
"""Two ids with one XXH64 (seed 0): of 64 bytes its first lane sees 0–7 and 32–39 alone, so any other first word is made
good by the second: y' = y + (acc(x) - acc(x')) / P2 modulo 2^64, tried until all its bytes were letters and digits."""


def few(monkeypatch: pytest.MonkeyPatch, keys: tuple[int, ...]) -> None:
    """Let all ids have one of these hashes."""

    def of_few(customers: pl.Series) -> pl.Series:
        return pl.Series("id", [keys[sum(map(ord, one)) % len(keys)] for one in customers], dtype=pl.Int64)

    monkeypatch.setattr("flows.store.placing.keys_of", of_few)


def bucket_of(key: int) -> int:
    return key >> 48


def visit(store: Store, customers: list[str]) -> None:
    """Bring some in at once, as customers who came once more."""
    store.bring_in(pl.Series(customers, dtype=pl.String))
    con = store.con
    con.execute(
        "create or replace temp table here as select unnest($1::varchar[]) as customer_id", [customers]
    )
    con.execute(
        "insert into profiles select customer_id, null, true, true from here anti join profiles using (customer_id)"
    )
    con.execute(
        "insert into tags select customer_id, 'n' || count(*) from tags semi join here using (customer_id) group by 1"
    )
    con.execute(
        "insert into tags select distinct customer_id, 'n0' from here "
        "where customer_id not in (select customer_id from tags)"
    )


def documents(state: StateFile) -> dict[str, tuple[int, list[str]]]:
    """Of every customer: where the document lies, and its tags."""
    rows = state.query("select customer_id, key, doc from customers")
    return {customer_id: (key, json.loads(doc)["tags"]["tag"]) for customer_id, key, doc in rows}


PARTS = st.lists(st.lists(IDS, min_size=1, max_size=6, unique=True), min_size=1, max_size=3)


@settings(max_examples=settings().max_examples // 2)
@given(
    ticks=st.lists(PARTS, min_size=1, max_size=4),
    keys=st.sampled_from([EDGES[:1], EDGES[1:2], EDGES[:3], EDGES]),
)
def test_every_id_keeps_its_own_document(ticks: list[list[list[str]]], keys: tuple[int, ...]) -> None:
    """Customers come in several parts of a tick, and in several ticks."""
    visits: dict[str, int] = {}
    places: dict[str, int] = {}
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        few(patch, keys)
        with open_store(Settings(data_dir=Path(folder))) as store:
            for parts in ticks:
                with store.transaction():
                    for some in parts:
                        visit(store, some)
                        for one in some:
                            visits[one] = visits.get(one, 0) + 1
                found = documents(store.state)
                assert {one: len(tags) for one, (_, tags) in found.items()} == visits
                assert places.items() <= {one: key for one, (key, _) in found.items()}.items(), (
                    "a document has moved"
                )
                places = {one: key for one, (key, _) in found.items()}
                assert len(set(places.values())) == len(places)
                assert {one: bucket_of(key) for one, key in places.items()} == {
                    one: bucket_of(keys[sum(map(ord, one)) % len(keys)]) for one in places
                }


@given(st.lists(IDS, min_size=1, max_size=30, unique=True))
def test_ids_without_collisions_lie_under_their_hash(ids: list[str]) -> None:
    with TemporaryDirectory() as folder, StateFile(Path(folder) / "state.sqlite") as state:
        asked = pl.Series(ids, dtype=pl.String)
        placed = place(state, asked).sort("customer_id")
        assert placed["key"].to_list() == keys_of(asked.sort()).to_list()
        assert placed["doc"].null_count() == len(ids)
        known = [(key, one, "{}") for one, key in placed.select("customer_id", "key").iter_rows()][::2]
        state.write("insert into customers values (?, ?, ?)", known)
        again = place(state, asked).sort("customer_id")
        assert again.drop("doc").equals(placed.drop("doc"))
        assert again.filter(pl.col("doc").is_not_null())["customer_id"].to_list() == [
            one for _, one, _ in known
        ]
        assert set(placed_at(state, placed["key"].to_list())["customer_id"]) == {one for _, one, _ in known}


def test_nobody_has_no_place(tmp_path: Path) -> None:
    with StateFile(tmp_path / "state.sqlite") as state:
        assert place(state, pl.Series([], dtype=pl.String)).is_empty()
        assert placed_at(state, []).is_empty()


def test_these_two_ids_collide() -> None:
    first, second = keys_of(pl.Series(COLLIDING)).to_list()
    assert first == second
