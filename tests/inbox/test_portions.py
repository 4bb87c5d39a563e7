"""Many small files load together, each a batch of its own; what is archived stays when a run is killed."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.inbox import archiving, portions
from flows.settings import Settings
from flows.store.archive import Batch, archive_folder
from flows.tick.rebuild import rebuild
from flows.tick.run import run_tick
from tests.effort import fewest_cases
from tests.runs import FORMATS, House, house, person
from tests.semantics.cases import Row, at, event, tag, trigger, workflow

WENT = workflow(tag("went"))
HEARD = workflow(tag("heard"), on=trigger("plan", "attribute_change", new_value="b"), workflow_id="heard")


def delivered(home: House, name: str, rows: list[Row], format_: Any = "ndjson") -> None:
    home.events(name, *rows, format=format_)


def loaded(home: House) -> dict[str, list[tuple[Any, ...]]]:
    """What was loaded, whatever the batches' numbers."""
    return {
        "events": home.rows("select * from events order by all"),
        "batches": home.rows(
            "select file, rows, duplicates, quarantined, earliest, latest, shape, content_hash "
            "from batches order by all"
        ),
        "quarantine": home.rows("select file, line, reason, row from quarantine order by all"),
        "attributes": home.rows("select customer_id, attributes, tags from customers order by all"),
    }


ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["ann", "bob", " "]), st.integers(0, 9)), max_size=4
)


@pytest.mark.slow
@fewest_cases
@given(files=st.lists(st.tuples(ROWS, st.sampled_from(FORMATS)), min_size=1, max_size=6))
def test_files_together_load_as_each_alone(
    tmp_path_factory: pytest.TempPathFactory, files: list[tuple[Any, Any]]
) -> None:
    homes = [house(tmp_path_factory.mktemp("home"), WENT) for _ in range(2)]
    for home in homes:
        home.customers("people", person("ann"), person("bob"))
        for number, (rows, format_) in enumerate(files):
            found = [event("go", at(minute), who, event_id=f"e{key}") for key, who, minute in rows]
            delivered(home, f"{number}", found, format_)
    contents = [
        (homes[0].settings.inbox / "events" / f"{i}.{kind}").read_bytes() for i, (_, kind) in enumerate(files)
    ]
    with pytest.MonkeyPatch.context() as patch:
        together = homes[0].tick(at(10))
        patch.setattr(archiving, "SMALL_BYTES", -1)
        alone = homes[1].tick(at(10))
    assert (together.events, together.duplicates, together.quarantined) == (
        alone.events,
        alone.duplicates,
        alone.quarantined,
    )
    both = [loaded(home) for home in homes]
    roots = [str(home.root) for home in homes]
    assert json.dumps(both[0], default=str).replace(roots[0], roots[1]) == json.dumps(both[1], default=str)
    totals = homes[0].rows(
        "select sum(rows), (select count(*) from events), sum(duplicates), sum(quarantined) from batches "
        "where kind = 'events'"
    )
    ((rows, events, duplicates, quarantined),) = totals
    each = {
        content: len(rows) for content, (rows, _) in zip(contents, files, strict=True)
    }  # a content counts once
    assert rows == events + duplicates + quarantined == sum(each.values())


def test_files_of_all_shapes_lie_together_or_alone(tmp_path: Path) -> None:
    home = house(tmp_path, WENT)
    home.customers("people", person("ann"))
    events = home.settings.inbox / "events"
    delivered(home, "a", [event("go", at(1), event_id="1")])
    (events / "b.ndjson").write_text(
        '\ufeff\n\n{"messageId":"2","userId":"ann","timestamp":"2026-03-02T00:02:00Z","type":"track","event":"go"}\nbad'
    )
    (events / "c.csv").write_text(
        'event_type;customer_id;action;timestamp\nbehavioral;ann;"go\n";2026-03-02\nx'
    )
    (events / "d.ndjson").write_text("")
    (events / "e.ndjson.gz").write_bytes(gzip.compress(b'{"customer_id":"ann"}'))
    told = home.tick(at(10))
    assert told.refused == [] or "e.ndjson.gz" in told.refused[0]
    assert home.rows(
        "select file, shape, rows, quarantined from batches where kind = 'events' order by file"
    )[:4] == [
        ("a.ndjson", "canonical", 1, 0),
        ("b.ndjson", "segment", 2, 1),
        ("c.csv", "seed", 2, 1),
        ("d.ndjson", "canonical", 0, 0),
    ]
    assert home.rows("select file, line from quarantine where file not like '%gz' order by file") == [
        (str(events / "b.ndjson"), 4),
        (str(events / "c.csv"), 4),
    ]
    archives = home.rows("select archive from batches where kind = 'events' order by file")
    assert archives[0] == archives[1] != archives[2] != archives[3]
    before = loaded(home)
    rebuild(home.settings)
    assert loaded(home) == before


def test_encodings_count_for_files_together_as_for_each_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "old-1.ndjson": '{"customer_id":"ä"}\n{"customer_id":"ö"}'.encode("latin-1"),
        "old-2.ndjson.gz": gzip.compress('{"customer_id":"ü"}\n'.encode("latin-1")),
        "old-3.json": '[{"customer_id":\n"ß"}]'.encode("latin-1"),
        "wide-1.ndjson": '{"customer_id":"é"}\n{'.encode("utf-16"),
        "plain.ndjson": b'{"customer_id":"\xc3\xa8"}',
    }
    encodings = {"old-*": "latin-1", "wide-*": "utf-16"}
    homes = [house(tmp_path / name, encodings=encodings) for name in ("together", "alone")]
    for home, most in zip(homes, (archiving.SMALL_BYTES, -1), strict=True):
        for name, text in texts.items():
            (home.settings.inbox / "customers" / name).write_bytes(text)
        monkeypatch.setattr(archiving, "SMALL_BYTES", most)
        home.tick(at(1))
    assert homes[0].rows("select count(distinct archive) from batches") == [(1,)]
    people = homes[0].rows("select customer_id from customers order by 1")
    assert people == sorted((one,) for one in "äöüßéè")
    together, alone = (json.dumps(loaded(home), default=str) for home in homes)
    assert together.replace(str(homes[0].root), str(homes[1].root)) == alone


def test_customer_files_with_one_customer_apply_one_after_the_other(tmp_path: Path) -> None:
    home = house(tmp_path, HEARD)
    home.customers("0", person("ann", plan="x"))
    home.tick(at(10))
    for name, who, plan in (("1", "ann", "a"), ("2", "bob", "a"), ("3", "ann", "b"), ("4", "ann", "c")):
        home.customers(name, person(who, plan=plan))
    told = home.tick(at(20))
    assert told.executions == 1
    changes = home.rows("select properties::json ->> '$.new_value' from events order by event_id")
    assert changes == [("a",), ("b",), ("c",)]
    archives = home.rows("select file, archive from batches where kind = 'customers' order by batch_id")
    assert [name for name, _ in archives] == [f"{n}.ndjson" for n in range(5)]
    assert archives[1][1] == archives[2][1] != archives[3][1]
    before = loaded(home)
    rebuild(home.settings)
    assert loaded(home) == before


@pytest.mark.parametrize("most", [archiving.SMALL_BYTES, -1])
def test_events_on_one_line_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(archiving, "SMALL_BYTES", most)
    home = house(tmp_path, WENT)
    home.customers("people", person("ann"))
    delivered(home, "1", [event("go", at(1), event_id="a")])
    home.tick(at(2))
    (home.settings.inbox / "events" / "2.ndjson").write_text(on_a_line("abbc") + "\n")
    (home.settings.inbox / "events" / "3.ndjson").write_text(f"{on_a_line('d')}\n{on_a_line('deef')}\n")
    assert home.tick(at(10)).duplicates == 4
    assert home.rows("select event_id from events order by 1") == [(key,) for key in "abcdef"]


@pytest.mark.parametrize("most", [archiving.SMALL_BYTES, -1])
def test_objects_on_one_line_keep_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(archiving, "SMALL_BYTES", most)
    home = house(tmp_path, WENT)
    people = [person("ann", plan="a"), person("bob", plan="a"), person("ann", plan="b")]
    first, *together = map(json.dumps, people)
    last = json.dumps(person("ann", plan="c"))
    (home.settings.inbox / "customers").mkdir(parents=True, exist_ok=True)
    (home.settings.inbox / "customers" / "1.ndjson").write_text(f"{first}\n{' '.join(together)}\n{last}\n")
    home.tick(at(1))
    plans = home.rows("select customer_id, attributes::json ->> '$.plan' from customers order by 1")
    assert plans == [("ann", "c"), ("bob", "a")]


def on_a_line(ids: str) -> str:
    """Events of these ids, one after the other, with lists of objects in them."""
    items = {"items": [{"sku": "a"}, {"sku": "b"}]}
    return " ".join(
        json.dumps(event("go", at(5), event_id=key, properties=items), default=str) for key in ids
    )


def test_one_bad_file_among_many_is_set_aside_alone(tmp_path: Path) -> None:
    home = house(tmp_path, WENT)
    home.customers("people", person("ann"))
    for number in range(5):
        delivered(home, f"{number}", [event("go", at(number), event_id=f"{number}")])
    (home.settings.inbox / "events" / "2.ndjson.gz").write_bytes(gzip.compress(b"{}\n" * 9)[:-3])
    told = home.tick(at(10))
    assert [len(told.refused), told.events] == [1, 5]


def test_what_duckdb_can_not_read_together_is_read_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = house(tmp_path, WENT)
    home.customers("people", person("ann"))
    for number in range(3):
        delivered(home, f"{number}", [event("go", at(number), event_id=f"{number}")])

    def fails(*_given: object) -> None:
        raise duckdb.InvalidInputException("a row nobody can read")

    monkeypatch.setattr(archiving, "stage_together", fails)
    told = home.tick(at(10))
    assert (told.refused, told.events, told.batches) == ([], 3, 4)


def test_a_compressed_file_that_grows_is_no_small_one(tmp_path: Path) -> None:
    home = house(tmp_path, WENT)
    home.customers("people", person("ann"))
    line = json.dumps(event("go", at(5)), default=str)
    (home.settings.inbox / "events" / "big.ndjson.gz").write_bytes(
        gzip.compress(line.encode() + b"\n" + b" " * (archiving.SMALL_TEXT + 1))
    )
    assert home.tick(at(10)).events == 1


def test_what_a_killed_run_had_archived_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = house(tmp_path, WENT)
    home.customers("people", person("ann"))
    files = [home.events(f"{n}", event("go", at(n), event_id=f"{n}")) for n in range(6)]
    with monkeypatch.context() as patch:
        patch.setattr(portions, "MOST_FILES", 2)
        keep, calls = portions.keep_batches, list[int]()

        def interrupted(settings: Settings, batches: Sequence[Batch]) -> None:
            keep(settings, batches)
            calls.append(len(batches))
            if len(calls) == 3:
                raise KeyboardInterrupt

        patch.setattr(portions, "keep_batches", interrupted)
        with pytest.raises(KeyboardInterrupt):
            home.tick(at(10))
    assert calls == [1, 2, 2]
    assert not home.published.exists()
    for file in files[:4]:
        file.unlink()
    home.events("again", event("go", at(0), event_id="0"), event("go", at(7), event_id="7"))
    told = home.tick(at(20))
    assert (told.batches, told.events, told.duplicates) == (8, 7, 1)
    assert home.rows("select count(distinct event_id), count(*) from events") == [(7, 7)]
    assert list((archive_folder(home.settings) / "portions").iterdir()) == []
    before = loaded(home)
    rebuild(home.settings)
    assert loaded(home) == before
    assert home.tick(at(30)).batches == 0


def test_how_far_loading_is_is_said_portion_by_portion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = house(tmp_path, WENT)
    for number in range(4):
        delivered(home, f"{number}", [event("go", at(number), event_id=f"{number}")])
    monkeypatch.setattr(portions, "MOST_FILES", 2)
    said = list[str]()
    run_tick(home.settings, at(10), said.append)
    assert "Loading new files ━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌ 2 of 4" in said
