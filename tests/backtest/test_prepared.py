"""A backtest of a prepared history equals that of the files it was made from, or says what is wrong with it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.backtest.plan import Plan
from flows.backtest.prepare import Preparation, prepare
from flows.backtest.run import backtest
from flows.definitions.folder import read_definitions
from flows.errors import InputError
from tests.backtest.test_backtest import backtested, result, ticks
from tests.benchmarks.generate import END, PATTERNS, WORKFLOWS, Load, Size, write_load
from tests.engine.compare import assert_same
from tests.engine.strategies import cases
from tests.runs import House, house, onward
from tests.semantics.cases import Case, at, case, customer, event, send, show, tag, workflow

COUNTS = (
    "events",
    "history",
    "unknown_customer",
    "quarantined",
    "duplicates",
    "executions",
    "steps",
    "facts",
)


def prepared(home: House, found: Case, ranges: int | None = None) -> Path:
    """The case's rows as a prepared history."""
    people = home.customers("people", *found.customers, format="ndjson")
    half = len(found.events) // 2
    events = [
        home.events("e0", *found.events[:half], format="ndjson"),
        home.events("e1", *found.events[half:], format="parquet"),
    ]
    prepare(Preparation(events, people, home.root / "history", ranges=ranges, processes=1))
    return home.root / "history"


@settings(max_examples=25)
@given(cases(), ticks, st.sampled_from([None, 1, 4, 16]), st.sampled_from([None, 1, 3, 8, 50]))
def test_a_prepared_history_decides_what_its_files_do(
    found: Case, tick: object, ranges: int | None, buckets: int | None
) -> None:
    with TemporaryDirectory() as folder:
        cold, warm = house(Path(folder) / "cold"), house(Path(folder) / "warm")
        expected = backtested(cold, found, ("ndjson", "ndjson", "parquet"), tick)
        history = prepared(warm, found, ranges)
        told = backtested(warm, found, tick=tick, buckets=buckets, history=history)
        ours, theirs = result(warm, told), result(cold, expected)
    try:
        assert [told[one] for one in COUNTS] == [expected[one] for one in COUNTS]
        assert_same(theirs, ours, ("files", "history"))
    except AssertionError as error:
        error.add_note(f"tick {tick}, {ranges} ranges, {buckets} buckets\n{show(found)}")
        raise


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    folder = tmp_path_factory.mktemp("load")
    write_load(Size(20_000, 1_000), folder)
    return Load(folder)


@pytest.fixture(scope="module")
def history(load: Load) -> Path:
    prepare(Preparation(load.files, load.customers, load.folder / "history", ranges=8))
    return load.folder / "history"


def plan_of(load: Load, out: Path, history: Path | None = None) -> Plan:
    found = read_definitions(WORKFLOWS, PATTERNS)
    given = (None, []) if history else (load.customers, load.files)
    return Plan(found.workflows, *given, out, END, patterns=found.patterns, history=history)


TABLES = ("executions", "steps", "messages", "webhooks", "profiles", "quarantine")


def tables(out: Path) -> dict[str, pl.DataFrame]:
    found = {name: pl.read_parquet(out / f"{name}.parquet") for name in TABLES}
    return {name: rows.sort(rows.columns) for name, rows in found.items()}


@pytest.mark.parametrize(("buckets", "processes"), [(1, 1), (8, 2), (3, 2)])
def test_patterns_and_any_number_of_buckets_and_processes(
    load: Load, history: Path, tmp_path: Path, buckets: int, processes: int
) -> None:
    backtest(plan_of(load, tmp_path / "cold"))
    told = backtest(replace(plan_of(load, tmp_path / "warm", history), buckets=buckets, processes=processes))
    assert told["buckets"] == {1: 1, 8: 8, 3: 4}[buckets]
    expected, found = tables(tmp_path / "cold"), tables(tmp_path / "warm")
    assert len(expected["executions"]) > 500
    for name in TABLES:
        assert found[name].equals(expected[name]), name


def test_only_some_tables_are_written_and_others_of_before_go(
    load: Load, history: Path, tmp_path: Path
) -> None:
    whole = backtest(plan_of(load, tmp_path / "out"))
    before = tables(tmp_path / "out")
    some = replace(plan_of(load, tmp_path / "out", history), tables=("executions", "messages"))
    told = backtest(some)
    written = {one.name for one in (tmp_path / "out").iterdir()}
    assert written == {"executions.parquet", "messages.parquet", "quarantine.parquet", "summary.json"}
    for name in ("executions", "messages"):
        rows = pl.read_parquet(tmp_path / "out" / f"{name}.parquet")
        assert rows.sort(rows.columns).equals(before[name])
    assert [told[one] for one in COUNTS] == [whole[one] for one in COUNTS]


def test_the_command_line(tmp_path: Path) -> None:
    home = house(tmp_path)
    go, bad = event("go", at(5)), event("go", at(6)) | {"type": "nothing"}
    events = home.events("e", go, go, bad, format="ndjson")
    people = home.customers("people", customer())
    home.define(workflow(tag("went"), send()))
    done = onward("prepare", str(events), "--customers", str(people), "--out", "history", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (
        0,
        "1 event, 1 customer, 1 quarantined, 1 duplicate. Written to history\n",
    )
    given = ("--workflows", str(home.settings.workflows), "--end", "2026-04-01", "--out", "out")
    done = onward("backtest", *given, "--history", "history", "--only", "messages", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(pl.read_parquet(tmp_path / "out" / "messages.parquet")) == 1
    assert pl.read_parquet(tmp_path / "out" / "quarantine.parquet")["line"].to_list() == [3]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (
            "history/events-00000.parquet",
            "--out history: holds history/events-00000.parquet, which this reads",
        ),
        ("gone.parquet", "gone.parquet: no such file"),
        ("bad.csv", "bad.csv"),
    ],
)
def test_what_cant_be_prepared_is_said_and_nothing_is_lost(tmp_path: Path, file: str, said: str) -> None:
    home = house(tmp_path)
    events = home.events("e", event("go", at(5)), format="ndjson")
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    assert onward("prepare", str(events), "--out", "history", cwd=tmp_path).returncode == 0
    before = sorted(one.name for one in (tmp_path / "history").iterdir())
    done = onward("prepare", str(events), file, "--out", "history", cwd=tmp_path)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr
    assert sorted(one.name for one in (tmp_path / "history").iterdir()) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--history", "h", "--events", "e"), "--history h: holds events and customers already"),
        (("--history", "h", "--customers", "c"), "--history h: holds events and customers already"),
        ((), "no events: give --events FILE, --history DIR"),
        (
            ("--history", "h", "--only", "runs"),
            "'runs' is none of them; allowed, with commas between: executions",
        ),
        (("--history", "h", "--only", ","), "names none"),
        (("--history", "h"), "h: no such folder; give one that `onward prepare` made"),
    ],
)
def test_what_makes_no_sense_is_said(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    (tmp_path / "w").mkdir()
    done = onward("backtest", "--workflows", "w", "--end", "2026-04-01", "--out", "o", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o").exists()


def garble(history: Path) -> None:
    file = history / "events-00003.parquet"
    text = bytearray(file.read_bytes())
    text[100 : len(text) // 2] = bytes(len(text) // 2 - 100)
    file.write_bytes(text)


def cut(history: Path) -> None:
    file = history / "events-00003.parquet"
    file.write_bytes(file.read_bytes()[:-10])


def tell(history: Path, **changed: object) -> None:
    file = history / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (garble, r"events-00003\.parquet: .*damaged"),
        (cut, r"events-00003\.parquet: has [\d,]+ bytes; manifest\.json says [\d,]+\. The file is damaged"),
        (lambda one: (one / "customers-00001.parquet").unlink(), r"customers-00001\.parquet: missing"),
        (
            lambda one: (one / "manifest.json").unlink(),
            r"has no manifest\.json, so it is no prepared history",
        ),
        (lambda one: (one / "manifest.json").write_text("{"), r"manifest\.json: isn't JSON"),
        (lambda one: (one / "manifest.json").write_text("[]"), r"manifest\.json: isn't that of a prepared"),
        (
            lambda one: tell(one, onward_history=2),
            r"version 2 of the layout, and this version of Onward reads 1",
        ),
        (lambda one: tell(one, files=[{"name": 3}]), r"manifest\.json: files\.0\.name: .*damaged"),
    ],
)
def test_a_damaged_or_foreign_folder_is_named(
    load: Load, tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    folder = tmp_path / "history"
    prepare(Preparation(load.files, load.customers, folder, ranges=8))
    damage(folder)
    with pytest.raises(InputError, match=said):
        backtest(plan_of(load, tmp_path / "out", folder))
    assert not list((tmp_path / "out").glob("*"))


def test_case_without_customers_or_events(tmp_path: Path) -> None:
    home = house(tmp_path)
    found = case(workflow(tag("went")), customers=[])
    told = backtested(home, found, history=prepared(home, found))
    assert (told["events"], told["executions"]) == (0, 0)
