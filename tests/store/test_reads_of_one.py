"""Which files and row groups of a compacted store `onward explain` reads: those of the customer's key, no others.

All others are made unreadable, so that whoever reads one fails.
"""

from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from flows.backtest.archive import history_of_store, lay_out_archive
from flows.buckets.partition import key_of
from flows.errors import OnwardError
from flows.history import writing
from flows.reports.explain import explain_customer
from flows.store import compact as compacting
from flows.store.compact import compact
from flows.store.ledger import CLOSED, OWNED, LedgerFile, ledger_folder, named_files
from flows.store.opening import open_store
from flows.store.placing import keys_of
from tests.kills import moved
from tests.runs import House, house, person
from tests.semantics.cases import at, event, tag, trigger, wait, workflow
from tests.store.test_reads import batches, make_unreadable

CROWD = [f"c{number:04d}" for number in range(3000)]
WHO = "c1234"
GROUP = 2048
"""Rows, the fewest that DuckDB lets a row group have."""


@pytest.fixture(scope="module")
def compacted(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house with rows of every kind that a customer may have, in several files and row groups each."""
    home = house(
        tmp_path_factory.mktemp("compacted"),
        workflow(tag("a"), tag("b"), goal=trigger("buy"), workflow_id="short"),
        workflow(tag("a"), wait("30d"), tag("b"), workflow_id="long", on="buy"),
    )
    home.customers("people", *map(person, CROWD))
    for number, name in enumerate(("go", "buy")):
        home.events(name, *(event(name, at(10 * number + 1), who) for who in CROWD))
        home.tick(at(10 * number + 10))
    put_together(home)
    return home


def put_together(home: House) -> None:
    """Compact a house into files of few rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compacting, "LARGE", 1000)
        patch.setattr(compacting, "ROW_GROUP", GROUP)
        patch.setattr(writing, "PER_FILE", 1000)
        compact(home.settings)
        lay_out_archive(home.settings)


@pytest.fixture
def home(compacted: House, tmp_path: Path) -> House:
    """A copy of it, to be damaged, published where it lies now."""
    home = moved(compacted, tmp_path / "home")
    explain_customer(home.settings, WHO)
    return home


def files(home: House) -> list[LedgerFile]:
    """The files of the ledger that count."""
    with open_store(home.settings) as store:
        return named_files(store.state)


def others(file: Path, column: str, value: object) -> list[pq.RowGroupMetaData]:
    """The row groups of a file that can't hold a row in which the column has this value."""
    told = pq.ParquetFile(file).metadata
    groups = [told.row_group(number) for number in range(told.num_row_groups)]
    place = told.schema.to_arrow_schema().get_field_index(column)
    spans = [one.column(place).statistics for one in groups]
    return [one for one, span in zip(groups, spans, strict=True) if not span.min <= value <= span.max]


def damage(file: Path, groups: Iterable[pq.RowGroupMetaData]) -> int:
    """Let nothing in these row groups be readable; how many there were."""
    data, count = bytearray(file.read_bytes()), 0
    for group in groups:
        for column in (group.column(number) for number in range(group.num_columns)):
            first = column.dictionary_page_offset or column.data_page_offset
            data[first : first + column.total_compressed_size] = bytes(column.total_compressed_size)
        count += 1
    file.write_bytes(data)
    return count


def test_explain_reads_the_row_groups_of_the_customer_and_no_others(home: House) -> None:
    told = explain_customer(home.settings, WHO)
    assert [one.kind for one in told.found.timeline if one.workflow_id] == [
        *("entry", "step", "step", "end", "goal"),
        *("entry", "step", "step"),
    ]
    root, key, kept = ledger_folder(home.settings), int(keys_of(pl.Series([WHO]))[0]), []
    for one in files(home):
        file = root / one.name
        if one.relation in OWNED:
            groups = pq.ParquetFile(file).metadata.num_row_groups
            assert damage(file, others(file, "customer_id", WHO)) == groups - 1, one.name
            kept.append(file)
        elif one.relation == "running" and not others(file, "customer_key", key):
            kept.append(file)
        elif one.relation not in CLOSED:
            make_unreadable([file])
    assert sorted({one.name.split("-")[0] for one in kept}) == ["ended", "goal_hits", "running", "steps"]
    history = history_of_store(home.settings)
    own = history.files("events", key_of(WHO))
    assert len(own) == 1 < len(history.files("events"))
    damage(own[0], others(own[0], "customer_id", WHO))
    make_unreadable([*batches(home), *history.files("customers"), *set(history.files("events")) - {*own}])
    assert explain_customer(home.settings, WHO) == told
    for file in (kept[0], *own):
        whole = file.read_bytes()
        make_unreadable([file])
        with pytest.raises(OnwardError):
            explain_customer(home.settings, WHO)
        file.write_bytes(whole)


def test_rows_are_put_in_order_once(home: House) -> None:
    before = files(home)
    for one in before:
        if one.relation in OWNED:
            rows = pl.read_parquet(ledger_folder(home.settings) / one.name)
            assert rows["customer_id"].is_sorted()
    assert [(one.rows, one.level) for one in before if one.relation == "steps"] == [(6000, 1), (6000, 1)]
    put_together(home)
    assert files(home) == before
