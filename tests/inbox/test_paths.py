"""Whatever characters a folder or a file has in its name, it works or is refused by name before anything is written."""

import os
from pathlib import Path

import polars as pl
import pytest

from flows.backtest.plan import Plan
from flows.backtest.run import backtest
from flows.definitions.folder import read_definitions
from flows.errors import InputError
from flows.formats.canonical import Scratch, read_canonical
from flows.settings import Limits
from flows.tick.rebuild import rebuild
from flows.warehouse import connect
from tests.cases.runs import Case, case
from tests.runs import Format, house, person
from tests.semantics.cases import at, event, send, tag, workflow

NAMES = ("shop [test]", "shop*", 'müller\'s "shop"', "[!a-z]{x}", "100% ;drop -- ", "$shop 'x'")


def moved(name: str, root: Path, folder: str) -> Case:
    """A case whose project lies in a folder of this name."""
    one = case(name, root)
    return Case(name, one.root.rename(root / folder))


@pytest.mark.parametrize("folder", NAMES)
def test_case_09_a_project_in_a_folder_of_any_name_sends_its_letter(tmp_path: Path, folder: str) -> None:
    found = moved("09-brackets-in-path", tmp_path, folder)
    ended = found.run()
    assert [(one.code, one.err) for one in ended] == [(0, "")]
    assert len(found.subjects()) == 1


@pytest.mark.parametrize(
    ("folder", "sign"), [("shop?", "'?'"), ("a\\b", "'\\'"), (os.fsdecode(b"sh\xf6p"), "UTF-8")]
)
def test_case_09_a_folder_that_no_database_can_lie_in_is_refused_by_name(
    tmp_path: Path, folder: str, sign: str
) -> None:
    found = moved("09-brackets-in-path", tmp_path, folder)
    (ended,) = found.run()
    assert ended.code == 2
    assert sign in ended.err
    assert "rename" in ended.err
    assert sorted(one.name for one in (found.root / "data").iterdir()) == ["inbox", "workflows"]


def test_case_10_a_file_whose_name_is_not_utf_8_is_loaded(tmp_path: Path) -> None:
    found = case("10-file-name-not-utf8", tmp_path)
    found.deliver(1)
    events = found.root / "data/inbox/events"
    (events / "day.ndjson").rename(events / os.fsdecode(b"k\xfcln.ndjson"))
    for _ in range(2):
        ended = found.onward("run", "--now", found.nows[0])
        assert (ended.code, ended.err) == (0, "")
    assert len(found.subjects()) == 1
    assert found.rows("select file, rows > 0 from batches where kind = 'events'") == [
        ("k\ufffdln.ndjson", True)
    ]


@pytest.mark.parametrize("format_", ["ndjson", "csv", "parquet"])
def test_a_file_of_any_name_is_loaded_and_named_in_quarantine(tmp_path: Path, format_: Format) -> None:
    home = house(tmp_path, workflow(tag("went")))
    home.customers("people", person("ann"))
    names = [
        "a*",
        "ab",
        "[ab]",
        "a?",
        "ü 'x'",
        "a\\b",
        'q"',
        os.fsdecode(b"k\xfcln"),
        os.fsdecode(b"k\xf6ln"),
    ]
    for number, name in enumerate(names):
        rows = [event("go", at(5), event_id=f"e{number}"), event("go", at(5), " ", event_id=f"b{number}")]
        home.events("plain", *rows, format=format_).rename(
            home.settings.inbox / "events" / f"{name}.{format_}"
        )
    told = home.tick(at(10))
    assert (told.refused, told.events, told.quarantined) == ([], len(names), len(names))
    said = sorted(os.fsencode(name).decode(errors="replace") for name in names)
    quarantined = [Path(file) for (file,) in home.rows("select file from quarantine order by file")]
    assert sorted(file.stem for file in quarantined) == said
    assert {file.parent for file in quarantined} == {home.settings.inbox / "events"}
    rebuild(home.settings)
    assert home.rows("select count(*) from quarantine") == [(len(names),)]


def test_a_refused_file_whose_name_is_not_utf_8_is_named(tmp_path: Path) -> None:
    home = house(tmp_path)
    (home.settings.inbox / "events" / os.fsdecode(b"k\xfcln.parquet")).write_bytes(b"PAR1 and no more")
    (sentence,) = home.tick(at(10)).refused
    assert "inbox/events/k\ufffdln.parquet" in sentence
    aside = home.settings.inbox / "refused" / "events"
    assert (aside / os.fsdecode(b"k\xfcln.parquet")).is_file()
    assert "k\ufffdln" in (aside / os.fsdecode(b"k\xfcln.parquet.reason.txt")).read_text()


@pytest.mark.parametrize("name", ["[out]", "o*t", "o?t", "ö 'u' \"t\""])
def test_a_backtest_reads_and_writes_any_name(tmp_path: Path, name: str) -> None:
    home = house(tmp_path / name, workflow(send("hello", content="Hi")))
    customers = home.customers(name, person("ann"), format="parquet")
    events = [
        home.events(f"{name}{n}", event("go", at(n), event_id=f"{n}"), format="parquet") for n in range(2)
    ]
    workflows = read_definitions(home.settings.workflows, None).workflows
    plan = Plan(workflows, customers, events, tmp_path / name / "out", at(20))
    summary = backtest(plan)
    assert (summary["events"], summary["messages"]) == (2, 2)
    written = pl.read_parquet(plan.out / "profiles.parquet", glob=False)
    assert written["customer_id"].to_list() == ["ann"]


def test_a_backtest_refuses_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"k\xfcln.csv")
    with connect() as con, pytest.raises(InputError, match="k\ufffdln"):
        read_canonical(Scratch(con, tmp_path, Limits()), path, "events", 0)
